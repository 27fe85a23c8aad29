//! Taking over what lies in files: spool entries, the original's entries, exports.

use std::fs;
use std::path::{Path, PathBuf};

use swamp_ident::Timestamp;

use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::ingest::{Arrival, Limits, Read, entry_as_event, read_body};
use crate::store::{Outcome, Store};

/// Events handed to the store at once.
const BATCH: usize = 10_000;

/// What became of what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Files read.
    pub files: u64,
    /// Events stored.
    pub stored: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Files or lines that hold no event.
    pub unreadable: u64,
}

/// Takes over a file, or every `.json` and `.ndjson` file below a directory. A file holds one entry,
/// one event, an `{"events": […]}`, or one of these on each line.
pub fn import(
    store: &dyn Store,
    project: ProjectId,
    from: &Path,
    now: Timestamp,
) -> Result<Imported, CollectorError> {
    let mut import = Import {
        store,
        arrival: Arrival { project, at: now },
        waiting: Vec::new(),
        imported: Imported::default(),
    };
    for file in files(from)? {
        let text = fs::read_to_string(&file).map_err(|error| {
            CollectorError::io(format!("{} cannot be read", file.display()), error)
        })?;
        import.imported.files += 1;
        import.file(&text)?;
    }
    import.flush()?;
    Ok(import.imported)
}

/// The files that are meant, in order.
fn files(from: &Path) -> Result<Vec<PathBuf>, CollectorError> {
    let io = |error| CollectorError::io(format!("{} cannot be read", from.display()), error);
    if !fs::metadata(from).map_err(io)?.is_dir() {
        return Ok(vec![from.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(from).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        // Links are not followed: they may lead in a circle.
        if entry.file_type().map_err(io)?.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|kind| kind == "json" || kind == "ndjson") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

struct Import<'a> {
    store: &'a dyn Store,
    arrival: Arrival,
    waiting: Vec<Event>,
    imported: Imported,
}

impl Import<'_> {
    fn file(&mut self, text: &str) -> Result<(), CollectorError> {
        if self.piece(text)? {
            return Ok(());
        }
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
        if lines.peek().is_none() {
            self.imported.unreadable += 1;
        }
        for line in lines {
            if !self.piece(line)? {
                self.imported.unreadable += 1;
            }
        }
        Ok(())
    }

    /// Takes a text that is one JSON object; says whether it was one.
    fn piece(&mut self, text: &str) -> Result<bool, CollectorError> {
        #[derive(serde::Deserialize)]
        struct Shape {
            event: Option<serde::de::IgnoredAny>,
            events: Option<serde::de::IgnoredAny>,
        }
        let Ok(shape) = serde_json::from_str::<Shape>(text) else { return Ok(false) };
        let body = if shape.event.is_some() {
            // As one of a list: it may have a key `events` of its own.
            format!("{{\"events\":[{text}]}}")
        } else if shape.events.is_some() {
            text.to_owned()
        } else {
            let Some(event) = entry_as_event(text) else { return Ok(false) };
            event
        };
        let limits = Limits { events: usize::MAX, ..Limits::default() };
        let Ok(read) = read_body(body.into_bytes(), self.arrival, &limits) else {
            return Ok(false);
        };
        for read in read {
            match read {
                Read::Event(event) => self.waiting.push(*event),
                Read::Invalid(_) | Read::Dropped(_) => self.imported.unreadable += 1,
            }
        }
        if self.waiting.len() >= BATCH {
            self.flush()?;
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), CollectorError> {
        for outcome in self.store.append(&std::mem::take(&mut self.waiting))? {
            match outcome {
                Outcome::Stored => self.imported.stored += 1,
                Outcome::Duplicate => self.imported.duplicates += 1,
                Outcome::Dropped(_) => self.imported.unreadable += 1,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::query::Query;
    use crate::store::SqliteStore;

    fn entry(id: &str) -> Value {
        json!({
            "id": id, "invocation": {"command": "version", "args": [], "optionKeys": [],
                "globalOptions": []},
            "result": {"status": "success", "exitCode": 0},
            "startedAt": "2026-11-22T09:58:10.514Z", "completedAt": "2026-11-22T09:58:10.605Z",
            "durationMs": 91, "swampVersion": "0.1.0", "denoVersion": "0.0.0", "platform": "linux",
        })
    }

    fn event(id: &str) -> Value {
        json!({"event": "cli_invocation", "distinct_id": "u", "insert_id": id,
            "properties": entry(id)})
    }

    #[test]
    fn every_kind_of_file_is_taken_over_once() {
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = files.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("telemetry-2026-11-22-spooled.json", entry("spooled").to_string());
        let pretty = serde_json::to_string_pretty(&entry("theirs")).unwrap();
        write("telemetry-2026-11-22-theirs.flushed.json", pretty);
        let mut with_events_of_its_own = event("line-2");
        with_events_of_its_own["events"] = json!([1]);
        let lines = [event("line-1"), with_events_of_its_own, entry("line-3")];
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        write("below/export.ndjson", format!("{}\n\n", lines.join("\r\n")));
        write("below/batch.json", json!({"events": [event("in-1"), event("line-1")]}).to_string());
        write("below/torn.ndjson", format!("{}\n{{\"id\": \"to", event("whole")));
        write("below/settings.json", json!({"colour": "green"}).to_string());
        write("below/notes.txt", "not looked at".to_owned());

        let home = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(home.path()).unwrap();
        let now = Timestamp::parse("2026-11-22T12:00:00.000Z").unwrap();
        let take = |path: &Path| import(&store, ProjectId(1), path, now).unwrap();
        let want = Imported { files: 6, stored: 7, duplicates: 1, unreadable: 2 };
        assert_eq!(take(files.path()), want);
        let again = Imported { stored: 0, duplicates: 8, ..want };
        assert_eq!(take(files.path()), again);
        let alone = take(&files.path().join("below/batch.json"));
        assert_eq!(alone, Imported { files: 1, duplicates: 2, ..Imported::default() });

        let mut ids = Vec::new();
        let mut show = |raw: &str| {
            let event: Value = serde_json::from_str(raw).unwrap();
            ids.push(event["properties"]["id"].as_str().unwrap().to_owned());
            std::ops::ControlFlow::Continue(())
        };
        store.export(&Query::all(ProjectId(1)), &mut show).unwrap();
        ids.sort();
        assert_eq!(ids, ["in-1", "line-1", "line-2", "line-3", "spooled", "theirs", "whole"]);
        let missing = import(&store, ProjectId(1), &files.path().join("none"), now).unwrap_err();
        assert!(missing.to_string().contains("none cannot be read"), "{missing}");
    }
}
