//! What every store must do, asked of every store.
//!
//! One suite; a case is a function of a [`Place`] where a store can be opened, closed and opened
//! again. It runs on SQLite, on ClickHouse 18.16 as Debian has it, and on today's ClickHouse through
//! the `chdb-core` package, and on a cluster of servers of 18.16 with a `ZooKeeper`. The last two are
//! large (900 MB, and Java) and are therefore only used where they have been installed on purpose
//! (`cargo xtask tools`); elsewhere their cases are listed as ignored.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "these are tests, without the usual harness"
)]

mod cases;
mod clickhouse;
mod cluster;
mod engines;
mod events;
mod killed;
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
    /// One database, by way of several servers.
    Cluster(Vec<String>),
}

impl Place {
    /// Opens the store.
    pub(crate) fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Sqlite(directory) => Box::new(SqliteStore::open(directory.path()).unwrap()),
            Self::ClickHouse(_) | Self::Cluster(_) => {
                Box::new(ClickHouse::open(self.address(), now()).unwrap())
            }
        }
    }

    /// A way for somebody else to the same store: a server takes as many collectors as come, a file
    /// is open once.
    pub(crate) fn beside(&self, store: &Arc<dyn Store>) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(_) => Arc::clone(store),
            // Of a cluster it is the same server: replicas have what the other has a moment later.
            Self::ClickHouse(_) | Self::Cluster(_) => Arc::from(self.open()),
        }
    }

    /// The address, for what stands between.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Sqlite(_) => panic!("a file has no address"),
            Self::ClickHouse(address) => address,
            Self::Cluster(addresses) => &addresses[0],
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
    Cluster { ports: Vec<u16>, made: Arc<AtomicU32> },
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
            Self::Cluster { ports, made } => {
                let number = made.fetch_add(1, Ordering::Relaxed);
                let address = |port: &u16| {
                    format!("clickhouse://default:@127.0.0.1:{port}/case_{number}?cluster=test")
                };
                Place::Cluster(ports.iter().map(address).collect())
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
        let names = ["sqlite", "clickhouse_18_16", "clickhouse_current", "clickhouse_cluster"];
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
    let cluster = (wanted("clickhouse_cluster") && cluster::is_requested())
        .then(|| cluster::Cluster::start(&[2, 1]));
    let engine = |server: &Option<engines::Server>| match server {
        None => Engine::NotRequested,
        Some(server) => Engine::ClickHouse { port: server.port(), made: Arc::default() },
    };
    let (debian_engine, current_engine) = (engine(&debian), engine(&current));
    let cluster_engine = match &cluster {
        None => Engine::NotRequested,
        Some(cluster) => Engine::Cluster {
            ports: cluster.servers.iter().map(engines::Server::port).collect(),
            made: Arc::default(),
        },
    };
    let mut all = trials("sqlite", &Engine::Sqlite, cases::ALL);
    all.extend(trials("clickhouse_18_16", &debian_engine, cases::ALL));
    all.extend(trials("clickhouse_18_16", &debian_engine, clickhouse::ALL));
    all.extend(trials("clickhouse_18_16", &debian_engine, lost_answers::ALL));
    all.extend(trials("clickhouse_18_16", &debian_engine, killed::ALL));
    all.extend(trials("clickhouse_current", &current_engine, cases::ALL));
    all.extend(trials("clickhouse_current", &current_engine, clickhouse::ALL));
    all.extend(trials("clickhouse_current", &current_engine, lost_answers::ALL));
    all.extend(trials("clickhouse_cluster", &cluster_engine, cases::ALL));
    all.extend(trials("clickhouse_cluster", &cluster_engine, cluster::ALL));
    for (name, server) in [("current", current.is_some()), ("cluster", cluster.is_some())] {
        if !server {
            eprintln!("clickhouse_{name} is not requested: `cargo xtask tools` installs it");
        }
    }
    let conclusion = libtest_mimic::run(&arguments, all);
    drop((debian, current, cluster));
    conclusion.exit();
}
