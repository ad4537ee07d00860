//! A table in Markdown.
//!
//! Before: nothing. After: `tables.rs`.

/// Lines of cells, numbers to the right; columns without a value are left out.
pub struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    pub fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(|cell| cell.to_string()).collect(), lines: Vec::new() }
    }

    /// Leaves out a line that says nothing.
    pub fn line(&mut self, title: impl ToString, cells: impl IntoIterator<Item = Option<String>>) {
        let cells: Vec<_> = cells.into_iter().map(Option::unwrap_or_default).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.lines.push([title.to_string()].into_iter().chain(cells).collect());
        }
    }

    pub fn lines(&self) -> &[Vec<String>] {
        &self.lines
    }

    pub fn markdown(self) -> String {
        let says = |column: &usize| *column == 0 || self.lines.iter().any(|line| !line[*column].is_empty());
        let columns: Vec<_> = (0..self.head.len()).filter(says).collect();
        let line = |cells: &[String]| {
            let cells: Vec<_> = columns.iter().map(|column| cells[*column].as_str()).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let begins_with_a_digit = |cell: &str| cell.trim_start_matches('*').starts_with(|c: char| c.is_ascii_digit());
        let is_number = |cell: &String| cell.is_empty() || begins_with_a_digit(cell);
        let numbers = |column: usize| column > 0 && self.lines.iter().all(|line| is_number(&line[column]));
        let rule = |column| if numbers(column) { "--:" } else { "---" }.to_string();
        let rule: Vec<_> = (0..self.head.len()).map(rule).collect();
        if self.lines.is_empty() {
            return "Not measured yet.\n".to_string();
        }
        [line(&self.head), line(&rule)].into_iter().chain(self.lines.iter().map(|cells| line(cells))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_lines_that_say_nothing_are_left_out() {
        let mut table = Table::new(["", "a", "b"]);
        table.line("one", [Some("1".to_string()), None]);
        table.line("none", [None, None]);
        assert_eq!(table.markdown(), "|  | a |\n| --- | --: |\n| one | 1 |\n");
    }
}
