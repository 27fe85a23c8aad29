//! A real HTTP server that behaves as badly as it is told to.
//!
//! Every connection has a thread of its own; one request is answered on each, then it is closed.
//! What was received is kept: headers, the body (unpacked), and which ids were *taken*.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Take everything and say 202.
    Take,
    /// Say something, and take nothing.
    Status(u16),
    /// Say something with more header lines, and take nothing.
    With(u16, &'static str),
    /// Take everything, and say for each event what became of it.
    Results(fn(&str) -> (&'static str, Option<&'static str>)),
    /// Take everything and say so after a while.
    Late(Duration),
    /// Take everything and close the connection without a word.
    TakeAndDrop,
    /// Close the connection without a word, and take nothing.
    Drop,
    /// Never say anything; gives up when the test ends.
    Hang,
    /// Take nothing, and answer with what is no HTTP.
    Garbage,
    /// Refuse more than so many events, or bytes, at once.
    AtMost(usize, usize),
    /// Refuse every request that holds an event whose id contains this.
    Stumble(u16, &'static str),
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// The events in the body.
    pub fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body.get("events") {
            Some(Value::Array(events)) => events.clone(),
            _ => vec![body],
        }
    }

    fn ids(&self) -> Vec<String> {
        self.events()
            .iter()
            .filter_map(|event| Some(event.get("insert_id")?.as_str()?.to_owned()))
            .collect()
    }
}

type Behaviour = dyn Fn(usize, &Request) -> Reply + Send + Sync;

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    /// How often each id was taken.
    taken: BTreeMap<String, usize>,
}

/// The server; it ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// A server that always does the same.
    pub fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone())
    }

    /// A server that does one thing after the other, the last for ever.
    pub fn script(replies: Vec<Reply>) -> Self {
        Self::start(move |number, _| replies[number.min(replies.len() - 1)].clone())
    }

    /// A server that decides for each request.
    pub fn start(behaviour: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let (all, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (all, stopped) = (Arc::clone(&all), Arc::clone(&stopped));
                let behaviour = Arc::clone(&behaviour);
                std::thread::spawn(move || serve(&stream, &behaviour, &all, &stopped));
            }
        });
        Self { address, seen, stop }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("no panic").requests.clone()
    }

    /// How often each id was taken.
    pub fn taken(&self) -> BTreeMap<String, usize> {
        self.seen.lock().expect("no panic").taken.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: &TcpStream, behaviour: &Arc<Behaviour>, seen: &Mutex<Seen>, stop: &AtomicBool) {
    let Some(request) = receive(stream) else { return };
    let number = {
        let mut seen = seen.lock().expect("no panic");
        seen.requests.push(request.clone());
        seen.requests.len() - 1
    };
    let take = || {
        let mut seen = seen.lock().expect("no panic");
        for id in request.ids() {
            *seen.taken.entry(id).or_default() += 1;
        }
    };
    match behaviour(number, &request) {
        Reply::Take => {
            take();
            answer(stream, 202, "", "");
        }
        Reply::Status(status) => answer(stream, status, "", ""),
        Reply::With(status, headers) => {
            if status == 202 {
                take();
            }
            answer(stream, status, headers, "");
        }
        Reply::Results(judge) => {
            let mut results = Vec::new();
            for id in request.ids() {
                let (status, reason) = judge(&id);
                match (status, reason) {
                    ("", _) => continue,
                    (_, None) => results.push(json!({"id": id, "status": status})),
                    (_, Some(why)) => {
                        results.push(json!({"id": id, "status": status, "reason": why}));
                    }
                }
                if matches!(status, "ok" | "duplicate") {
                    *seen.lock().expect("no panic").taken.entry(id).or_default() += 1;
                }
            }
            let body = json!({ "results": results }).to_string();
            answer(stream, 202, "content-type: application/json\r\n", &body);
        }
        Reply::Late(wait) => {
            take();
            std::thread::sleep(wait);
            answer(stream, 202, "", "");
        }
        Reply::TakeAndDrop => take(),
        Reply::Drop => {}
        Reply::Hang => {
            while !stop.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Reply::Garbage => {
            let mut stream = stream;
            let _ = stream.write_all(b"\0\xff what? \r\n\r\n{}");
        }
        Reply::AtMost(events, bytes) => {
            if request.events().len() > events || request.body.len() > bytes {
                answer(stream, 413, "", "");
            } else {
                take();
                answer(stream, 202, "", "");
            }
        }
        Reply::Stumble(status, what) => {
            if request.ids().iter().any(|id| id.contains(what)) {
                answer(stream, status, "", "");
            } else {
                take();
                answer(stream, 202, "", "");
            }
        }
    }
}

fn receive(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*body).read_to_end(&mut unpacked).ok()?;
        body = unpacked;
    }
    Some(Request { line: line.trim_end().to_owned(), headers, body })
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str, body: &str) {
    let length =
        if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let text =
        format!("HTTP/1.1 {status} Whatever\r\n{headers}{length}connection: close\r\n\r\n{body}");
    // Whoever asked may be gone.
    let _ = stream.write_all(text.as_bytes());
}
