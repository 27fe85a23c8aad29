//! The journal: what was acknowledged and is not in the database yet.
//!
//! A commit is one record at the end of a file, and one sync. SQLite would have to write some pages
//! for each of the trees an event goes into; here an event costs the bytes it has. From time to time
//! all records of a file are [folded](super::fold) into the database in one go, and the file goes
//! away. In between, a new file takes what comes.
//!
//! A file has a record after the other: length and checksum of what follows, then the number of the
//! record (they count on for ever), its project, when it was received, how many events it has and
//! when the first and the last of them began, and the events, packed. A file that ends within a
//! record was being written when its process or its machine died; nobody was told that the record is
//! kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swamp_ident::Timestamp;

use super::bytes::{Reader, put, put_signed};
use crate::error::CollectorError;
use crate::event::ProjectId;

/// How the files are called; the number of their first record follows.
const NAME: &str = "incoming-";

/// What a file begins with.
const MAGIC: [u8; 8] = *b"swmpin1\n";

/// Length and checksum before a record, in bytes.
const FRAME: usize = 8;

/// The events of one commit and project, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) project: ProjectId,
    pub(super) received_at: Timestamp,
    pub(super) min_at: Timestamp,
    pub(super) max_at: Timestamp,
    pub(super) events: u64,
    /// A segment's body, packed.
    pub(super) body: Arc<[u8]>,
}

impl Record {
    fn frame(&self, bytes: &mut Vec<u8>) -> Result<(), CollectorError> {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; FRAME]);
        put(bytes, self.number);
        put(bytes, u64::from(self.project.0));
        for time in [self.received_at, self.min_at, self.max_at] {
            put_signed(bytes, time.as_millis());
        }
        put(bytes, self.events);
        bytes.extend_from_slice(&self.body);
        let length = u32::try_from(bytes.len() - start - FRAME)
            .map_err(|_| CollectorError::Invalid("The batch is too large".to_owned()))?;
        let sum = checksum(&bytes[start + FRAME..]);
        bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        bytes[start + 4..start + FRAME].copy_from_slice(&sum.to_le_bytes());
        Ok(())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let number = reader.number()?;
        let project = ProjectId(reader.small()?);
        let mut time = || Some(Timestamp::from_millis(reader.signed()?));
        let (received_at, min_at, max_at) = (time()?, time()?, time()?);
        let events = reader.number()?;
        Some(Self {
            number,
            project,
            received_at,
            min_at,
            max_at,
            events,
            body: Arc::from(reader.0),
        })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The file that takes what comes.
pub(super) struct Journal {
    directory: PathBuf,
    /// It is made with the first record.
    file: Option<File>,
    /// Bytes of it that are whole records.
    length: u64,
    /// Whether there may be more than that.
    is_torn: bool,
    /// All files with records that are not being folded, the one that is written last.
    files: Vec<PathBuf>,
}

