//! `swamp model search`

use serde_json::json;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;

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
        let repository = cx.repository(&self.repo)?;
        let scan = repository.definitions().scan()?;
        listing::warn_of_broken(cx, &scan.broken);
        let query = self.query.unwrap_or_default();
        let mut results = Vec::new();
        for definition in &scan.found {
            let (name, kind) = (definition.name.as_str(), definition.type_name.as_str());
            if listing::matches(&query, [name, kind, definition.id.as_str()]) {
                results.push(json!({"id": definition.id, "name": name, "type": kind}));
            }
        }
        let document = json!({"query": query, "results": results});
        listing::show(cx, &document, &[("NAME", "name"), ("TYPE", "type"), ("ID", "id")]);
        Ok(Ending::SUCCESS)
    }
}
