//! The program `crawler`, against a server in a thread that answers as it is told. What it does with time, with redirects
//! and with many links is tested beside its source, in virtual time.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Test = Result<(), Box<dyn Error>>;

/// Answers every connection, each in a thread, until the test process ends.
struct Server {
    address: SocketAddr,
    /// The paths of requests that are not answered.
    silent: Receiver<String>,
}

type Site = HashMap<&'static str, Vec<u8>>;

impl Server {
    fn start<const N: usize>(pages: [(&'static str, &[u8]); N]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let pages: Arc<Site> = Arc::new(pages.map(|(path, answer)| (path, answer.to_owned())).into());
        let (sender, silent) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pages, sender) = (pages.clone(), sender.clone());
                thread::spawn(move || answer(stream, &pages, &sender)); // a client that hangs up early is no error of ours
            }
        });
        Ok(Self { address, silent })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Output of the program with a path of this server last, with the address and the time replaced.
    fn crawl(&self, args: &[&str]) -> io::Result<(Option<i32>, String, String)> {
        let output = crawler(args).arg(self.url("/")).output()?;
        Ok(self.masked(output))
    }

    fn masked(&self, output: Output) -> (Option<i32>, String, String) {
        let mask = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(&self.address.to_string(), "HOST");
            let lines = text.lines().map(|line| match line.split_once(" s: ") {
                Some((before, after)) => {
                    format!("{} S: {after}\n", before.trim_end_matches(|c: char| !c.is_alphabetic()))
                }
                None => format!("{line}\n"),
            });
            lines.collect()
        };
        (output.status.code(), mask(&output.stdout), mask(&output.stderr))
    }
}

fn answer(mut stream: TcpStream, site: &Site, silent: &Sender<String>) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    match site.get(path).map(Vec::as_slice) {
        Some(b"SILENCE") => {
            _ = silent.send(path.to_owned());
            stream.read_to_end(&mut Vec::new()).map(drop) // until the client gives up
        }
        Some(b"ENDLESS") => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 4096])?; // until the client has had enough
            }
        }
        Some(b"BIG FILE") => stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 99999999999\r\n\r\n\x89PNG"),
        Some(head) if head.starts_with(b"HTTP/") => stream.write_all(head),
        Some(html) => {
            let length = html.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), html].concat())
        }
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"),
    }
}