impl Journal {
    /// Opens the journal in a directory and gives the records in it, in their order.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Record>), CollectorError> {
        let files = files_in(directory)?;
        let mut records = Vec::new();
        for (place, path) in files.iter().enumerate() {
            let io =
                |error| CollectorError::io(format!("{} cannot be read", path.display()), error);
            let bytes = fs::read(path).map_err(io)?;
            let whole = read(&bytes, &mut records);
            if whole == bytes.len() {
                continue;
            }
            // Only the file that was written last can have been left unfinished, and only its end.
            let damage = if place + 1 < files.len() {
                Some("its records end early, though it was written to its end")
            } else if has_record(&bytes[whole..]) {
                Some("a record in it is damaged, and others follow")
            } else {
                None
            };
            if let Some(what) = damage {
                let what = what.to_owned();
                return Err(CollectorError::Damaged { path: path.clone(), what });
            }
            let cut = |file: File| file.set_len(whole as u64).and_then(|()| file.sync_all());
            OpenOptions::new().write(true).open(path).and_then(cut).map_err(|error| {
                CollectorError::io(format!("{} cannot be written", path.display()), error)
            })?;
        }
        let directory = directory.to_owned();
        Ok((Self { directory, file: None, length: 0, is_torn: false, files }, records))
    }

    /// Writes records; when this returns, they are on the disk. On an error none of them is.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), CollectorError> {
        let Some(first) = records.first() else { return Ok(()) };
        let bytes: usize = records.iter().map(|record| record.body.len() + 64).sum();
        let mut framed = Vec::with_capacity(bytes);
        for record in records {
            record.frame(&mut framed)?;
        }
        self.write(first.number, &framed).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CollectorError::Full,
            _ => CollectorError::io("The journal cannot be written", error),
        })
    }

    fn write(&mut self, first: u64, framed: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            let path = self.directory.join(format!("{NAME}{first:016x}"));
            // A file of that name has no record that counts: one of this number would be the next.
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
            if let Err(error) = file.write_all(&MAGIC).and_then(|()| sync(&self.directory)) {
                // It would be an empty file, which is no harm.
                let _ = fs::remove_file(&path);
                return Err(error);
            }
            (self.length, self.is_torn) = (MAGIC.len() as u64, false);
            if self.files.last() != Some(&path) {
                self.files.push(path);
            }
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if self.is_torn {
            file.set_len(self.length)?;
            io::Seek::seek(file, io::SeekFrom::Start(self.length))?;
        }
        self.is_torn = true;
        let written = file.write_all(framed).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Room is given back at once if that is possible; else before the next record.
            if file.set_len(self.length).is_ok()
                && io::Seek::seek(file, io::SeekFrom::Start(self.length)).is_ok()
            {
                self.is_torn = false;
            }
            return Err(error);
        }
        (self.length, self.is_torn) = (self.length + framed.len() as u64, false);
        Ok(())
    }

    /// Begins a new file with the next record. Gives the files so far, which may go when everything
    /// in them is in the database.
    pub(super) fn rotate(&mut self) -> Vec<PathBuf> {
        if let Some(file) = self.file.take()
            && self.is_torn
        {
            // If what was not acknowledged stays, it comes back as if it had been sent again.
            let _ = file.set_len(self.length);
        }
        std::mem::take(&mut self.files)
    }
}

/// The files in a directory, in the order they were written.
pub(super) fn files_in(directory: &Path) -> Result<Vec<PathBuf>, CollectorError> {
    let io = |error| CollectorError::io(format!("{} cannot be read", directory.display()), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(NAME));
        if number.is_some_and(|number| u64::from_str_radix(number, 16).is_ok()) {
            files.push(entry.path());
        }
    }
    // All numbers have the same length.
    files.sort_unstable();
    Ok(files)
}

/// Removes files whose records are in the database.
pub(super) fn remove(files: &[PathBuf]) {
    for file in files {
        // What stays is not counted again: its records have numbers.
        let _ = fs::remove_file(file);
    }
}

/// Takes the records out of a file's bytes. Gives the number of bytes up to the last whole one.
fn read(bytes: &[u8], records: &mut Vec<Record>) -> usize {
    let Some(mut rest) = bytes.strip_prefix(&MAGIC) else { return 0 };
    while let Some((record, after)) = first(rest) {
        records.push(record);
        rest = after;
    }
    bytes.len() - rest.len()
}

/// The record that bytes begin with, if it is whole, and what follows it.
fn first(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (frame, after) = bytes.split_first_chunk::<FRAME>()?;
    let [a, b, c, d, sum @ ..] = *frame;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    let (record, after) = after.split_at_checked(length)?;
    let is_whole = length > 0 && checksum(record) == u32::from_le_bytes(sum);
    Some((is_whole.then(|| Record::parse(record)).flatten()?, after))
}

/// Whether there is a whole record anywhere in bytes.
fn has_record(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|start| {
        let bytes = &bytes[start..];
        is_likely(bytes) && first(bytes).is_some()
    })
}

