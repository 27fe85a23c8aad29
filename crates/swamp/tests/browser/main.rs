//! The dashboard in a real browser: Chromium against the program itself, listening on loopback.
//!
//! Pictures of every page at two widths and in two themes end up in `target/tmp/screenshots`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod feed;
mod webdriver;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use swamp_ident::Timestamp;
use webdriver::{Browser, exchange};

/// A collector that runs; it ends with this value.
struct Collector {
    process: Child,
    url: String,
    home: tempfile::TempDir,
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// The program with a home of its own. The system ends it when this process ends, however it ends.
fn swamp(home: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_swamp"), "collector"]);
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

impl Collector {
    fn start(more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = swamp(home.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--data", "store", "--no-telemetry"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv and the program");
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned(), home }
    }

    /// Runs a command on the store of the collector; gives what it says.
    fn command(&self, arguments: &[&str]) -> String {
        let mut command = swamp(self.home.path());
        command.args(arguments).args(["--data", "store", "--no-telemetry"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn send(&self, events: &[Value]) {
        let body = json!({"events": events}).to_string();
        let (status, answer) = exchange(self.port(), "POST", "/ingest", "application/json", &body);
        assert_eq!(status, 202, "{answer}");
        assert!(!answer.contains("invalid"), "{answer}");
    }

    fn with_days() -> Self {
        let collector = Self::start(&[]);
        collector.send(&feed::days(now()));
        collector
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

const PAGES: [(&str, &str); 10] = [
    ("overview", "/"),
    ("breakdown", "/breakdown?period=7d"),
    ("methods", "/methods"),
    ("method", "/methods?modelType=%40acme%2Fimage&method=build"),
    ("workflow", "/workflows?workflow=deploy-production"),
    ("runs", "/runs"),
    ("run", "/runs/eventful"),
    ("errors", "/errors"),
    ("slowest", "/slowest"),
    ("live", "/live"),
];

#[test]
fn every_page_loads_without_a_complaint_in_every_look() {
    let (collector, browser) = (Collector::with_days(), Browser::start());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, path) in PAGES {
        for width in [1280, 390] {
            for theme in ["light", "dark"] {
                browser.look(width, theme);
                browser.open(&collector.page(path));
                assert_eq!(browser.complaints(), Vec::<String>::new(), "{name} {width} {theme}");
                // Nothing sticks out to the right; wide tables scroll in themselves.
                let wide = browser.eval("document.documentElement.scrollWidth");
                assert!(wide.as_u64().unwrap() <= u64::from(width), "{name} is {wide} wide");
                browser.picture(&folder.join(format!("{name}-{width}-{theme}.png")));
            }
        }
    }
}

#[test]
fn a_click_on_a_row_filters_and_the_chip_takes_it_back() {
    let (collector, browser) = (Collector::with_days(), Browser::start());
    browser.look(1280, "light");
    browser.open(&collector.page("/breakdown?by=driver"));
    browser.follow("docker");
    browser.arrives_at("/breakdown?driver=docker&by=modelType%2Cmethod&sort=time");
    let rows = browser.eval(
        "[...document.querySelectorAll('.groups tbody tr')].map(row => row.cells[0].innerText)",
    );
    assert_eq!(rows, json!(["@acme/image"]));
    browser.click(".segments a[href*='period=7d']");
    browser.arrives_at("/breakdown?period=7d&driver=docker&by=modelType%2Cmethod&sort=time");
    browser.click(".chip-x");
    browser.arrives_at("/breakdown?period=7d&by=modelType%2Cmethod&sort=time");
    // A filter made by hand.
    browser.click(".chips summary");
    browser.eval("document.querySelector('select[name=filter]').value = 'step'");
    browser.enter("input[name=is]", "upload");
    browser.click(".chips form button");
    browser.wait_for("location.search.includes('is=upload') && document.readyState === 'complete'");
    assert!(browser.seen().contains("@acme/http"), "{}", browser.seen());
    assert!(!browser.seen().contains("@acme/image"), "{}", browser.seen());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_waterfall_of_a_nested_run_is_right() {
    let (collector, browser) = (Collector::with_days(), Browser::start());
    browser.look(1280, "light");
    browser.open(&collector.page("/runs"));
    browser.click(".runs tbody th a");
    browser.arrives_at("/runs/eventful");
    // Name, indentation, outcome, and the drawn bar: left edge and width, in percent of the lane.
    let rows = browser.eval(
        "[...document.querySelectorAll('.waterfall tbody tr')].map(row => {
            const lane = row.querySelector('svg.lane').getBoundingClientRect();
            const bar = row.querySelector('svg.lane rect').getBoundingClientRect();
            const percent = (x) => Math.round(x / lane.width * 100);
            return [
                row.querySelector('th > .name, th > a .name').textContent,
                row.querySelector('th .outcome')?.textContent ?? 'run',
                Math.round(parseFloat(getComputedStyle(row.cells[0]).paddingLeft)),
                percent(bar.left - lane.left), percent(bar.width),
            ].join(' | ');
        })",
    );
    let rows: Vec<&str> = rows.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        rows,
        [
            "deploy-production | run | 14 | 0 | 95",
            "compile | ok | 26 | 0 | 23",
            "image | ok | 26 | 23 | 18",
            "roll-out | run | 34 | 42 | 51",
            "host-1 | ok | 46 | 42 | 17",
            "<img src=x onerror=alert(1)> | failed | 46 | 42 | 51",
            "check-health | run | 54 | 60 | 10",
            "http-a | ok | 66 | 60 | 2",
            "http-b | allowed failure | 66 | 60 | 10",
            "page-the-owner | failed before method | 26 | 95 | 1",
        ]
    );
    // The list above leads to the row.
    browser.click(".failures a");
    assert_eq!(
        browser.text("[...document.querySelectorAll('tr:target th > .name')].map(name => name.textContent).join()"),
        feed::HOSTILE
    );
    browser.follow("Failures");
    browser.arrives_at("/runs/eventful?show=failures");
    assert_eq!(browser.eval("document.querySelectorAll('.call-row').length"), json!(3));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_hostile_step_name_stays_text() {
    let (collector, browser) = (Collector::with_days(), Browser::start());
    for path in [
        "/runs/eventful",
        "/breakdown?by=workflow,job,step",
        "/live",
        "/workflows?workflow=roll-out",
        "/slowest?step=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    ] {
        browser.open(&collector.page(path));
        assert!(browser.seen().contains(feed::HOSTILE), "{path}: {}", browser.seen());
        assert_eq!(
            browser.eval("document.querySelectorAll('main img, [onerror]').length"),
            json!(0)
        );
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn calls_show_up_on_the_live_page_as_they_arrive() {
    let (collector, browser) = (Collector::start(&[]), Browser::start());
    browser.open(&collector.page("/live"));
    browser.wait_for("document.getElementById('live-state').textContent.startsWith('Showing')");
    collector.send(&feed::eventful("fresh", now()));
    browser.wait_for("document.querySelectorAll('#live tr').length === 7");
    assert!(browser.seen().contains(feed::HOSTILE));
    assert_eq!(browser.eval("document.querySelectorAll('main img').length"), json!(0));
    assert_eq!(browser.eval("document.getElementById('live-empty').hidden"), json!(true));
    // Paused, they wait.
    browser.click("#live-pause");
    collector.send(&feed::eventful("later", now()));
    browser.wait_for("document.getElementById('live-state').textContent === 'Paused; 7 waiting.'");
    browser.click("#live-pause");
    browser.wait_for("document.querySelectorAll('#live tr').length === 14");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn everything_but_the_live_part_works_without_javascript() {
    let (collector, browser) = (Collector::with_days(), Browser::start());
    browser.without_scripts();
    browser.open(&collector.page("/"));
    browser.follow("Breakdown");
    browser.follow("docker");
    browser.wait_for("location.search.startsWith('?driver=docker')");
    browser.click(".period summary");
    browser.click(".period form button");
    browser.wait_for("location.search.includes('since=')");
    browser.open(&collector.page("/live"));
    assert!(browser.seen().contains("load the page again"), "{}", browser.seen());
    assert_eq!(browser.eval("document.getElementById('live-pause').hidden"), json!(true));
    assert!(browser.eval("document.querySelectorAll('#live tr').length").as_u64() > Some(5));
}

#[test]
fn an_empty_collector_says_what_to_run() {
    let (collector, browser) = (Collector::start(&[]), Browser::start());
    for path in ["/", "/breakdown", "/methods", "/runs", "/errors", "/slowest"] {
        browser.open(&collector.page(path));
        let command = format!("swamp telemetry connect {}", collector.url);
        assert!(browser.seen().contains(&command), "{path}: {}", browser.seen());
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_read_key_signs_in_until_it_is_revoked() {
    let (collector, browser) = (Collector::start(&["--behind-proxy"]), Browser::start());
    collector.command(&["project", "create", "payments"]);
    let key =
        |scope| collector.command(&["key", "create", "--project", "payments", "--scope", scope]);
    let (read, ingest) = (key("read"), key("ingest"));
    browser.open(&collector.page("/runs?period=7d"));
    browser.arrives_at("/login?next=%2Fruns%3Fperiod%3D7d");
    browser.enter("#key", &ingest);
    browser.click("form button");
    browser.wait_for("document.body.innerText.includes('does not open the dashboard')");
    browser.enter("#key", &read);
    browser.click("form button");
    browser.arrives_at("/runs?period=7d");
    assert!(browser.seen().contains("payments"), "{}", browser.seen());
    // Scripts do not see the session.
    assert_eq!(browser.text("document.cookie"), "");
    browser.click(".account button");
    browser.arrives_at("/login");
    browser.open(&collector.page("/"));
    browser.arrives_at("/login");
    browser.enter("#key", &read);
    browser.click("form button");
    browser.arrives_at("/");
    collector.command(&["key", "revoke", &read]);
    browser.open(&collector.page("/"));
    assert!(browser.seen().contains("session has ended"), "{}", browser.seen());
}
