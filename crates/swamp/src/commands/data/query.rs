//! `swamp data query`

use serde_json::{Value, json};
use swamp_expr::RecordFilter;
use swamp_store::{Body, DataStore, RecordPredicate};

use crate::arguments::RepoArgs;
use crate::commands::model::describe_type::plain;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::listing;
use crate::output::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An expression over one data version, such as: modelName == "web" && size > 100
    #[arg(value_name = "predicate")]
    predicate: Option<String>,
    /// An expression that says what to show of each, such as: attributes.stdout
    #[arg(long, value_name = "expression", allow_hyphen_values = true)]
    select: Option<String>,
    /// Stop after so many
    #[arg(long, value_name = "n")]
    limit: Option<usize>,
    #[command(flatten)]
    repo: RepoArgs,
}

/// A compiled query as the store asks it.
struct Query(RecordFilter);

impl RecordPredicate for Query {
    fn latest_only(&self) -> bool {
        self.0.latest_only()
    }

    fn required_texts(&self) -> Vec<(String, String)> {
        self.0.required_texts()
    }

    fn body(&self) -> Body {
        Body { attributes: self.0.needs_attributes(), content: self.0.needs_content() }
    }

    fn matches_body(&self) -> bool {
        self.0.predicate_needs_body()
    }

    fn matches(&self, record: &Value) -> bool {
        self.0.matches(record)
    }
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let Some(predicate) = self.predicate else {
            return Err(CommandError::usage("A CEL predicate is required.")
                .with_hint("For example: swamp data query 'modelName == \"web\"'"));
        };
        let query = Query(RecordFilter::compile(&predicate, self.select.as_deref())?);
        let data = DataStore::new(repository.paths().clone());
        // A limit of nothing would be no question at all.
        let found = data.query(&query, self.limit.map(|limit| limit.max(1)))?;
        listing::warn_of(cx, &found.warnings);
        let total = found.records.len();
        let results: Vec<Value> = if query.0.has_select() {
            found.records.iter().map(|record| query.0.project(record)).collect()
        } else {
            found.records
        };
        if cx.output.is_json() {
            let mut document = json!({});
            if !query.0.has_select() {
                document["predicate"] = json!(predicate);
            }
            document["results"] = Value::Array(results);
            document["total"] = json!(total);
            document["limited"] = json!(found.limited);
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        if results.is_empty() {
            cx.output.line("No matching data found.");
            return Ok(Ending::SUCCESS);
        }
        if query.0.has_select() {
            for result in &results {
                cx.output.line(plain(result));
            }
        } else {
            let columns = ["name", "modelName", "specName", "dataType", "version", "size"];
            let mut table = Table::new(&columns);
            for record in &results {
                table.row(columns.map(|column| plain(&record[column])));
            }
            for line in &table.lines() {
                cx.output.line(line);
            }
        }
        let noun = if total == 1 { "result" } else { "results" };
        let limited = if found.limited { " (limit reached)" } else { "" };
        cx.output.line(format!("\n{total} {noun}{limited}"));
        Ok(Ending::SUCCESS)
    }
}
