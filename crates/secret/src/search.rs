//! The search for what is known at one time.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use serde_json::Value;

use crate::begins::Begins;
use crate::redactor::MASK;
use crate::wrapped::{Undecided, Wrapped};
use crate::{SHORTEST, Secret};

/// A text to look for.
#[derive(Debug)]
pub(crate) struct Needle {
    text: Secret,
    /// Whether it is also looked for across line breaks.
    wraps: bool,
}

impl Needle {
    fn bytes(&self) -> &[u8] {
        self.text.expose().as_bytes()
    }
}

/// Texts to look for, and the automaton that finds them.
#[derive(Debug)]
pub(crate) struct Set {
    /// Sorted; those that begin alike stand together. The automaton knows them by their place here.
    needles: Vec<Arc<Needle>>,
    /// Those that may be wrapped, likewise sorted.
    wrapping: Vec<Arc<Needle>>,
    /// All bytes of all needles.
    size: usize,
    /// `None` when the needles are too many for one (two billion states): then nothing is passed on.
    machine: Option<Machine>,
}

#[derive(Debug)]
struct Machine {
    nfa: NFA,
    start: StateID,
}

impl Set {
    /// A set of texts, and all of some others.
    pub(crate) fn new(
        texts: impl IntoIterator<Item = (Secret, bool)>,
        others: &[Arc<Self>],
    ) -> Self {
        let fresh = texts.into_iter().map(|(text, wraps)| Arc::new(Needle { text, wraps }));
        let mut needles: Vec<Arc<Needle>> =
            others.iter().flat_map(|set| set.needles.iter().cloned()).chain(fresh).collect();
        needles.sort_by(|a, b| a.bytes().cmp(b.bytes()));
        let wrapping = needles.iter().filter(|needle| needle.wraps).cloned().collect();
        let size = needles.iter().map(|needle| needle.bytes().len()).sum();
        let machine = NFA::builder()
            .match_kind(MatchKind::Standard)
            // `Begins` does that, for all sets together.
            .prefilter(false)
            .build(needles.iter().map(|needle| needle.bytes()))
            .ok()
            .and_then(|nfa| Some(Machine { start: nfa.start_state(Anchored::No).ok()?, nfa }));
        Self { needles, wrapping, size, machine }
    }

    /// All texts.
    pub(crate) fn needles(&self) -> impl Iterator<Item = &[u8]> {
        self.needles.iter().map(|needle| needle.bytes())
    }

    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Whether a text is looked for, also wrapped if that is wanted.
    pub(crate) fn has(&self, text: &Secret, wraps: bool) -> bool {
        let needles = if wraps { &self.wrapping } else { &self.needles };
        let text = text.expose().as_bytes();
        needles.binary_search_by(|needle| needle.bytes().cmp(text)).is_ok()
    }

    fn longest(needles: &[Arc<Needle>]) -> usize {
        needles.iter().map(|needle| needle.bytes().len()).max().unwrap_or(0)
    }
}

/// Whether a longer needle begins with `tail`. The needles are sorted.
fn begins_with(needles: &[Arc<Needle>], tail: &[u8]) -> bool {
    let at = needles.partition_point(|needle| needle.bytes() <= tail);
    needles.get(at).is_some_and(|needle| needle.bytes().starts_with(tail))
}

/// One walk through the automata of all sets.
pub(crate) struct Walk<'s> {
    sets: &'s [Arc<Set>],
    /// Empty before the first step: most walks never begin.
    steps: Vec<Step<'s>>,
}

struct Step<'s> {
    machine: &'s Machine,
    state: StateID,
}

impl<'s> Walk<'s> {
    const fn new(sets: &'s [Arc<Set>]) -> Self {
        Self { sets, steps: Vec::new() }
    }

    pub(crate) fn restart(&mut self) {
        for step in &mut self.steps {
            step.state = step.machine.start;
        }
    }

    /// Whether no needle begins with an end of what was walked through.
    pub(crate) fn is_idle(&self) -> bool {
        self.steps.iter().all(|step| step.state == step.machine.start)
    }

    pub(crate) fn step(&mut self, byte: u8) {
        if self.steps.is_empty() {
            let machines = self.sets.iter().filter_map(|set| set.machine.as_ref());
            self.steps.extend(machines.map(|machine| Step { machine, state: machine.start }));
        }
        for Step { machine, state } in &mut self.steps {
            *state = machine.nfa.next_state(Anchored::No, *state, byte);
        }
    }

    /// The length of the longest needle, of those that are wanted, that ends here.
    fn longest(&self, wanted: impl Fn(&Needle) -> bool) -> Option<usize> {
        let mut longest = None;
        for (set, step) in self.sets.iter().zip(&self.steps) {
            let (nfa, state) = (&step.machine.nfa, step.state);
            if nfa.is_match(state) {
                let needles = (0..nfa.match_len(state))
                    .map(|index| &set.needles[nfa.match_pattern(state, index).as_usize()]);
                let lengths =
                    needles.filter(|needle| wanted(needle)).map(|needle| needle.bytes().len());
                longest = longest.max(lengths.max());
            }
        }
        longest
    }

