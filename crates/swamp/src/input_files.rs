//! Reading the files that inputs name.

use std::io;
use std::path::PathBuf;

use swamp_model::inputs::grammar::FileReader;

use crate::environment::Environment;

/// Reads files relative to the working directory; `~/` is the home directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputFiles {
    environment: Environment,
}

impl InputFiles {
    /// A reader for this process.
    pub(crate) const fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

impl FileReader for InputFiles {
    fn read(&self, path: &str) -> io::Result<String> {
        let home = path.strip_prefix("~/").zip(self.environment.os("HOME"));
        let path = match home {
            Some((below, home)) => PathBuf::from(home).join(below),
            None => PathBuf::from(path),
        };
        let bytes = std::fs::read(path)?;
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8 text"))
    }
}
