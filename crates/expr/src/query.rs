//! Predicates and projections over data records (`data query`, `data.query`).

use serde_json::Value as Json;

use crate::error::ExprError;

/// A compiled data query: which records match, and what is shown of them.
#[derive(Clone, Debug)]
pub struct RecordFilter {
    _program: crate::program::Program,
}

impl RecordFilter {
    /// The fields of a data record, in alphabetical order.
    pub const FIELDS: [&'static str; 23] = [
        "attributes",
        "content",
        "contentType",
        "createdAt",
        "dataType",
        "id",
        "isLatest",
        "jobName",
        "lifetime",
        "modelName",
        "modelType",
        "name",
        "ownerRef",
        "ownerType",
        "size",
        "source",
        "specName",
        "stepName",
        "streaming",
        "tags",
        "version",
        "workflowName",
        "workflowRunId",
    ];

    /// Compiles a predicate and, if given, a projection. A root in the predicate that is not a
    /// field of records is an error that lists the fields.
    pub fn compile(predicate: &str, select: Option<&str>) -> Result<Self, ExprError> {
        let _ = (predicate, select);
        todo!()
    }

    /// Whether only latest versions can match: the predicate mentions neither `version` nor
    /// `isLatest`. [`Self::matches`] checks that too.
    pub fn latest_only(&self) -> bool {
        todo!()
    }

    /// Whether predicate or projection use `attributes` (else give `{}`).
    pub fn needs_attributes(&self) -> bool {
        todo!()
    }

    /// Whether predicate or projection use `content` (else give `""`).
    pub fn needs_content(&self) -> bool {
        todo!()
    }

    /// Whether the predicate uses `attributes` or `content`; when not, records can be filtered
    /// before either is loaded.
    pub fn predicate_needs_body(&self) -> bool {
        todo!()
    }

    /// Fields that must equal a text for a record to match (`modelName == "web" && …`): a store may
    /// use them to narrow its search before asking [`Self::matches`].
    pub fn required_texts(&self) -> Vec<(String, String)> {
        todo!()
    }

    /// Whether there is a projection.
    pub fn has_select(&self) -> bool {
        todo!()
    }

    /// Whether a record matches. A predicate that fails on a record, or gives anything but `true`,
    /// does not match.
    pub fn matches(&self, record: &Json) -> bool {
        let _ = record;
        todo!()
    }

    /// The projection of a record, `null` when it fails; the record itself without a projection.
    pub fn project(&self, record: &Json) -> Json {
        let _ = record;
        todo!()
    }
}
