//! Turning a journal into files in the spool.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use swamp_ident::{InvocationId, MethodName, Phase, Timestamp};
use swamp_wire::{
    Extra, InvocationResult, MethodCounts, REDACTED, ResultStatus, TelemetryEntry, WorkflowContext,
};

use crate::entry;
use crate::journal::{Begin, Ending, Reader, Record};
use crate::spool::Spool;
use crate::words::is_method_name;

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// There can be none: the entry's id is fresh.
    Fails,
    /// It is ours, and left alone if it is whole.
    IsOurs,
}

/// Reads a journal and writes the files of all entries that are final.
///
/// In the process that writes the journal it runs at low priority on a thread of its own, as far
/// behind as it likes; the end of the session then has little left to do. After a process died,
/// another one runs it to the end and then settles what was left open.
#[derive(Debug)]
pub(crate) struct Spooler {
    spool: Arc<Spool>,
    reader: Reader,
    existing: Existing,
    /// The entry of a child, but for what makes it that child; made from the first record.
    child: Option<TelemetryEntry>,
    /// The command's entry as it is to be if the process died.
    parent: Option<TelemetryEntry>,
    /// When the command began, by the monotonic clock.
    began: u64,
    /// The last moment that the journal knows of.
    last: u64,
    /// Calls that are not final, with the end of their method if it had one.
    open: BTreeMap<u64, (Begin, Option<Ending>)>,
    /// Entries that became final before this place are files already.
    spooled: u64,
    /// And so are those of this many calls among those that a dead process left open.
    settled: u64,
    /// How many things were settled, the command's own entry being the last; `None` before that
    /// begins.
    settling: Option<u64>,
    counts: MethodCounts,
    closed: bool,
    text: Vec<u8>,
    /// Files written.
    pub(crate) written: u64,
    /// Files that could not be written.
    pub(crate) lost: u64,
    /// Why the first of them could not.
    pub(crate) fault: Option<io::Error>,
    /// How far this one is; others may look.
    progress: Arc<AtomicU64>,
}

impl Spooler {
    /// A spooler at the start of a journal.
    pub(crate) fn new(spool: Arc<Spool>, journal: Arc<File>, existing: Existing) -> Self {
        Self {
            spool,
            reader: Reader::new(journal),
            existing,
            child: None,
            parent: None,
            began: 0,
            last: 0,
            open: BTreeMap::new(),
            spooled: 0,
            settled: 0,
            settling: None,
            counts: MethodCounts {
                total: 0,
                success: 0,
                error: 0,
                skipped: 0,
                extra: Extra::new(),
            },
            closed: false,
            text: Vec::new(),
            written: 0,
            lost: 0,
            fault: None,
            progress: Arc::default(),
        }
    }

    /// The place up to which all final entries are files, to be read by others while this works.
    pub(crate) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// Says that entries which became final before this place are files already.
    pub(crate) fn skip_to(&mut self, place: u64) {
        self.spooled = place;
    }

