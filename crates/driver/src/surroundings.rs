//! What drivers know about the process they belong to.

use std::path::PathBuf;

use swamp_ident::RepoId;

/// Where this process stands.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The repository it works in. Containers are marked with it.
    pub repository: Option<RepoId>,
    /// A directory for sockets, made when needed, that only this user can enter. Without one,
    /// connections are not shared.
    pub runtime_dir: Option<PathBuf>,
}
