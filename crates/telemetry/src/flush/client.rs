//! One request and its answer.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::CertificateError;
use swamp_wire::IngestResults;
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::key::ApiKey;

/// Bodies shorter than this are not worth compressing.
const WORTH_GZIP: usize = 1024;

/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 8 * 1024 * 1024;

/// Most of the time a request may take is for the answer, not for reaching the machine.
const CONNECT: Duration = Duration::from_secs(5);

/// Where requests go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address of the requests themselves.
    pub url: String,
    /// The key, if it may be sent there.
    pub key: Option<ApiKey>,
    /// Version of the program, for the header `user-agent`.
    pub version: String,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// Status 202, with what became of each event if the collector told.
    Accepted(Option<IngestResults>),
    /// Another status.
    Status(u16, Option<Duration>),
    /// None, or none that is HTTP.
    None(String),
}

#[derive(Debug)]
pub(super) struct Client<'a> {
    target: &'a Target,
    agent: ureq::Agent,
    /// Whether the collector says that it reads gzip.
    pub(super) takes_gzip: bool,
}

impl<'a> Client<'a> {
    pub(super) fn new(target: &'a Target, takes_gzip: bool) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent(format!("swamp-cli/{}", target.version))
            // A redirect would take the events, and the key, to somebody nobody chose.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // So would a proxy that a variable of the environment names.
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .build();
        Self { target, agent: config.new_agent(), takes_gzip }
    }

    /// Sends a body, for at most this long.
    pub(super) fn post(&mut self, body: &[u8], timeout: Duration) -> Answer {
        let packed = (self.takes_gzip && body.len() >= WORTH_GZIP).then(|| gzip(body)).flatten();
        let answer = self.send(packed.as_deref().unwrap_or(body), packed.is_some(), timeout);
        match answer {
            Answer::Status(415, _) if packed.is_some() => {
                self.takes_gzip = false;
                self.send(body, false, timeout)
            }
            other => other,
        }
    }

    fn send(&mut self, body: &[u8], is_packed: bool, timeout: Duration) -> Answer {
        let mut request = self.agent.post(&self.target.url).content_type("application/json");
        if is_packed {
            request = request.header("content-encoding", "gzip");
        }
        if let Some(key) = &self.target.key {
            request = request.header("x-api-key", key.text());
        }
        let sent = request.config().timeout_global(Some(timeout)).build().send(body);
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Answer::None(explain(&error)),
        };
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        if status != 202 {
            return Answer::Status(status, retry_after);
        }
        self.takes_gzip = says_gzip(response.headers());
        let is_json = is_json(response.headers());
        let text = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        match text {
            Ok(text) => Answer::Accepted(serde_json::from_str(&text).ok()),
            // It may have said that some were not taken. Sending again does no harm.
            Err(error) if is_json => Answer::None(explain(&error)),
            Err(_) => Answer::Accepted(None),
        }
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    packer.write_all(body).ok()?;
    packer.finish().ok()
}

/// Whether the header `accept-encoding` of an answer allows gzip in requests (RFC 9110, 12.5.3).
fn says_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all("accept-encoding").iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.any(|weight| {
            weight.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0))
        });
        is_gzip && !is_refused
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get("content-type").and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"))
}

/// How long the header `retry-after` asks to wait: seconds or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// What went wrong in a few words, without the address.
fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the host is not known".to_owned(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => explain_tls(error),
                None => format!("the connection broke ({error})"),
            },
        },
        ureq::Error::Rustls(error) => explain_tls(error),
        ureq::Error::Tls(error) => format!("no safe connection ({error})"),
        other => format!("no answer that makes sense ({other})"),
    }
}

fn explain_tls(error: &rustls::Error) -> String {
    let why = match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is not trusted: nobody in SSL_CERT_FILE, or else in the system's list, \
             vouches for it"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(cause) => format!("its certificate is no good: {cause}"),
        // The list of the system, or SSL_CERT_FILE, is empty or cannot be read.
        rustls::Error::General(why) => why.clone(),
        other => other.to_string(),
    };
    format!("no safe connection ({why})")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use ureq::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        [(ureq::http::HeaderName::from_static(name), HeaderValue::from_static(value))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_collector_says_that_it_reads_gzip() {
        for (value, want) in [
            ("gzip", true),
            ("br, GZip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
            ("", false),
            ("xgzip", false),
        ] {
            assert_eq!(says_gzip(&headers("accept-encoding", value)), want, "{value}");
        }
        assert!(!says_gzip(&HeaderMap::new()));
    }

    #[test]
    fn waits_are_given_in_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, want) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let wait = retry_after(&headers("retry-after", value), now);
            assert_eq!(wait, want.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let body = b"{\"events\":[]}".repeat(1000);
        let packed = gzip(&body).unwrap();
        assert!(packed.len() < body.len() / 10);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, body);
    }
}
