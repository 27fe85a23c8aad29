//! Where a ClickHouse is: `clickhouse://user:password@host:port/database?…`.

use std::fmt;

use crate::error::CollectorError;

/// What such an address begins with.
pub const SCHEME: &str = "clickhouse://";

/// Where a ClickHouse is, and how tables are made there.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// Name or address of the machine.
    pub host: String,
    /// The port of its HTTP interface.
    pub port: u16,
    /// Whether to speak TLS.
    pub secure: bool,
    /// Who we are there.
    pub user: String,
    /// The password; may be empty.
    pub password: String,
    /// The database; it is made if it is not there.
    pub database: String,
    /// The cluster over which tables are spread. Implies [`replicated`](Self::replicated).
    pub cluster: Option<String>,
    /// Whether tables are replicated. The servers' configuration then has the macros `{shard}` and
    /// `{replica}`.
    pub replicated: bool,
    /// On how many replicas a block must be before it counts as stored.
    pub quorum: Option<u8>,
    /// Days for which the key of an event is remembered, so that a repeat of it is known as one.
    pub key_days: u16,
}

/// How long keys are remembered unless told otherwise: half as long again as clients keep what they
/// could not send, which is 30 days.
const KEY_DAYS: u16 = 45;

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without user and password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}:{}/{}", self.host, self.port, self.database)
    }
}

impl Location {
    /// Reads `clickhouse://[user[:password]@]host[:port][/database][?option=value&…]` with the options
    /// `secure`, `cluster`, `replicated`, `quorum` and `keys`. User and password may be percent-encoded.
    ///
    /// # Errors
    ///
    /// [`CollectorError::Invalid`] says what does not fit. The password is not in it.
    pub fn parse(text: &str) -> Result<Self, CollectorError> {
        let fail = |what: &str| {
            Err(CollectorError::Invalid(format!(
                "The store is no address like {SCHEME}user:password@host:8123/database?secure=1: {what}"
            )))
        };
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return fail(&format!("it does not begin with {SCHEME}"));
        };
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (login, place),
            None => ("default", authority),
        };
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match place.rsplit_once(':') {
            // The colons of a bare IPv6 address are within brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || "/?#".contains(c)) {
            return fail("the host is missing");
        }
        let (Some(user), Some(password)) = (decoded(user), decoded(password)) else {
            return fail("the percent-encoding of user or password is broken");
        };
        let mut location = Self {
            host: host.to_owned(),
            port: 0,
            secure: false,
            user,
            password,
            database: if database.is_empty() { "swamp".to_owned() } else { database.to_owned() },
            cluster: None,
            replicated: false,
            quorum: None,
            key_days: KEY_DAYS,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, "1"));
            let switch = matches!(value, "1" | "true" | "yes");
            match name {
                "secure" => location.secure = switch,
                "replicated" => location.replicated = switch,
                "cluster" => location.cluster = Some(value.to_owned()),
                "quorum" => match value.parse() {
                    Ok(number) => location.quorum = Some(number),
                    Err(_) => return fail("quorum is no small number"),
                },
                "keys" => match value.parse() {
                    Ok(days) if days >= 2 => location.key_days = days,
                    _ => return fail("keys is no number of days, at least 2"),
                },
                _ => return fail(&format!("there is no option {name:?}")),
            }
        }
        location.replicated |= location.cluster.is_some();
        location.port = match port.map(str::parse) {
            Some(Ok(port)) => port,
            Some(Err(_)) => return fail("the port is no number"),
            None if location.secure => 8443,
            None => 8123,
        };
        // These become part of statements.
        let names = [Some(&location.database), location.cluster.as_ref()];
        let is_name = |name: &&String| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if !names.iter().flatten().all(is_name) {
            return fail("names of databases and clusters have only letters, digits, - and _");
        }
        Ok(location)
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let plain = Location::parse("clickhouse://db.example").unwrap();
        assert_eq!(
            (plain.user.as_str(), plain.host.as_str(), plain.port, plain.database.as_str()),
            ("default", "db.example", 8123, "swamp")
        );
        let full = Location::parse(
            "clickhouse://us%40er:p%3Ass@[::1]:9/events?secure=1&cluster=main&quorum=2&keys=60",
        )
        .unwrap();
        assert_eq!((full.user.as_str(), full.password.as_str()), ("us@er", "p:ss"));
        assert_eq!((full.host.as_str(), full.port), ("[::1]", 9));
        assert!(full.secure && full.replicated);
        assert_eq!((full.cluster.as_deref(), full.quorum), (Some("main"), Some(2)));
        assert_eq!((full.key_days, plain.key_days), (60, 45));
        assert_eq!(Location::parse("clickhouse://h?secure=true").unwrap().port, 8443);
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_the_password() {
        for text in [
            "http://h",
            "clickhouse://",
            "clickhouse://u:secret@",
            "clickhouse://u:secret@h:port",
            "clickhouse://u:%zz@h",
            "clickhouse://u:secret@h/d;DROP",
            "clickhouse://u:secret@h/d?cluster=a'b",
            "clickhouse://u:secret@h/d?what=1",
            "clickhouse://u:secret@h/d?quorum=many",
            "clickhouse://u:secret@h/d?keys=0",
        ] {
            let error = Location::parse(text).unwrap_err().to_string();
            assert!(error.contains("clickhouse://user:password@host"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let location = Location::parse("clickhouse://u:secret@h/d").unwrap();
        assert_eq!(
            format!("{location} {location:?}"),
            "clickhouse://h:8123/d clickhouse://h:8123/d"
        );
    }
}
