//! The door every body comes in by, with a store behind it that keeps nothing for long.
//!
//! Shared by the test beside it and by `fuzz/fuzz_targets/ingest_body.rs`: both push bodies through
//! the handler of `POST /ingest` (unpacking, reading, answering) and hold the outcome against what is
//! promised of every body, whatever is in it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::Value;
use swamp_collector::api::auth::Access;
use swamp_collector::api::{App, router};
use swamp_collector::ingest::{Arrival, Encoding, Read, decode, read_body};
use swamp_collector::keys::{Directory, KeyId, Project, StoredKey};
use swamp_collector::store::{
    Cardinality, Group, Point, Retention, RunCounts, RunCursor, RunEvents, RunSummary, SlowCall,
    StoreSize,
};
use swamp_collector::{
    CollectorError, Dimension, Event, EventKey, Interval, Limits, Outcome, ProjectId, Query, Store,
    commit,
};
use swamp_ident::Timestamp;
use tower::ServiceExt as _;

/// Limits that short bodies reach.
const LIMITS: Limits = Limits {
    body_bytes: 16 << 10,
    unpacked_bytes: 32 << 10,
    events: 32,
    event_bytes: 4 << 10,
    depth: 8,
    text_bytes: 512,
    skew_ahead_ms: 24 * 3_600_000,
    skew_behind_ms: 1_100 * 24 * 3_600_000,
};

/// Keys after which the store forgets.
const REMEMBERED: usize = 10_000;

/// What became of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Refused as a whole, with this status.
    Refused(u16),
    /// Taken; no event in it was kept.
    NothingKept,
    /// Taken; some events were kept, and others were not.
    SomeKept,
    /// Taken with all its events.
    AllKept,
}

/// A collector without sockets.
pub struct Door {
    runtime: tokio::runtime::Runtime,
    router: Router,
    store: Arc<Forgetful>,
}

impl Door {
    /// Opens one.
    pub fn open() -> Self {
        let store = Arc::new(Forgetful::default());
        let behind: Arc<dyn Store> = Arc::clone(&store) as _;
        let (committer, _thread) = commit::start(Arc::clone(&behind)).unwrap();
        let app = App::new(behind, committer, LIMITS, Access::Loopback, false, false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, router: router(app), store }
    }

    /// Pushes a body through and checks what is promised of all of them. Its first byte says how the
    /// rest is packed: `g` for gzip, `z` for Zstandard, anything else for not at all.
    pub fn push(&self, data: &[u8]) -> Fate {
        let (packing, body) = data.split_first().unwrap_or((&b'-', &[]));
        let (encoding, name) = match packing {
            b'g' => (Encoding::Gzip, "gzip"),
            b'z' => (Encoding::Zstd, "zstd"),
            _ => (Encoding::Identity, "identity"),
        };
        self.store.taken().clear();
        let request = Request::post("/ingest")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_ENCODING, name)
            .body(Body::from(body.to_vec()))
            .unwrap();
        let (status, answer) = self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            (status, to_bytes(response.into_body(), usize::MAX).await.unwrap())
        });
        let taken = std::mem::take(&mut *self.store.taken());
        let document: Value = serde_json::from_slice(&answer).unwrap();
        if status != StatusCode::ACCEPTED {
            assert!([400, 413].contains(&status.as_u16()), "{status} {document}");
            assert!(document["error"].as_str().unwrap().len() > 10 && answer.len() < 1_000);
            assert!(taken.is_empty(), "something of a refused body was kept");
            return Fate::Refused(status.as_u16());
        }
        assert!(body.len() <= LIMITS.body_bytes);
        let unpacked = decode(body.to_vec(), encoding, &LIMITS).unwrap();
        assert!(unpacked.len() <= LIMITS.unpacked_bytes.max(LIMITS.body_bytes));
        let results = document["results"].as_array().unwrap();
        check(&unpacked, &document, results, &taken);
        // Each is answered with its id, and its reason may repeat what is wrong with it, escaped.
        assert!(
            answer.len() <= 64 + results.len() * 2_000 + unpacked.len() * 6,
            "{}",
            answer.len()
        );
        match taken.len() {
            0 => Fate::NothingKept,
            kept if kept == results.len() => Fate::AllKept,
            _ => Fate::SomeKept,
        }
    }
}

