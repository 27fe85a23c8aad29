//! How many events a second the whole way takes them, and how fast questions are answered.
//!
//! `cargo bench -p swamp-collector --bench ingest -- [EVENTS]`. Events come from threads of this
//! process over real connections to a collector in this process; both share the machine, and the
//! processor time of each is told apart.
//!
//! | Variable | Meaning | Default |
//! |---|---|---|
//! | `BENCH_DAYS` | days over which the events began | 1 |
//! | `BENCH_ORDER` | `any`: at any time of them; `time`: one after the other | `any` |
//! | `BENCH_CLIENTS` | connections, each with one request at a time | 8 |
//! | `BENCH_PER_REQUEST` | events in a request | 500 |
//! | `BENCH_DIR` | where the store is made | the directory for temporary files |
//! | `BENCH_STORE` | an empty ClickHouse in place of the file | |
//! | `BENCH_KEEP` | keeps the file, for who goes on with it | |
//!
//! The last line on standard output is what was measured of the intake, as JSON.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may panic")]

mod events;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{DAY, Dimension, Query, SqliteStore, Store, TimeRange};
use swamp_ident::Timestamp;

use self::events::{Events, Order};

/// How often a question is asked.
const ROUNDS: usize = 15;

fn main() {
    let events: u64 = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let days = number("BENCH_DAYS", 1).cast_signed();
    let (clients, per_request) = (number("BENCH_CLIENTS", 8), number("BENCH_PER_REQUEST", 500));
    let order = match std::env::var("BENCH_ORDER").as_deref() {
        Ok("time") => Order::Time,
        _ => Order::Any,
    };
    let base = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let mut directory = tempfile::tempdir_in(base).unwrap();
    directory.disable_cleanup(std::env::var_os("BENCH_KEEP").is_some());
    // An empty ClickHouse takes the place of the file if BENCH_STORE has its address.
    let open = || -> Arc<dyn Store> {
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        match std::env::var("BENCH_STORE") {
            Ok(address) => Arc::new(ClickHouse::open(&address, now).unwrap()),
            Err(_) => Arc::new(SqliteStore::open(directory.path()).unwrap()),
        }
    };
    let before = Instant::now();
    let store = open();
    println!("start with an empty store: {:.2?}", before.elapsed());
    let serving = Arc::clone(&store);
    let (tell, told) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let options = swamp_collector::serve::ServeOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            behind_proxy: false,
            rollup_metrics: false,
            limits: swamp_collector::Limits::default(),
            retention: swamp_collector::store::Retention::default(),
        };
        swamp_collector::serve::serve(&serving, &options, |url| tell.send(url.to_owned()).unwrap())
            .unwrap();
    });
    let url: String = told.recv().unwrap();
    let address = url.strip_prefix("http://").unwrap().to_owned();

    let now = jiff::Timestamp::now().as_millisecond();
    let source = Events::new(now, days, order, events, per_request);
    let (next, cpu) = (AtomicU64::new(0), process_time());
    let started = Instant::now();
    let requests = events / per_request;
    let (mut latencies, generator): (Vec<Duration>, Duration) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(&address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let (mut latencies, mut body) = (Vec::new(), Vec::new());
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= requests {
                            return (latencies, thread_time());
                        }
                        source.write(number, &mut body);
                        let before = Instant::now();
                        post(&mut stream, &body);
                        latencies.push(before.elapsed());
                    }
                })
            })
            .collect();
        let mut all = (Vec::new(), Duration::ZERO);
        for client in clients {
            let (latencies, cpu) = client.join().unwrap();
            all.0.extend(latencies);
            all.1 += cpu;
        }
        all
    });
    let took = started.elapsed();
    let cpu = process_time().saturating_sub(cpu);
    latencies.sort_unstable();
    let sent = requests * per_request;
    #[expect(clippy::cast_precision_loss, reason = "numbers to look at")]
    let (rate, each) =
        (sent as f64 / took.as_secs_f64(), |time: Duration| time.as_secs_f64() * 1e6 / sent as f64);
    println!(
        "{sent} events in {took:.2?} from {clients} clients, {per_request} in a request: \
         {rate:.0} durable events/s with the generator on the same cores"
    );
    println!(
        "CPU per event: {:.2} µs = collector {:.2} µs + generator {:.2} µs (sending included)",
        each(cpu),
        each(cpu.saturating_sub(generator)),
        each(generator)
    );
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    println!("acknowledged after p50 {:.2?}, p99 {:.2?}, max {:.2?}", at(50), at(99), at(100));
    let size = store.size().unwrap();
    println!(
        "{} events kept in {} bytes: {} bytes per event",
        size.events,
        size.bytes,
        size.bytes / size.events.max(1)
    );
    println!("memory: {}", memory());

    let project = store.project("default").unwrap().number;
    let all = Query::all(project);
    let month =
        all.during(TimeRange { since: Some(Timestamp::from_millis(now - 30 * DAY)), until: None });
    for (name, query, by) in [
        ("all time by driver, modelType", &all, &[Dimension::Driver, Dimension::ModelType][..]),
        ("30 days by driver, modelType", &month, &[Dimension::Driver, Dimension::ModelType][..]),
        (
            "30 days by workflow, job, step",
            &month,
            &[Dimension::Workflow, Dimension::Job, Dimension::Step][..],
        ),
    ] {
        let mut times = Vec::new();
        let mut groups = Vec::new();
        for _ in 0..ROUNDS {
            let before = Instant::now();
            groups = store.groups(query, by).unwrap();
            for group in &groups {
                for percent in [50, 95, 99] {
                    std::hint::black_box(group.totals.durations.percentile(percent));
                }
            }
            times.push(before.elapsed());
        }
        let (first, count) = (times[0], groups.iter().map(|group| group.totals.count).sum::<u64>());
        times.sort_unstable();
        println!(
            "breakdown {name} with p50/p95/p99: {} groups of {count} calls in {:.2?} (first {first:.2?}, \
             slowest of {ROUNDS} {:.2?})",
            groups.len(),
            times[ROUNDS / 2],
            times[ROUNDS - 1],
        );
    }
    let before = Instant::now();
    println!("runs: {} in {:.2?}", store.run_counts(&all).unwrap().unwrap().runs, before.elapsed());
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)
        .unwrap();
    server.join().unwrap();
    drop(store);
    let before = Instant::now();
    let store = open();
    println!("start with {} events: {:.2?}", store.size().unwrap().events, before.elapsed());
    let before = Instant::now();
    let groups = store.groups(&month, &[Dimension::Driver, Dimension::ModelType]).unwrap();
    println!(
        "first breakdown after the start: {} groups in {:.2?}",
        groups.len(),
        before.elapsed()
    );
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        r#"{{"events":{sent},"eventsPerSecond":{rate:.0},"collectorMicrosPerEvent":{:.2},"generatorMicrosPerEvent":{:.2},"acknowledgedMillis":{{"p50":{:.2},"p99":{:.2}}},"bytesPerEvent":{},"directory":{:?}}}"#,
        each(cpu.saturating_sub(generator)),
        each(generator),
        millis(at(50)),
        millis(at(99)),
        size.bytes / size.events.max(1),
        directory.path().display().to_string(),
    );
}

fn post(stream: &mut TcpStream, body: &[u8]) {
    let head = format!(
        "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let mut buffer = vec![0; 65536];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the collector hung up");
        answer.extend_from_slice(&buffer[..read]);
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        assert!(head.starts_with("HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer));
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        if answer.len() >= end + 4 + length {
            return;
        }
    }
}

/// Processor time of this process so far.
fn process_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Processor time of this thread so far.
fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"))
        .collect::<Vec<_>>()
        .join(", ")
}
