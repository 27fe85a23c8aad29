//! The same question to a ClickHouse.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Answer, Group, ROUNDS, Running, answer_of, curl, tied, timed};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The columns of an export.
const COLUMNS: &str = "id String, kind LowCardinality(String), startedAt DateTime, \
    durationMs UInt64, failed Enum8('false' = 0, 'true' = 1), parentId String, runId String, \
    driver LowCardinality(String), modelType LowCardinality(String), method LowCardinality(String), \
    workflow LowCardinality(String), job LowCardinality(String), step LowCardinality(String), \
    status LowCardinality(String), errorCategory LowCardinality(String), \
    platform LowCardinality(String), agent LowCardinality(String), errorMessage LowCardinality(String)";

pub(super) fn ask(place: &Path, csv: &Path, since: &str) -> Result<Vec<Answer>, String> {
    let (_running, url) = start(&place.join("clickhouse"))?;
    let url = format!(
        "{url}/?allow_experimental_low_cardinality_type=1&date_time_input_format=best_effort"
    );
    let run = |statement: &str| timed(&url, &["--data-binary", statement]);
    let (version, _) = run("SELECT version()")?;
    run(&format!(
        "CREATE TABLE events ({COLUMNS}) ENGINE = MergeTree() PARTITION BY tuple() ORDER BY startedAt"
    ))?;
    let into = format!("{url}&query=INSERT%20INTO%20events%20FORMAT%20CSVWithNames");
    curl(Command::new("curl").args(["--request", "POST", "--upload-file"]).arg(csv).arg(into))?;
    // Merging would take the processor away from the answers.
    run("OPTIMIZE TABLE events FINAL")?;
    // This version compares times in seconds.
    let since = since.split('.').next().unwrap_or(since);
    [("exact percentiles", "quantilesExact"), ("t-digests", "quantilesTDigest")]
        .into_iter()
        .map(|(what, percentiles)| {
            let question = format!(
                "SELECT driver, modelType, count(), sum(failed = 'true'), sum(durationMs), \
                 {percentiles}(0.5, 0.95, 0.99)(durationMs) FROM events \
                 WHERE kind = 'method' AND startedAt >= toDateTime('{since}', 'UTC') \
                 GROUP BY driver, modelType"
            );
            let (mut took, mut groups) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let (text, millis) = run(&question)?;
                groups = text.lines().map(group).collect::<Result<_, _>>()?;
                took.push(millis);
            }
            Ok(answer_of(format!("ClickHouse {}, {what}", version.trim()), took, groups))
        })
        .collect()
}

fn group(line: &str) -> Result<Group, String> {
    let values: Vec<&str> = line.split('\t').collect();
    let [driver, model_type, count, errors, total, ..] = values[..] else {
        return Err(format!("ClickHouse answers {line:?}"));
    };
    let name = |text: &str| text.replace("\\'", "'");
    let number = |text: &str| text.parse().map_err(|_| format!("ClickHouse answers {line:?}"));
    Ok((name(driver), name(model_type), number(count)?, number(errors)?, number(total)?))
}

fn start(root: &Path) -> Result<(Running, String), String> {
    let failed = |error: std::io::Error| format!("cannot start ClickHouse: {error}");
    let free = || TcpListener::bind("127.0.0.1:0");
    let (one, other) = (free().map_err(failed)?, free().map_err(failed)?);
    let http = one.local_addr().map_err(failed)?.port();
    let native = other.local_addr().map_err(failed)?.port();
    drop((one, other));
    std::fs::create_dir_all(root).map_err(failed)?;
    let config = format!(
        "<?xml version=\"1.0\"?><yandex><logger><level>error</level><console>1</console></logger>
         <http_port>{http}</http_port><tcp_port>{native}</tcp_port>
         <listen_host>127.0.0.1</listen_host><timezone>UTC</timezone>
         <path>{root}/data/</path><tmp_path>{root}/tmp/</tmp_path>
         <users_config>users.xml</users_config><default_profile>default</default_profile>
         <default_database>default</default_database>
         <mark_cache_size>67108864</mark_cache_size></yandex>",
        root = root.display()
    );
    let users = "<?xml version=\"1.0\"?><yandex><profiles><default/></profiles>
         <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
         <profile>default</profile><quota>default</quota></default></users>
         <quotas><default/></quotas></yandex>";
    std::fs::write(root.join("config.xml"), config).map_err(failed)?;
    std::fs::write(root.join("users.xml"), users).map_err(failed)?;
    let child = tied(Path::new("clickhouse-server"))
        .arg(format!("--config-file={}/config.xml", root.display()))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut running = Running(child);
    let url = format!("http://127.0.0.1:{http}");
    let end = Instant::now() + PATIENCE;
    while timed(&format!("{url}/ping"), &[]).is_err() {
        if Instant::now() > end || running.0.try_wait().map_err(failed)?.is_some() {
            return Err("ClickHouse does not start".to_owned());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok((running, url))
}
