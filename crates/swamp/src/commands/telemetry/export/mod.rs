//! `swamp telemetry export`

mod csv;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;
use swamp_telemetry::stats::{Range, Read, each};

use super::place;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::times;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object in each line, or a table
    #[arg(long, value_name = "format", default_value = "ndjson")]
    format: Format,
    /// Only entries from then on: 24h, 7d, 2026-11-01
    #[arg(long, value_name = "time")]
    since: Option<String>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "file")]
    output: Option<PathBuf>,
    #[command(flatten)]
    repo: RepoArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Ndjson,
    Csv,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        if cx.output.is_json() && self.output.is_none() {
            return Err(CommandError::user(
                "With --json this command prints one document about the export, so the entries \
                 need another place",
            )
            .with_hint("Add --output <file>, or leave --json out: ndjson is JSON already."));
        }
        let now = cx.clock.now().wall;
        let since = self.since.as_deref().map(|since| times::moment(since, now)).transpose()?;
        let range = since.map(Range::since);
        let spool = place::spool(cx, &self.repo)?;
        let read = match &self.output {
            None => {
                let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
                let written = self.write(&spool, range.as_ref(), &mut out)?;
                match written.and_then(|read| out.flush().map(|()| read)) {
                    // The reader has enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return Ok(Ending::SUCCESS);
                    }
                    other => other.map_err(|error| failed(Path::new("standard output"), &error))?,
                }
            }
            Some(path) => self.write_file(&spool, range.as_ref(), path)?,
        };
        if read.unreadable > 0 {
            let message = format!(
                "{} unreadable file(s) in {} are left out",
                read.unreadable,
                spool.display()
            );
            cx.output.record(Level::Warning, "telemetry·export", message);
        }
        if read == Read::default() {
            let message = "No entry is here to be exported. Those that were delivered are gone, \
                           unless the marker says telemetryKeepFlushed: true.";
            cx.output.record(Level::Warning, "telemetry·export", message);
        }
        if let Some(path) = &self.output {
            if cx.output.is_json() {
                let (entries, unreadable) = (read.entries, read.unreadable);
                let path = path.display().to_string();
                let document = json!({"path": path, "entries": entries, "unreadable": unreadable});
                cx.output.document(&document);
            } else {
                let message = format!("{} entries written to {}", read.entries, path.display());
                cx.output.record(Level::Info, "telemetry·export", message);
            }
        }
        Ok(Ending::SUCCESS)
    }

    /// Writes beside the file and puts it into its place when it is whole. What entries say is the
    /// user's own business, so nobody else may read the file.
    fn write_file(
        &self,
        spool: &Path,
        range: Option<&Range>,
        path: &Path,
    ) -> Result<Read, CommandError> {
        let name = path.file_name().ok_or_else(|| {
            CommandError::user(format!("{} is no name of a file", path.display()))
        })?;
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let file = file.map_err(|error| failed(path, &error))?;
        let written = self.write_to(spool, range, file).and_then(|written| {
            let read = written.and_then(|read| std::fs::rename(&temporary, path).map(|()| read));
            read.map_err(|error| failed(path, &error))
        });
        if written.is_err() {
            // It could not be written; that it cannot be removed either is no news.
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn write_to(
        &self,
        spool: &Path,
        range: Option<&Range>,
        file: File,
    ) -> Result<io::Result<Read>, CommandError> {
        let mut out = BufWriter::with_capacity(64 * 1024, file);
        let written = self.write(spool, range, &mut out)?;
        Ok(written.and_then(|read| out.flush().map(|()| read)))
    }

    fn write(
        &self,
        spool: &Path,
        range: Option<&Range>,
        out: &mut impl Write,
    ) -> Result<io::Result<Read>, CommandError> {
        let mut line = String::new();
        if self.format == Format::Csv
            && let Err(error) = out.write_all(csv::heading().as_bytes())
        {
            return Ok(Err(error));
        }
        each(spool, range, |stored| {
            line.clear();
            match self.format {
                Format::Ndjson => {
                    compact(stored.text, &mut line);
                    line.push('\n');
                }
                Format::Csv => csv::record(stored.entry, &mut line),
            }
            out.write_all(line.as_bytes())
        })
        .map_err(|error| CommandError::user(error.to_string()))
    }
}

fn failed(path: &Path, error: &io::Error) -> CommandError {
    CommandError::user(format!("The export cannot be written to {}: {error}", path.display()))
}

/// A JSON text without the blanks between its parts. Everything else stays as it was written: unknown
/// keys, the order of keys, the digits of numbers.
fn compact(json: &str, out: &mut String) {
    let (mut in_text, mut escaped) = (false, false);
    for character in json.chars() {
        if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\n' | '\r' | '\t') {
            continue;
        } else {
            in_text = character == '"';
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_blanks_between_parts_go() {
        let mut out = String::new();
        compact("{\n  \"a b\": \"c \\\" d\\\\\",\r\n\t\"n\" : 1.50e3\n}", &mut out);
        assert_eq!(out, r#"{"a b":"c \" d\\","n":1.50e3}"#);
    }

    proptest! {
        #[test]
        fn it_says_the_same(texts in proptest::collection::vec(any::<String>(), 0..6)) {
            let value = Value::from(texts);
            let mut out = String::new();
            compact(&serde_json::to_string_pretty(&value).unwrap(), &mut out);
            prop_assert_eq!(out, value.to_string());
        }
    }
}
