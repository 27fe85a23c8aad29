//! How many events a second the whole way takes them, and how fast questions are answered.
//!
//! `cargo bench -p swamp-collector --bench ingest -- [EVENTS]`. Events come from threads of this
//! process over real connections to a collector in this process; both share the machine. Bodies are
//! made beforehand; only the ids in them change.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{DAY, Dimension, Query, SqliteStore, Store, TimeRange};
use swamp_ident::Timestamp;

const PER_REQUEST: usize = 500;

fn main() {
    let events: u64 = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let days: i64 =
        std::env::var("BENCH_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(1);
    let clients: usize =
        std::env::var("BENCH_CLIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let base = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let directory = tempfile::tempdir_in(base).unwrap();
    // An empty ClickHouse takes the place of the file if BENCH_STORE has its address.
    let open = || -> Arc<dyn Store> {
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        match std::env::var("BENCH_STORE") {
            Ok(address) => Arc::new(ClickHouse::open(&address, now).unwrap()),
            Err(_) => Arc::new(SqliteStore::open(directory.path()).unwrap()),
        }
    };
    let store = open();
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
    let (next, cpu) = (AtomicU64::new(0), cpu_seconds());
    let started = Instant::now();
    let requests = events / PER_REQUEST as u64;
    let (mut latencies, generating): (Vec<Duration>, Duration) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(&address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let (mut latencies, mut generating) = (Vec::new(), Duration::ZERO);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= requests {
                            return (latencies, generating);
                        }
                        let before = Instant::now();
                        let body = body(number, now, days);
                        generating += before.elapsed();
                        let before = Instant::now();
                        post(&mut stream, &body);
                        latencies.push(before.elapsed());
                    }
                })
            })
            .collect();
        let mut all = (Vec::new(), Duration::ZERO);
        for client in clients {
            let (latencies, generating) = client.join().unwrap();
            all.0.extend(latencies);
            all.1 += generating;
        }
        all
    });
    let took = started.elapsed();
    let cpu = cpu_seconds() - cpu;
    latencies.sort_unstable();
    let sent = requests * PER_REQUEST as u64;
    #[expect(clippy::cast_precision_loss, reason = "numbers to look at")]
    let (rate, micros) = (sent as f64 / took.as_secs_f64(), cpu * 1e6 / sent as f64);
    println!(
        "{sent} events in {took:.2?}: {rate:.0} durable events/s with the generator on the same cores"
    );
    println!(
        "CPU per event: {micros:.2} µs, generating bodies included ({generating:.2?} in all clients)"
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
        for round in ["first", "again"] {
            let before = Instant::now();
            let groups = store.groups(query, by).unwrap();
            let count: u64 = groups.iter().map(|group| group.totals.count).sum();
            println!(
                "breakdown {name}, {round}: {} groups of {count} calls in {:.2?}",
                groups.len(),
                before.elapsed()
            );
        }
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
}

fn post(stream: &mut TcpStream, body: &str) {
    let head = format!(
        "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
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

/// Runs of 25 calls, with workflows, jobs and steps as a team of fifty might have.
fn body(number: u64, now: i64, days: i64) -> String {
    use std::fmt::Write as _;
    let mut body = String::with_capacity(PER_REQUEST * 900);
    body.push_str("{\"events\":[");
    let id = |kind: u64, number: u64| {
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            mix(number) >> 32,
            kind,
            number & 0xfff,
            mix(number) & 0xfff,
            number
        )
    };
    for at in 0..PER_REQUEST as u64 {
        let event = number * PER_REQUEST as u64 + at;
        let run = event / 25;
        let random = mix(event ^ 0x5eed);
        let (workflow, step) = (mix(run) % 50, event % 24);
        let started = now - (mix(run ^ 0x77) % (days * DAY).cast_unsigned()).cast_signed();
        let started = Timestamp::from_millis(started);
        if at > 0 {
            body.push(',');
        }
        if event % 25 == 24 {
            let _ = write!(
                body,
                r#"{{"event":"cli_invocation","distinct_id":"6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d0b01","insert_id":"{id}","properties":{{"id":"{id}","invocation":{{"command":"workflow","args":["<REDACTED>"],"optionKeys":[],"globalOptions":["--json"],"subcommand":"run"}},"result":{{"status":"success","exitCode":0}},"startedAt":"{started}","completedAt":"{started}","durationMs":{millis},"swampVersion":"0.1.0","denoVersion":"0.0.0","platform":"linux","invocationContext":{{"agentSessionDetected":false,"isInteractive":false,"configuredAiTools":[],"ciSystem":"github-actions"}},"runtime":{{"name":"rust","version":"1.95"}},"repoId":"3c3c3c3c-0000-4000-8000-000000000001","runId":"{runid}","runStatus":"succeeded","methodCounts":{{"total":24,"success":24,"error":0,"skipped":0}},"$repo_id":"3c3c3c3c-0000-4000-8000-000000000001"}}}}"#,
                id = id(1, run),
                runid = id(2, run),
                millis = random % 60_000
            );
        } else {
            let failed = random.is_multiple_of(50);
            let result = if failed {
                r#"{"status":"user_error","exitCode":1,"errorType":"UserError","errorMessage":"Command exited with code 3","errorCategory":"method"}"#
            } else {
                r#"{"status":"success","exitCode":0}"#
            };
            let _ = write!(
                body,
                r#"{{"event":"cli_invocation","distinct_id":"6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d0b01","insert_id":"{id}","properties":{{"id":"{id}","invocation":{{"command":"model","args":["run","<REDACTED>","execute"],"optionKeys":[],"globalOptions":[],"subcommand":"method"}},"result":{result},"startedAt":"{started}","completedAt":"{started}","durationMs":{millis},"swampVersion":"0.1.0","denoVersion":"0.0.0","platform":"linux","invocationContext":{{"agentSessionDetected":false,"isInteractive":false,"configuredAiTools":[],"ciSystem":"github-actions"}},"parentInvocationId":"{parent}","workflowContext":{{"workflowName":"workflow-{workflow}","runId":"{runid}","jobName":"job-{job}","stepName":"step-{step}","modelType":"{model}","driver":"{driver}","phase":"method"}},"runtime":{{"name":"rust","version":"1.95"}},"repoId":"3c3c3c3c-0000-4000-8000-000000000001","$repo_id":"3c3c3c3c-0000-4000-8000-000000000001"}}}}"#,
                id = id(3, event),
                parent = id(1, run),
                runid = id(2, run),
                job = step / 8,
                millis = (random % 37) * (random % 101) * (1 + step),
                model = ["command/shell", "@acme/database", "@acme/cluster"][(step % 3) as usize],
                driver = ["raw", "docker"][(workflow % 2) as usize]
            );
        }
    }
    body.push_str("]}");
    body
}

/// A number that looks random and is the same every time.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"))
        .collect::<Vec<_>>()
        .join(", ")
}
