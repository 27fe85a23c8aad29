//! What a flusher remembers for the next one, and for `swamp telemetry status`.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use swamp_ident::{InvocationId, Timestamp};

use crate::bounds::Dropped;
use crate::spool::Spool;

/// Name of the file in the spool. Only the holder of the flush lock writes it.
const FILE: &str = "flush-state.json";

/// The longest wait that is believed; more comes from a clock that was set back.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Events whose attempts are counted at most.
const MOST_TRIES: usize = 1000;

/// How the last flush went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastFlush {
    /// When it ended.
    pub at: Timestamp,
    /// Whether nothing was left that could have been sent.
    pub ok: bool,
    /// The result in words.
    pub result: String,
    /// Entries the collector took.
    pub sent: u64,
    /// Entries that were set aside.
    pub set_aside: u64,
    /// Entries that waited when it ended.
    pub left: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct State {
    /// What the rest is about; another endpoint starts afresh.
    endpoint: Option<String>,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Not before this time.
    pub(crate) next_try: Option<Timestamp>,
    /// Whether the endpoint named that time.
    pub(crate) asked_to_wait: bool,
    /// Whether it says that it reads gzip.
    pub(crate) takes_gzip: bool,
    /// When it last took something.
    pub(crate) last_success: Option<Timestamp>,
    pub(crate) last_flush: Option<LastFlush>,
    /// How often events were refused that still wait.
    pub(crate) tries: BTreeMap<InvocationId, u32>,
    /// Entries that were given up since the spool was made.
    pub(crate) dropped: Dropped,
}

impl State {
    /// What is remembered; nothing if that cannot be understood.
    pub(crate) fn read(spool: &Spool) -> Self {
        let text = spool.read(FILE).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// What is remembered of an endpoint.
    pub(crate) fn of(spool: &Spool, endpoint: &str) -> Self {
        let state = Self::read(spool);
        if state.endpoint.as_deref() == Some(endpoint) {
            return state;
        }
        let Self { last_flush, dropped, .. } = state;
        Self { endpoint: Some(endpoint.to_owned()), last_flush, dropped, ..Self::default() }
    }

    pub(crate) fn write(&self, spool: &Spool) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        spool.replace(FILE, &text)
    }

    /// Until when to wait, if that is later than now.
    pub(crate) fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let most = i64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(i64::MAX);
        self.next_try.filter(|at| *at > now && *at <= now.plus_millis(most))
    }

    /// One more refusal of an event. Tells how many that makes.
    pub(super) fn refused(&mut self, id: &InvocationId) -> u32 {
        if !self.tries.contains_key(id) && self.tries.len() >= MOST_TRIES {
            self.tries.pop_first();
        }
        let tries = self.tries.entry(id.clone()).or_default();
        *tries = tries.saturating_add(1);
        *tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    #[test]
    fn another_endpoint_starts_afresh_but_losses_stay() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::create(&home.path().join("telemetry")).unwrap();
        let mut state = State::of(&spool, "http://a");
        assert_eq!(state, State { endpoint: Some("http://a".to_owned()), ..State::default() });
        state.failures = 3;
        state.dropped.too_old = 7;
        state.next_try = Some(NOW.plus_millis(5));
        state.refused(&InvocationId::new("x"));
        state.write(&spool).unwrap();
        assert_eq!(State::of(&spool, "http://a"), state);
        let other = State::of(&spool, "http://b");
        assert_eq!((other.failures, other.next_try, other.dropped.too_old), (0, None, 7));
        std::fs::write(home.path().join("telemetry").join(FILE), "{\"failures\": ").unwrap();
        assert_eq!(State::read(&spool), State::default());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_sending() {
        let waits = |millis: i64| {
            let state = State { next_try: Some(NOW.plus_millis(millis)), ..State::default() };
            state.waits_until(NOW).is_some()
        };
        let day = 86_400_000;
        assert_eq!(
            [waits(0), waits(-1), waits(1), waits(day), waits(day + 1)],
            [false, false, true, true, false]
        );
    }

    #[test]
    fn tries_are_counted_for_so_many_events_only() {
        let mut state = State::default();
        for n in 0..MOST_TRIES + 10 {
            state.refused(&InvocationId::new(format!("{n:05}")));
        }
        assert_eq!(state.tries.len(), MOST_TRIES);
        let last = InvocationId::new(format!("{:05}", MOST_TRIES + 9));
        assert_eq!(state.refused(&last), 2);
    }
}
