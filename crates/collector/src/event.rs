//! An event that was accepted: what statistics need of it, and its text as it was sent.

use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use swamp_ident::Timestamp;

use crate::dimension::Dimension;

/// The number of a project in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(pub u32);

/// Names one event, run or command of one project: the first 16 bytes of a SHA-256 over the project
/// and the id the sender gave.
///
/// Ids are texts of any length made by others. The digest has a fixed length, is spread evenly
/// whatever the ids look like, and equal ids of two projects have nothing to do with each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// The key of an id in a project.
    pub fn new(project: ProjectId, id: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(project.0.to_le_bytes());
        digest.update(id.as_bytes());
        let digest = digest.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

impl std::fmt::Debug for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A command that neither ran a workflow nor called a method.
    Command,
    /// A command that ran a workflow.
    Run,
    /// A call of a method, by a step or directly.
    Method,
}

impl Kind {
    /// The kind with that number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Command),
            1 => Some(Self::Run),
            2 => Some(Self::Method),
            _ => None,
        }
    }
}

/// The text that events were read from. They share it; each knows where its own texts stand.
#[derive(Debug)]
pub(crate) struct Body {
    sent: String,
    /// Texts that stand in `sent` otherwise than they are meant, as with escapes.
    own: OnceLock<Box<str>>,
}

impl Body {
    pub(crate) const fn new(sent: String) -> Self {
        Self { sent, own: OnceLock::new() }
    }

    /// What was sent.
    pub(crate) fn sent(&self) -> &str {
        &self.sent
    }

    /// Keeps texts beside it: their places are counted from its end.
    pub(crate) fn keep(&self, own: String) {
        // A body is read once.
        let _ = self.own.set(own.into());
    }
}

/// Where a text of an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Text {
    /// There is none.
    pub(crate) const NONE: Self = Self { start: u32::MAX, length: 0 };

    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::NONE { other } else { self }
    }
}

/// An event that was accepted.
#[derive(Clone, Debug)]
pub struct Event {
    pub(crate) body: Arc<Body>,
    pub(crate) raw: Text,
    pub(crate) texts: [Text; Dimension::COUNT],
    pub(crate) id: Text,
    /// Only if it is another one than `id`.
    pub(crate) insert_id: Text,
    pub(crate) run_id: Text,
    pub(crate) parent_id: Text,
    pub(crate) root_workflow: Text,
    pub(crate) group: Text,
    /// The key of its [`group_id`](Self::group_id).
    pub(crate) group_key: Option<EventKey>,
    /// Whose it is.
    pub project: ProjectId,
    /// Tells it from all other events of all projects: the key of its `insert_id`, else its `id`.
    pub key: EventKey,
    /// What it is about.
    pub kind: Kind,
    /// When it started; for events flagged as [`skewed`](Self::skewed), when they were received.
    pub at: Timestamp,
    /// How long it took. The few negative durations of old senders are 0 here.
    pub duration_ms: u64,
    /// Whether the method came to run, so that its duration says something.
    pub timed: bool,
    /// Whether it ended otherwise than well.
    pub failed: bool,
    /// Whether the sender's clock is so far off that its time is not used.
    pub skewed: bool,
    /// How many runs are around the run it belongs to.
    pub depth: u32,
}

impl Event {
    /// The event as it was sent.
    pub fn raw(&self) -> &str {
        self.resolve(self.raw).unwrap_or_default()
    }

    /// The value of a dimension.
    pub fn text(&self, dimension: Dimension) -> Option<&str> {
        self.resolve(self.texts[dimension.index()])
    }

    /// The entry's id.
    pub fn id(&self) -> &str {
        self.resolve(self.id).unwrap_or_default()
    }

    /// The id that sender and collector speak of it by: its `insert_id`, else the entry's id.
    pub fn insert_id(&self) -> &str {
        self.resolve(self.insert_id).unwrap_or_else(|| self.id())
    }

    /// The entry of the command that made this call.
    pub fn parent_id(&self) -> Option<&str> {
        self.resolve(self.parent_id)
    }

    /// The run the user started, for the calls of a workflow and for the command that ran it.
    pub fn run_id(&self) -> Option<&str> {
        self.resolve(self.run_id)
    }

    /// The workflow the user started, as far as this event can tell.
    pub fn root_workflow(&self) -> Option<&str> {
        self.resolve(self.root_workflow)
    }

    /// The id under which everything of a run comes together: that of the command. Calls without
    /// one (by senders that lost it) come together by the run.
    pub fn group_id(&self) -> Option<&str> {
        self.resolve(self.group)
    }

    fn resolve(&self, text: Text) -> Option<&str> {
        if text == Text::NONE {
            return None;
        }
        let (start, length) = (text.start as usize, text.length as usize);
        match start.checked_sub(self.body.sent.len()) {
            None => self.body.sent.get(start..start + length),
            Some(start) => self.body.own.get()?.get(start..start + length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_of_two_projects_are_two_keys() {
        let key = |project, id| EventKey::new(ProjectId(project), id);
        assert_eq!(key(1, "a"), key(1, "a"));
        assert_ne!(key(1, "a"), key(2, "a"));
        assert_ne!(key(1, "a"), key(1, "b"));
    }
}
