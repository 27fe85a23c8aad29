//! Finding runs of methods after the fact, for the commands that look at them.

use swamp_store::{Lookup, OutputListing, OutputStore, Repository, StoreError, StoredOutput};

use crate::cx::Cx;
use crate::ending::CommandError;
use crate::listing;

/// The run that a text names: by id or the beginning of one, else the latest run of a model.
/// `nothing` and `no_runs` say what is missing: neither run nor model, or runs of the model.
pub(crate) fn find(
    repository: &Repository,
    text: &str,
    nothing: &str,
    no_runs: &str,
) -> Result<StoredOutput, CommandError> {
    let store = OutputStore::new(repository.paths().clone());
    match store.find(text)? {
        Lookup::One(output) => return Ok(output),
        Lookup::Ambiguous(ids) => {
            return Err(CommandError::user(format!(
                "Ambiguous ID prefix \"{text}\" matches:\n  {}",
                ids.join("\n  ")
            )));
        }
        Lookup::None => {}
    }
    let definition = match repository.definitions().find(text) {
        Ok(definition) => definition,
        Err(StoreError::ModelNotFound(_)) => {
            return Err(CommandError::user(format!("{nothing}: {text}")));
        }
        Err(error) => return Err(error.into()),
    };
    let latest = store.latest(&definition.id)?;
    latest.ok_or_else(|| CommandError::user(format!("{no_runs}: {text}")))
}

/// The run with this id or the only one whose id begins so.
pub(crate) fn by_id(repository: &Repository, text: &str) -> Result<StoredOutput, CommandError> {
    let hexadecimal = text.chars().filter(|c| *c != '-').count() >= 3
        && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if !hexadecimal {
        return Err(CommandError::user(format!(
            "Invalid output ID format: {text}. Expected a UUID or partial ID (3+ hex characters)."
        )));
    }
    match OutputStore::new(repository.paths().clone()).find(text)? {
        Lookup::One(output) => Ok(output),
        Lookup::None => Err(CommandError::user(format!("Output not found: {text}"))),
        Lookup::Ambiguous(ids) => Err(CommandError::user(format!(
            "Ambiguous ID prefix \"{text}\" matches:\n  {}",
            ids.join("\n  ")
        ))),
    }
}

/// All runs, newest first; warns of records that cannot be read.
pub(crate) fn all(cx: &Cx<'_>, repository: &Repository) -> Result<OutputListing, CommandError> {
    let listing = OutputStore::new(repository.paths().clone()).list()?;
    listing::warn_of_broken(cx, &listing.broken);
    Ok(listing)
}
