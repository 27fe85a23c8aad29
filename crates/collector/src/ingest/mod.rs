//! From a request body to events.
//!
//! A body as our own senders write it is read in one go (`quick`). Any other is first cut into its
//! events (`scan`) without understanding them, so that one that makes no sense does not sink the
//! others; then each is read (`wire`) and looked at (`read`), borrowing from the body what
//! statistics need. The text of an event is kept as it was sent.

mod decode;
mod limits;
mod quick;
mod read;
mod scan;
mod wire;

use std::sync::Arc;

use serde::Serialize;
use swamp_ident::Timestamp;

pub use decode::{ACCEPT_ENCODING, Encoding, decode};
pub use limits::Limits;
pub use read::entry_as_event;

use crate::event::{Body, Event, ProjectId};

/// Why a whole request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is larger than allowed, as it is or when unpacked.
    #[error("The body has more than {0} bytes; send fewer events at once")]
    TooLarge(usize),
    /// There are more events than allowed.
    #[error("The body has more than {0} events; send fewer at once")]
    TooMany(usize),
    /// The body is not what its `content-encoding` says.
    #[error("The body is not {0}, as its content-encoding says")]
    BadEncoding(&'static str),
    /// The body is not JSON, or no event and no list of events.
    #[error("The body is not an event or {{\"events\": […]}}: {0}")]
    NotEvents(String),
}

/// What became of an event before it got to the store.
#[derive(Clone, Debug)]
pub enum Read {
    /// It is one.
    Event(Box<Event>),
    /// It cannot be understood.
    Invalid(Rejected),
    /// It is understood, and not wanted.
    Dropped(Rejected),
}

/// An event that goes no further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its id, if one could be read.
    pub id: Option<String>,
    /// Why, for whoever sent it.
    pub reason: String,
}

/// Who sent a body, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The project the sender's key is for.
    pub project: ProjectId,
    /// Now.
    pub at: Timestamp,
}

/// What a body brought.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The events, in their order.
    pub(crate) events: Vec<Event>,
    /// The others, in theirs.
    pub(crate) refused: Vec<Refused>,
    /// How many there are of both.
    pub(crate) count: usize,
}

/// An event that goes no further, and its place in the body.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) place: usize,
    pub(crate) fate: Fate,
    pub(crate) rejected: Rejected,
}

/// Why an event goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It cannot be understood.
    Invalid,
    /// It is not wanted.
    Dropped,
}

/// Reads a decoded body.
pub fn read_body(body: Vec<u8>, arrival: Arrival, limits: &Limits) -> Result<Vec<Read>, Refusal> {
    let reading = read_events(body, arrival, limits)?;
    let mut refused = reading.refused.into_iter().peekable();
    let mut events = reading.events.into_iter();
    let mut read = Vec::with_capacity(reading.count);
    for place in 0..reading.count {
        if let Some(refused) = refused.next_if(|refused| refused.place == place) {
            read.push(match refused.fate {
                Fate::Invalid => Read::Invalid(refused.rejected),
                Fate::Dropped => Read::Dropped(refused.rejected),
            });
        } else if let Some(event) = events.next() {
            read.push(Read::Event(Box::new(event)));
        }
    }
    Ok(read)
}

/// The same, with events and others apart.
pub(crate) fn read_events(
    body: Vec<u8>,
    arrival: Arrival,
    limits: &Limits,
) -> Result<Reading, Refusal> {
    let body = match String::from_utf8(body) {
        Ok(text) => {
            let body = Arc::new(Body::new(text));
            let mut reader = read::Reader::new(&body, arrival, limits);
            if reader.all() {
                return Ok(reader.finish());
            }
            let pieces = scan::pieces(body.sent().as_bytes(), limits)?;
            for piece in pieces {
                reader.piece(piece);
            }
            return Ok(reader.finish());
        }
        Err(error) => error.into_bytes(),
    };
    let (text, pieces) = as_text(&body, scan::pieces(&body, limits)?);
    let body = Arc::new(Body::new(text));
    let mut reader = read::Reader::new(&body, arrival, limits);
    for piece in pieces {
        reader.piece(piece);
    }
    Ok(reader.finish())
}

/// Reads events again that were accepted before and stand one after the other in a text, each of the
/// given length. What an event is does not change from one reading to the next.
pub(crate) fn reread(text: &str, lengths: &[u32], arrival: Arrival) -> Vec<Event> {
    let (body, limits) = (Arc::new(Body::new(text.to_owned())), Limits::default());
    let mut reader = read::Reader::new(&body, arrival, &limits);
    let mut start = 0;
    for length in lengths {
        let end = start + *length as usize;
        reader.piece(scan::Piece { start, end, fault: None });
        start = end;
    }
    reader.finish().events
}

/// A body that is not all text: pieces that are no text are marked, the others get a place in a text
/// without the bad ones.
fn as_text(body: &[u8], mut pieces: Vec<scan::Piece>) -> (String, Vec<scan::Piece>) {
    let mut text = String::new();
    for piece in &mut pieces {
        let start = text.len();
        match std::str::from_utf8(&body[piece.start..piece.end]) {
            Ok(good) => text.push_str(good),
            Err(_) => piece.fault = Some("It is not UTF-8".to_owned()),
        }
        (piece.start, piece.end) = (start, text.len());
    }
    (text, pieces)
}
