//! What every store must do, asked of every store.
//!
//! One suite; a case is a function of a [`Place`] where a store can be opened, closed and opened
//! again. It runs on SQLite, on ClickHouse 18.16 as Debian has it, and on today's ClickHouse through
//! the `chdb-core` package. The last one has 900 MB and is therefore only used where it has been
//! installed on purpose (`cargo xtask tools`); elsewhere its cases are listed as ignored.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "these are tests, without the usual harness"
)]

mod cases;
mod engines;
mod events;
mod lost_answers;
mod oracle;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::{Arguments, Failed, Trial};
use swamp_collector::Store;
use swamp_collector::store::SqliteStore;
use swamp_collector::store::clickhouse::ClickHouse;
use swamp_ident::Timestamp;
use tempfile::TempDir;

/// Where a store is.
pub(crate) enum Place {
    Sqlite(TempDir),
    ClickHouse(String),
}

impl Place {
    /// Opens the store.
    pub(crate) fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Sqlite(directory) => Box::new(SqliteStore::open(directory.path()).unwrap()),
            Self::ClickHouse(address) => Box::new(ClickHouse::open(address, now()).unwrap()),
        }
    }

    /// A way for somebody else to the same store: a server takes as many collectors as come, a file
    /// is open once.
    pub(crate) fn beside(&self, store: &Arc<dyn Store>) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(_) => Arc::clone(store),
            Self::ClickHouse(_) => Arc::from(self.open()),
        }
    }

    /// The address, for what stands between.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Sqlite(_) => panic!("a file has no address"),
            Self::ClickHouse(address) => address,
        }
    }
}

/// The moment at which everything in these tests arrives.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00.000Z").unwrap()
}

type Case = (&'static str, fn(&Place));

/// Where the places of one engine are.
#[derive(Clone)]
enum Engine {
    Sqlite,
    ClickHouse { port: u16, made: Arc<AtomicU32> },
    NotRequested,
}

impl Engine {
    fn place(&self) -> Place {
        match self {
            Self::Sqlite => Place::Sqlite(TempDir::new().unwrap()),
            Self::ClickHouse { port, made } => {
                let number = made.fetch_add(1, Ordering::Relaxed);
                Place::ClickHouse(format!(
                    "clickhouse://default:it's%20%26%20secret@127.0.0.1:{port}/case_{number}"
                ))
            }
            Self::NotRequested => unreachable!("these trials are ignored"),
        }
    }
}

fn trials(name: &str, engine: &Engine, cases: &[Case]) -> Vec<Trial> {
    let not_requested = matches!(engine, Engine::NotRequested);
    cases
        .iter()
        .map(|&(case, run)| {
            let engine = engine.clone();
            let trial = Trial::test(format!("{name}::{case}"), move || {
                run(&engine.place());
                Ok::<(), Failed>(())
            });
            trial.with_ignored_flag(not_requested)
        })
        .collect()
}

fn main() {
    let mut arguments = Arguments::from_args();
    // The engines do the work, on the same cores.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    if arguments.list {
        let engine = Engine::NotRequested;
        let names = ["sqlite", "clickhouse_18_16", "clickhouse_current"];
        let all = names.iter().flat_map(|name| trials(name, &engine, cases::ALL)).collect();
        libtest_mimic::run(&arguments, all).exit();
    }
    let wanted = |name: &str| {
        let filter = arguments.filter.as_deref().unwrap_or_default();
        filter.is_empty() || filter.starts_with(name) || !filter.contains("::")
    };
    let debian = wanted("clickhouse_18_16").then(engines::debian);
    let python: Option<PathBuf> = engines::python();
    let current =
        python.filter(|_| wanted("clickhouse_current")).map(|python| engines::current(&python));
    let engine = |server: &Option<engines::Server>| match server {
        None => Engine::NotRequested,
        Some(server) => Engine::ClickHouse { port: server.port(), made: Arc::default() },
    };
    let (debian_engine, current_engine) = (engine(&debian), engine(&current));
    let mut all = trials("sqlite", &Engine::Sqlite, cases::ALL);
    all.extend(trials("clickhouse_18_16", &debian_engine, cases::ALL));
    all.extend(trials("clickhouse_18_16", &debian_engine, lost_answers::ALL));
    all.extend(trials("clickhouse_current", &current_engine, cases::ALL));
    all.extend(trials("clickhouse_current", &current_engine, lost_answers::ALL));
    if current.is_none() {
        eprintln!("clickhouse_current is not requested: `cargo xtask tools` installs it");
    }
    let conclusion = libtest_mimic::run(&arguments, all);
    drop((debian, current));
    conclusion.exit();
}