    /// Whether the command's own entry was in the journal.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Works on until the journal's present end, or until told to stop.
    pub(crate) fn work(&mut self, stop: Option<&AtomicBool>) {
        while !stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) && self.work_on() {
            if self.lost == 0 {
                self.progress.store(self.reader.place(), Ordering::Relaxed);
            }
        }
    }

    /// Takes one record, which is worth one entry at most; `false` at the journal's present end.
    pub(crate) fn work_on(&mut self) -> bool {
        match self.reader.next() {
            Ok(Some(record)) => {
                self.take(record);
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.fault.get_or_insert(error);
                false
            }
        }
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::Open(open) => {
                self.child = Some(entry::child_template(&open.entry));
                self.parent = Some(open.entry);
                self.began = open.t;
                self.saw(open.t);
            }
            Record::Run { id } => {
                if let Some(parent) = &mut self.parent {
                    parent.run_id = Some(id);
                }
            }
            Record::Direct { t, context } => {
                self.saw(t);
                if let Some(parent) = &mut self.parent {
                    parent.method_context = Some(context);
                }
            }
            Record::Begin(begin) => {
                self.saw(begin.t);
                self.open.insert(begin.n, (*begin, None));
            }
            Record::Finish(finish) => {
                self.saw(finish.t);
                if let Some((_, ending)) = self.open.get_mut(&finish.n) {
                    *ending = Some(finish.ending);
                }
            }
            Record::End(end) => {
                if let Some((begin, finished)) = self.open.remove(&end.n) {
                    self.add_begun(begin, end.ending.or(finished));
                }
            }
            Record::Whole(whole) => {
                self.saw(whole.t);
                let at = Timestamp::from_millis(whole.at);
                self.add_child(whole.id, at, 0, whole.method, whole.result, whole.context);
            }
            Record::Spooled { to } => self.spooled = self.spooled.max(to),
            Record::Settled { calls } => self.settled = self.settled.max(calls),
            Record::Close(parent) => {
                self.closed = true;
                self.add(&parent);
            }
        }
    }

    fn saw(&mut self, t: u64) {
        self.last = self.last.max(t);
    }

    /// Settles one thing that a dead process left open: every call that began gets its entry, and
    /// then the command does. `false` when nothing is left to settle.
    pub(crate) fn settle_on(&mut self) -> bool {
        *self.settling.get_or_insert(0) += 1;
        if let Some((_, (begin, finished))) = self.open.pop_first() {
            self.add_begun(begin, finished);
            return true;
        }
        if let Some(mut parent) = self.parent.take().filter(|_| !self.closed) {
            let ms = self.last.saturating_sub(self.began);
            parent.duration_ms = i64::try_from(ms).unwrap_or(i64::MAX);
            parent.completed_at = parent.started_at.plus_millis(parent.duration_ms);
            if parent.run_id.is_some() {
                parent.method_counts = Some(self.counts.clone());
            }
            self.closed = true;
            self.add(&parent);
        }
        false
    }

    /// What whoever goes on with the journal of a dead process must know.
    pub(crate) fn position(&self) -> Vec<Record> {
        let spooled = Record::Spooled { to: self.reader.place() };
        let settled = self.settling.map(|calls| Record::Settled { calls });
        std::iter::once(spooled).chain(settled).collect()
    }

    /// Whether the entry that is final now is a file already.
    fn is_file(&self) -> bool {
        match self.settling {
            None => self.reader.place() <= self.spooled,
            Some(calls) => calls <= self.settled,
        }
    }

    fn add_begun(&mut self, begin: Begin, ending: Option<Ending>) {
        // Nobody saw the end, or the line that told it is damaged.
        let ending = ending.unwrap_or_else(|| Ending {
            ms: self.last.saturating_sub(begin.t),
            result: entry::terminated(),
            phase: Phase::Method,
            allowed: false,
        });
        let mut context = begin.context;
        context.phase = Some(ending.phase.into());
        context.allowed_failure = ending.allowed.then_some(true);
        let at = Timestamp::from_millis(begin.at);
        // Nothing is the sign of a method that never ran.
        let ms = ending.ms.max(1);
        self.add_child(begin.id, at, ms, begin.method, ending.result, context);
    }

    fn add_child(
        &mut self,
        id: InvocationId,
        started_at: Timestamp,
        ms: u64,
        method: MethodName,
        result: InvocationResult,
        context: WorkflowContext,
    ) {
        self.counts.total += 1;
        if result.status == ResultStatus::Success {
            self.counts.success += 1;
        } else {
            self.counts.error += 1;
        }
        // A journal whose first line is damaged has lost its command; its calls with it.
        let Some(mut child) = self.child.take() else {
            self.lost += 1;
            return;
        };
        child.id = id;
        child.invocation.args.truncate(2);
        // What is no name, such as an expression that could not be resolved, is somebody's text.
        let method = if is_method_name(method.as_str()) { method.into() } else { REDACTED.into() };
        child.invocation.args.push(method);
        child.result = result;
        child.started_at = started_at;
        child.duration_ms = i64::try_from(ms).unwrap_or(i64::MAX);
        child.completed_at = started_at.plus_millis(child.duration_ms);
        child.workflow_context = Some(context);
        self.add(&child);
        self.child = Some(child);
    }

    fn add(&mut self, entry: &TelemetryEntry) {
        if self.is_file() {
            return;
        }
        self.text.clear();
        let written = serde_json::to_writer_pretty(&mut self.text, entry)
            .map_err(io::Error::from)
            .and_then(|()| match self.existing {
                Existing::Fails => self.spool.add(entry, &self.text),
                Existing::IsOurs => self.spool.restore(entry, &self.text),
            });
        match written {
            Ok(()) => self.written += 1,
            Err(error) => {
                self.lost += 1;
                self.fault.get_or_insert(error);
            }
        }
    }
}
