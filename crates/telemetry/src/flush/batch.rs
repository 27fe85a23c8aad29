//! Events on their way: read from their files, put together to the body of a request.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::time::{Duration, SystemTime};

use crate::outgoing::{Outgoing, Rules, Unfit};
use crate::spool::{Spool, is_whole};
use crate::waiting::{EntryName, Found};

/// Bytes of the largest entry that is read.
const LARGEST: u64 = 1024 * 1024;

/// Age below which a file that is not whole may still be being written.
const YOUNG: Duration = Duration::from_mins(1);

/// An event and the file it comes from.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: EntryName,
    pub(super) outgoing: Outgoing,
}

/// What a file turned out to be.
pub(super) enum Opened {
    /// An event.
    Ready(Box<Ready>),
    /// Nothing that will ever be one.
    Bad(String),
    /// Nothing yet, or not any more, or nobody to send it for.
    NotNow,
}

/// Reads a file.
pub(super) fn open(spool: &Spool, found: &Found, rules: &Rules<'_>) -> Opened {
    let text = match read(spool, found) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Opened::NotNow,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Opened::NotNow,
        Err(error) => return Opened::Bad(error.to_string()),
    };
    match rules.event(&text) {
        Ok(outgoing) => Opened::Ready(Box::new(Ready { name: found.name.clone(), outgoing })),
        Err(Unfit::Nameless) => Opened::NotNow,
        Err(Unfit::NoEntry(_)) if !is_whole(&text) && is_young(found) => Opened::NotNow,
        Err(error) => Opened::Bad(error.to_string()),
    }
}

fn read(spool: &Spool, found: &Found) -> io::Result<String> {
    if found.bytes > LARGEST {
        let message = format!("it has {} bytes; {LARGEST} is the most", found.bytes);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut text = String::new();
    spool.open_file(found.name.as_str())?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn is_young(found: &Found) -> bool {
    let written = Duration::from_nanos(u64::try_from(found.modified).unwrap_or(0));
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + written).is_ok_and(|age| age < YOUNG)
}

/// How much goes into one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Events.
    pub events: usize,
    /// Bytes of the body before compression; a single larger event goes alone.
    pub bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { events: 200, bytes: 512 * 1024 }
    }
}

impl BatchLimits {
    /// Half of what was too much.
    pub(super) fn halved(self, events: usize, bytes: usize) -> Self {
        Self { events: self.events.min(events / 2).max(1), bytes: self.bytes.min(bytes / 2).max(1) }
    }
}

/// Reads files until a batch is full or there are no more. Tells how many were used up, what turned
/// out to be nothing, and adds those to be left alone.
pub(super) fn fill(
    spool: &Spool,
    files: &[Found],
    limits: BatchLimits,
    rules: &Rules<'_>,
    leave: &mut HashSet<EntryName>,
) -> Filled {
    let mut filled = Filled { batch: Vec::new(), bad: Vec::new(), used: 0 };
    let mut bytes = 0;
    for found in files {
        if filled.batch.len() >= limits.events {
            break;
        }
        match open(spool, found, rules) {
            Opened::Ready(ready) => {
                let more = ready.outgoing.event.len() + 1;
                if !filled.batch.is_empty() && bytes + more > limits.bytes {
                    break;
                }
                bytes += more;
                filled.batch.push(*ready);
            }
            Opened::Bad(why) => filled.bad.push((found.name.clone(), why)),
            Opened::NotNow => drop(leave.insert(found.name.clone())),
        }
        filled.used += 1;
    }
    filled
}

/// A batch.
pub(super) struct Filled {
    pub(super) batch: Vec<Ready>,
    /// Files that hold no entry, and why.
    pub(super) bad: Vec<(EntryName, String)>,
    /// Files that were looked at.
    pub(super) used: usize,
}

/// The body of a request: one bare event, or several in a list.
pub(super) fn body(batch: &[Ready]) -> Vec<u8> {
    let events = batch.iter().map(|ready| ready.outgoing.event.as_slice());
    if let [only] = batch {
        return only.outgoing.event.clone();
    }
    let mut body = br#"{"events":["#.to_vec();
    for (at, event) in events.enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(event);
    }
    body.extend_from_slice(b"]}");
    body
}