/// What was answered is what was read, and what was handed to the store; and each event is itself
/// again when it is read again.
fn check(unpacked: &[u8], document: &Value, results: &[Value], taken: &[Event]) {
    let arrival = Arrival { project: ProjectId(1), at: swamp_ident::Timestamp::from_millis(0) };
    let read = read_body(unpacked.to_vec(), arrival, &LIMITS).unwrap();
    assert!(read.len() <= LIMITS.events);
    assert_eq!(results.len(), read.len(), "{document}");
    let mut kept = taken.iter();
    for (result, read) in results.iter().zip(&read) {
        let status = result["status"].as_str().unwrap();
        let reason = result["reason"].as_str();
        match read {
            Read::Event(event) => {
                assert!(matches!(status, "ok" | "duplicate"), "{result}");
                assert_eq!((result["id"].as_str(), reason), (Some(event.insert_id()), None));
                let kept = kept.next().unwrap();
                assert_eq!((event.raw(), event.key), (kept.raw(), kept.key));
                check_event(unpacked, kept);
            }
            Read::Invalid(_) => {
                assert!(status == "invalid" && reason.unwrap().len() > 5, "{result}");
            }
            Read::Dropped(_) => {
                assert!(status == "dropped" && reason.unwrap().len() > 5, "{result}");
            }
        }
    }
    assert!(kept.next().is_none(), "more was kept than was read");
    assert_eq!(document["accepted"].as_u64(), u64::try_from(taken.len()).ok(), "{document}");
    check_against_a_parser(unpacked, &read);
}

fn check_event(unpacked: &[u8], event: &Event) {
    let raw = event.raw();
    let stands_there = || unpacked.windows(raw.len()).any(|piece| piece == raw.as_bytes());
    assert!(raw.len() <= LIMITS.event_bytes && stands_there(), "{raw}");
    assert!((1..=200).contains(&event.insert_id().len()));
    assert_eq!(event.key, EventKey::new(event.project, event.insert_id()));
    assert!(event.duration_ms <= 1 << 40);
    let texts = |event: &Event| Dimension::ALL.map(|one| event.text(one).map(str::to_owned));
    for text in texts(event).into_iter().flatten() {
        assert!(text.len() <= LIMITS.text_bytes, "{text}");
    }
    let names = |event: &Event| {
        [event.parent_id(), event.run_id(), event.root_workflow(), event.group_id()]
            .map(|name| name.map(str::to_owned))
    };
    let facts = |event: &Event| {
        (event.key, event.kind, event.duration_ms, event.timed, event.failed, event.depth)
    };
    // As it comes back from a store: among others.
    let again = format!("{{\"events\":[1,{raw},{raw}]}}");
    let at = if event.skewed { Timestamp::from_millis(0) } else { event.at };
    let arrival = Arrival { project: event.project, at };
    let read = read_body(again.into_bytes(), arrival, &LIMITS).unwrap();
    let [Read::Invalid(_), Read::Event(first), Read::Event(second)] = &read[..] else {
        panic!("{raw} was an event, and is none: {read:?}")
    };
    for other in [first, second] {
        assert_eq!(other.raw(), raw);
        assert_eq!(facts(other), facts(event), "{raw}");
        assert_eq!(texts(other), texts(event), "{raw}");
        assert_eq!(names(other), names(event), "{raw}");
        assert!(event.skewed || other.at == event.at, "{raw}");
    }
}

