//! Who is asking.
//!
//! A request shows a key in `x-api-key` or as a bearer token; a browser shows a cookie that a login
//! with a key gave it. A collector that only this machine can reach also lets in who shows nothing:
//! such callers may do everything, and mean the project `default` unless they name another.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use swamp_ident::Timestamp;

use super::params::Params;
use super::{ApiError, App};
use crate::event::ProjectId;
use crate::keys::{self, DEFAULT_PROJECT, KeyId, Scope, StoredKey};

/// The name of the cookie.
pub const COOKIE: &str = "swamp_session";

/// How long a login lasts, in milliseconds.
const SESSION_MS: i64 = 12 * 3_600_000;

/// Who gets in without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody on this machine: the listener is on a loopback address with nothing in front.
    Loopback,
    /// Nobody.
    KeysOnly,
}

/// A caller that may ask questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Whose events it may see.
    pub project: ProjectId,
    /// The key it showed, or logged in with; `None` for callers without one.
    pub key: Option<KeyId>,
}

/// A caller that may see figures in `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Observer {
    /// Whose method calls it may see.
    pub project: ProjectId,
    /// Whether it may see what concerns all projects.
    pub sees_all: bool,
}

/// A caller that may send events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Where its events go.
    pub project: ProjectId,
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(key) = presented(&parts.headers)? {
            let key = check(app, key.to_owned(), Scope::Read).await?;
            return Ok(Self { project: key.project, key: Some(key.id) });
        }
        if let Some(session) = cookie(&parts.headers)
            && let Some(key) = session_key(app, session.to_owned()).await?
        {
            return Ok(Self { project: key.project, key: Some(key.id) });
        }
        let project = without_key(app, parts, "read").await?;
        Ok(Self { project, key: None })
    }
}

impl FromRequestParts<Arc<App>> for Observer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(key) = presented(&parts.headers)? {
            let key = known(app, key.to_owned()).await?;
            return match key.scope {
                Scope::Metrics => Ok(Self { project: key.project, sees_all: true }),
                Scope::Read => Ok(Self { project: key.project, sees_all: false }),
                Scope::Ingest => Err(wrong_scope(&key, Scope::Metrics)),
            };
        }
        let reader = Reader::from_request_parts(parts, app).await?;
        Ok(Self { project: reader.project, sees_all: reader.key.is_none() })
    }
}

impl FromRequestParts<Arc<App>> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(key) = presented(&parts.headers)? {
            let key = check(app, key.to_owned(), Scope::Ingest).await?;
            return Ok(Self { project: key.project });
        }
        Ok(Self { project: without_key(app, parts, "ingest").await? })
    }
}

/// The key a request shows.
fn presented(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let unreadable = |_| ApiError::unauthorized("The key has characters that no key has");
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().map(Some).map_err(unreadable);
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(unreadable)?;
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(key.trim())),
        _ => Err(ApiError::unauthorized("Show the key in the header x-api-key")),
    }
}

/// The key that opens, or the refusal.
async fn check(app: &Arc<App>, presented: String, scope: Scope) -> Result<StoredKey, ApiError> {
    let stored = known(app, presented).await?;
    if stored.scope == scope { Ok(stored) } else { Err(wrong_scope(&stored, scope)) }
}

/// The key somebody presents, whatever it opens.
async fn known(app: &Arc<App>, presented: String) -> Result<StoredKey, ApiError> {
    let refused = || ApiError::unauthorized("This key is unknown or revoked");
    let id = keys::id_of(&presented).ok_or_else(refused)?;
    let stored = app.ask(move |store| store.find_key(&id)).await?.ok_or_else(refused)?;
    if stored.opens(&presented) { Ok(stored) } else { Err(refused()) }
}

fn wrong_scope(key: &StoredKey, wanted: Scope) -> ApiError {
    ApiError::forbidden(format!(
        "This key is for {}; make one with `swamp collector key create --scope {}`",
        key.scope.as_str(),
        wanted.as_str()
    ))
}

/// The project of a caller that shows nothing.
async fn without_key(app: &Arc<App>, parts: &Parts, scope: &str) -> Result<ProjectId, ApiError> {
    if app.access == Access::KeysOnly {
        let message = format!(
            "Show a key in the header x-api-key; `swamp collector key create --scope {scope}` makes one"
        );
        return Err(ApiError::unauthorized(message));
    }
    // A page from elsewhere whose name leads to this machine must not get in.
    if !names_this_machine(parts) {
        return Err(ApiError::forbidden(
            "Without a key, ask for this collector as localhost or by its loopback address",
        ));
    }
    let params = Params::parse(parts.uri.query().unwrap_or_default());
    let name = params.one("project")?.unwrap_or(DEFAULT_PROJECT).to_owned();
    Ok(app.ask(move |store| store.project(&name)).await?.number)
}

fn names_this_machine(parts: &Parts) -> bool {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host else { return true };
    let name = host_name(host);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Whether a browser shows a session, good or not.
pub(crate) fn has_session(headers: &HeaderMap) -> bool {
    cookie(headers).is_some_and(|session| !session.is_empty())
}

/// Logs in with a read key: the value of a `set-cookie` header.
///
/// The cookie does not hold the key but its id, an end, and a code over both that is made with what
/// the store knows of the key. Any collector of the same store can check it, and revoking the key
/// ends it.
pub async fn log_in(app: &Arc<App>, key: &str) -> Result<String, ApiError> {
    let key = check(app, key.trim().to_owned(), Scope::Read).await?;
    let until = now().as_millis() + SESSION_MS;
    let code = code(&key, until)?;
    Ok(set_cookie(app, &format!("{}.{until}.{code}", key.id.0), SESSION_MS / 1000))
}

/// Logs out: the value of a `set-cookie` header.
pub(crate) fn log_out(app: &App) -> String {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> String {
    let secure = if app.secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether a browser says that a form was sent by a page of somebody else. Such a form could sign
/// somebody in with a key that is not theirs, or out.
///
/// Browsers say so in `Sec-Fetch-Site`, over plain HTTP only in `Origin`. There names alone are
/// compared: a proxy in front may pass on the name without the port. Programs say neither.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let from = origin.split_once("://").map_or("", |(_, place)| host_name(place));
    let host = text("host").map(host_name).unwrap_or_default();
    from.is_empty() || !from.eq_ignore_ascii_case(host)
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The key of a session that is good, `None` for one that is not.
async fn session_key(app: &Arc<App>, session: String) -> Result<Option<StoredKey>, ApiError> {
    let mut parts = session.split('.');
    let (Some(id), Some(until), Some(shown)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let Ok(until) = until.parse::<i64>() else { return Ok(None) };
    if until < now().as_millis() {
        return Ok(None);
    }
    let id = KeyId(id.to_owned());
    let Some(key) = app.ask(move |store| store.find_key(&id)).await? else { return Ok(None) };
    let right = code(&key, until)?;
    let equal = bool::from(subtle::ConstantTimeEq::ct_eq(right.as_bytes(), shown.as_bytes()));
    Ok((equal && key.revoked_at.is_none() && key.scope == Scope::Read).then_some(key))
}

fn code(key: &StoredKey, until: i64) -> Result<String, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.hash)
        .map_err(|_| ApiError::internal("The session cannot be signed"))?;
    mac.update(b"session");
    mac.update(key.id.0.as_bytes());
    mac.update(&until.to_le_bytes());
    Ok(keys::hex(&mac.finalize().into_bytes()))
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}
