//! Speaking to a ClickHouse over HTTP.
//!
//! A statement goes in the body; the rows of an insert go in the body too, and the statement then in
//! the address. Answers are held back by the server until they are complete (`wait_end_of_query`), so
//! that the status says whether the whole statement went well.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::location::Location;
use crate::error::CollectorError;

/// Time to reach the server.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest time for one statement. The server is told the same, so that nothing goes on there that
/// nobody waits for.
const LONGEST: Duration = Duration::from_mins(1);

/// The same for statements that repair or take over, which are nobody's request.
const PATIENT: Duration = Duration::from_hours(1);

/// Bytes at which the server puts what it groups for such a statement on disk.
const SPILL: u64 = 1 << 30;

/// The server's code for a full disk.
const NOT_ENOUGH_SPACE: &str = "Code: 243";

/// A version of ClickHouse, by year and number of the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u16, pub(super) u16);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// The way to one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    location: Location,
    base: String,
    settings: String,
}

impl Client {
    /// A client, and the version of the server it found.
    pub(super) fn connect(location: &Location) -> Result<(Self, Version), CollectorError> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent("swamp-collector")
            .max_redirects(0)
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(LONGEST))
            .build();
        let scheme = if location.secure { "https" } else { "http" };
        let mut client = Self {
            agent: config.new_agent(),
            location: location.clone(),
            base: format!("{scheme}://{}:{}/?", location.host, location.port),
            settings: String::new(),
        };
        let answer = client.rows("SELECT version()")?;
        let version = answer.lines().next().and_then(Version::parse).ok_or_else(|| {
            CollectorError::Store(format!("{location} does not answer like a ClickHouse"))
        })?;
        client.settings = settings(location, version);
        Ok((client, version))
    }

    /// Runs a statement that answers nothing.
    pub(super) fn run(&self, statement: &str) -> Result<(), CollectorError> {
        self.rows(statement).map(|_| ())
    }

    /// Runs a statement that may take as long as [`PATIENT`].
    pub(super) fn run_long(&self, statement: &str) -> Result<(), CollectorError> {
        let more = format!("&insert_deduplicate=0&max_bytes_before_external_group_by={SPILL}");
        self.post_within(PATIENT, &more, statement.as_bytes()).map(|_| ())
    }

    /// Runs a statement and gives its answer, rows of values separated by tabs.
    pub(super) fn rows(&self, statement: &str) -> Result<String, CollectorError> {
        let mut response = self.post("", statement.as_bytes())?;
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_string();
        body.map_err(|error| self.failed(&error))
    }

    /// Runs a statement and shows each row as it comes.
    pub(super) fn each(
        &self,
        statement: &str,
        show: &mut dyn FnMut(&str) -> std::ops::ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        let response = self.post("", statement.as_bytes())?;
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        for line in std::io::BufReader::new(reader).lines() {
            let line = line.map_err(|error| {
                CollectorError::Store(format!("{} broke off: {error}", self.location))
            })?;
            if show(&line).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Inserts rows under a name by which [`is_running`](Self::is_running) finds it.
    pub(super) fn insert(
        &self,
        into: &str,
        rows: &[u8],
        name: &str,
        token: Option<&str>,
    ) -> Result<(), CollectorError> {
        let statement = format!("INSERT INTO {into} FORMAT TabSeparated");
        let token = token.map_or_else(String::new, |token| {
            format!("&insert_deduplication_token={}", encoded(token))
        });
        let address = format!("&query_id={}&query={}{token}", encoded(name), encoded(&statement));
        self.post(&address, rows).map(|_| ())
    }

    /// Whether the server is still at a statement.
    pub(super) fn is_running(&self, name: &str) -> Result<bool, CollectorError> {
        let name = super::text::literal(name);
        let answer =
            self.rows(&format!("SELECT count() FROM system.processes WHERE query_id = {name}"))?;
        Ok(answer.trim() != "0")
    }

    fn post(
        &self,
        more: &str,
        body: &[u8],
    ) -> Result<ureq::http::Response<ureq::Body>, CollectorError> {
        self.post_within(LONGEST, more, body)
    }

    fn post_within(
        &self,
        time: Duration,
        more: &str,
        body: &[u8],
    ) -> Result<ureq::http::Response<ureq::Body>, CollectorError> {
        // The first statements ask for nothing that must exist.
        let database = if self.settings.is_empty() { "" } else { &self.location.database };
        let database = if database.is_empty() { "default" } else { database };
        let url = format!(
            "{}database={database}&default_format=TabSeparated&wait_end_of_query=1\
             &max_execution_time={}{}{more}",
            self.base,
            time.as_secs(),
            self.settings
        );
        let sent = self
            .agent
            .post(&url)
            .config()
            .timeout_global(Some(time))
            .build()
            .header("x-clickhouse-user", &self.location.user)
            .header("x-clickhouse-key", &self.location.password)
            .send(body);
        let mut response = sent.map_err(|error| self.failed(&error))?;
        if response.status().as_u16() == 200 {
            return Ok(response);
        }
        let text = response.body_mut().with_config().limit(1 << 20).read_to_string();
        let text = text.map_err(|error| self.failed(&error))?;
        if text.starts_with(NOT_ENOUGH_SPACE) {
            return Err(CollectorError::Full);
        }
        let short: String = text.trim().chars().take(500).collect();
        Err(CollectorError::Store(format!("{} refused: {short}", self.location)))
    }

    /// A sentence without the address, which may show the password.
    fn failed(&self, error: &ureq::Error) -> CollectorError {
        CollectorError::Store(format!("{} cannot be reached: {error}", self.location))
    }

    /// Makes the database.
    pub(super) fn create_database(
        location: &Location,
        statement: &str,
    ) -> Result<(), CollectorError> {
        let elsewhere = Location { database: "default".to_owned(), ..location.clone() };
        Self::connect(&elsewhere)?.0.run(statement)
    }
}

/// What every statement is told. Only settings that the version knows.
fn settings(location: &Location, version: Version) -> String {
    let mut settings =
        "&max_query_size=67108864&max_ast_elements=2000000&max_expanded_ast_elements=2000000"
            .to_owned();
    let mut set = |name: &str, value: &str| {
        settings.extend(["&", name, "=", value]);
    };
    if version < Version(19, 1) {
        set("allow_experimental_low_cardinality_type", "1");
    }
    if version >= Version(19, 6) {
        // An import of old events touches many weeks at once.
        set("max_partitions_per_insert_block", "0");
    }
    if location.cluster.is_some() {
        set("insert_distributed_sync", "1");
    }
    if let Some(quorum) = location.quorum {
        set("insert_quorum", &quorum.to_string());
        set("select_sequential_consistency", "1");
        if version >= Version(20, 10) {
            set("insert_quorum_parallel", "0");
        }
    }
    settings
}

/// A text as part of an address.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::keys::hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(Version::parse("18.16.1\n"), Some(Version(18, 16)));
        assert_eq!(Version::parse("26.9.2.1"), Some(Version(26, 9)));
        assert_eq!(Version::parse("<html>"), None);
        assert!(Version(18, 16) < Version(19, 1));
    }

    #[test]
    fn a_version_is_only_told_settings_it_knows() {
        let plain = Location::parse("clickhouse://h").unwrap();
        let old = settings(&plain, Version(18, 16));
        assert!(old.contains("allow_experimental_low_cardinality_type"));
        assert!(!old.contains("max_partitions_per_insert_block"));
        let safe = Location::parse("clickhouse://h?cluster=c&quorum=2").unwrap();
        let new = settings(&safe, Version(26, 9));
        assert!(new.contains("&insert_quorum=2&select_sequential_consistency=1"));
        assert!(new.contains("&insert_distributed_sync=1"));
        assert_eq!(encoded("a b&c"), "a%20b%26c");
    }
}