/// Where the body is JSON to everybody, there are as many events in it as a parser finds, and those
/// that were understood are what the parser makes of them.
fn check_against_a_parser(unpacked: &[u8], read: &[Read]) {
    // Keys may be written with escapes, which only a parser undoes.
    if unpacked.contains(&b'\\') {
        return;
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(unpacked) else { return };
    let whole = [Value::Object(body.clone())];
    let items = match body.get("events") {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &whole,
    };
    assert_eq!(read.len(), items.len());
    for (read, item) in read.iter().zip(items) {
        if let Read::Event(event) = read {
            let value: Value = serde_json::from_str(event.raw()).unwrap();
            assert_eq!(&value, item);
        }
    }
}

/// A store that says what is new and forgets the rest.
#[derive(Default)]
struct Forgetful {
    seen: Mutex<HashSet<EventKey>>,
    taken: Mutex<Vec<Event>>,
}

impl Forgetful {
    fn taken(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nobody_asks<T>() -> Result<T, CollectorError> {
    Err(CollectorError::Store("this store is asked nothing".to_owned()))
}

impl Store for Forgetful {
    fn append_all(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() > REMEMBERED {
            seen.clear();
        }
        self.taken().extend(parts.iter().copied().flatten().cloned());
        let outcome = |event: &Event| {
            if seen.insert(event.key) { Outcome::Stored } else { Outcome::Duplicate }
        };
        Ok(parts.iter().copied().flatten().map(outcome).collect())
    }

    fn groups(&self, _: &Query, _: &[Dimension]) -> Result<Vec<Group>, CollectorError> {
        nobody_asks()
    }

    fn series(
        &self,
        _: &Query,
        _: Interval,
        _: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        nobody_asks()
    }

    fn run_counts(&self, _: &Query) -> Result<Option<RunCounts>, CollectorError> {
        nobody_asks()
    }

    fn runs(
        &self,
        _: &Query,
        _: Option<&RunCursor>,
        _: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        nobody_asks()
    }

    fn run(&self, _: ProjectId, _: &str) -> Result<Option<RunEvents>, CollectorError> {
        nobody_asks()
    }

    fn slowest(&self, _: &Query, _: usize) -> Result<Vec<SlowCall>, CollectorError> {
        nobody_asks()
    }

    fn values(&self, _: ProjectId, _: Dimension) -> Result<Vec<String>, CollectorError> {
        nobody_asks()
    }

    fn cardinality(&self, _: ProjectId) -> Result<Vec<Cardinality>, CollectorError> {
        nobody_asks()
    }

    fn export(
        &self,
        _: &Query,
        _: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        nobody_asks()
    }

    fn retain(&self, _: Retention, _: Timestamp) -> Result<u64, CollectorError> {
        nobody_asks()
    }

    fn ready(&self) -> Result<(), CollectorError> {
        Ok(())
    }

    fn size(&self) -> Result<StoreSize, CollectorError> {
        nobody_asks()
    }

    fn backup(&self, _: &Path) -> Result<(), CollectorError> {
        nobody_asks()
    }

    fn close(&self) -> Result<(), CollectorError> {
        Ok(())
    }
}

impl Directory for Forgetful {
    fn create_project(&self, _: &str, _: Timestamp) -> Result<Project, CollectorError> {
        nobody_asks()
    }

    fn projects(&self) -> Result<Vec<Project>, CollectorError> {
        let (name, created_at) = ("default".to_owned(), Timestamp::from_millis(0));
        Ok(vec![Project { number: ProjectId(1), name, created_at }])
    }

    fn insert_key(&self, _: &StoredKey) -> Result<(), CollectorError> {
        nobody_asks()
    }

    fn find_key(&self, _: &KeyId) -> Result<Option<StoredKey>, CollectorError> {
        Ok(None)
    }

    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError> {
        nobody_asks()
    }

    fn revoke_key(&self, _: &KeyId, _: Timestamp) -> Result<(), CollectorError> {
        nobody_asks()
    }
}
