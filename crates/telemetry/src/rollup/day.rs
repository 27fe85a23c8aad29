//! What is kept of the entries of one day.

use std::collections::{BTreeSet, HashMap, HashSet};

use swamp_ident::InvocationId;
use swamp_sketch::Sketch;
use swamp_wire::TelemetryEntry;

use crate::facts::{Key, NameId, Names, ran, run_number};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Different keys and hours that a day tells apart; what comes later is counted together. Room for a
/// hundred steps that are busy around the clock; a file of half a megabyte.
pub(crate) const MOST_CELLS: usize = 4_000;

/// Different options and hours that a day tells apart.
const MOST_OPTIONS: usize = 1_000;

/// Different runs that a cell tells apart; from there on, it says "at least".
const MOST_RUNS: usize = 64;

/// The entries of one UTC day that are no longer there as files.
#[derive(Debug, Default)]
pub(crate) struct Day {
    /// The names the keys are made of.
    pub(crate) names: Names,
    /// The numbers by hour of the day and key.
    pub(crate) cells: HashMap<(u8, Key), Cell>,
    /// How often each option was given, by hour of the day.
    pub(crate) options: HashMap<(u8, NameId), u64>,
    /// Entries that had to be counted under another name because there were too many.
    pub(crate) folded: u64,
    /// Entries that are counted here and whose files may still be there.
    pub(crate) absorbed: HashSet<InvocationId>,
}

/// The numbers of some entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// Entries.
    pub(crate) count: u64,
    /// Their durations together, in milliseconds.
    pub(crate) total_ms: i64,
    /// The runs they belong to, as numbers; the smallest ones if there are too many.
    pub(crate) runs: BTreeSet<u64>,
    /// Durations of those whose method ran, in milliseconds.
    pub(crate) times: Sketch,
}

impl Day {
    /// Counts an entry; one whose id is in `absorbed` already is passed over.
    pub(crate) fn absorb(&mut self, entry: &TelemetryEntry) {
        if !self.absorbed.insert(entry.id.clone()) {
            return;
        }
        // The remainder is one of 24.
        let hour = entry.started_at.as_millis().div_euclid(HOUR).rem_euclid(24);
        let hour = u8::try_from(hour).unwrap_or(0);
        let mut key = Key::of(entry, &mut self.names);
        if self.cells.len() >= MOST_CELLS && !self.cells.contains_key(&(hour, key)) {
            key = key.folded();
            self.folded += 1;
        }
        self.cells.entry((hour, key)).or_default().add(entry);
        for option in entry.invocation.option_keys.iter().chain(&entry.invocation.global_options) {
            let mut option = self.names.id(option);
            if self.options.len() >= MOST_OPTIONS && !self.options.contains_key(&(hour, option)) {
                option = NameId::OTHER;
            }
            *self.options.entry((hour, option)).or_default() += 1;
        }
    }
}

impl Cell {
    fn add(&mut self, entry: &TelemetryEntry) {
        self.count += 1;
        self.total_ms = self.total_ms.saturating_add(entry.duration_ms);
        if let Some(ms) = ran(entry) {
            self.times.record(ms);
        }
        if let Some(context) = &entry.workflow_context {
            self.runs.insert(run_number(&context.run_id));
            if self.runs.len() > MOST_RUNS {
                self.runs.pop_last();
            }
        }
    }

    /// Whether there were more runs than are told apart.
    pub(crate) fn more_runs(&self) -> bool {
        self.runs.len() >= MOST_RUNS
    }
}
