//! What a picture is drawn with: elements, their style, and the list of what was used.
//!
//! Before: `svg.rs`. After: `frame.rs`.

use crate::trace::letters;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

/// What has an entry in the legend, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Run,
    Wait,
    /// For what: said beside the line.
    Why,
    Unstarted,
    Box,
    Join,
    Scope,
    Cleanup,
    Shield,
    Wake,
    Asked,
    Seen,
    Done,
    Failed,
    Cancelled,
    Share,
    LeftOut,
}

#[derive(Default)]
pub(super) struct Ink {
    out: String,
    pub(super) used: BTreeSet<Sign>,
}

impl Ink {
    pub(super) fn into_text(self) -> String {
        self.out
    }

    pub(super) fn raw(&mut self, element: impl Display) {
        self.out.push_str(&element.to_string());
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.path(class, &format!("M{} {}L{} {}", N(x1), N(y1), N(x2), N(y2)), "");
    }

    /// With a tooltip, unless it is empty.
    pub(super) fn path(&mut self, class: &str, path: &str, tooltip: &str) {
        let title = title(tooltip);
        if title.is_empty() {
            self.raw(format_args!("<path class=\"{class}\" d=\"{path}\"/>\n"));
        } else {
            self.raw(format_args!("<path class=\"{class}\" d=\"{path}\">{title}</path>\n"));
        }
    }

    pub(super) fn rect(&mut self, class: &str, corners: [(f64, f64); 2], round: f64, tooltip: &str) {
        let [(left, top), (right, bottom)] = corners;
        let (width, height) = (N((right - left).max(0.0)), N((bottom - top).max(0.0)));
        self.raw(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"{}\">{}</rect>\n",
            N(left),
            N(top),
            N(round),
            title(tooltip)
        ));
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.raw(format_args!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\n", N(x), N(y), N(radius)));
    }

    /// From that point on, which is on its base line; it has its room already.
    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.raw(format_args!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{text}</text>\n", N(x), N(y)));
    }

    /// In small print, on both sides of that point.
    pub(super) fn text_around(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        let (x, y) = (N(x), N(y));
        self.raw(format_args!("<text class=\"{class}\" text-anchor=\"middle\" x=\"{x}\" y=\"{y}\">{text}</text>\n"));
    }

    /// The same, where something is to be covered first.
    pub(super) fn text_over(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let half = letters::pixels(text, 10.0) / 2.0;
        self.rect("back", [(x - half, y - 8.5), (x + half, y + 2.0)], 1.0, "");
        self.text_around(class, x, y, text);
    }

    /// With what belongs together and has a tooltip.
    pub(super) fn open_group(&mut self, class: &str, tooltip: &str) {
        self.raw(format_args!("<g class=\"{class}\">{}\n", title(tooltip)));
    }

    pub(super) fn close_group(&mut self) {
        self.raw("</g>\n");
    }

    pub(super) fn open_picture(&mut self, width: f64, height: f64, name: &str, description: &str) {
        let size = format!("viewBox=\"0 0 {} {}\" width=\"{0}\" height=\"{1}\"", N(width), N(height));
        let name = escaped(name);
        let description = escaped(description);
        self.raw(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} role=\"img\" aria-labelledby=\"title description\">\n\
             <title id=\"title\">{name}</title>\n<desc id=\"description\">{description}</desc>\n\
             <style>{STYLE}</style>\n<defs>{DEFINITIONS}</defs>\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n"
        ));
    }
}

fn title(tooltip: &str) -> String {
    if tooltip.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = tooltip.lines().map(letters::in_one_line).collect();
    format!("<title>{}</title>", Escaped(&lines.join("\n")))
}

/// A coordinate, to a tenth of a pixel.
pub(super) struct N(pub(super) f64);

impl Display for N {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        if tenths % 10 == 0 { write!(f, "{}", tenths / 10) } else { write!(f, "{}", tenths as f64 / 10.0) }
    }
}

/// In one line, as XML has it.
pub(super) fn escaped(text: &str) -> String {
    Escaped(&letters::in_one_line(text)).to_string()
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                char => write!(f, "{char}")?,
            }
        }
        Ok(())
    }
}

const STYLE: &str = "
svg{color-scheme:light dark;--page:#fff;--text:#1f2328;--faint:#59636e;--grid:#e4e8ec;--guide:#b7bfc8;--run:#0969da;\
--wait:#7d96b2;--box:#0969da;--join:#8a63d2;--arrow:#a3adb8;--cancel:#bc4c00;--bad:#cf222e;--good:#1a7f37}
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--text:#e6edf3;--faint:#9198a1;--grid:#21262d;--guide:#4a525c;\
--run:#4493f8;--wait:#6c89ab;--box:#4493f8;--join:#a371f7;--arrow:#59636e;--cancel:#f0883e;--bad:#f85149;--good:#3fb950}}
.page{fill:var(--page)}
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:12.5px;fill:var(--text);\
white-space:pre;direction:ltr;unicode-bidi:isolate}
text.title{font-size:17px;font-weight:600}
text.faint{fill:var(--faint)}
text.tick{font-size:11px;fill:var(--faint)}
text.place,text.why{font-size:10px;fill:var(--faint)}
text.reason{font-size:10px;fill:var(--cancel)}
text.bad{fill:var(--bad)}
text.cancel{fill:var(--cancel)}
rect.point{pointer-events:all}
path,rect,circle{fill:none;stroke-width:1.5;stroke-linecap:butt}
path.grid{stroke:var(--grid);stroke-width:1}
path.axis{stroke:var(--guide);stroke-width:1}
path.cut{stroke:var(--faint);stroke-width:1.5}
path.guide{stroke:var(--guide);stroke-width:1}
rect.box{fill:var(--box);fill-opacity:.05;stroke:var(--box);stroke-opacity:.28;stroke-width:1}
rect.back{fill:var(--page);stroke:none}
rect.gap{fill:url(#gap);stroke:none}
path.run{fill:var(--run);stroke:none}
path.share{fill:var(--run);fill-opacity:.5;stroke:none}
path.wait{stroke:var(--wait)}
rect.unstarted{stroke:var(--wait);stroke-width:1;stroke-dasharray:3 2.5}
path.join{stroke:var(--join);stroke-width:4}
path.scope{stroke:var(--faint);stroke-width:1}
rect.cleanup{fill:url(#hatch);stroke:var(--cancel)}
rect.shield{stroke:var(--good)}
path.wake{stroke:var(--arrow);stroke-width:1;marker-end:url(#head)}
path.asks{stroke:var(--cancel);stroke-width:1;stroke-opacity:.6}
path.asked{fill:var(--page);stroke:var(--cancel)}
path.seen{fill:var(--cancel);stroke:var(--cancel)}
path.latency{stroke:var(--cancel)}
circle.done{fill:var(--good)}
circle.failed{fill:var(--bad)}
circle.cancelled{fill:var(--page);stroke:var(--cancel)}
path.cross{stroke:var(--page)}
path.bar{stroke:var(--cancel)}
";

const DEFINITIONS: &str = "
<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"6\" height=\"6\" style=\"fill:var(--page)\"/>\
<rect width=\"2\" height=\"6\" style=\"fill:var(--cancel);fill-opacity:.6\"/></pattern>
<pattern id=\"gap\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">\
<rect width=\"1.5\" height=\"7\" style=\"fill:var(--faint);fill-opacity:.4\"/></pattern>
<marker id=\"head\" viewBox=\"0 0 6 6\" refX=\"5\" refY=\"3\" markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\">\
<path d=\"M0 .5L5 3L0 5.5z\" style=\"fill:var(--arrow)\"/></marker>
";
