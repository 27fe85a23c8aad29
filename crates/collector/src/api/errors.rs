//! Errors as documents: `{"error": "<sentence>", "code": "<word>"}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::commit::NotKept;
use crate::error::CollectorError;
use crate::ingest::Refusal;

/// An error on its way to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status of the answer.
    pub status: StatusCode,
    /// The kind of error, for programs.
    pub code: &'static str,
    /// The error in a sentence, for people.
    pub message: String,
    /// When to try again, in seconds.
    pub retry_after: Option<u32>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// Each part of the request can be understood, and together they make no sense.
    pub fn contradiction(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "contradiction", message)
    }

    /// There is no key, or it opens nothing.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// The key is good, but not for this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The address is right, the method is not.
    pub fn wrong_method() -> Self {
        let message = "This address does not know this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// The request is too large.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The address has more than so many bytes.
    pub fn address_too_long(most: usize) -> Self {
        let message = format!("The address has more than {most} bytes; ask with fewer filters");
        Self::new(StatusCode::URI_TOO_LONG, "address_too_long", message)
    }

    /// There are more header fields, or more bytes of them.
    pub fn head_too_large(fields: usize, bytes: usize) -> Self {
        let message = format!(
            "The head of the request has more than {fields} fields or {bytes} bytes; send fewer headers or cookies"
        );
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", message)
    }

    /// The body is of a kind that is not accepted.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// The body did not come in time.
    pub fn timed_out() -> Self {
        let message = "The body took too long to arrive";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
    }

    /// There is too much to do.
    pub fn busy() -> Self {
        NotKept::Busy.into()
    }

    /// The store does not take events now.
    pub fn not_ready() -> Self {
        let message = "The store does not answer as it should; the log of the collector says how";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message);
        Self { retry_after: Some(10), ..error }
    }

    /// A fault of the collector.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<NotKept> for ApiError {
    fn from(why: NotKept) -> Self {
        let message = why.to_string();
        let (status, code, seconds) = match why {
            NotKept::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy", 1),
            NotKept::Full => (StatusCode::SERVICE_UNAVAILABLE, "disk_full", 60),
            NotKept::Failed => (StatusCode::SERVICE_UNAVAILABLE, "store_failed", 10),
            NotKept::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", 5),
        };
        Self { retry_after: Some(seconds), ..Self::new(status, code, message) }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::TooLarge(_) | Refusal::TooMany(_) => Self::too_large(message),
            Refusal::BadEncoding(_) | Refusal::NotEvents(_) => Self::bad_request(message),
        }
    }
}

impl From<CollectorError> for ApiError {
    fn from(error: CollectorError) -> Self {
        let message = error.to_string();
        match error {
            CollectorError::NotFound { .. } => Self::not_found(message),
            CollectorError::Invalid(_) | CollectorError::Exists { .. } => {
                Self::bad_request(message)
            }
            CollectorError::Full => NotKept::Full.into(),
            CollectorError::Stopping => NotKept::Stopping.into(),
            // What the database says is for the log, not for whoever asks.
            _ => Self::internal("The store failed; the log of the collector says how"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({"error": self.message, "code": self.code}));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"));
        }
        response
    }
}
