//! Signing in with a read key, and out again.
//!
//! Attempts are not counted: a key has 256 random bits, nobody guesses one, and counting would let
//! anybody lock out those who share an address.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use swamp_dashboard::page::{Login, Refusal};
use swamp_dashboard::{Page, View};

use super::{home, problem, see_other, shell};
use crate::api::auth::{self, Reader};
use crate::api::params::Params;
use crate::api::{ApiError, App};

/// The largest form that is read, in bytes; a key has 84.
const FORM: usize = 8 << 10;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/login", get(form).post(log_in)).route("/logout", post(log_out))
}

/// The address of the form that leads on to `next`.
pub(super) fn address(next: &str, expired: bool) -> String {
    let mut pairs = Vec::new();
    if next != "/" {
        pairs.push(("next", next.to_owned()));
    }
    if expired {
        pairs.push(("expired", "1".to_owned()));
    }
    View::default().link_with(Page::Login, pairs)
}

/// A path of this site, whatever somebody put into the address.
fn safe(next: Option<&str>) -> String {
    let is_path = |next: &&str| {
        next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.contains(['\r', '\n'])
    };
    next.filter(is_path).map_or_else(home, str::to_owned)
}

async fn form(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = RawQuery(parts.uri.query().map(str::to_owned));
    let params = Params::parse(&query.0.unwrap_or_default());
    let next = safe(params.get("next"));
    // Who can look already has nothing to sign in for.
    if Reader::from_request_parts(&mut parts, &app).await.is_ok() {
        return see_other(&next);
    }
    let refusal = params.get("expired").map(|_| Refusal::Expired);
    Html(Login { refusal, next }.render()).into_response()
}

async fn log_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let origin = super::origin(&app, request.headers());
    if auth::is_from_elsewhere(request.headers()) {
        return problem(&from_elsewhere(), &shell(&origin, false));
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), FORM).await else {
        return problem(&ApiError::too_large("The form is too large"), &shell(&origin, false));
    };
    let params = Params::parse(&String::from_utf8_lossy(&body));
    let next = safe(params.get("next"));
    match auth::log_in(&app, params.get("key").unwrap_or_default()).await {
        Ok(cookie) => with_cookie(see_other(&next), &cookie),
        Err(error) if matches!(error.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let login = Login { refusal: Some(Refusal::WrongKey), next };
            (StatusCode::UNAUTHORIZED, Html(login.render())).into_response()
        }
        Err(error) => problem(&error, &shell(&origin, false)),
    }
}

async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if auth::is_from_elsewhere(&headers) {
        return problem(&from_elsewhere(), &shell(&super::origin(&app, &headers), false));
    }
    with_cookie(see_other(&Page::Login.path()), &auth::log_out(&app))
}

fn from_elsewhere() -> ApiError {
    ApiError::forbidden("This form was sent by another site; sign in and out on the pages here")
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        for (next, want) in [
            (None, "/"),
            (Some(""), "/"),
            (Some("/runs?period=7d"), "/runs?period=7d"),
            (Some("//evil.example/"), "/"),
            (Some("/\\evil.example/"), "/"),
            (Some("https://evil.example/"), "/"),
            (Some("javascript:alert(1)"), "/"),
            (Some("/a\r\nset-cookie: x"), "/"),
        ] {
            assert_eq!(safe(next), want, "{next:?}");
        }
        assert_eq!(address("/", false), "/login");
        assert_eq!(address("/runs?a=1", true), "/login?next=%2Fruns%3Fa%3D1&expired=1");
    }
}
