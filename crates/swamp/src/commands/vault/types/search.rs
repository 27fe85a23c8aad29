//! `swamp vault type search`

use serde_json::json;
use swamp_vault::VaultType;

use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a type's name or description
    #[arg(value_name = "query")]
    query: Option<String>,
    /// Accepted like everywhere; the types are the same in every repository
    #[command(flatten)]
    _repo: crate::arguments::RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let query = self.query.unwrap_or_default();
        let results: Vec<_> = VaultType::ALL
            .into_iter()
            .map(|ty| (ty.as_str(), ty.title(), ty.description()))
            .filter(|(ty, title, description)| listing::matches(&query, [*ty, title, description]))
            .map(|(ty, title, description)| {
                json!({"type": ty, "name": title, "description": description})
            })
            .collect();
        let document = json!({"query": query, "results": results});
        listing::show(cx, &document, &[("TYPE", "type"), ("DESCRIPTION", "description")]);
        Ok(Ending::SUCCESS)
    }
}
