//! Keeping reports: two data items each, one for people and one for programs.

use serde_json::Value;
use swamp_events::{ArtifactRef, ReportScope};
use swamp_ident::{DataId, DataName, IdSource, Timestamp};
use swamp_store::{
    Content, DataOwner, DataStore, ItemKey, Lifetime, NewVersion, Result, Retention, StoreError,
    StoredVersion, Tags,
};

use super::{ReportInfo, ReportOwner};

const LIFETIME: &str = "30d";
const KEPT_VERSIONS: u64 = 5;

/// Stores a report.
pub(crate) fn save(
    data: &DataStore,
    ids: &dyn IdSource,
    now: Timestamp,
    owner: &ReportOwner,
    report: &ReportInfo,
    markdown: &str,
    json: &Value,
) -> Result<Vec<ArtifactRef>> {
    let base = format!("report-{}", report.name.replace('@', "").replace(['/', '\\'], "-"));
    let json = format!("{json:#}");
    let items = [
        (base.clone(), "text/markdown", markdown),
        (format!("{base}-json"), "application/json", json.as_str()),
    ];
    let mut artifacts = Vec::with_capacity(items.len());
    for (name, content_type, content) in items {
        let version = NewVersion {
            key: ItemKey::new(owner.type_name.clone(), owner.id.clone(), DataName::new(name)),
            id: DataId::from(ids.uuid()),
            content_type: content_type.to_owned(),
            lifetime: Lifetime::parse(LIFETIME)
                .map_err(|error| StoreError::Usage(error.to_string()))?,
            garbage_collection: Retention::parse(&KEPT_VERSIONS.into())
                .map_err(|error| StoreError::Usage(error.to_string()))?,
            streaming: false,
            tags: tags(report.name, report.scope),
            owner: DataOwner::model(owner.id.as_str()),
            created_at: now,
        };
        artifacts.push(artifact_of(&data.write(&version, Content::Bytes(content.as_bytes()))?));
    }
    Ok(artifacts)
}

fn tags(name: &str, scope: ReportScope) -> Tags {
    [("type", "report"), ("reportName", name), ("reportScope", scope.as_str())]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A stored version as events name it.
pub(crate) fn artifact_of(stored: &StoredVersion) -> ArtifactRef {
    let metadata = &stored.metadata;
    ArtifactRef {
        id: metadata.id.clone(),
        name: metadata.name.clone(),
        version: metadata.version,
        tags: metadata.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}
