//! Report Markdown on a terminal: the few forms that reports use.

use super::{Paint, Table};

/// Renders Markdown as lines of text: headings stand out, tables get aligned, code is indented.
pub(crate) fn render(paint: Paint, markdown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = markdown.lines().peekable();
    while let Some(line) = rest.next() {
        if let Some(heading) = heading(line) {
            lines.push(paint.bold(&inline(Paint::new(false), heading)));
        } else if line.starts_with("```") {
            for code in rest.by_ref().take_while(|code| !code.starts_with("```")) {
                lines.push(format!("    {code}"));
            }
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = rest.next_if(|row| row.starts_with('|')) {
                rows.push(cells(row));
            }
            lines.extend(table(paint, &rows));
        } else {
            lines.push(inline(paint, line));
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
}

/// The cells of a table row; `\|` does not end one.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|');
    let row = row.strip_suffix('|').unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for character in row.chars() {
        match character {
            '\\' if !escaped => escaped = true,
            '|' if !escaped => cells.push(String::new()),
            _ => {
                if let Some(cell) = cells.last_mut() {
                    if escaped && character != '|' {
                        cell.push('\\');
                    }
                    cell.push(character);
                }
                escaped = false;
            }
        }
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn table(paint: Paint, rows: &[Vec<String>]) -> Vec<String> {
    let is_rule = |row: &[String]| row.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c)));
    let mut rows = rows.iter().filter(|row| !is_rule(row));
    let Some(heading) = rows.next() else {
        return Vec::new();
    };
    let mut table = Table::new(&heading.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        // Without colours: escape sequences would be counted as width.
        table.row(row.iter().map(|cell| inline(Paint::new(false), cell)));
    }
    let mut lines = table.lines();
    if let Some(first) = lines.first_mut() {
        *first = paint.dim(first);
    }
    lines
}

/// Takes `**bold**` and `` `code` `` marks away, or turns bold into bold.
fn inline(paint: Paint, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split("**").enumerate() {
        let part = part.replace('`', "");
        if index % 2 == 1 { out.push_str(&paint.bold(&part)) } else { out.push_str(&part) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_read_well_without_colours() {
        let markdown = "# shell → execute\n\nIt **went** well.\n\n```json\n{\n  \"a|b\": 1\n}\n```\n\n\
                        | Name | Command |\n|---|---|\n| **log** | `a \\| b` |\n| x | y |\n\n";
        assert_eq!(
            render(Paint::new(false), markdown),
            [
                "shell → execute",
                "",
                "It went well.",
                "",
                "    {",
                "      \"a|b\": 1",
                "    }",
                "",
                "Name  Command",
                "log   a | b",
                "x     y",
            ]
        );
    }
}
