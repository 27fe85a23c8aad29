//! A collector in this process, and a client that says exactly what it is told to say.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use swamp_collector::keys::{self, KeyId, Scope};
use swamp_collector::serve::{ServeOptions, serve};
use swamp_collector::store::{Retention, SqliteStore};
use swamp_collector::{Limits, Store};
use swamp_ident::Timestamp;

/// No answer takes longer than this, except those to slow clients.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// How tests serve unless they say otherwise.
pub fn options() -> ServeOptions {
    ServeOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        behind_proxy: false,
        rollup_metrics: false,
        limits: Limits::default(),
        retention: Retention::default(),
    }
}

/// A collector that listens; it ends with the process.
pub struct Collector {
    pub url: String,
    pub address: SocketAddr,
    pub store: Arc<dyn Store>,
    pub data: tempfile::TempDir,
}

impl Collector {
    pub fn start() -> Self {
        Self::with(&options())
    }

    pub fn with(options: &ServeOptions) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(data.path()).unwrap());
        let (sender, url) = std::sync::mpsc::channel();
        let (served, options) = (Arc::clone(&store), options.clone());
        std::thread::spawn(move || {
            serve(&served, &options, |url| sender.send(url.to_owned()).unwrap()).unwrap();
        });
        let url = url.recv().unwrap();
        let address = url.split_once("://").unwrap().1.parse().unwrap();
        Self { url, address, store, data }
    }

    /// Makes a key and gives it and its public half.
    pub fn key(&self, project: &str, scope: Scope) -> (String, KeyId) {
        let project = self.store.project(project).unwrap();
        let (secret, stored) = keys::create(project.number, scope, "", now()).unwrap();
        self.store.insert_key(&stored).unwrap();
        (secret.reveal().to_owned(), stored.id)
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(stream)
    }

    /// Asks for something on a connection of its own.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.connect().exchange(&request("GET", path, headers, b""))
    }

    /// Sends a JSON body with more headers.
    pub fn post(&self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.connect().exchange(&request("POST", "/ingest", &all, body))
    }

    /// Method calls in all statistics of the default project, and their milliseconds.
    pub fn methods(&self) -> (u64, u64) {
        let summary = self.get("/api/v1/summary", &[]).json(200);
        (summary["methods"].as_u64().unwrap(), summary["totalMs"].as_u64().unwrap())
    }
}

/// A request with a length.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n", body.len()).unwrap();
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A connection on which bytes go out and answers come in.
pub struct Connection(pub TcpStream);

impl Connection {
    pub fn exchange(&mut self, request: &[u8]) -> Answer {
        self.0.write_all(request).unwrap();
        read_answer(&mut self.0).unwrap()
    }

    /// Whether the other side has ended the connection; what it sent before that is thrown away.
    pub fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The body as JSON; the status has to be this one.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless this is a refusal with this status that tells people and programs why.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) -> String {
        let body = self.json(status);
        assert_eq!(body["code"], code, "{self:?}");
        let message = body["error"].as_str().unwrap();
        assert!(message.len() > 10, "{self:?}");
        message.to_owned()
    }

    /// The status of each event.
    #[track_caller]
    pub fn results(&self) -> Vec<String> {
        let body = self.json(202);
        let results = body["results"].as_array().unwrap();
        results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
    }
}

/// Reads an answer with a length, or one that ends with its connection.
pub fn read_answer(stream: &mut impl Read) -> std::io::Result<Answer> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: String::new() };
    let mut body = Vec::new();
    match answer.header("content-length") {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body)?;
        }
        None => _ = stream.read_to_end(&mut body)?,
    }
    answer.body = String::from_utf8(body).unwrap();
    Ok(answer)
}

/// A method call that took `duration` milliseconds.
pub fn event(id: &str, duration: u64) -> Value {
    json!({
        "event": "cli_invocation", "distinct_id": "d", "insert_id": id,
        "properties": {
            "id": id, "invocation": {"command": "method", "subcommand": "run", "args": ["m", "execute"]},
            "result": {"status": "success"}, "startedAt": now().to_string(),
            "durationMs": duration, "parentInvocationId": format!("run-of-{id}"),
            "workflowContext": {
                "workflowName": "w", "runId": "r", "jobName": "j", "stepName": "s",
                "modelType": "command/shell", "driver": "raw", "phase": "method",
            },
        },
    })
}

pub fn events(events: &[Value]) -> Vec<u8> {
    json!({"events": events}).to_string().into_bytes()
}

impl Connection {
    /// Sends bytes and reads the head of an answer that has no body; gives its status.
    pub fn exchange_head(&mut self, bytes: &[u8]) -> u16 {
        self.0.write_all(bytes).unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().parse().unwrap()
    }
}
