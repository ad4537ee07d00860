//! What a storm found.
//!
//! Before: `main.rs`. After: `server.rs`.

use std::fmt::{self, Display};

/// Lines: what, how much, and whether that is allowed.
#[derive(Default)]
pub(crate) struct Findings(Vec<Line>);

struct Line {
    what: String,
    figure: String,
    /// What was allowed, and whether it is so.
    bound: Option<(String, bool)>,
}

impl Findings {
    /// To be known, and no more.
    pub(crate) fn tell(&mut self, what: impl Display, figure: impl Display) {
        self.0.push(Line { what: what.to_string(), figure: figure.to_string(), bound: None });
    }

    /// Must be just that.
    pub(crate) fn exactly<T: PartialEq + Display>(&mut self, what: impl Display, found: T, wanted: T) {
        let bound = Some((wanted.to_string(), found == wanted));
        self.0.push(Line { what: what.to_string(), figure: found.to_string(), bound });
    }

    /// Must not be more.
    pub(crate) fn at_most<T: PartialOrd + Display>(&mut self, what: impl Display, found: T, most: T) {
        let bound = Some((format!("at most {most}"), found <= most));
        self.0.push(Line { what: what.to_string(), figure: found.to_string(), bound });
    }

    /// Whether all is as it must be.
    pub(crate) fn within(&self) -> bool {
        self.0.iter().all(|line| line.bound.as_ref().is_none_or(|bound| bound.1))
    }
}

impl Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { what, figure, bound } in &self.0 {
            match bound {
                None => writeln!(f, "     {what}: {figure}")?,
                Some((_, true)) => writeln!(f, "  ok {what}: {figure}")?,
                Some((wanted, false)) => writeln!(f, "  !! {what}: {figure}, and not {wanted}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_figure_out_of_its_bounds_is_enough() {
        let mut findings = Findings::default();
        findings.tell("RSS", "7 MB");
        findings.exactly("left over", 0, 0);
        findings.at_most("accepts a second", 20, 20);
        assert!(findings.within());
        findings.at_most("accepts a second", 21, 20);
        assert!(!findings.within());
        assert!(findings.to_string().ends_with("  !! accepts a second: 21, and not at most 20\n"));
    }
}
