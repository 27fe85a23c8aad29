//! Pieces of run records that wait for the record to be written again.
//!
//! A record holds what every step gave, and is written more than once. The pieces of a run of ten
//! thousand steps are tens of megabytes: beyond a few of them they wait in a file that has no name
//! any more and is gone with the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How many bytes stay in memory.
const IN_MEMORY: usize = 4 * 1024 * 1024;

/// Where pieces are kept.
#[derive(Debug)]
pub(super) struct Fragments {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_memory: usize,
    file: Option<Arc<File>>,
    length: u64,
    limit: usize,
}

/// A piece of text.
#[derive(Clone, Debug)]
pub(super) enum Fragment {
    /// In memory.
    Text(Arc<str>),
    /// In the file.
    Kept { file: Arc<File>, offset: u64, length: usize },
}

impl Fragments {
    /// Keeps pieces; the file will be in this directory.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self::with_limit(directory, IN_MEMORY)
    }

    fn with_limit(directory: PathBuf, limit: usize) -> Self {
        let state = State { in_memory: 0, file: None, length: 0, limit };
        Self { directory, state: Mutex::new(state) }
    }

    /// Keeps a piece. If the file cannot be had, in memory after all.
    pub(super) fn keep(&self, text: String) -> Fragment {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.in_memory + text.len() <= state.limit {
            state.in_memory += text.len();
            return Fragment::Text(text.into());
        }
        match self.append(&mut state, text.as_bytes()) {
            Ok(fragment) => fragment,
            Err(_) => Fragment::Text(text.into()),
        }
    }

    fn append(&self, state: &mut State, bytes: &[u8]) -> io::Result<Fragment> {
        let file = match &state.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(state.file.insert(Arc::new(self.nameless_file()?))),
        };
        let offset = state.length;
        file.write_all_at(bytes, offset)?;
        state.length += bytes.len() as u64;
        Ok(Fragment::Kept { file, offset, length: bytes.len() })
    }

    fn nameless_file(&self) -> io::Result<File> {
        let path = self.directory.join(format!(".{}.fragments.tmp", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }
}

impl Fragment {
    /// The text.
    pub(super) fn read(&self) -> io::Result<Arc<str>> {
        match self {
            Self::Text(text) => Ok(Arc::clone(text)),
            Self::Kept { file, offset, length } => {
                let mut bytes = vec![0; *length];
                file.read_exact_at(&mut bytes, *offset)?;
                let text = String::from_utf8(bytes)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                Ok(text.into())
            }
        }
    }

    /// Writes the text somewhere.
    pub(super) fn write_to(&self, writer: &mut dyn Write) -> io::Result<()> {
        writer.write_all(self.read()?.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_same_in_memory_and_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let fragments = Fragments::with_limit(directory.path().to_owned(), 20);
        let texts: Vec<String> = (0..10).map(|number| "é".repeat(number)).collect();
        let kept: Vec<Fragment> = texts.iter().map(|text| fragments.keep(text.clone())).collect();
        let in_memory = kept.iter().filter(|kept| matches!(kept, Fragment::Text(_))).count();
        assert!((1..10).contains(&in_memory), "{in_memory}");
        for (kept, text) in kept.iter().zip(&texts) {
            assert_eq!(*kept.read().unwrap(), **text);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_a_file_everything_stays_in_memory() {
        let fragments = Fragments::with_limit(PathBuf::from("/nonexistent"), 1);
        assert_eq!(&*fragments.keep("long".to_owned()).read().unwrap(), "long");
    }
}
