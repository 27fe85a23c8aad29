//! `GET /api/v1/export`: events as they were sent, or their values as a table.
//!
//! The answer is made while it is sent: a thread reads the store and waits when the client does, so
//! that memory does not grow with what is exported.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use swamp_ident::Timestamp;
use tokio::sync::mpsc;

use super::tail::{Pieces, is_wanted};
use super::{ApiError, App};
use crate::dimension::Dimension;
use crate::event::{Event, Kind};
use crate::ingest::{Arrival, reread};
use crate::query::Query;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One event on each line, as it was sent.
    Ndjson,
    /// One event on each line, its values separated by commas (RFC 4180).
    Csv,
}

impl Format {
    pub(super) fn parse(name: Option<&str>) -> Result<Self, ApiError> {
        match name {
            None | Some("ndjson") => Ok(Self::Ndjson),
            Some("csv") => Ok(Self::Csv),
            Some(other) => {
                Err(ApiError::bad_request(format!("format is ndjson or csv, not {other:?}")))
            }
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Bytes that are sent at once.
const PIECE: usize = 64 << 10;

/// Pieces that wait for a slow client.
const WAITING: usize = 4;

/// An answer with all events that a query asks for.
pub(super) fn export(
    app: &Arc<App>,
    query: Query,
    format: Format,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let place = Arc::clone(&app.exports).try_acquire_owned().map_err(|_| ApiError::busy())?;
    let (pieces, body) = mpsc::channel(WAITING);
    let store = Arc::clone(&app.store);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let arrival = Arrival { project: query.project, at: now };
        let mut text = match format {
            Format::Ndjson => String::new(),
            Format::Csv => heading(),
        };
        let done = store.export(&query, &mut |raw| {
            write(raw, &query, format, arrival, &mut text);
            if text.len() < PIECE {
                return ControlFlow::Continue(());
            }
            match pieces.blocking_send(Ok(Bytes::from(std::mem::take(&mut text)))) {
                Ok(()) => ControlFlow::Continue(()),
                // The client went away.
                Err(_) => ControlFlow::Break(()),
            }
        });
        // An answer that breaks off must not look complete. Whether anybody still listens does not
        // matter.
        let last = match done {
            Ok(()) => Ok(Bytes::from(text)),
            Err(_) => Err(std::io::Error::other("the store failed")),
        };
        let _ = pieces.blocking_send(last);
    });
    let headers = [(header::CONTENT_TYPE, format.media_type())];
    Ok((headers, Body::from_stream(Pieces(body))).into_response())
}

/// Adds an event, if it is asked for.
fn write(raw: &str, query: &Query, format: Format, arrival: Arrival, text: &mut String) {
    if format == Format::Ndjson && query.filters.is_empty() {
        one_line(raw, text);
        return;
    }
    // Its length was checked when it came.
    let Ok(length) = u32::try_from(raw.len()) else { return };
    for event in reread(raw, &[length], arrival) {
        if !is_wanted(&event, query) {
            continue;
        }
        match format {
            Format::Ndjson => one_line(raw, text),
            Format::Csv => row(&event, text),
        }
    }
}

fn one_line(raw: &str, text: &mut String) {
    // Line feeds can only stand between the tokens of JSON.
    text.extend(raw.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    text.push('\n');
}

/// The columns before those of the dimensions.
const COLUMNS: [&str; 7] = ["id", "kind", "startedAt", "durationMs", "failed", "parentId", "runId"];

fn heading() -> String {
    let dimensions = Dimension::ALL.iter().map(|dimension| dimension.as_str());
    let columns: Vec<&str> = COLUMNS.into_iter().chain(dimensions).collect();
    format!("{}\r\n", columns.join(","))
}

fn row(event: &Event, text: &mut String) {
    let kind = match event.kind {
        Kind::Command => "command",
        Kind::Run => "run",
        Kind::Method => "method",
    };
    let (at, millis) = (event.at.to_string(), event.duration_ms.to_string());
    let failed = if event.failed { "true" } else { "false" };
    let parent = event.parent_id().unwrap_or_default();
    let run = event.run_id().unwrap_or_default();
    let first = [event.id(), kind, &at, &millis, failed, parent, run];
    let rest = Dimension::ALL.map(|dimension| event.text(dimension).unwrap_or_default());
    for (index, value) in first.into_iter().chain(rest).enumerate() {
        if index > 0 {
            text.push(',');
        }
        cell(value, text);
    }
    text.push_str("\r\n");
}

/// A value as a cell. Names are chosen by whoever writes workflows; one that a spreadsheet would
/// take for a formula gets an apostrophe before it.
fn cell(value: &str, text: &mut String) {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !value.contains(['"', ',', '\n', '\r']) {
        text.push_str(value);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_what_they_are_given() {
        for (value, want) in [
            ("", ""),
            ("plain é", "plain é"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@acme/registry", "\"'@acme/registry\""),
        ] {
            let mut text = String::new();
            cell(value, &mut text);
            assert_eq!(text, want);
        }
    }
}
