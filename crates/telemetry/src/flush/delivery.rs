//! Batch by batch: what is sent again in smaller parts, what is removed, what is set aside.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rustix::fs::renameat;
use swamp_ident::InvocationId;
use swamp_wire::{EventStatus, IngestResults};

use super::backoff::chance;
use super::batch::{self, BatchLimits, Ready};
use super::client::{Answer, Client, Target};
use super::state::{LONGEST_WAIT, State};
use super::verdict::Verdict;
use super::{FlushJob, FlushReport, FlushResult};
use crate::outgoing::Rules;
use crate::spool::Spool;
use crate::waiting::{EntryName, Found};
use crate::{rollup, set_aside};

/// Times an event is refused before it is set aside.
const TRIES: u32 = 3;

/// Failures in a row after which a failing endpoint is suspected to stumble over one of the events.
const SUSPICION: u32 = 3;

/// Refusals in a row after which the endpoint refuses everything.
const ENOUGH: u32 = 24;

/// How often a key or an address that is wrong is tried, counted in failures of another kind.
const AS_GOOD_AS: u32 = 6;

/// A flush under way.
pub(super) struct Delivery<'a> {
    job: &'a FlushJob<'a>,
    spool: &'a Spool,
    client: Client<'a>,
    rules: Rules<'a>,
    state: &'a mut State,
    /// Files to leave alone until the next flush.
    leave: &'a mut HashSet<EntryName>,
    report: &'a mut FlushReport,
    limits: BatchLimits,
    /// Requests in a row of which everything was refused.
    refusals: u32,
    /// Events that were refused by themselves, and with which status.
    suspects: Vec<(Ready, u16)>,
    /// Whether anything was taken.
    is_taken_from: bool,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        job: &'a FlushJob<'a>,
        spool: &'a Spool,
        target: &'a Target,
        rules: Rules<'a>,
        state: &'a mut State,
        leave: &'a mut HashSet<EntryName>,
        report: &'a mut FlushReport,
    ) -> Self {
        let client = Client::new(target, state.takes_gzip);
        Self {
            job,
            spool,
            client,
            rules,
            state,
            leave,
            report,
            limits: job.batch,
            refusals: 0,
            suspects: Vec::new(),
            is_taken_from: false,
        }
    }

    /// Whether a file is not to be looked at again in this flush.
    pub(super) fn leaves(&self, name: &EntryName) -> bool {
        self.leave.contains(name)
    }

    /// Sends all files. `false` if there is no going on; the report says why.
    pub(super) fn all(&mut self, mut files: &[Found]) -> bool {
        while !files.is_empty() {
            let filled = batch::fill(self.spool, files, self.limits, &self.rules, self.leave);
            for (name, why) in &filled.bad {
                self.set_aside(name, why);
            }
            files = &files[filled.used..];
            if !filled.batch.is_empty() && !self.deliver(filled.batch) {
                return false;
            }
            // What is known is not to be lost with the process.
            if let Err(error) = self.state.write(self.spool) {
                self.fault(format!("cannot remember: {error}"));
            }
        }
        true
    }

    /// Everything was tried: settles those that were refused.
    pub(super) fn finish(&mut self) {
        for (ready, status) in std::mem::take(&mut self.suspects) {
            let tries = self.tries(ready.outgoing.id());
            // Only where others are taken it is the event's own fault.
            let is_its_own_fault = self.is_taken_from
                || Verdict::of(status) == Verdict::Refused && self.state.last_success.is_some();
            if tries >= TRIES && is_its_own_fault {
                self.absorb(&[&ready]);
                self.set_aside(&ready.name, &format!("the endpoint refused it with HTTP {status}"));
                self.state.tries.remove(ready.outgoing.id());
            } else if self.report.result == FlushResult::Done {
                self.fail(FlushResult::Failed { status }, None);
            }
        }
        if self.report.result == FlushResult::Done {
            self.state.failures = 0;
            self.state.next_try = None;
            self.state.asked_to_wait = false;
        }
    }

    /// Sends a batch, in parts where that is needed.
    fn deliver(&mut self, batch: Vec<Ready>) -> bool {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            // The limits may have become stricter meanwhile.
            if part.len() > self.limits.events {
                parts.push(part.split_off(self.limits.events));
            }
            let body = batch::body(&part);
            let Some(answer) = self.request(&body) else {
                return false;
            };
            let status = match answer {
                Answer::Accepted(results) => {
                    self.accepted(part, results);
                    continue;
                }
                Answer::None(why) => return self.fail(FlushResult::Unreachable(why), None),
                Answer::Status(status, wait) => match Verdict::of(status) {
                    Verdict::Pause => return self.fail(FlushResult::Paused { status }, wait),
                    Verdict::Misconfigured => {
                        return self.fail(FlushResult::Misconfigured { status }, wait);
                    }
                    Verdict::Unwell => return self.fail(FlushResult::Failed { status }, wait),
                    Verdict::Failed if self.state.failures + 1 < SUSPICION => {
                        return self.fail(FlushResult::Failed { status }, wait);
                    }
                    Verdict::TooLarge => {
                        self.limits = self.limits.halved(part.len(), body.len());
                        status
                    }
                    Verdict::Refused | Verdict::Failed => {
                        self.refusals += 1;
                        if self.refusals > ENOUGH && !self.is_taken_from {
                            return self.fail(FlushResult::Failed { status }, wait);
                        }
                        for ready in &part {
                            self.state.refused(ready.outgoing.id());
                        }
                        status
                    }
                },
            };
            if part.len() > 1 {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            } else if let Some(ready) = part.pop() {
                self.refused_alone(ready, status, &mut parts);
            }
        }
        true
    }

    fn refused_alone(&mut self, ready: Ready, status: u16, parts: &mut Vec<Vec<Ready>>) {
        if Verdict::of(status) == Verdict::TooLarge {
            self.absorb(&[&ready]);
            let bytes = ready.outgoing.event.len();
            let why = format!("the endpoint refused it as too large ({bytes} bytes, HTTP 413)");
            self.set_aside(&ready.name, &why);
        } else if self.is_taken_from && self.tries(ready.outgoing.id()) < TRIES {
            parts.push(vec![ready]);
        } else {
            self.leave.insert(ready.name.clone());
            self.suspects.push((ready, status));
        }
    }

    fn tries(&self, id: &InvocationId) -> u32 {
        self.state.tries.get(id).copied().unwrap_or(0)
    }

    /// Sends a body; `None` when there is no time left for it, or telemetry is off.
    fn request(&mut self, body: &[u8]) -> Option<Answer> {
        let left = self.job.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.report.result = FlushResult::OutOfTime;
            return None;
        }
        if !(self.job.is_on)() {
            self.report.result = FlushResult::SwitchedOff;
            return None;
        }
        let answer = self.client.post(body, left.min(self.job.request_timeout));
        self.state.takes_gzip = self.client.takes_gzip;
        if matches!(answer, Answer::None(_)) && left < self.job.request_timeout {
            // Who waits only for a moment cannot say that the endpoint is unwell.
            if self.job.deadline <= Instant::now() {
                self.report.result = FlushResult::OutOfTime;
                return None;
            }
        }
        Some(answer)
    }

    /// Notes a failure and when to try again. Always `false`: there is no going on.
    fn fail(&mut self, result: FlushResult, asked: Option<Duration>) -> bool {
        self.state.failures = self.state.failures.saturating_add(1);
        let steps = match result {
            FlushResult::Misconfigured { .. } => self.state.failures.max(AS_GOOD_AS),
            _ => self.state.failures,
        };
        let own = self.job.backoff.wait(steps, chance());
        let wait = asked.map_or(own, |asked| asked.clamp(Duration::from_secs(1), LONGEST_WAIT));
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self.state.asked_to_wait = asked.is_some();
        self.state.next_try = Some(self.job.now().plus_millis(millis));
        self.report.result = result;
        false
    }

    fn accepted(&mut self, part: Vec<Ready>, results: Option<IngestResults>) {
        let results: Option<HashMap<_, _>> = results.map(|results| {
            results.results.into_iter().map(|result| (result.id.clone(), result)).collect()
        });
        let mut taken = Vec::new();
        for ready in part {
            let id = ready.outgoing.id().clone();
            let Some(results) = &results else {
                taken.push((ready, true));
                continue;
            };
            let result = results.get(&id);
            match result.and_then(|result| result.status.known()) {
                Some(EventStatus::Ok | EventStatus::Duplicate) => taken.push((ready, true)),
                Some(EventStatus::Dropped) => taken.push((ready, false)),
                Some(EventStatus::Invalid) => {
                    let reason = result.and_then(|result| result.reason.as_deref());
                    let reason = reason.unwrap_or("it did not say why");
                    self.absorb(&[&ready]);
                    self.set_aside(&ready.name, &format!("the endpoint refused it: {reason}"));
                    self.state.tries.remove(&id);
                }
                None if self.state.refused(&id) >= TRIES => {
                    self.absorb(&[&ready]);
                    self.set_aside(&ready.name, "the endpoint did not say what became of it");
                    self.state.tries.remove(&id);
                }
                None => drop(self.leave.insert(ready.name)),
            }
        }
        // An answer without a word about any event says nothing about the endpoint's health.
        if !taken.is_empty() {
            self.is_taken_from = true;
            self.refusals = 0;
            self.state.last_success = Some(self.job.now());
        }
        self.absorb(&taken.iter().map(|(ready, _)| ready).collect::<Vec<_>>());
        for (ready, is_stored) in taken {
            self.state.tries.remove(ready.outgoing.id());
            if is_stored {
                self.report.sent += 1;
            } else {
                self.report.dropped += 1;
                self.state.dropped.by_server = self.state.dropped.by_server.saturating_add(1);
            }
            self.remove(&ready.name);
        }
    }

    /// Adds the numbers of entries that are about to go to the roll-up.
    fn absorb(&mut self, ready: &[&Ready]) {
        let entries: Vec<_> = ready.iter().map(|ready| ready.outgoing.entry.clone()).collect();
        if let Err(error) = rollup::absorb(self.spool, &entries) {
            self.fault(format!("cannot add to the roll-up: {error}"));
        }
    }

    fn remove(&mut self, name: &EntryName) {
        let removed = if self.job.keep_sent {
            let kept = name.kept();
            renameat(self.spool, name.as_str(), self.spool, &*kept).map_err(std::io::Error::from)
        } else {
            self.spool.remove(name.as_str())
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                // It would be sent again and again.
                self.leave.insert(name.clone());
                self.fault(format!("cannot remove {}: {error}", name.as_str()));
            }
            _ => {}
        }
    }

    fn set_aside(&mut self, name: &EntryName, why: &str) {
        match set_aside::set_aside(self.spool, name, why) {
            Ok(()) => self.report.set_aside += 1,
            Err(error) => {
                self.leave.insert(name.clone());
                self.fault(format!("cannot set {} aside: {error}", name.as_str()));
            }
        }
    }

    fn fault(&mut self, what: String) {
        self.report.fault.get_or_insert(what);
    }
}
