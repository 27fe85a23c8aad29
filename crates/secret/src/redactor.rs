//! Finding secrets in text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde_json::Value;

use crate::encodings;
use crate::{Secret, StreamRedactor};

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Knows secrets and takes them out of texts. Cheap to clone; all clones know the same secrets. While
/// it knows none it costs one atomic load per text.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Whether there is anything to look for.
    armed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is known, so that nothing is added twice.
    known: BTreeSet<Secret>,
    needles: BTreeSet<Secret>,
    /// Made when it is needed; gone when something was added.
    search: Option<Arc<Search>>,
}

impl Redactor {
    /// A redactor that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for this secret, in all its forms, from now on.
    pub fn add(&self, secret: &Secret) {
        let mut state = self.state();
        if state.known.insert(secret.clone()) {
            let needles = encodings::needles(secret.expose());
            self.add_needles(&mut state, needles);
        }
    }

    /// Looks for exactly this text from now on.
    pub fn add_plain(&self, text: &str) {
        let mut state = self.state();
        self.add_needles(&mut state, [Secret::new(text)]);
    }

    fn add_needles(&self, state: &mut State, needles: impl IntoIterator<Item = Secret>) {
        let before = state.needles.len();
        state.needles.extend(needles.into_iter().filter(|needle| !needle.is_empty()));
        if state.needles.len() != before {
            state.search = None;
            self.0.armed.store(true, Ordering::Release);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Only whole needles are ever added.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it knows of nothing to look for.
    pub fn is_idle(&self) -> bool {
        !self.0.armed.load(Ordering::Acquire)
    }

    pub(crate) fn search(&self) -> Option<Arc<Search>> {
        if self.is_idle() {
            return None;
        }
        let mut state = self.state();
        if state.search.is_none() {
            state.search = Some(Arc::new(Search::new(&state.needles)));
        }
        state.search.clone()
    }

    /// The text without secrets.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.search() {
            Some(search) => search.redact(text),
            None => Cow::Borrowed(text),
        }
    }

    /// Likewise for a text whose end was cut off: a beginning of a secret at its end goes too.
    pub fn redact_cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(search) = self.search() else { return Cow::Borrowed(text) };
        let (mut out, held) = search.split(text);
        if held < text.len() {
            out.push_str(MASK);
        }
        Cow::Owned(out)
    }

    /// Likewise for bytes, whatever they are.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(search) = self.search() else { return bytes };
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for found in search.automaton.iter().flat_map(|automaton| automaton.find_iter(&bytes)) {
            out.extend_from_slice(&bytes[done..found.start()]);
            out.extend_from_slice(MASK.as_bytes());
            done = found.end();
        }
        if done == 0 {
            return bytes;
        }
        out.extend_from_slice(&bytes[done..]);
        out
    }

    /// Takes secrets out of every text and every key of a document.
    pub fn redact_json(&self, value: &mut Value) {
        if let Some(search) = self.search() {
            search.redact_json(value);
        }
    }

    /// A redactor for a text that comes in pieces.
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(self.clone())
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("idle", &self.is_idle()).finish_non_exhaustive()
    }
}

/// The search for a fixed set of needles.
pub(crate) struct Search {
    /// Sorted; those that begin alike stand together.
    needles: Vec<Secret>,
    /// The bytes that needles begin with.
    begins: [bool; 256],
    longest: usize,
    /// `None` when the needles are too many for one (four billion states): then nothing is passed on.
    automaton: Option<AhoCorasick>,
}

impl Search {
    fn new(needles: &BTreeSet<Secret>) -> Self {
        let needles: Vec<Secret> = needles.iter().cloned().collect();
        let mut begins = [false; 256];
        for needle in &needles {
            if let Some(&first) = needle.expose().as_bytes().first() {
                begins[usize::from(first)] = true;
            }
        }
        let longest = needles.iter().map(|needle| needle.expose().len()).max().unwrap_or(0);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            // The default would make a table of several hundred megabytes for a long secret.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(needles.iter().map(Secret::expose))
            .ok();
        Self { needles, begins, longest, automaton }
    }

    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(automaton) = &self.automaton else { return Cow::Borrowed(MASK) };
        let mut matches = automaton.find_iter(text).peekable();
        if matches.peek().is_none() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in matches {
            out.push_str(&text[done..found.start()]);
            out.push_str(MASK);
            done = found.end();
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// Redacts a text that may go on: what is decided, redacted, and where the undecided rest begins.
    pub(crate) fn split(&self, text: &str) -> (String, usize) {
        let Some(automaton) = &self.automaton else { return (MASK.to_owned(), text.len()) };
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        let mut held = self.undecided(text, 0);
        for found in automaton.find_iter(text) {
            if found.start() >= held {
                break;
            }
            out.push_str(&text[done..found.start()]);
            out.push_str(MASK);
            done = found.end();
            if held < done {
                held = self.undecided(text, done);
            }
        }
        out.push_str(&text[done..held]);
        (out, held)
    }

    /// The first place, not before `from`, from which on the text is the beginning of a needle.
    fn undecided(&self, text: &str, from: usize) -> usize {
        let bytes = text.as_bytes();
        let first = from.max(bytes.len().saturating_sub(self.longest.saturating_sub(1)));
        (first..bytes.len())
            .find(|&at| self.begins[usize::from(bytes[at])] && self.begins_with(&bytes[at..]))
            .unwrap_or(bytes.len())
    }

    /// Whether a longer needle begins with `tail`.
    fn begins_with(&self, tail: &[u8]) -> bool {
        let at = self.needles.partition_point(|needle| needle.expose().as_bytes() <= tail);
        self.needles.get(at).is_some_and(|needle| needle.expose().as_bytes().starts_with(tail))
    }

    fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.redact(text) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(map) => {
                if map.keys().any(|key| matches!(self.redact(key), Cow::Owned(_))) {
                    *map = std::mem::take(map)
                        .into_iter()
                        .map(|(key, value)| (self.redact(&key).into_owned(), value))
                        .collect();
                }
                map.values_mut().for_each(|value| self.redact_json(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
