//! `swamp vault search`

use serde_json::json;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;
use crate::output::Stream;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a name, type or id
    #[arg(value_name = "query")]
    query: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let found = vaults(cx, &self.repo)?.list()?;
        // Said in every output mode: a vault that is missing here fails runs.
        for problem in &found.problems {
            let paint = cx.output.paint(Stream::Err);
            let warning = format!("{} Left out: {problem}\n", paint.yellow("Warning:"));
            cx.output.write(Stream::Err, &warning);
        }
        let query = self.query.unwrap_or_default();
        let results: Vec<_> = found
            .vaults
            .iter()
            .filter(|vault| listing::matches(&query, [&*vault.name, &vault.type_name, &vault.id]))
            .map(|vault| {
                json!({
                    "id": vault.id,
                    "name": vault.name,
                    "type": vault.type_name,
                    "createdAt": vault.created_at,
                })
            })
            .collect();
        let document = json!({"query": query, "results": results});
        let columns = [("NAME", "name"), ("TYPE", "type"), ("CREATED", "createdAt"), ("ID", "id")];
        listing::show(cx, &document, &columns);
        Ok(Ending::SUCCESS)
    }
}
