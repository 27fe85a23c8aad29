//! Versioned data: what methods produce.
//!
//! An *item* is a name under a model, such as `result` of the model `probe`; every write makes a
//! new *version* of it, a directory with the content (`raw`) and what is known about it
//! (`metadata.yaml`):
//!
//! ```text
//! .swamp/data/<type>/<model id>/<name>/
//!     1/raw  1/metadata.yaml
//!     2/raw  2/metadata.yaml
//!     latest            the text "2"
//! ```
//!
//! Many steps write at once, in this process and in others, often to the same item, so:
//!
//! - A version is built in a directory of its own and published by one rename that cannot replace
//!   anything. Whoever loses the race for a number takes the next.
//! - The next number is remembered per process. A write costs the same with three versions as with
//!   three thousand.
//! - `latest` only ever moves up, whoever comes last ([`latest`]).
//! - Reading tolerates what others left: a metadata file that cannot be read is a warning that
//!   names it, and everything else is shown.
//!
//! A version can be a *mark* instead of data: that the item is deleted, or that it was renamed. The
//! views hide both; looking up a renamed item leads to its new name.

mod delete;
mod draft;
mod gc;
mod item;
mod latest;
mod layout;
mod listing;
mod mark;
mod metadata;
mod metadata_quick;
mod read;
mod record;
mod span;
mod write;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::paths::RepoPaths;

pub use draft::Content;
pub use gc::{ExpiredItem, ExpiryReason, GcPlan, GcReport, PrunedVersions};
pub use item::{ItemKey, check_data_name};
pub use listing::{DataListing, ModelCount};
pub use mark::Renamed;
pub use metadata::{DataOwner, Metadata, OwnerKind};
pub use read::{StoredVersion, VersionListing};
pub use record::Body;
pub use span::{Lifetime, Retention, Span, SpanError};
pub use write::NewVersion;

/// The versioned data of one repository. Clones share what they remember, so a process should open
/// it once.
#[derive(Clone, Debug)]
pub struct DataStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    paths: RepoPaths,
    items: write::Items,
    catalog: Catalog,
}

impl DataStore {
    /// The data of the repository at `paths`. Touches no file.
    pub fn new(paths: RepoPaths) -> Self {
        let catalog = Catalog::new(&paths);
        Self { inner: Arc::new(Inner { paths, items: write::Items::default(), catalog }) }
    }

    /// Where everything is.
    pub fn paths(&self) -> &RepoPaths {
        &self.inner.paths
    }

    /// The catalog of all data.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Ends the work of this process: temporary files go, the catalog learns what was written.
    /// Dropping the last clone does the same. A process that is killed before loses no data; it
    /// leaves a few small files behind, and the next query is slower.
    pub fn close(&self) {
        self.inner.items.clear_spares();
        self.close_catalog();
    }
}

impl Drop for DataStore {
    fn drop(&mut self) {
        if Arc::strong_count(&self.inner) == 1 {
            self.close();
        }
    }
}
