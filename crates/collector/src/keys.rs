//! Projects, and the keys that open them.
//!
//! A key is `swk_<id>_<secret>`: the id is public and finds the key in the store, where a SHA-256 of
//! the secret stands. The secret has 256 random bits, so that a slow password hash would protect
//! nothing. It is shown once, when the key is made.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use swamp_ident::Timestamp;

use crate::error::CollectorError;
use crate::event::ProjectId;

/// The project of senders without a key.
pub const DEFAULT_PROJECT: &str = "default";

/// What every key begins with.
const PREFIX: &str = "swk";

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events.
    Ingest,
    /// Ask questions about one project.
    Read,
    /// See figures of the collector as a whole.
    Metrics,
}

impl Scope {
    /// The word in commands and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Metrics => "metrics",
        }
    }

    /// The scope of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Metrics].into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A project: events of one never meet those of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its number in the store.
    #[serde(skip)]
    pub number: ProjectId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The public half of a key, which stores, lists and logs may show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

/// What a store knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The public half.
    pub id: KeyId,
    /// Whose events it is for.
    pub project: ProjectId,
    /// What it may do.
    pub scope: Scope,
    /// SHA-256 of the secret half.
    pub hash: [u8; 32],
    /// What it is for, in the words of whoever made it.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key as its owner has it. It cannot be printed by accident.
pub struct Secret(String);

impl Secret {
    /// The text to show, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Makes a key: what its owner gets, and what the store gets.
pub fn create(
    project: ProjectId,
    scope: Scope,
    note: &str,
    now: Timestamp,
) -> Result<(Secret, StoredKey), CollectorError> {
    let mut random = [0; 40];
    getrandom::fill(&mut random).map_err(|error| {
        CollectorError::io("The system gives no random numbers", std::io::Error::other(error))
    })?;
    let (id, secret) = (hex(&random[..8]), hex(&random[8..]));
    let stored = StoredKey {
        hash: Sha256::digest(secret.as_bytes()).into(),
        id: KeyId(id.clone()),
        project,
        scope,
        note: note.to_owned(),
        created_at: now,
        revoked_at: None,
    };
    Ok((Secret(format!("{PREFIX}_{id}_{secret}")), stored))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

/// The public half of what somebody presents as a key, if it has the form of one.
pub fn id_of(presented: &str) -> Option<KeyId> {
    let (id, _) = split(presented)?;
    Some(KeyId(id.to_owned()))
}

fn split(presented: &str) -> Option<(&str, &str)> {
    let (id, secret) = presented.strip_prefix(PREFIX)?.strip_prefix('_')?.split_once('_')?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.len() == 16 && secret.len() == 64 && is_hex(id) && is_hex(secret)).then_some((id, secret))
}

impl StoredKey {
    /// Whether what somebody presents is this key, and it is not revoked. Takes the same time
    /// wherever the difference is.
    pub fn opens(&self, presented: &str) -> bool {
        let Some((_, secret)) = split(presented) else { return false };
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        bool::from(hash.ct_eq(&self.hash)) && self.revoked_at.is_none()
    }
}

/// Who may send and read: the part of a [`Store`](crate::Store) that keeps projects and keys.
pub trait Directory {
    /// Makes a project.
    fn create_project(&self, name: &str, now: Timestamp) -> Result<Project, CollectorError>;

    /// Every project, in order of their making. There always is [`DEFAULT_PROJECT`].
    fn projects(&self) -> Result<Vec<Project>, CollectorError>;

    /// Keeps a key.
    fn insert_key(&self, key: &StoredKey) -> Result<(), CollectorError>;

    /// The key with this public half, revoked ones too.
    fn find_key(&self, id: &KeyId) -> Result<Option<StoredKey>, CollectorError>;

    /// Every key, in order of their making.
    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError>;

    /// Revokes a key: from now on it opens nothing.
    fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<(), CollectorError>;

    /// The project of that name.
    fn project(&self, name: &str) -> Result<Project, CollectorError> {
        self.projects()?.into_iter().find(|project| project.name == name).ok_or_else(|| {
            CollectorError::NotFound {
                what: "Project",
                name: name.to_owned(),
                hint: "; `swamp collector project list` shows them",
            }
        })
    }
}

/// Checks the name of a project: 1 to 64 of `a-z`, `0-9`, `-`, `_`.
pub fn check_project_name(name: &str) -> Result<(), CollectorError> {
    let is_fine =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(is_fine) {
        return Ok(());
    }
    Err(CollectorError::Invalid(format!(
        "{name:?} is no name for a project: use 1 to 64 of a-z, 0-9, - and _"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_what_it_was_made_for_until_it_is_revoked() {
        let now = Timestamp::from_millis(0);
        let (secret, mut stored) = create(ProjectId(1), Scope::Read, "a note", now).unwrap();
        let (other, _) = create(ProjectId(1), Scope::Read, "", now).unwrap();
        assert_eq!(id_of(secret.reveal()).as_ref(), Some(&stored.id));
        assert!(stored.opens(secret.reveal()));
        assert!(!stored.opens(other.reveal()));
        assert!(!stored.opens(&secret.reveal()[..secret.reveal().len() - 1]));
        assert!(!format!("{secret:?} {stored:?}").contains(&secret.reveal()[21..]));
        stored.revoked_at = Some(now);
        assert!(!stored.opens(secret.reveal()));
    }

    #[test]
    fn what_is_no_key_has_no_id() {
        for text in ["", "swk", "swk_", "swk__", "swk_0011223344556677_zz", "key_0_1", "swk_é_"] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
