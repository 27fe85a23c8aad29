//! A network between collector and ClickHouse that loses requests and answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use swamp_collector::keys::{DEFAULT_PROJECT, Directory};
use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{Outcome, Query, Store};

use crate::events::{Sent, call, read};
use crate::{Case, Place, now};

pub(crate) const ALL: &[Case] = &[
    ("a_lost_answer_does_not_count_twice", |place| lossy(place, Loss::Answer)),
    ("a_lost_request_is_sent_again", |place| lossy(place, Loss::Request)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    Request,
    Answer,
}

/// Reads one request, which has a `content-length`.
fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8 << 10];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.unwrap().trim().parse().unwrap();
            if bytes.len() >= head + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
}

/// Passes answers on; the first that is to be lost ends both connections.
fn pass_on(mut server: TcpStream, mut client: TcpStream, mute: &AtomicBool) {
    let mut piece = [0; 8 << 10];
    while let Ok(read) = server.read(&mut piece) {
        let ends = read == 0 || mute.load(Ordering::SeqCst);
        if ends || client.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    // One of them may have ended by itself.
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

/// Stands between; of the inserts into `events`, loses the first and then every third.
fn between(port: u16, loss: Loss, missing: Arc<AtomicU32>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let inserts = Arc::new(AtomicU32::new(0));
    // It ends with the process; the listener has no other reference.
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (inserts, missing) = (Arc::clone(&inserts), Arc::clone(&missing));
            std::thread::spawn(move || {
                let mut client = client.unwrap();
                let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let mute = Arc::new(AtomicBool::new(false));
                let (from, to, is_mute) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&mute));
                std::thread::spawn(move || pass_on(from, to, &is_mute));
                while let Some(request) = request(&mut client) {
                    let line = String::from_utf8_lossy(&request[..request.len().min(2000)]);
                    if line.contains("INSERT%20INTO%20events%20")
                        && inserts.fetch_add(1, Ordering::SeqCst).is_multiple_of(3)
                    {
                        missing.fetch_add(1, Ordering::SeqCst);
                        if loss == Loss::Request {
                            break;
                        }
                        mute.store(true, Ordering::SeqCst);
                    }
                    if server.write_all(&request).is_err() {
                        break;
                    }
                }
                // The other thread may have ended them already.
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
    own
}

fn lossy(place: &Place, loss: Loss) {
    drop(place.open());
    let (head, rest) = place.address().rsplit_once(':').unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let missing = Arc::new(AtomicU32::new(0));
    let port = between(port.parse().unwrap(), loss, Arc::clone(&missing));
    let store = ClickHouse::open(&format!("{head}:{port}/{database}"), now()).unwrap();
    let project = store.project(DEFAULT_PROJECT).unwrap().number;
    for round in 1..=5_u64 {
        let sent: Vec<Sent> = (0..50)
            .map(|number| call(&format!("{round}-{number}"), "2026-11-22T10:00:00.000Z", 3))
            .collect();
        let events = read(project, &sent);
        let outcomes = store.append(&events).unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
        let groups = store.groups(&Query::all(project), &[]).unwrap();
        assert_eq!((groups[0].totals.count, groups[0].totals.total_ms), (round * 50, round * 150));
    }
    assert!(missing.load(Ordering::SeqCst) >= 2, "the network was to lose something");
}
