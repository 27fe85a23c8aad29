//! Listings: the `{query, results}` documents of search commands.

use std::io::IsTerminal;

use serde_json::Value;
use swamp_store::{BrokenFile, StoreError};

use crate::cx::Cx;
use crate::output::{Level, Table};

/// Whether one of the texts contains the query, in any letter case.
pub(crate) fn matches<'a>(query: &str, texts: impl IntoIterator<Item = &'a str>) -> bool {
    let query = query.to_lowercase();
    texts.into_iter().any(|text| text.to_lowercase().contains(&query))
}

/// Shows a listing: as a table to people at a terminal, else as its document. Scripts that call a
/// search without `--json` have always got JSON.
pub(crate) fn show(cx: &Cx<'_>, document: &Value, columns: &[(&str, &str)]) {
    if cx.output.is_json() || !std::io::stdin().is_terminal() {
        cx.output.document(document);
        return;
    }
    let rows = document["results"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        cx.output.line("Nothing found.");
        return;
    }
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut table = Table::new(&headings);
    for row in rows {
        table.row(columns.iter().map(|(_, key)| match row.get(*key) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }));
    }
    for line in &table.lines() {
        cx.output.line(line);
    }
}

/// Tells of files that were left out because they cannot be read.
pub(crate) fn warn_of_broken(cx: &Cx<'_>, broken: &[BrokenFile]) {
    for file in broken {
        cx.output.record(Level::Warning, "repository", format!("Left out: {}", file.error));
    }
}

/// Tells of data that was left out because it cannot be read.
pub(crate) fn warn_of(cx: &Cx<'_>, warnings: &[StoreError]) {
    for warning in warnings {
        cx.output.record(Level::Warning, "data", format!("Left out: {warning}"));
    }
}
