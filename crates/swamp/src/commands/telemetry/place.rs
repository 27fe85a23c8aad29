//! Which spool a command looks at.

use std::path::PathBuf;

use swamp_store::Repository;
use swamp_telemetry::{config_dir, repository_spool, user_spool};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::CommandError;

/// The spool of the repository, or that of the user outside one.
pub(super) fn spool(cx: &Cx<'_>, args: &RepoArgs) -> Result<PathBuf, CommandError> {
    let env = |name: &str| cx.environment.get(name);
    match (cx.repository(args), config_dir(&env)) {
        (Ok(repository), _) => Ok(repository_spool(repository.root())),
        (Err(error), None) => Err(error),
        (Err(error), Some(config)) => {
            let variable = cx.environment.get("SWAMP_REPO_DIR");
            let option = args.repo_dir.as_deref();
            let directory = Repository::directory(option, variable.as_deref(), &cx.cwd()?);
            // A repository that was named, or is here but broken, is not to be passed over.
            let is_meant = option.is_some() || directory.join(".swamp.yaml").exists();
            if is_meant { Err(error) } else { Ok(user_spool(&config)) }
        }
    }
}
