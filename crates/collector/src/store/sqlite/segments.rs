//! Segments: events of one project, as they were sent, packed together. Those of a large commit are a
//! segment of their own; those of many small ones share one.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Transaction};
use swamp_ident::Timestamp;

use super::bytes::{Packer, Reader, put, put_signed, unpack};
use super::journal::Record;
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::ingest::{Arrival, reread};

/// Bytes of a packed record at which it is a segment as it is.
const LARGE: usize = 64 << 10;

/// Bytes of events, unpacked, that small records are put together to.
const TOGETHER: usize = 1 << 20;

/// In place of the number of events: parts with a time of arrival each.
const PARTS: u64 = 0;

/// The events of one batch and project on their way into the journal.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) events: Vec<&'a Event>,
}

impl Draft<'_> {
    /// Makes a record of them.
    pub(super) fn record(
        &self,
        packer: &mut Packer,
        number: u64,
        project: ProjectId,
        received_at: Timestamp,
    ) -> Result<Record, CollectorError> {
        let bytes: usize = self.events.iter().map(|event| event.raw().len() + 3).sum();
        let mut body = Vec::with_capacity(bytes + 10);
        put(&mut body, self.events.len() as u64);
        for event in &self.events {
            put(&mut body, event.raw().len() as u64);
        }
        for event in &self.events {
            body.extend_from_slice(event.raw().as_bytes());
        }
        let times = || self.events.iter().map(|event| event.at);
        Ok(Record {
            number,
            project,
            received_at,
            min_at: times().min().unwrap_or(received_at),
            max_at: times().max().unwrap_or(received_at),
            events: self.events.len() as u64,
            body: packer.pack(&body)?.into(),
        })
    }
}

/// Writes records as segments: large ones as they are, small ones together. Gives the segment of each
/// record.
pub(super) fn write(
    transaction: &Transaction<'_>,
    packer: &mut Packer,
    records: &[Record],
) -> Result<HashMap<u64, i64>, CollectorError> {
    let mut places = HashMap::new();
    let mut small: BTreeMap<ProjectId, Together<'_>> = BTreeMap::new();
    for record in records {
        if record.body.len() >= LARGE {
            places.insert(record.number, insert(transaction, record, &record.body)?);
            continue;
        }
        let together = small.entry(record.project).or_default();
        together.add(record)?;
        if together.texts.len() >= TOGETHER {
            std::mem::take(together).write(transaction, packer, &mut places)?;
        }
    }
    for together in small.into_values() {
        together.write(transaction, packer, &mut places)?;
    }
    Ok(places)
}

fn insert(
    transaction: &Transaction<'_>,
    record: &Record,
    body: &[u8],
) -> Result<i64, CollectorError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO segments (project, received_at, min_at, max_at, events, bytes, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    Ok(insert.insert((
        record.project.0,
        record.received_at.as_millis(),
        record.min_at.as_millis(),
        record.max_at.as_millis(),
        record.events.cast_signed(),
        body.len(),
        body,
    ))?)
}

/// Small records that become one segment.
#[derive(Default)]
struct Together<'a> {
    records: Vec<&'a Record>,
    lengths: Vec<u8>,
    texts: String,
}

impl<'a> Together<'a> {
    fn add(&mut self, record: &'a Record) -> Result<(), CollectorError> {
        let segment = Segment::of(record)?;
        let (parts, text) = segment.parts()?;
        for length in parts.iter().flat_map(|part| &part.lengths) {
            put(&mut self.lengths, u64::from(*length));
        }
        self.texts.push_str(text);
        self.records.push(record);
        Ok(())
    }

    fn write(
        self,
        transaction: &Transaction<'_>,
        packer: &mut Packer,
        places: &mut HashMap<u64, i64>,
    ) -> Result<(), CollectorError> {
        let Some(last) = self.records.last() else { return Ok(()) };
        let mut body = Vec::with_capacity(self.texts.len() + self.lengths.len() + 100);
        put(&mut body, PARTS);
        put(&mut body, self.records.len() as u64);
        for record in &self.records {
            put_signed(&mut body, record.received_at.as_millis());
            put(&mut body, record.events);
        }
        body.extend_from_slice(&self.lengths);
        body.extend_from_slice(self.texts.as_bytes());
        let all = || self.records.iter();
        let whole = Record {
            min_at: all().map(|record| record.min_at).min().unwrap_or(last.min_at),
            max_at: all().map(|record| record.max_at).max().unwrap_or(last.max_at),
            events: all().map(|record| record.events).sum(),
            ..(*last).clone()
        };
        let place = insert(transaction, &whole, &packer.pack(&body)?)?;
        places.extend(all().map(|record| (record.number, place)));
        Ok(())
    }
}

/// A segment from the file, or a record that will be one.
pub(super) struct Segment {
    what: String,
    arrival: Arrival,
    body: Vec<u8>,
}

/// Events that came together.
struct Part {
    received_at: Timestamp,
    lengths: Vec<u32>,
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
        let id: i64 = row.get(0)?;
        let arrival =
            Arrival { project: ProjectId(row.get(1)?), at: Timestamp::from_millis(row.get(2)?) };
        let packed = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let what = format!("Segment {id}");
        let body = unpack(packed, &what)?;
        if show(Segment { what, arrival, body })?.is_break() {
            break;
        }
    }
    Ok(())
}

impl Segment {
    /// A record that is not in the file yet.
    pub(super) fn of(record: &Record) -> Result<Self, CollectorError> {
        let what = format!("Record {} of the journal", record.number);
        let arrival = Arrival { project: record.project, at: record.received_at };
        let body = unpack(&record.body, &what)?;
        Ok(Self { what, arrival, body })
    }

    /// Its events.
    pub(super) fn events(&self) -> Result<Vec<Event>, CollectorError> {
        let (parts, mut text) = self.parts()?;
        let mut events = Vec::new();
        for Part { received_at, lengths } in parts {
            let length = lengths.iter().map(|length| *length as usize).sum();
            let (own, rest) = text.split_at_checked(length).ok_or_else(|| self.damaged())?;
            let arrival = Arrival { project: self.arrival.project, at: received_at };
            events.append(&mut reread(own, &lengths, arrival));
            text = rest;
        }
        Ok(events)
    }

    fn damaged(&self) -> CollectorError {
        CollectorError::Store(format!("{} is damaged", self.what))
    }

    /// Its parts, and the texts of their events.
    fn parts(&self) -> Result<(Vec<Part>, &str), CollectorError> {
        let read = || {
            let mut reader = Reader(&self.body);
            let mut counts = Vec::new();
            match reader.number()? {
                PARTS => {
                    for _ in 0..reader.number()? {
                        let received_at = Timestamp::from_millis(reader.signed()?);
                        counts.push((received_at, reader.number()?));
                    }
                }
                count => counts.push((self.arrival.at, count)),
            }
            let mut parts = Vec::with_capacity(counts.len());
            let mut whole = 0_u64;
            for (received_at, count) in counts {
                let lengths: Option<Vec<u32>> = (0..count).map(|_| reader.small()).collect();
                let lengths = lengths?;
                whole += lengths.iter().map(|length| u64::from(*length)).sum::<u64>();
                parts.push(Part { received_at, lengths });
            }
            let text = std::str::from_utf8(reader.0).ok()?;
            (whole == text.len() as u64).then_some((parts, text))
        };
        read().ok_or_else(|| self.damaged())
    }
}
