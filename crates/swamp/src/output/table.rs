//! Tables for people.

use unicode_width::UnicodeWidthStr;

/// A table without lines: columns are set apart by two spaces, as wide as their widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with a heading; columns whose heading starts with `>` are set to the right.
    pub(crate) fn new(heading: &[&str]) -> Self {
        let right = heading.iter().map(|cell| cell.starts_with('>')).collect();
        let row = heading.iter().map(|cell| cell.trim_start_matches('>').to_owned()).collect();
        Self { rows: vec![row], right }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, without trailing spaces.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        self.rows
            .iter()
            .map(|row| {
                let mut line = String::new();
                for (column, cell) in row.iter().enumerate() {
                    let gap = " ".repeat(widths[column] - cell.width());
                    if column > 0 {
                        line.push_str("  ");
                    }
                    if self.right.get(column) == Some(&true) {
                        line.push_str(&gap);
                        line.push_str(cell);
                    } else {
                        line.push_str(cell);
                        line.push_str(&gap);
                    }
                }
                line.trim_end().to_owned()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", ">count"]);
        table.row(["käse".to_owned(), "1".to_owned()]);
        table.row(["日本".to_owned(), "1000000".to_owned()]);
        assert_eq!(table.lines(), ["name    count", "käse        1", "日本  1000000"]);
    }
}
