//! Servers of 18.16 as a cluster, and what is particular to one: replicas have the same, and a shard is
//! not burdened with the keys of another.

use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{Outcome, Store};
use tempfile::TempDir;

use crate::clickhouse::{calls, check, real_now};
use crate::engines::{Server, TOOLS, answers, configure, free_ports, python, sql, start, tied};
use crate::{Case, Place, now};

pub(crate) const ALL: &[Case] = &[
    ("replicas_have_the_same_and_shards_do_not", replicas_and_shards),
    ("a_shard_reads_only_for_its_own_keys", a_shard_reads_only_for_its_own_keys),
    ("statistics_of_a_cluster_are_put_right", put_right),
];

/// Several of them as one cluster named `test`, whose shards have so many replicas each. They and the
/// `ZooKeeper` they need end with this value.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
    _zookeeper: Server,
}

impl Cluster {
    pub(crate) fn start(replicas: &[usize]) -> Self {
        let [zookeeper_port] = free_ports();
        let zookeeper = zookeeper(zookeeper_port);
        let places: Vec<(usize, usize, [u16; 3])> = replicas
            .iter()
            .enumerate()
            .flat_map(|(shard, count)| (0..*count).map(move |replica| (shard, replica)))
            .map(|(shard, replica)| (shard, replica, free_ports()))
            .collect();
        let shards = (0..replicas.len())
            .map(|shard| {
                let replicas = places
                    .iter()
                    .filter(|place| place.0 == shard)
                    .map(|(_, _, [_, native, _])| {
                        format!(
                            "<replica><host>127.0.0.1</host><port>{native}</port>
                             <user>default</user></replica>"
                        )
                    })
                    .collect::<Vec<_>>()
                    .concat();
                format!(
                    "<shard><internal_replication>true</internal_replication>{replicas}</shard>"
                )
            })
            .collect::<Vec<_>>()
            .concat();
        let mut servers: Vec<Server> = places
            .iter()
            .map(|(shard, replica, [http, native, between])| {
                let directory = TempDir::new().unwrap();
                let more = format!(
                    "<interserver_http_host>127.0.0.1</interserver_http_host>
                     <interserver_http_port>{between}</interserver_http_port>
                     <zookeeper><node><host>127.0.0.1</host><port>{zookeeper_port}</port></node></zookeeper>
                     <macros><shard>{shard}</shard><replica>{replica}</replica></macros>
                     <distributed_ddl><path>/clickhouse/ddl</path></distributed_ddl>
                     <remote_servers><test>{shards}</test></remote_servers>"
                );
                // Statements for all servers of a cluster run there without the settings of who
                // sent them.
                let profile = "<allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type>";
                // Replicas of 18.16 hand statements on to each other without a password.
                configure(directory.path(), [*http, *native], &more, profile, "");
                Server { child: start(directory.path()), port: *http, directory }
            })
            .collect();
        for server in &mut servers {
            assert!(answers(&mut server.child, server.port), "clickhouse-server does not start");
        }
        for server in &servers {
            wait_for_cluster(server);
        }
        Self { servers, _zookeeper: zookeeper }
    }
}

/// Whether a cluster can be had: where today's ClickHouse was installed on purpose, so was what a
/// cluster needs. It must if tools are `required`.
pub(crate) fn is_requested() -> bool {
    let is_there = Path::new(ZOOKEEPER).is_file();
    let is_required = std::env::var(TOOLS).is_ok_and(|word| word == "required");
    assert!(is_there || !is_required, "{ZOOKEEPER} is not there: run `cargo xtask tools`");
    is_there && python().is_some()
}

/// Where Debian has it.
const ZOOKEEPER: &str = "/usr/share/java/zookeeper.jar";

fn zookeeper(port: u16) -> Server {
    let directory = TempDir::new().unwrap();
    let settings = directory.path().join("zoo.cfg");
    let text = format!(
        "tickTime=2000\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\n\
         admin.enableServer=false\n",
        directory.path().join("data").display()
    );
    std::fs::write(&settings, text).unwrap();
    let mut child = tied(Path::new("java"))
        .args(["-Xmx128m", "-cp", ZOOKEEPER])
        .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
        .arg(&settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "no ZooKeeper");
        std::thread::sleep(Duration::from_millis(50));
    }
    Server { child, port, directory }
}

