//! From results to what people read: the terminal, `docs/PERFORMANCE.md`, the plots.
//!
//! Before: `tables.rs`, `plots.rs`. After: nothing.

use crate::machine::{repository, target};
use crate::plan::{Row, rows};
use crate::results::Results;
use crate::{plots, tables, terminal};
use std::error::Error;
use std::fs;
use std::io::{self, Write};

/// Prints the rows, and all targets that are known.
pub fn print(results: &Results, rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for row in rows {
        write!(out, "{}", terminal::of_row(results, row))?;
    }
    write!(out, "{}", terminal::target_list(results))
}

/// Prints everything, and writes what belongs to the documents; or writes only the tables whose name contains one of
/// `only`, and leaves those of other runs, and the plots, as they are.
pub fn again(quick: bool, only: Option<&str>) -> Result<(), Box<dyn Error>> {
    let results = Results::load(quick)?;
    if results.entries.is_empty() {
        return Err(format!("{} has no results: measure first", Results::file(quick).display()).into());
    }
    let Some(only) = only else {
        print(&results, &rows())?;
        return write(&results, quick);
    };
    let page = repository().join("docs/PERFORMANCE.md");
    let wanted = |name: &str| only.split(',').any(|pattern| name.contains(pattern));
    let filled = fill(&fs::read_to_string(&page)?, |name, old| match wanted(name) {
        true => tables::named(&results, name),
        false => Some(old.to_string()),
    })?;
    fs::write(&page, filled)?;
    eprintln!("{}", page.display());
    Ok(())
}

/// Tables and plots. Those of a quick run go to `target/bench/quick`, since nobody should quote them.
pub fn write(results: &Results, quick: bool) -> Result<(), Box<dyn Error>> {
    let docs = repository().join("docs");
    let page = fs::read_to_string(docs.join("PERFORMANCE.md"))?;
    let filled = fill(&page, |name, _| tables::named(results, name))?;
    let folder = if quick { target().join("quick") } else { docs };
    plots::draw_all(results, &folder.join("performance"))?;
    fs::write(folder.join("PERFORMANCE.md"), filled)?;
    eprintln!("{}", folder.join("PERFORMANCE.md").display());
    Ok(())
}

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end -->";

/// Replaces what is between `<!-- table: NAME -->` and `<!-- end -->`; `table` is told the name, and what is there.
fn fill(page: &str, table: impl Fn(&str, &str) -> Option<String>) -> Result<String, String> {
    let mut parts = page.split(BEGIN);
    let mut filled = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once(" -->").ok_or("a table's marker has no end")?;
        let (old, after) = rest.split_once(END).ok_or_else(|| format!("table {name} has no {END}"))?;
        let table = table(name, old.trim_matches('\n')).ok_or_else(|| format!("there is no table {name}"))?;
        filled += &format!("{BEGIN}{name} -->\n\n{}\n\n{END}{after}", table.trim_end());
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_replaced_and_the_text_around_it_stays() {
        let page = "before\n<!-- table: a -->\nold\n<!-- end -->\nafter\n";
        let once = fill(page, |name, _| Some(format!("new {name}\n"))).expect("the markers match");
        assert_eq!(once, "before\n<!-- table: a -->\n\nnew a\n\n<!-- end -->\nafter\n");
        assert_eq!(fill(&once, |_, old| Some(old.to_string())).as_ref(), Ok(&once));
    }

    #[test]
    fn a_table_that_nobody_knows_is_an_error() {
        assert!(fill("<!-- table: x -->\n<!-- end -->", |_, _| None).is_err());
        assert!(fill("<!-- table: a -->\n", |_, _| Some(String::new())).is_err());
    }
}
