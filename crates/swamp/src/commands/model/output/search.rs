//! `swamp model output search`, also `swamp model method history search`

use std::collections::HashMap;

use serde_json::json;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::{listing, runs_of_methods};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a model's name or type, a method, a status or an id
    #[arg(value_name = "query")]
    query: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let query = self.query.unwrap_or_default();
        let scan = repository.definitions().scan()?;
        let names: HashMap<_, _> =
            scan.found.into_iter().map(|definition| (definition.id, definition.name)).collect();
        let mut results = Vec::new();
        for output in runs_of_methods::all(cx, &repository)?.outputs {
            let record = &output.record;
            let name = names.get(&record.definition_id);
            let texts = [
                name.map_or("", |name| name.as_str()),
                output.type_name.as_str(),
                record.method_name.as_str(),
                record.status.as_str(),
                record.id.as_str(),
                record.definition_id.as_str(),
            ];
            if !listing::matches(&query, texts) {
                continue;
            }
            let mut entry = json!({"id": record.id, "definitionId": record.definition_id});
            if let Some(name) = name {
                entry["modelName"] = json!(name);
            }
            entry["type"] = json!(output.type_name);
            entry["methodName"] = json!(record.method_name);
            entry["status"] = json!(record.status.as_str());
            entry["startedAt"] = json!(record.started_at);
            if let Some(duration) = record.duration_ms {
                entry["durationMs"] = json!(duration);
            }
            results.push(entry);
        }
        let document = json!({"query": query, "results": results});
        let columns = [
            ("STARTED", "startedAt"),
            ("MODEL", "modelName"),
            ("METHOD", "methodName"),
            ("STATUS", "status"),
            ("MS", "durationMs"),
            ("ID", "id"),
        ];
        listing::show(cx, &document, &columns);
        Ok(Ending::SUCCESS)
    }
}