/// Waits until it takes statements for all servers of a cluster. 18.16 answers before it is ready
/// for them, and crashes if it gets one.
fn wait_for_cluster(server: &Server) {
    let log = server.directory.path().join("log");
    let end = Instant::now() + Duration::from_secs(30);
    let is_ready =
        || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("DDLWorker: Processing"));
    while !is_ready() {
        assert!(Instant::now() < end, "it has not found its ZooKeeper: {}", log.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn addresses(place: &Place) -> &[String] {
    let Place::Cluster(addresses) = place else { panic!("this is no cluster") };
    addresses
}

fn number(address: &str, statement: &str) -> u64 {
    sql(address, statement).trim().parse().unwrap()
}

fn replicas_and_shards(place: &Place) {
    let store = place.open();
    let [first, second, other] = addresses(place) else { panic!("three servers") };
    let mut events = Vec::new();
    for round in 0..5 {
        let sent = calls(&*store, &format!("round-{round}"), 100);
        store.append(&sent).unwrap();
        events.extend(sent);
    }
    check(&*store, &events);
    let count = "SELECT count() FROM events_local";
    let (here, there) = (number(first, count), number(other, count));
    assert_eq!(here + there, events.len() as u64);
    assert!(here > 150 && there > 150, "{here} and {there}");
    let end = Instant::now() + Duration::from_secs(20);
    for sums in [
        "SELECT count(), sum(cityHash64(raw)), uniqExact(key) FROM events_local",
        "SELECT count(), sum(block), uniqExact(key) FROM keys_local",
        "SELECT sum(count), sum(total_ms), maxMerge(last_at) FROM rollup_local",
        "SELECT sumMerge(methods_state), sumMerge(total_ms_state) FROM spans_local",
        "SELECT uniqExact(alias, run) FROM aliases_local",
    ] {
        while sql(first, sums) != sql(second, sums) {
            assert!(Instant::now() < end, "replicas differ: {sums}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(number(first, "SELECT count() FROM projects"), 1);
    // By way of another server the answers are the same, and repeats are known.
    let beside = ClickHouse::open(second, now()).unwrap();
    check(&beside, &events);
    let again = beside.append(&events).unwrap();
    assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
}

fn a_shard_reads_only_for_its_own_keys(place: &Place) {
    drop(place.open());
    let [first, _, other] = addresses(place) else { panic!("three servers") };
    let key = "toUUID(UUIDNumToString(MD5(toString(number))))";
    sql(
        first,
        &format!(
            "INSERT INTO keys (key, day, block, project, hour) \
             SELECT {key}, toInt32(20000), toUInt64(1), toUInt32(1), toInt32(1) FROM numbers(1500000)"
        ),
    );
    let local = "SELECT count() FROM keys_local";
    let there = number(other, local);
    assert!((700_000..800_000).contains(&there), "{there}");
    // Keys that the other server has.
    let own = sql(other, "SELECT key FROM keys_local WHERE substring(toString(key), 1, 2) = '5a'");
    let keys: Vec<String> = own.lines().map(|key| format!("'{key}'")).collect();
    let marks = |address: &str| {
        number(address, "SELECT sum(value) FROM system.events WHERE event = 'SelectedMarks'")
    };
    let before = (marks(first), marks(other));
    let found = number(
        first,
        &format!(
            "SELECT count() FROM keys PREWHERE key IN ({}) WHERE day >= 19999",
            keys.join(",")
        ),
    );
    let read = (marks(first) - before.0, marks(other) - before.1);
    assert_eq!(found, keys.len() as u64);
    // Where they are, a granule for every one or two; where they are not, only those at the ends of
    // the 128 ranges of keys in each part.
    let parts =
        number(first, "SELECT count() FROM system.parts WHERE active AND table = 'keys_local'");
    assert!(read.1 >= keys.len() as u64 / 2, "{read:?} for {}", keys.len());
    assert!(read.0 <= 140 * parts && read.0 * 4 < read.1, "{read:?} in {parts} parts");
}

fn put_right(place: &Place) {
    let store = place.open();
    let mut events = calls(&*store, "whole", 50);
    store.append(&events).unwrap();
    let all = addresses(place);
    for address in all {
        sql(address, "DETACH TABLE rollup_view");
        sql(address, "DETACH TABLE keys_view");
    }
    let torn = calls(&*store, "torn", 50);
    store.append(&torn).unwrap();
    events.extend(torn);
    for address in all {
        sql(address, "ATTACH TABLE rollup_view");
        sql(address, "ATTACH TABLE keys_view");
    }
    let repair = || store.repair(9, Duration::ZERO, real_now().plus_millis(1)).unwrap();
    assert!(repair() > 0);
    check(&*store, &events);
    assert_eq!(repair(), 0);
}
