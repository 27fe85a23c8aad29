//! Reading a journal, also while it is written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::{Record, line};

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Longest line; a file with a longer one is none of ours.
const LONGEST: usize = 1024 * 1024;

/// Reads records one after the other. At the end it may be asked again: a file that is still
/// written may have got longer.
#[derive(Debug)]
pub(crate) struct Reader {
    file: Arc<File>,
    /// What was read from the file; looked at up to `start`.
    bytes: Vec<u8>,
    start: usize,
    /// Place in the file of the byte at `start`.
    place: u64,
}

impl Reader {
    /// A reader at the start of the file.
    pub(crate) fn new(file: Arc<File>) -> Self {
        Self { file, bytes: Vec::new(), start: 0, place: 0 }
    }

    /// Place in the file of the next record.
    pub(crate) fn place(&self) -> u64 {
        self.place
    }

    /// The next record; `None` at the end of what is whole. Lines that do not check, and records
    /// that this version does not know, are passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        self.next_of(|_| true)
    }

    /// The next record of a kind that its text tells; other lines are not even checked.
    pub(crate) fn next_of(
        &mut self,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Option<Record>> {
        loop {
            let unread = &self.bytes[self.start..];
            let Some(length) = unread.iter().position(|byte| *byte == b'\n') else {
                if unread.len() > LONGEST || self.read_more()? == 0 {
                    return Ok(None);
                }
                continue;
            };
            let line = Some(&unread[..length]).filter(|line| is_wanted(line::record(line)));
            let record = line.and_then(line::check);
            let record = record.and_then(|json| serde_json::from_slice(json).ok());
            self.start += length + 1;
            self.place += length as u64 + 1;
            if record.is_some() {
                return Ok(record);
            }
        }
    }

    fn read_more(&mut self) -> io::Result<usize> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let there = self.bytes.len();
        self.bytes.resize(there + CHUNK, 0);
        let read = self.file.read_at(&mut self.bytes[there..], self.place + there as u64);
        self.bytes.truncate(there + *read.as_ref().unwrap_or(&0));
        read
    }
}
