//! The links of a page: from HTML to URLs.
//!
//! Before: nothing. After: `crawl.rs`.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use std::collections::HashSet;
use std::convert::Infallible;
use url::{ParseError, Url};

/// No URL may be longer: servers refuse them, and they are kept.
const LONGEST: usize = 8 * 1024;
/// Of the links of a page, so many count.
const MOST: usize = 10_000;

/// What a page links to, each once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Links {
    /// Without the part behind `#`, in the order of the page.
    pub(crate) urls: Vec<Url>,
    /// The beginning of what is no URL, and why.
    pub(crate) bad: Vec<(String, BadLink)>,
    /// How many more there are.
    pub(crate) more: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadLink {
    #[error("not a URL: {0}")]
    Malformed(#[from] ParseError),
    #[error("longer than {} KiB", LONGEST / 1024)]
    TooLong,
    #[error("a user name or password in a URL is not supported")]
    HasUser,
}

impl Links {
    /// Finds them, whatever the bytes are. What is no UTF-8 is replaced.
    pub(crate) fn of(page: &Url, html: &[u8]) -> Self {
        let Scanned { base, links: texts, more } = scan(html);
        let base = base.and_then(|base| page.join(&base).ok()).unwrap_or_else(|| page.clone());
        let (mut links, mut seen) = (Self { more, ..Self::default() }, HashSet::new());
        for text in texts {
            if seen.contains(&text) {
                continue;
            }
            match resolve(&base, &text) {
                Ok(url) => links.urls.push(url),
                Err(why) => links.bad.push((beginning(&text), why)),
            }
            seen.insert(text);
        }
        let mut seen = HashSet::new(); // written in different ways, they may still be the same
        links.urls.retain(|url| seen.insert(url.clone()));
        links
    }
}

/// As much of a text as can be shown.
pub(crate) fn beginning(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a link means, on a page or in a redirect.
pub(crate) fn resolve(base: &Url, text: &str) -> Result<Url, BadLink> {
    if text.len() > LONGEST {
        return Err(BadLink::TooLong);
    }
    let mut url = base.join(text)?;
    url.set_fragment(None);
    if url.as_str().len() > LONGEST {
        return Err(BadLink::TooLong);
    }
    if url.scheme() == "http" && !(url.username().is_empty() && url.password().is_none()) {
        return Err(BadLink::HasUser);
    }
    Ok(url)
}

/// The element that is being read.
#[derive(Default)]
struct Element {
    name: Vec<u8>,
    attribute: Vec<u8>,
    links: Vec<String>,
    /// A `link` that is about a host, and not to something that could be asked for.
    is_hint: bool,
}

/// What is written in a page.
#[derive(Default)]
struct Scanned {
    /// What the page says its links are relative to.
    base: Option<String>,
    links: Vec<String>,
    more: usize,
}

/// Comments and scripts have no links.
fn scan(html: &[u8]) -> Scanned {
    let (mut scanned, mut element) = (Scanned::default(), Element::default());
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => element = Element { name: name.to_vec(), ..Element::default() },
            CallbackEvent::AttributeName { name } => element.attribute = name.to_vec(),
            CallbackEvent::AttributeValue { value } => {
                if is_link(&element.name, &element.attribute) {
                    element.links.push(String::from_utf8_lossy(value.trim_ascii()).into_owned());
                }
                element.is_hint |= element.name == b"link" && element.attribute == b"rel" && is_hint(value);
            }
            CallbackEvent::CloseStartTag { .. } => {
                let Element { name, links, is_hint, .. } = std::mem::take(&mut element);
                match &name[..] {
                    b"base" => scanned.base = scanned.base.take().or(links.into_iter().next()), // the first counts
                    _ if is_hint => {}
                    _ if scanned.links.len() >= MOST => scanned.more += links.len(),
                    _ => scanned.links.extend(links),
                }
            }
            _ => {}
        }
        None
    });
    emitter.naively_switch_states(true); // what looks like a tag in a script is none
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    scanned
}

fn is_link(element: &[u8], attribute: &[u8]) -> bool {
    match element {
        b"a" | b"area" | b"base" | b"link" => attribute == b"href",
        b"audio" | b"embed" | b"iframe" | b"img" | b"script" | b"source" | b"track" => attribute == b"src",
        b"video" => attribute == b"src" || attribute == b"poster",
        _ => false,
    }
}

fn is_hint(rel: &[u8]) -> bool {
    let is = |word: &[u8]| [&b"preconnect"[..], b"dns-prefetch"].iter().any(|hint| word.eq_ignore_ascii_case(hint));
    rel.split(u8::is_ascii_whitespace).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(html: impl AsRef<[u8]>) -> Links {
        let page = Url::parse("http://host/dir/page.html?x#y").expect("a URL");
        Links::of(&page, html.as_ref())
    }

    fn urls(html: impl AsRef<[u8]>) -> Vec<String> {
        links(html).urls.into_iter().map(String::from).collect()
    }

    #[test]
    fn links_are_relative_to_their_page_and_each_counts_once() {
        let html = "<a href=a.html>1</a> <A HREF='../b'>2</a> <a href=\"?q=1&amp;r=2\"> <a href='#part'> <a href=/a/../dir/a.html#x>";
        let expected = ["http://host/dir/a.html", "http://host/b", "http://host/dir/page.html?q=1&r=2"];
        assert_eq!(urls(html)[..3], expected);
        assert_eq!(urls(html)[3..], ["http://host/dir/page.html?x"]);
    }

    #[test]
    fn what_a_page_is_made_of_is_a_link_and_what_is_in_comments_and_scripts_is_not() {
        let html = "<link rel='icon' href=i><link rel='preconnect' href=//other><link href=//third rel=DNS-PREFETCH>\
            <img src=p><script src=s>'<a href=no>'</script><!-- <a href=no> --><video src=v poster=w></video>\
            <style>a[href=no]</style><a name=x><form action=no>";
        assert_eq!(urls(html), ["i", "p", "s", "v", "w"].map(|name| format!("http://host/dir/{name}")));
    }

    #[test]
    fn a_page_may_set_its_base_once() {
        let html = "<base href=/other/><base href=/third/><a href=a>";
        assert_eq!(urls(html), ["http://host/other/a"]);
    }

    #[test]
    fn what_is_no_url_is_told_with_the_reason() {
        let long = "x".repeat(LONGEST + 1);
        let html = format!(
            "<a href='http://['><a href='http://['><a href='http://a:99999/'><a href='{long}'><a href=//me@host/>"
        );
        let expected = [
            ("http://[", BadLink::Malformed(ParseError::InvalidIpv6Address)),
            ("http://a:99999/", BadLink::Malformed(ParseError::InvalidPort)),
            (&format!("{}..", &long[..100]), BadLink::TooLong),
            ("//me@host/", BadLink::HasUser),
        ];
        assert_eq!(links(html).bad, expected.map(|(text, why)| (text.to_owned(), why)));
    }

    #[test]
    fn of_very_many_links_the_rest_is_counted() {
        let many: String = (0..MOST + 3).map(|n| format!("<a href={n}>")).collect();
        let links = links(many);
        assert_eq!((links.urls.len(), links.more), (MOST, 3));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_a_torn_page_is_read_as_far_as_it_goes() {
        assert_eq!(urls(b"<a href=caf\xe9>\xff\xfe<a href=b"), ["http://host/dir/caf%EF%BF%BD"]);
        assert!(urls([0, 1, 2, b'<', 0xff, b'>']).is_empty());
    }
}
