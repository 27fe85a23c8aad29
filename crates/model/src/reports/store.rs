//! Keeping reports: two data items each, one for people and one for programs.

use serde_json::Value;
use swamp_events::ArtifactRef;
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
    let mut base = format!("report-{}", report.name.replace('@', "").replace(['/', '\\'], "-"));
    if let Some(variant) = &owner.variant {
        base.push('-');
        base.push_str(&part_of_name(variant));
    }
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
            tags: tags(report, owner.variant.as_deref()),
            owner: DataOwner::model(owner.id.as_str()),
            created_at: now,
        };
        artifacts.push(artifact_of(&data.write(&version, Content::Bytes(content.as_bytes()))?));
    }
    Ok(artifacts)
}

fn tags(report: &ReportInfo, variant: Option<&str>) -> Tags {
    let scope = report.scope.as_str();
    [("type", "report"), ("reportName", report.name), ("reportScope", scope)]
        .into_iter()
        .chain(variant.map(|variant| ("varySuffix", variant)))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A text without what cannot stand in the name of a data item, and not too long for one.
fn part_of_name(text: &str) -> String {
    const LONGEST: usize = 64;
    text.replace(['/', '\\', '\0'], "-").replace("..", "-").chars().take(LONGEST).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_item_can_be_part_of_a_name() {
        for (item, want) in
            [("eu", "eu"), ("/var/log", "-var-log"), ("../x", "--x"), ("a\\b", "a-b")]
        {
            assert_eq!(part_of_name(item), want);
        }
        assert_eq!(part_of_name(&"x".repeat(1000)).len(), 64);
    }
}
