//! Pinned clock and identifiers, so that tests see the same output twice.
//!
//! In builds with debug assertions, `SWAMP_TEST_CLOCK` (a time like `2026-11-22T09:59:20.000Z`) makes
//! both clocks start there and go on by a millisecond with every reading, and `SWAMP_TEST_SEED` (a
//! number) makes identifiers count from there. `SWAMP_TEST_PANIC` makes the program fail in itself:
//! `before` the command does anything, `during` a method call, on the thread of its step, or in the
//! `console` that shows it. Release builds look at none of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use swamp_events::{EventKind, EventSink, RunEvent};
use swamp_ident::{Clock, IdSource, Moment, RandomIds, SystemClock, Timestamp};
use uuid::Uuid;

use crate::environment::Environment;

/// The clock and the identifiers of this process.
pub(crate) fn sources(environment: Environment) -> (Arc<dyn Clock>, Arc<dyn IdSource>) {
    let mut clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut ids: Arc<dyn IdSource> = Arc::new(RandomIds);
    if cfg!(debug_assertions) {
        if let Some(start) = environment.get("SWAMP_TEST_CLOCK")
            && let Ok(start) = Timestamp::parse(&start)
        {
            clock = Arc::new(PinnedClock::new(start));
        }
        if let Some(seed) = environment.get("SWAMP_TEST_SEED")
            && let Ok(seed) = seed.parse()
        {
            ids = Arc::new(PinnedIds::new(seed));
        }
    }
    (clock, ids)
}

/// Panics if this process is to panic at this point.
pub(crate) fn panic_if_wanted(environment: Environment, point: &str) {
    let wanted = cfg!(debug_assertions)
        && environment.get("SWAMP_TEST_PANIC").is_some_and(|wanted| wanted == point);
    assert!(!wanted, "a panic was asked for");
}

/// Panics where a method begins.
#[derive(Debug)]
pub(crate) struct PanickingSink(Environment);

impl PanickingSink {
    /// The sink; `None` unless it is wanted.
    pub(crate) fn wanted(environment: Environment) -> Option<Arc<dyn EventSink>> {
        let wanted = cfg!(debug_assertions) && environment.get("SWAMP_TEST_PANIC").is_some();
        wanted.then(|| Arc::new(Self(environment)) as Arc<dyn EventSink>)
    }
}

impl EventSink for PanickingSink {
    fn accept(&self, event: &Arc<RunEvent>) {
        // The last of those that are called so: others are under way.
        let is_last = event.scope.step.as_ref().is_some_and(|step| step.name == "panics");
        if matches!(event.kind, EventKind::MethodExecuting(_)) && is_last {
            panic_if_wanted(self.0, "during");
        }
    }
}

/// A clock that goes on by a millisecond with every reading.
#[derive(Debug)]
pub(crate) struct PinnedClock {
    start: Timestamp,
    readings: AtomicU64,
}

impl PinnedClock {
    /// A clock whose first reading is `start`.
    pub(crate) const fn new(start: Timestamp) -> Self {
        Self { start, readings: AtomicU64::new(0) }
    }
}

impl Clock for PinnedClock {
    fn now(&self) -> Moment {
        let millis = self.readings.fetch_add(1, Ordering::Relaxed);
        let wall = self.start.plus_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        Moment { wall, mono: Duration::from_millis(millis) }
    }
}

/// Identifiers that count: `00000000-0000-4000-8000-<number>`.
#[derive(Debug)]
pub(crate) struct PinnedIds(AtomicU64);

impl PinnedIds {
    /// The first identifier ends in `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl IdSource for PinnedIds {
    fn uuid(&self) -> Uuid {
        let number = u128::from(self.0.fetch_add(1, Ordering::Relaxed));
        uuid::Builder::from_u128(number)
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_sources_count() {
        let clock = PinnedClock::new(Timestamp::parse("2026-11-22T09:59:20.000Z").unwrap());
        assert_eq!(clock.now().wall.to_string(), "2026-11-22T09:59:20.000Z");
        assert_eq!(clock.now().millis_since(&clock.now()), 0);
        let ids = PinnedIds::new(10);
        assert_eq!(ids.uuid().to_string(), "00000000-0000-4000-8000-00000000000a");
        assert_eq!(ids.uuid().to_string(), "00000000-0000-4000-8000-00000000000b");
    }
}
