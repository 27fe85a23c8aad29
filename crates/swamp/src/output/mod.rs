//! What the program prints.
//!
//! Standard output is for results: the document of `--json`, the lines of a listing, the records of
//! a run. Standard error is for what somebody should notice: warnings, errors, questions. A reader
//! that closes its end is not an error; the rest is dropped and the command goes on to its end.

mod markdown;
mod paint;
mod plain;
mod record;
mod table;

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use swamp_ident::{Clock, Timestamp};

pub(crate) use markdown::render as render_markdown;
pub(crate) use paint::Paint;
pub(crate) use plain::plain;
pub(crate) use record::{Level, layout};
pub(crate) use table::Table;

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Lines for people.
    Log,
    /// One JSON document.
    Json,
}

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Both outputs of the program. Cheap to clone; safe to use from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    mode: Mode,
    level: Level,
    out: Paint,
    err: Paint,
    clock: Arc<dyn Clock>,
    closed: Arc<AtomicBool>,
}

impl Output {
    /// Colours are used where the output is a terminal and `colours` allows them.
    pub(crate) fn new(mode: Mode, level: Level, colours: bool, clock: Arc<dyn Clock>) -> Self {
        Self {
            mode,
            level,
            out: Paint::new(colours && io::stdout().is_terminal()),
            err: Paint::new(colours && io::stderr().is_terminal()),
            clock,
            closed: Arc::default(),
        }
    }

    /// How results are shown.
    pub(crate) fn is_json(&self) -> bool {
        self.mode == Mode::Json
    }

    /// The least important level that is shown.
    pub(crate) const fn level(&self) -> Level {
        self.level
    }

    /// Whether records of this level are shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        self.mode == Mode::Log && level >= self.level
    }

    /// The colours of an output.
    pub(crate) const fn paint(&self, stream: Stream) -> Paint {
        match stream {
            Stream::Out => self.out,
            Stream::Err => self.err,
        }
    }

    /// Prints a document on standard output, for programs to read. A large one is never in memory
    /// as a whole.
    pub(crate) fn document(&self, document: &impl Serialize) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut out, document)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        if written.is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// Prints a line of a result on standard output.
    pub(crate) fn line(&self, line: impl AsRef<str>) {
        self.write(Stream::Out, &format!("{}\n", line.as_ref()));
    }

    /// Prints a record that happens now: from warnings on to standard error, else to standard
    /// output. Nothing is printed below the chosen level or with `--json`.
    pub(crate) fn record(&self, level: Level, category: &str, message: impl AsRef<str>) {
        self.record_at(self.clock.now().wall, level, category, message.as_ref());
    }

    /// Prints a record of something that happened at a known time.
    pub(crate) fn record_at(&self, at: Timestamp, level: Level, category: &str, message: &str) {
        if self.shows(level) {
            let stream = if level >= Level::Warning { Stream::Err } else { Stream::Out };
            let text = layout(self.paint(stream), at, level, category, message);
            self.write(stream, &format!("{text}\n"));
        }
    }

    /// Asks a question that is answered by `y` or `yes`, on standard error, and reads the answer
    /// from standard input. No answer is a no.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        self.write(Stream::Err, &format!("{question} [y/N] "));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        if !io::stdin().is_terminal() {
            self.write(Stream::Err, "\n");
        }
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Writes a text as it is.
    pub(crate) fn write(&self, stream: Stream, text: &str) {
        let written = match stream {
            Stream::Out if self.closed.load(Ordering::Relaxed) => return,
            Stream::Out => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            // Nobody is left to tell when standard error cannot be written to.
            Stream::Err => {
                let _ = io::stderr().lock().write_all(text.as_bytes());
                return;
            }
        };
        if written.is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}