fn crawler(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crawler"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn broken_links_are_told_with_who_links_there_and_why() -> Test {
    let server = Server::start([
        ("/", b"<a href=good>1</a><a href=missing>2</a><a href=ring>3</a><a href=moved>4</a><img src=p.png><a href='http://['>5</a>\
            <a href=mailto:me@host>6</a><a href=http://elsewhere.invalid/>7</a><a href=https://elsewhere.invalid/>8</a>"),
        ("/good", b"<base href='/dir/'><a href='../missing#part'>1</a><a href=garbage>2</a><a href=cut>3</a><a href='caf\xe9'>4</a>"),
        ("/moved", b"HTTP/1.1 301 Moved Permanently\r\nLocation: /dir/gone\r\nContent-Length: 0\r\n\r\n"),
        ("/ring", b"HTTP/1.1 302 Found\r\nLocation: ring\r\nContent-Length: 0\r\n\r\n"),
        ("/p.png", b"BIG FILE"),
        ("/dir/garbage", b"HTTP/x.y\r\n\r\n"),
        ("/dir/cut", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<a href=never>"),
    ])?;
    let (code, stdout, stderr) = server.crawl(&[])?;
    assert_eq!(stdout, include_str!("golden/crawler.txt"));
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    Ok(())
}

#[test]
fn a_site_without_broken_links_is_exit_0_and_links_in_a_circle_end() -> Test {
    let server =
        Server::start([("/", b"<a href=a>"), ("/a", b"<a href=b><a href=/>"), ("/b", b"<a href=a><a href=b>")])?;
    let expected = "3 URLs in S: 3 pages (1 KiB), 0 files, 0 redirects\n0 broken links\n";
    assert_eq!(server.crawl(&[])?, (Some(0), expected.into(), String::new()));
    Ok(())
}

#[test]
fn pages_that_never_come_or_never_end_are_given_up() -> Test {
    let server = Server::start([
        ("/", b"<a href=endless><a href=silence>"),
        ("/endless", b"ENDLESS"),
        ("/silence", b"SILENCE"),
    ])?;
    let (code, stdout, _) = server.crawl(&["--timeout", "0.3", "--max-page", "100000"])?;
    let expected = "\
http://HOST/endless: the body is larger than 100000 bytes
    linked from http://HOST/
http://HOST/silence: not done within 300ms
    linked from http://HOST/
3 URLs in S: 1 page (1 KiB), 0 files, 0 redirects
2 broken links
";
    assert_eq!((code, stdout.as_str()), (Some(1), expected));
    Ok(())
}

#[test]
fn a_text_that_is_found_ends_the_crawl_and_what_is_under_way() -> Test {
    let server =
        Server::start([("/", b"<a href=silence><a href=a>"), ("/a", b"<p>a needle</p>"), ("/silence", b"SILENCE")])?;
    let (code, stdout, stderr) = server.crawl(&["--until", "needle", "--timeout", "20"])?;
    let expected = "\
\"needle\" is in http://HOST/a
2 URLs in S: 2 pages (1 KiB), 0 files, 0 redirects
0 broken links
1 URL not read, since it was ended early
";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), expected, ""));
    let (code, stdout, _) = server.crawl(&["--until", "straw", "--timeout", "0.05"])?;
    assert_eq!((code, stdout.lines().next()), (Some(1), Some("\"straw\" was not found")));
    Ok(())
}

#[test]
fn limits_of_depth_and_of_urls_are_told() -> Test {
    let server =
        Server::start([("/", b"<a href=1><a href=2>"), ("/1", b"<a href=3>"), ("/2", b"<a href=4><a href=5>")])?;
    let (code, stdout, _) = server.crawl(&["--depth", "1"])?;
    let expected = "3 URLs in S: 3 pages (1 KiB), 0 files, 0 redirects\n0 broken links\n3 links not followed: deeper than --depth\n";
    assert_eq!((code, stdout.as_str()), (Some(0), expected));
    let (code, stdout, _) = server.crawl(&["--pages", "2", "--limit", "1"])?;
    let expected =
        "2 URLs in S: 2 pages (1 KiB), 0 files, 0 redirects\n0 broken links\n2 links not followed: beyond --pages\n";
    assert_eq!((code, stdout.as_str()), (Some(0), expected));
    Ok(())
}

#[test]
fn other_hosts_are_asked_if_that_is_wanted() -> Test {
    let other = Server::start([("/there", b"<a href=missing>")])?;
    let start = format!("<a href='{}'>", other.url("/there"));
    let server = Server::start([("/", start.as_bytes())])?;
    let (code, stdout, _) = server.crawl(&[])?;
    assert_eq!((code, stdout.lines().last()), (Some(0), Some("1 link not followed: to other hosts")));
    let (code, stdout, _) = server.crawl(&["--all-hosts"])?;
    let missing = format!("{}: the server says 404 Not Found", other.url("/missing"));
    assert_eq!((code, stdout.lines().next()), (Some(1), Some(&*missing)));
    Ok(())
}

#[test]
fn ctrl_c_lets_requests_end_begins_no_other_and_reports() -> Test {
    let server = Server::start([
        ("/", b"<a href=missing><a href=silence><a href=later>"),
        ("/silence", b"SILENCE"),
        ("/later", b""),
    ])?;
    let child = crawler(&["--limit", "1", "--timeout", "0.2"]).arg(server.url("/")).spawn()?;
    assert_eq!(server.silent.recv()?, "/silence");
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let (code, stdout, stderr) = server.masked(child.wait_with_output()?);
    let expected = "\
http://HOST/missing: the server says 404 Not Found
    linked from http://HOST/
http://HOST/silence: not done within 200ms
    linked from http://HOST/
3 URLs in S: 1 page (1 KiB), 0 files, 0 redirects
2 broken links
1 URL not read, since it was ended early
";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(130), expected, "crawler: interrupted by SIGINT\n"));
    Ok(())
}

#[test]
fn an_output_that_is_gone_is_an_error() -> Test {
    let server = Server::start([("/", b"")])?;
    let (reader, writer) = io::pipe()?;
    drop(reader);
    let output = crawler(&[&server.url("/")]).stdout(writer).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "crawler: Broken pipe (os error 32)\n");
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    let wrong: [(&[&str], &str); 7] = [
        (&[], "no URL is given"),
        (&["127.0.0.1:8080"], "\"127.0.0.1:8080\" is no URL like http://host/path: relative URL without a base"),
        (&["http://["], "\"http://[\" is no URL like http://host/path: invalid IPv6 address"),
        (&["https://x/"], "\"https://x/\": https is not spoken here (there is no TLS)"),
        (&["ftp://x/"], "\"ftp://x/\" is no URL like http://host/path"),
        (&["--rate", "0", "http://x/"], "--rate 0: not from 0.01 to 10000"),
        (&["--pages", "many", "http://x/"], "--pages \"many\": invalid digit found in string"),
    ];
    for (args, why) in wrong {
        let output = crawler(args).output()?;
        let expected = format!("crawler: {why} (crawler --help tells more)\n");
        assert_eq!(
            (output.status.code(), &*String::from_utf8_lossy(&output.stderr)),
            (Some(2), &*expected),
            "{args:?}"
        );
    }
    Ok(())
}
