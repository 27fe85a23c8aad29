//! `POST /ingest`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::SemaphorePermit;

use super::auth::{Sender, now};
use super::{ApiError, App, BODY_UNIT};
use crate::event::Event;
use crate::ingest::{ACCEPT_ENCODING, Arrival, Encoding, Fate, Refused, decode, read_events};
use crate::store::Outcome;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How much of the body of a refused request is read and thrown away, in bytes.
const DISCARDED: usize = 32 << 20;

/// For how long.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Takes events; answers when they are durable.
pub(super) async fn ingest(
    State(app): State<Arc<App>>,
    sender: Result<Sender, ApiError>,
    headers: HeaderMap,
    mut body: Body,
) -> Response {
    let taken = match sender {
        Ok(sender) => take(&app, sender, &headers, &mut body).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match taken {
        Ok(answer) => {
            app.requests.accepted.fetch_add(1, Ordering::Relaxed);
            (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], answer)
                .into_response()
        }
        Err(refusal) => {
            app.requests.refused.fetch_add(1, Ordering::Relaxed);
            // Whoever waits to be told to go on has sent nothing yet, and does not have to; whoever
            // was too slow has had its time.
            if refusal.status != StatusCode::REQUEST_TIMEOUT
                && !headers.contains_key(header::EXPECT)
            {
                discard(&mut body).await;
            }
            let mut response = refusal.into_response();
            // What is left of the body after that is not read.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    response
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPT_ENCODING));
    response
}

