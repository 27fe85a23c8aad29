//! Everything a repository keeps in files, and nothing about what the files are for.
//!
//! A repository is a directory with a marker, `.swamp.yaml`. What people edit and review lives in
//! `models/`, `workflows/` and `vaults/`; what runs leave behind lives in `.swamp/`. This crate
//! finds the repository, knows where each thing is, reads and writes it, and guards it against
//! other processes. It evaluates no expression, runs nothing and prints nothing.
//!
//! Three rules hold everywhere:
//!
//! - A file somebody may read later is written beside its place and renamed into it ([`atomic`]),
//!   so a reader sees the old text or the new one, never half of it.
//! - An error names the file, the place in it when there is one, and what to do ([`StoreError`]).
//! - The formats are shared with another implementation that may be working in the same
//!   directory, so unknown keys of the marker survive and locks are ones it understands too.

// Repository, definitions, workflow files, locks.
pub mod atomic;
mod definition;
mod definitions;
mod error;
mod init;
mod legacy;
mod lock;
mod managed_section;
mod marker;
mod paths;
mod repository;
mod scaffold;
mod stamp;
mod tools;
mod upgrade;
mod workflow_files;
mod yaml_files;

// Data, catalog, output records, run records.
mod catalog;
mod data;
mod fields;
mod lookup;
mod output_record;
mod outputs;
mod run_record;
mod runs;

pub use catalog::{QueryResult, RecordPredicate};
pub use data::{
    Body, Content, DataListing, DataOwner, DataStore, ExpiredItem, ExpiryReason, GcPlan, GcReport,
    ItemKey, Lifetime, Metadata, ModelCount, NewVersion, OwnerKind, PrunedVersions, Renamed,
    Retention, Span, SpanError, StoredVersion, VersionListing, check_data_name,
};
pub use definition::Definition;
pub use definitions::{BrokenFile, DefinitionScan, Definitions};
pub use error::{Result, StoreError};
pub use fields::Tags;
pub use init::{InitOptions, InitReport, init};
pub use lock::{GlobalLock, LockInfo, LockNotice, LockOwner, Locks, ModelKey, ModelLocks};
pub use lookup::{IdPrefix, Lookup};
pub use managed_section::FileAction;
pub use marker::Marker;
pub use output_record::{DataArtifact, OutputError, OutputRecord, Provenance, StepProvenance};
pub use outputs::{OutputListing, OutputStore, StoredOutput};
pub use paths::RepoPaths;
pub use repository::Repository;
pub use run_record::{JobRecord, RunRecord, RunSummary, StepRecord};
pub use runs::{RunListing, RunStore};
pub use tools::{Tool, ToolSelection};
pub use upgrade::{UpgradeOptions, UpgradeReport, upgrade};
pub use workflow_files::{WorkflowFile, WorkflowFiles, WorkflowOrigin};
