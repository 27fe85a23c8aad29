//! From a request body to events.
//!
//! A body is first cut into its events (`scan`) without understanding them, so that one that makes
//! no sense does not sink the others; then each is read (`read`), borrowing from the body what
//! statistics need. The text of an event is kept as it was sent.

mod decode;
mod limits;
mod read;
mod scan;

use std::sync::Arc;

use serde::Serialize;
use swamp_ident::Timestamp;

pub use decode::{ACCEPT_ENCODING, Encoding, decode};
pub use limits::Limits;
pub use read::entry_as_event;

use crate::event::{Event, ProjectId};

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

/// Reads a decoded body.
pub fn read_body(body: Vec<u8>, arrival: Arrival, limits: &Limits) -> Result<Vec<Read>, Refusal> {
    let pieces = scan::pieces(&body, limits)?;
    let (text, pieces) = as_text(body, pieces);
    Ok(pieces.into_iter().map(|piece| read::event(&text, &piece, arrival, limits)).collect())
}

/// Reads events again that were accepted before and stand one after the other in a text, each of the
/// given length. What an event is does not change from one reading to the next.
pub(crate) fn reread(text: &str, lengths: &[u32], arrival: Arrival) -> Vec<Event> {
    let (body, limits) = (Arc::from(text), Limits::default());
    let mut start = 0;
    let mut events = Vec::with_capacity(lengths.len());
    for length in lengths {
        let end = start + *length as usize;
        let piece = scan::Piece { start, end, fault: None };
        start = end;
        if let Read::Event(event) = read::event(&body, &piece, arrival, &limits) {
            events.push(*event);
        }
    }
    events
}

/// The body as text. Pieces that are no text are marked; the others keep their place, or get a new
/// one in a text without the bad ones.
fn as_text(body: Vec<u8>, mut pieces: Vec<scan::Piece>) -> (Arc<str>, Vec<scan::Piece>) {
    match String::from_utf8(body) {
        Ok(text) => (Arc::from(text), pieces),
        Err(error) => {
            let body = error.into_bytes();
            let mut text = String::new();
            for piece in &mut pieces {
                let start = text.len();
                match std::str::from_utf8(&body[piece.start..piece.end]) {
                    Ok(good) => text.push_str(good),
                    Err(_) => piece.fault = Some("It is not UTF-8".to_owned()),
                }
                (piece.start, piece.end) = (start, text.len());
            }
            (Arc::from(text), pieces)
        }
    }
}
