//! `swamp model type search`

use serde_json::json;
use swamp_model::TypeRegistry;

use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a type's name
    #[arg(value_name = "query")]
    query: Option<String>,
    /// Accepted like everywhere; the types are the same in every repository
    #[command(flatten)]
    _repo: crate::arguments::RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let query = self.query.unwrap_or_default();
        let types = TypeRegistry::builtin();
        let names = types.iter().map(|known| known.name.as_str());
        let results: Vec<_> = names
            .filter(|name| listing::matches(&query, [*name]))
            .map(|name| json!({"raw": name, "normalized": name}))
            .collect();
        let mut document = json!({"query": query, "results": results});
        if results.is_empty() {
            document["hint"] =
                json!(format!("No type matches \"{query}\". Without a query all are listed."));
        }
        listing::show(cx, &document, &[("TYPE", "normalized")]);
        Ok(Ending::SUCCESS)
    }
}
