//! `swamp data search`

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use swamp_ident::DefinitionId;
use swamp_store::{DataStore, StoredVersion};

use crate::arguments::{RepoArgs, TagArgs};
use crate::cx::Cx;
use crate::data_items::Owner;
use crate::ending::{CommandResult, Ending};
use crate::{listing, times};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of an item's name or kind, a model's name, or an owner
    #[arg(value_name = "query")]
    query: Option<String>,
    /// Only data of this kind
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// Only data with this lifetime
    #[arg(long, value_name = "lifetime")]
    lifetime: Option<String>,
    /// Only data of this kind of owner
    #[arg(long, value_name = "type")]
    owner_type: Option<String>,
    /// Only data written by runs of this workflow
    #[arg(long, value_name = "name")]
    workflow: Option<String>,
    /// Only data of this model
    #[arg(long, value_name = "model_id_or_name")]
    model: Option<String>,
    /// Only data with this media type
    #[arg(long, value_name = "type")]
    content_type: Option<String>,
    /// Only data younger than this: 1h, 7d, 1w, 1mo
    #[arg(long, value_name = "duration")]
    since: Option<String>,
    /// Only the data version with this id
    #[arg(long, value_name = "id")]
    output: Option<String>,
    /// Only data written by this run
    #[arg(long, value_name = "run_id")]
    run: Option<String>,
    #[command(flatten)]
    tags: TagArgs,
    /// Only data that was written while the method ran
    #[arg(long)]
    streaming: bool,
    /// Show at most so many
    #[arg(long, value_name = "n", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let tags = self.tags.read()?;
        let since = self
            .since
            .as_deref()
            .map(|text| times::since(text, cx.clock.now().wall))
            .transpose()?;
        let model =
            self.model.as_deref().map(|model| Owner::find(&repository, model)).transpose()?;
        let scan = repository.definitions().scan()?;
        let names: HashMap<DefinitionId, String> = scan
            .found
            .into_iter()
            .map(|definition| (definition.id, definition.name.to_string()))
            .collect();
        let data = DataStore::new(repository.paths().clone());
        let found = data.list_all()?;
        listing::warn_of(cx, &found.warnings);
        let query = self.query.as_deref().unwrap_or_default();
        let mut items: Vec<&StoredVersion> = found
            .items
            .iter()
            .filter(|stored| {
                let metadata = &stored.metadata;
                let tag = |key: &str| metadata.tags.get(key).map(String::as_str);
                let is = |wanted: &Option<String>, value: Option<&str>| {
                    wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
                };
                let owner = metadata.owner.to_value();
                let owner_ref = owner["ownerRef"].as_str().unwrap_or_default();
                is(&self.kind, Some(metadata.data_type()))
                    && is(&self.lifetime, Some(&metadata.lifetime.to_string()))
                    && is(&self.owner_type, owner["ownerType"].as_str())
                    && is(&self.workflow, tag("workflow"))
                    && is(&self.content_type, Some(&metadata.content_type))
                    && is(&self.output, Some(metadata.id.as_str()))
                    && is(&self.run, tag("workflowRunId"))
                    && model.as_ref().is_none_or(|model| stored.key.model.id == model.id)
                    && since.is_none_or(|since| metadata.created_at >= since)
                    && tags.iter().all(|(key, value)| tag(key) == Some(value.as_str()))
                    && (!self.streaming || metadata.streaming)
                    && listing::matches(
                        query,
                        [
                            stored.key.name.as_str(),
                            metadata.data_type(),
                            name_of(&names, stored),
                            owner_ref,
                        ],
                    )
            })
            .collect();
        items.sort_by_key(|stored| std::cmp::Reverse(stored.metadata.created_at));
        let total = items.len();
        items.truncate(self.limit);
        let results: Vec<Value> =
            items.iter().map(|stored| result(stored, name_of(&names, stored))).collect();
        let document = json!({
            "query": query,
            "filters": self.filters(&tags),
            "results": results,
            "total": total,
            "limited": total > results.len(),
        });
        let columns = [
            ("NAME", "name"),
            ("VERSION", "version"),
            ("KIND", "type"),
            ("MODEL", "modelName"),
            ("CREATED", "createdAt"),
        ];
        listing::show(cx, &document, &columns);
        Ok(Ending::SUCCESS)
    }

    /// The filters that were given, as the document repeats them.
    fn filters(&self, tags: &[(String, String)]) -> Map<String, Value> {
        let given = [
            ("type", &self.kind),
            ("lifetime", &self.lifetime),
            ("ownerType", &self.owner_type),
            ("workflow", &self.workflow),
            ("model", &self.model),
            ("contentType", &self.content_type),
            ("since", &self.since),
            ("output", &self.output),
            ("run", &self.run),
        ];
        let mut filters: Map<String, Value> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
            .collect();
        for (key, value) in tags {
            filters.insert(format!("tag:{key}"), json!(value));
        }
        if self.streaming {
            filters.insert("streaming".to_owned(), json!("true"));
        }
        filters
    }
}

fn name_of<'a>(names: &'a HashMap<DefinitionId, String>, stored: &'a StoredVersion) -> &'a str {
    let id = &stored.key.model.id;
    names.get(id).map_or_else(|| id.as_str(), String::as_str)
}

fn result(stored: &StoredVersion, model_name: &str) -> Value {
    let metadata = &stored.metadata;
    let owner = metadata.owner.to_value();
    let mut result = json!({
        "id": metadata.id,
        "name": stored.key.name,
        "version": metadata.version,
        "contentType": metadata.content_type,
        "type": metadata.data_type(),
        "lifetime": metadata.lifetime.to_string(),
        "ownerType": owner["ownerType"],
        "ownerRef": owner["ownerRef"],
        "modelId": stored.key.model.id,
        "modelName": model_name,
        "modelType": stored.key.model.type_name,
        "streaming": metadata.streaming,
    });
    if let Some(size) = metadata.size {
        result["size"] = json!(size);
    }
    result["createdAt"] = json!(metadata.created_at);
    result["tags"] = json!(metadata.tags);
    for (key, tag) in [("workflowTag", "workflow"), ("jobTag", "job"), ("stepTag", "step")] {
        if let Some(value) = metadata.tags.get(tag) {
            result[key] = json!(value);
        }
    }
    result
}
