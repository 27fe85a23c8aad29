//! Chromium, driven through chromedriver: as much of the W3C `WebDriver` protocol as these tests need.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What `securitypolicyviolation` events are gathered with, before any script of a page runs.
const WATCH_POLICY: &str = "window.violations = []; document.addEventListener( \
    'securitypolicyviolation', event => window.violations.push(event.violatedDirective + ' ' + \
    event.blockedURI + ' ' + event.sample));";

/// A browser with a profile of its own, and its driver. Both end with it.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver; `cargo xtask test` installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.ok()?;
                let rest = line.strip_prefix("ChromeDriver was started successfully on port ")?;
                rest.trim_end_matches('.').parse().ok()
            })
            .expect("the port of chromedriver");
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), profile };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            &format!("--user-data-dir={}", browser.profile.path().display()),
        ]
        .map(str::to_owned);
        let made = browser.request(
            "POST",
            "/session",
            &json!({"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"},
            }}}),
        );
        made["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        let watch = json!({"source": WATCH_POLICY});
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", &watch);
        browser
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) fn open(&self, address: &str) {
        self.command("url", &json!({"url": address}));
    }

    /// Sizes the window and chooses a theme.
    pub(crate) fn look(&self, width: u32, theme: &str) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Switches JavaScript off for pages.
    pub(crate) fn without_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    }

    /// What an expression of JavaScript gives.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.command("execute/sync", &json!({"script": script, "args": []}))
    }

    /// What an expression gives, as text.
    pub(crate) fn text(&self, expression: &str) -> String {
        self.eval(expression).as_str().map(str::to_owned).unwrap_or_default()
    }

    /// The text somebody sees.
    pub(crate) fn seen(&self) -> String {
        self.text("document.body.innerText")
    }

    /// Waits until the page with that path and query is there.
    pub(crate) fn arrives_at(&self, place: &str) {
        let place = Value::from(place);
        self.wait_for(&format!(
            "location.pathname + location.search === {place} && document.readyState === 'complete'"
        ));
    }

    /// Waits until an expression holds.
    pub(crate) fn wait_for(&self, expression: &str) {
        let begun = Instant::now();
        while self.eval(expression) != json!(true) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{expression}: {} {}",
                self.text("location.href"),
                self.seen()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn element(&self, using: &str, value: &str) -> String {
        let found = self.command("element", &json!({"using": using, "value": value}));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("no {value}: {found}, {}", self.seen())).to_owned()
    }

    /// Clicks the first link with just this text, as a user does: it must be in sight.
    pub(crate) fn follow(&self, link: &str) {
        let element = self.element("link text", link);
        self.command(&format!("element/{element}/click"), &json!({}));
    }

    /// Clicks what a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element("css selector", selector);
        self.command(&format!("element/{element}/click"), &json!({}));
    }

    /// Types into what a selector finds.
    pub(crate) fn enter(&self, selector: &str, text: &str) {
        let element = self.element("css selector", selector);
        self.command(&format!("element/{element}/value"), &json!({"text": text}));
    }

    /// What the browser has to complain about: its log since last asked, and violations of the
    /// policy on this page.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", &json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        let violations = self.eval("window.violations || []");
        entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .chain(violations.as_array().into_iter().flatten().map(Value::to_string))
            .collect()
    }

    /// Saves a picture of the whole page.
    pub(crate) fn picture(&self, file: &Path) {
        let parameters = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.devtools("Page.captureScreenshot", &parameters);
        std::fs::write(file, from_base64(picture["data"].as_str().expect("a picture"))).unwrap();
    }

    fn devtools(&self, method: &str, parameters: &Value) -> Value {
        self.command("goog/cdp/execute", &json!({"cmd": method, "params": parameters}))
    }

    fn command(&self, command: &str, body: &Value) -> Value {
        self.request("POST", &format!("/session/{}/{command}", self.session), body)
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = exchange(self.port, method, path, "application/json", &body.to_string());
        let answer: Value = serde_json::from_str(&answer.1).expect("JSON from chromedriver");
        let value = answer["value"].clone();
        assert!(value["error"].is_null(), "{method} {path} {body}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            exchange(self.port, "DELETE", &path, "application/json", "");
        }
        let group = rustix::process::Pid::from_child(&self.driver);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.driver.wait();
    }
}

/// One request on a connection of its own; gives status and body.
pub(crate) fn exchange(
    port: u16,
    method: &str,
    path: &str,
    media_type: &str,
    body: &str,
) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut status, mut length) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse().unwrap());
        }
    }
    let mut answer = String::new();
    match length {
        Some(length) => reader.take(length).read_to_string(&mut answer).unwrap(),
        None => reader.read_to_string(&mut answer).unwrap(),
    };
    (status, answer)
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