    /// The length of the longest needle that ends here and may be wrapped.
    pub(crate) fn longest_wrapping(&self) -> Option<usize> {
        self.longest(|needle| needle.wraps)
    }

    /// Whether a longer needle that may be wrapped begins with `tail`.
    pub(crate) fn begins_wrapping(&self, tail: &[u8]) -> bool {
        self.sets.iter().any(|set| begins_with(&set.wrapping, tail))
    }
}

/// The search for a fixed number of needles, in sets.
#[derive(Debug)]
pub(crate) struct Search {
    sets: Vec<Arc<Set>>,
    begins: Begins,
    longest: usize,
    longest_wrapping: usize,
}

/// Whether a text may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Final,
    Open,
}

/// What was found in a text that may go on.
pub(crate) struct Found {
    /// What is to be hidden: in order, none overlaps another.
    pub(crate) spans: Vec<Range<usize>>,
    pub(crate) undecided: Undecided,
}

impl Search {
    pub(crate) fn new(sets: Vec<Arc<Set>>, begins: Begins) -> Self {
        let longest = |needles: fn(&Set) -> &[Arc<Needle>]| {
            sets.iter().map(|set| Set::longest(needles(set))).max().unwrap_or(0)
        };
        let (longest, longest_wrapping) =
            (longest(|set| &set.needles), longest(|set| &set.wrapping));
        Self { sets, begins, longest, longest_wrapping }
    }

    /// What is to be hidden in a whole text.
    pub(crate) fn spans(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.search(text, End::Final).spans
    }

    /// What is to be hidden in a text that may go on, and from where on that is not known yet.
    pub(crate) fn look(&self, text: &[u8]) -> Found {
        self.search(text, End::Open)
    }

    fn search(&self, text: &[u8], end: End) -> Found {
        if self.sets.iter().any(|set| set.machine.is_none()) {
            let undecided = Undecided { context: text.len(), held: text.len() };
            return Found { spans: std::iter::once(0..text.len()).collect(), undecided };
        }
        let mut spans = Vec::new();
        let mut walk = Walk::new(&self.sets);
        let plain = self.walk(text, end, &mut walk, &mut spans);
        let mut undecided = Undecided { context: plain, held: plain };
        if self.longest_wrapping > 0 {
            let mut joined = Vec::new();
            let wrapped = Wrapped::new(text, &mut walk, &self.begins, self.longest_wrapping);
            if let Some(wrapped) = wrapped.find(end, &mut joined) {
                undecided.context = plain.min(wrapped.context);
                undecided.held = plain.min(wrapped.held);
            }
            if !joined.is_empty() {
                // What is not told yet has to be found again.
                let held = joined.iter().filter(|found| found.span.start >= undecided.held);
                let first = held.map(|found| found.first).min();
                undecided.context = undecided.context.min(first.unwrap_or(text.len()));
                spans.extend(joined.into_iter().map(|found| found.span));
                spans.sort_by_key(|span| span.start);
                spans = spans.into_iter().fold(Vec::new(), |mut merged, span| {
                    add(&mut merged, span);
                    merged
                });
            }
        }
        Found { spans, undecided }
    }

    /// Finds what stands in the text as it is; tells where the beginning of a needle at its end is, if it
    /// may go on.
    fn walk(
        &self,
        text: &[u8],
        end: End,
        walk: &mut Walk<'_>,
        spans: &mut Vec<Range<usize>>,
    ) -> usize {
        let mut at = 0;
        loop {
            let from = self.begins.next(text, at);
            if text.len() - from < SHORTEST {
                return if end == End::Open { self.undecided(text, from) } else { text.len() };
            }
            at = from;
            loop {
                let Some(&byte) = text.get(at) else { return self.undecided(text, from) };
                walk.step(byte);
                at += 1;
                if walk.is_idle() {
                    break;
                }
                if let Some(length) = walk.longest(|_| true) {
                    add(spans, at - length..at);
                }
            }
        }
    }

    /// The first place, not before `from`, from which on the text is the beginning of a needle.
    fn undecided(&self, text: &[u8], from: usize) -> usize {
        let first = from.max(text.len().saturating_sub(self.longest.saturating_sub(1)));
        (first..text.len())
            .find(|&at| {
                let tail = &text[at..];
                self.begins.may(tail) && self.sets.iter().any(|set| begins_with(&set.needles, tail))
            })
            .unwrap_or(text.len())
    }

    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let spans = self.spans(text.as_bytes());
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for span in spans {
            out.push_str(&text[done..span.start]);
            out.push_str(MASK);
            done = span.end;
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    pub(crate) fn redact_json(&self, value: &mut Value) {
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

/// Adds a span to others none of which ends behind it, joining those that overlap.
fn add(spans: &mut Vec<Range<usize>>, mut span: Range<usize>) {
    while let Some(last) = spans.last()
        && last.end > span.start
    {
        span = last.start.min(span.start)..last.end.max(span.end);
        spans.pop();
    }
    spans.push(span);
}
