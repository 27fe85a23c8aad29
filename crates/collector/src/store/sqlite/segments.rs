//! Segments: the events of one batch and project, as they were sent, packed together.

use rusqlite::{Connection, Transaction};
use swamp_ident::Timestamp;

use super::bytes::{Packer, Reader, put, unpack};
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::ingest::{Arrival, reread};

/// A segment on its way into the file.
#[derive(Default)]
pub(super) struct Draft {
    lengths: Vec<u8>,
    texts: Vec<u8>,
    events: u64,
    min_at: Option<Timestamp>,
    max_at: Option<Timestamp>,
}

impl Draft {
    /// Adds an event.
    pub(super) fn add(&mut self, event: &Event) {
        let raw = event.raw().as_bytes();
        put(&mut self.lengths, raw.len() as u64);
        self.texts.extend_from_slice(raw);
        self.events += 1;
        self.min_at = Some(self.min_at.map_or(event.at, |at| at.min(event.at)));
        self.max_at = self.max_at.max(Some(event.at));
    }

    /// Writes it. Gives its number.
    pub(super) fn write(
        self,
        transaction: &Transaction<'_>,
        packer: &mut Packer,
        project: ProjectId,
        received_at: Timestamp,
    ) -> Result<i64, CollectorError> {
        let mut body = Vec::with_capacity(self.lengths.len() + self.texts.len() + 10);
        put(&mut body, self.events);
        body.extend_from_slice(&self.lengths);
        body.extend_from_slice(&self.texts);
        let blob = packer.pack(&body)?;
        let at = |time: Option<Timestamp>| time.unwrap_or(received_at).as_millis();
        let mut insert = transaction.prepare_cached(
            "INSERT INTO segments (project, received_at, min_at, max_at, events, bytes, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        Ok(insert.insert((
            project.0,
            received_at.as_millis(),
            at(self.min_at),
            at(self.max_at),
            self.events.cast_signed(),
            blob.len(),
            blob,
        ))?)
    }
}

/// A segment from the file.
pub(super) struct Segment {
    pub(super) id: i64,
    arrival: Arrival,
    body: Vec<u8>,
}

/// The segments that `condition` (SQL about their columns) is true of, in the order they were
/// written, one at a time.
pub(super) fn each(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
    mut show: impl FnMut(Segment) -> Result<std::ops::ControlFlow<()>, CollectorError>,
) -> Result<(), CollectorError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, project, received_at, body FROM segments WHERE {condition} ORDER BY id"
    ))?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let arrival =
            Arrival { project: ProjectId(row.get(1)?), at: Timestamp::from_millis(row.get(2)?) };
        let packed = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let body = unpack(packed, &format!("Segment {id}"))?;
        if show(Segment { id, arrival, body })?.is_break() {
            break;
        }
    }
    Ok(())
}

impl Segment {
    /// Its events.
    pub(super) fn events(&self) -> Result<Vec<Event>, CollectorError> {
        let damaged = || CollectorError::Store(format!("Segment {} is damaged", self.id));
        let mut reader = Reader(&self.body);
        let count = reader.number().ok_or_else(damaged)?;
        let lengths: Option<Vec<u32>> = (0..count).map(|_| reader.small()).collect();
        let lengths = lengths.ok_or_else(damaged)?;
        let text = std::str::from_utf8(reader.0).map_err(|_| damaged())?;
        let whole: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        if whole != text.len() as u64 {
            return Err(damaged());
        }
        Ok(reread(text, &lengths, self.arrival))
    }
}
