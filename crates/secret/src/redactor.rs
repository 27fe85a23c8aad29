//! Knowing secrets, and taking them out of texts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::begins::Begins;
use crate::encodings;
use crate::search::{Search, Set};
use crate::{SHORTEST, Secret, StreamRedactor};

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
    /// What is not searched for yet, and whether it may be wrapped.
    fresh: BTreeMap<Secret, bool>,
    /// What is. Each set is more than twice as large as the next, so that few are searched, and what a
    /// new secret costs grows with the logarithm of their number.
    sets: Vec<Arc<Set>>,
    search: Option<(Arc<Search>, Begins)>,
}

impl State {
    fn add(&mut self, text: Secret, wraps: bool) {
        if text.expose().len() >= SHORTEST && !self.sets.iter().any(|set| set.has(&text, wraps)) {
            *self.fresh.entry(text).or_default() |= wraps;
        }
    }

    /// The search for everything that was added.
    fn search(&mut self) -> Option<Arc<Search>> {
        if !self.fresh.is_empty() {
            let fresh = std::mem::take(&mut self.fresh);
            let mut size: usize = fresh.keys().map(|text| text.expose().len()).sum();
            let mut kept = self.sets.len();
            while kept > 0 && self.sets[kept - 1].size() <= 2 * size {
                kept -= 1;
                size += self.sets[kept].size();
            }
            let set = Set::new(fresh, &self.sets[kept..]);
            self.sets.truncate(kept);
            let mut begins = match self.search.take() {
                Some((_, begins)) => begins,
                None => Begins::new(),
            };
            begins.add(set.needles());
            self.sets.push(Arc::new(set));
            let search = Arc::new(Search::new(self.sets.clone(), begins.clone()));
            self.search = Some((search, begins));
        }
        self.search.as_ref().map(|(search, _)| Arc::clone(search))
    }
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
            for (form, wraps) in encodings::forms(secret.expose()).into_iter() {
                state.add(form, wraps);
            }
            self.arm(&state);
        }
    }

    /// Looks for exactly this text from now on, unless it has fewer than [`SHORTEST`] bytes.
    pub fn add_plain(&self, text: &str) {
        let mut state = self.state();
        state.add(Secret::new(text), false);
        self.arm(&state);
    }

    fn arm(&self, state: &State) {
        if !state.fresh.is_empty() {
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
        if self.is_idle() { None } else { self.state().search() }
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
        let mut stream = self.stream();
        let mut out = stream.push(text);
        if stream.is_holding() {
            out.to_mut().push_str(MASK);
        }
        out
    }

    /// Likewise for bytes, whatever they are.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(search) = self.search() else { return bytes };
        let spans = search.spans(&bytes);
        if spans.is_empty() {
            return bytes;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for span in spans {
            out.extend_from_slice(&bytes[done..span.start]);
            out.extend_from_slice(MASK.as_bytes());
            done = span.end;
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