async fn take(
    app: &Arc<App>,
    sender: Sender,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Vec<u8>, ApiError> {
    let text = |name| headers.get(name).map_or(Ok(""), HeaderValue::to_str);
    let kind = text(header::CONTENT_TYPE).unwrap_or("?");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return Err(ApiError::unsupported("Send events as application/json"));
    }
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("?");
    let encoding = Encoding::parse(encoding).ok_or_else(|| {
        ApiError::unsupported(format!("Pack bodies with {ACCEPT_ENCODING}, or not at all"))
    })?;

    let (packed, mut memory) = tokio::time::timeout(BODY_TIME, receive(app, body))
        .await
        .map_err(|_| ApiError::timed_out())??;
    let limits = app.limits;
    app.requests.body_bytes.fetch_add(packed.len() as u64, Ordering::Relaxed);
    let unpacked = decode(packed, encoding, &limits)?;
    reserve(app, &mut memory, unpacked.len())?;
    let arrival = Arrival { project: sender.project, at: now() };
    let reading = read_events(unpacked, arrival, &limits)?;
    for refused in &reading.refused {
        let counter = match refused.fate {
            Fate::Invalid => &app.requests.invalid,
            Fate::Dropped => &app.requests.dropped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
    let events = Arc::new(reading.events);
    let outcomes =
        if events.is_empty() { Vec::new() } else { submit(app, Arc::clone(&events)).await? };
    drop(memory);
    answer(&events, &outcomes, &reading.refused)
        .ok_or_else(|| ApiError::internal("The store gave too few outcomes"))
}

/// The answer: what became of each event, in the order of the body. `None` if that is not known of
/// all.
fn answer(events: &[Event], outcomes: &[Outcome], refused: &[Refused]) -> Option<Vec<u8>> {
    let is_kept = |outcome: &&Outcome| matches!(outcome, Outcome::Stored | Outcome::Duplicate);
    let accepted = outcomes.iter().filter(is_kept).count();
    let mut text = Vec::with_capacity(64 + 80 * events.len() + 200 * refused.len());
    text.extend_from_slice(br#"{"accepted":"#);
    text.extend_from_slice(accepted.to_string().as_bytes());
    text.extend_from_slice(br#","results":["#);
    let mut refused = refused.iter().peekable();
    let mut known = events.iter().zip(outcomes);
    for place in 0..events.len() + refused.len() {
        if place > 0 {
            text.push(b',');
        }
        let (id, status, reason) = if let Some(refused) = refused.next_if(|it| it.place == place) {
            let status = match refused.fate {
                Fate::Invalid => "invalid",
                Fate::Dropped => "dropped",
            };
            (refused.rejected.id.as_deref(), status, Some(refused.rejected.reason.as_str()))
        } else {
            let (event, outcome) = known.next()?;
            let (status, reason) = match outcome {
                Outcome::Stored => ("ok", None),
                Outcome::Duplicate => ("duplicate", None),
                Outcome::Dropped(reason) => ("dropped", Some(*reason)),
            };
            (Some(event.insert_id()), status, reason)
        };
        text.extend_from_slice(br#"{"id":"#);
        quoted(&mut text, id)?;
        text.extend_from_slice(br#","status":""#);
        text.extend_from_slice(status.as_bytes());
        text.push(b'"');
        if let Some(reason) = reason {
            text.extend_from_slice(br#","reason":"#);
            quoted(&mut text, Some(reason))?;
        }
        text.push(b'}');
    }
    text.extend_from_slice(b"]}");
    Some(text)
}

/// A text in quotes, or `null`.
fn quoted(json: &mut Vec<u8>, text: Option<&str>) -> Option<()> {
    let is_plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match text {
        // Ids are, nearly always.
        Some(text) if is_plain(text) => {
            json.push(b'"');
            json.extend_from_slice(text.as_bytes());
            json.push(b'"');
            Some(())
        }
        text => serde_json::to_writer(json, &text).ok(),
    }
}

async fn submit(app: &Arc<App>, events: Arc<Vec<Event>>) -> Result<Vec<Outcome>, ApiError> {
    Ok(app.committer.submit(events).await?)
}

/// Reads on for a while. A client that is still sending when its connection is closed may never see
/// the answer: the system throws it away together with what was not read.
async fn discard(body: &mut Body) {
    let read = async {
        let mut left = DISCARDED;
        while let Some(Ok(frame)) = next_frame(body).await {
            let length = frame.data_ref().map_or(0, axum::body::Bytes::len);
            left = left.saturating_sub(length);
            if left == 0 {
                break;
            }
        }
    };
    // Who takes longer has to do without the answer.
    let _ = tokio::time::timeout(DISCARD_TIME, read).await;
}

async fn next_frame(
    body: &mut Body,
) -> Option<Result<hyper::body::Frame<axum::body::Bytes>, axum::Error>> {
    std::future::poll_fn(|cx| std::pin::Pin::new(&mut *body).poll_frame(cx)).await
}

/// Reads a body while there is memory for it.
///
/// Memory is set aside for what has arrived, not for what is announced: many clients that announce
/// much and send nothing would keep everybody else out.
async fn receive<'a>(
    app: &'a App,
    body: &mut Body,
) -> Result<(Vec<u8>, Vec<SemaphorePermit<'a>>), ApiError> {
    let most = app.limits.body_bytes;
    let too_large =
        || ApiError::too_large(format!("The body has more than {most} bytes; send fewer events"));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(too_large());
    }
    let mut memory = Vec::new();
    // Memory that nothing was written to is none: the system gives it page by page.
    let mut bytes = Vec::with_capacity(announced);
    while let Some(frame) = next_frame(body).await {
        let frame = frame.map_err(|_| ApiError::bad_request("The body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(too_large());
        }
        reserve(app, &mut memory, bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, memory))
}

/// Makes sure that `bytes` are set aside for a request; if there is no room for them, it has to come
/// back later.
fn reserve<'a>(
    app: &'a App,
    memory: &mut Vec<SemaphorePermit<'a>>,
    bytes: usize,
) -> Result<(), ApiError> {
    let have: usize = memory.iter().map(SemaphorePermit::num_permits).sum();
    let missing = bytes.div_ceil(BODY_UNIT).saturating_sub(have);
    if missing > 0 {
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        memory.push(app.bodies.try_acquire_many(missing).map_err(|_| ApiError::busy())?);
    }
    Ok(())
}