/// Whether bytes could begin with a record: cheaper than a checksum at every place of a file.
fn is_likely(bytes: &[u8]) -> bool {
    /// Times of records are in milliseconds: 2001 to 2286.
    const TIMES: std::ops::Range<i64> = 1_000_000_000_000..10_000_000_000_000;
    let Some(after) = bytes.get(FRAME..) else { return false };
    let mut reader = Reader(after);
    let _number = reader.number();
    let _project = reader.small();
    reader.signed().is_some_and(|received_at| TIMES.contains(&received_at))
}

/// Copies the files to another directory, as far as they are there; what is folded meanwhile is in
/// the database.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), CollectorError> {
    for path in files_in(from)? {
        let Some(name) = path.file_name() else { continue };
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(CollectorError::io(
                    format!("{} cannot be read", path.display()),
                    error,
                ));
            }
        }
        let to = to.join(name);
        fs::write(&to, bytes).map_err(|error| {
            CollectorError::io(format!("{} cannot be written", to.display()), error)
        })?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        let at = |millis| Timestamp::from_millis(millis);
        Record {
            number,
            project: ProjectId(7),
            received_at: at(1_700_000_000_000),
            min_at: at(-5),
            max_at: at(1_600_000_000_000),
            events: 3,
            body: vec![number.to_le_bytes()[0]; 100].into(),
        }
    }

    #[test]
    fn records_come_back_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, none) = Journal::open(directory.path()).unwrap();
        assert_eq!(none, []);
        journal.append(&[record(1), record(2)]).unwrap();
        let first = journal.rotate();
        journal.append(&[record(3)]).unwrap();
        journal.append(&[record(4)]).unwrap();
        drop(journal);
        let (mut journal, records) = Journal::open(directory.path()).unwrap();
        assert_eq!(records, [1, 2, 3, 4].map(record));
        journal.append(&[record(5)]).unwrap();
        assert_eq!(journal.files.len(), 3);
        remove(&first);
        let (_, records) = Journal::open(directory.path()).unwrap();
        assert_eq!(records, [3, 4, 5].map(record));
    }

    #[test]
    fn a_file_that_ends_early_has_the_records_before_if_it_is_the_last() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path()).unwrap();
        journal.append(&[record(1), record(2)]).unwrap();
        let [file] = &journal.rotate()[..] else { panic!("not one file") };
        let whole = fs::read(file).unwrap();
        let one = MAGIC.len() + (whole.len() - MAGIC.len()) / 2;
        for length in 0..whole.len() {
            fs::write(file, &whole[..length]).unwrap();
            let (_, records) = Journal::open(directory.path()).unwrap();
            assert_eq!(records, [record(1)][..usize::from(length >= one)], "{length}");
        }
        for at in MAGIC.len()..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(file, &bytes).unwrap();
            let opened = Journal::open(directory.path());
            if at < one {
                // Nothing that was acknowledged is given up without a word.
                let error = opened.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(error.contains("others follow"), "{at}: {error}");
                assert_eq!(fs::read(file).unwrap(), bytes, "{at}");
            } else {
                assert_eq!(opened.unwrap().1, [record(1)], "{at}");
            }
        }
        // A file that others follow was written to its end.
        let mut journal = Journal::open(directory.path()).unwrap().0;
        journal.append(&[record(2)]).unwrap();
        fs::write(file, &whole[..whole.len() - 1]).unwrap();
        let found = Journal::open(directory.path()).err().map(|error| error.to_string());
        assert!(found.is_some_and(|error| error.contains("is damaged")));
    }

    #[test]
    fn what_could_not_be_written_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path()).unwrap();
        journal.append(&[record(1)]).unwrap();
        // The same as a write that fails halfway.
        journal.file.as_mut().unwrap().write_all(b"half a record").unwrap();
        journal.is_torn = true;
        journal.append(&[record(2)]).unwrap();
        assert_eq!(Journal::open(directory.path()).unwrap().1, [1, 2].map(record));
    }
}
