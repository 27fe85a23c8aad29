//! What is the same for every address: heads that are too large, addresses with nothing behind them,
//! and what browsers are told about every answer.
//!
//! A head that is no HTTP at all, or larger than what is read of one (`serve`), never gets here: the
//! protocol's own code answers it with a bare status and ends the connection.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{ApiError, App};
use crate::dashboard;

/// Longest address that is accepted, in bytes. Filters stand in it.
const ADDRESS_BYTES: usize = 32 << 10;

/// Most header fields that are accepted.
const FIELDS: usize = 64;

/// Most bytes of header fields that are accepted, names and values.
const FIELD_BYTES: usize = 32 << 10;

/// Refuses requests whose head is too large.
pub(super) async fn check_head(request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > ADDRESS_BYTES {
        return ApiError::address_too_long(ADDRESS_BYTES).into_response();
    }
    let headers = request.headers();
    let bytes: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.as_bytes().len()).sum();
    if headers.len() > FIELDS || bytes > FIELD_BYTES {
        return ApiError::head_too_large(FIELDS, FIELD_BYTES).into_response();
    }
    next.run(request).await
}

/// Ends the connection after a request whose body came in chunks. It may have had a length as well,
/// which is not used and cannot be seen here any more; if a proxy in front did use it, what follows
/// on the connection is not what the proxy takes it for (RFC 9112, 6.1).
pub(super) async fn close_after_chunks(request: Request, next: Next) -> Response {
    let in_chunks = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if in_chunks {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What browsers are told about every answer.
pub(super) async fn headers(State(app): State<Arc<App>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, swamp_dashboard::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Our own forms say where they come from, see `auth::is_from_elsewhere`; others learn nothing.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if app.secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Nothing is behind this address: a page that leads back for people, a document for programs.
pub(super) async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Response {
    let nothing = ApiError::not_found("There is nothing at this address");
    let is_of_the_api = request.uri().path().starts_with("/api/");
    if is_of_the_api || !wants_a_page(request.headers()) {
        return nothing.into_response();
    }
    dashboard::nothing_here(&app, request.headers(), &nothing)
}

/// Whether a request comes from somebody who looks at pages: browsers name HTML first, programs do
/// not name it.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kind = |range: &str| {
        range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html")
    };
    accepts.flat_map(|value| value.split(',')).any(kind)
}
