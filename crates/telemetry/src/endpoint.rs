//! Where entries go, and who said so.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who named the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The variable `SWAMP_TELEMETRY_ENDPOINT`.
    Environment,
    /// The key `telemetryEndpoint` in the marker of the repository, which may be somebody else's.
    Marker,
    /// The key `endpoint` in the user's `telemetry.yaml`.
    UserSettings,
}

impl Origin {
    /// The place in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "SWAMP_TELEMETRY_ENDPOINT",
            Self::Marker => "telemetryEndpoint in .swamp.yaml",
            Self::UserSettings => "endpoint in the user's telemetry.yaml",
        }
    }

    /// Whether the user chose it, rather than whoever wrote the repository.
    pub const fn is_the_users(self) -> bool {
        matches!(self, Self::Environment | Self::UserSettings)
    }
}

/// Why a text is no endpoint. The text itself is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a web address.
    #[error("it must begin with https:// or http://")]
    NotHttp,
    /// No machine in it.
    #[error("it names no host")]
    NoHost,
    /// A password in the address ends up in logs.
    #[error("it holds a user or a password; put the key into SWAMP_API_KEY or telemetry-key")]
    Credentials,
    /// The port is none.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Blanks, control characters and the like.
    #[error("it holds a character that must be written as %XX")]
    Character,
}

/// An address that takes entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    is_https: bool,
    /// In small letters; an IPv6 address with its brackets.
    host: String,
    port: Option<u16>,
    /// Without a slash at its end.
    path: String,
    query: Option<String>,
}

impl Endpoint {
    /// Reads an address. A fragment is of no use to a server and left out.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::NotHttp)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(EndpointError::NotHttp),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        if rest.contains(|c: char| !c.is_ascii_graphic() || "\\\"<>^`{|}".contains(c)) {
            return Err(EndpointError::Character);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(EndpointError::Credentials);
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            None | Some("") => None,
            Some(port) => match port.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(EndpointError::Port),
            },
        };
        let host = host.to_ascii_lowercase();
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        if host.is_empty() || is_v6 && host[1..host.len() - 1].parse::<Ipv6Addr>().is_err() {
            return Err(EndpointError::NoHost);
        }
        if !is_v6 && host.contains(['[', ']', ':', '%']) {
            return Err(EndpointError::Character);
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { is_https, host, port, path, query })
    }

    /// The address requests go to: `/ingest` below the path, before the query.
    pub fn ingest_url(&self) -> String {
        self.url("/ingest")
    }

    /// The machine, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether somebody on the way can read along: no encryption, and not this machine.
    pub fn is_readable_on_the_way(&self) -> bool {
        !self.is_https && !self.is_this_machine()
    }

    fn is_this_machine(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse() {
            Ok(IpAddr::V4(address)) => Ipv4Addr::is_loopback(&address),
            Ok(IpAddr::V6(address)) => Ipv6Addr::is_loopback(&address),
            Err(_) => host == "localhost",
        }
    }

    fn url(&self, below: &str) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let query = self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        format!("{scheme}://{}{port}{}{below}{query}", self.host, self.path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

/// An endpoint that was named somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// By whom.
    pub origin: Origin,
    /// The address, or what is wrong with it.
    pub endpoint: Result<Endpoint, EndpointError>,
}

/// The endpoint that counts: the first that is not empty, in the order environment, marker, user.
/// One that is wrong is not passed over, because somebody meant it.
pub(crate) fn choose(
    environment: Option<&str>,
    marker: Option<&str>,
    user: Option<&str>,
) -> Option<Named> {
    let named = [
        (Origin::Environment, environment),
        (Origin::Marker, marker),
        (Origin::UserSettings, user),
    ];
    named.into_iter().find_map(|(origin, text)| {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(Named { origin, endpoint: Endpoint::parse(text) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_goes_below_the_path_and_before_the_query() {
        for (text, want) in [
            ("https://t.example.com", "https://t.example.com/ingest"),
            ("https://t.example.com/", "https://t.example.com/ingest"),
            (
                "HTTPS://T.Example.com:8443/base/path//",
                "https://t.example.com:8443/base/path/ingest",
            ),
            ("http://127.0.0.1:9/?x=1", "http://127.0.0.1:9/ingest?x=1"),
            ("http://h?tenant=a/b", "http://h/ingest?tenant=a/b"),
            (" http://[::1]:4318/a#frag ", "http://[::1]:4318/a/ingest"),
            ("http://[2001:DB8::1]", "http://[2001:db8::1]/ingest"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().ingest_url(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for (text, want) in [
            ("t.example.com", EndpointError::NotHttp),
            ("ftp://t.example.com", EndpointError::NotHttp),
            ("https://", EndpointError::NoHost),
            ("https:///path", EndpointError::NoHost),
            ("http://[zz]/", EndpointError::NoHost),
            ("https://user:secret@t.example.com", EndpointError::Credentials),
            ("https://t.example.com:0", EndpointError::Port),
            ("https://t.example.com:99999", EndpointError::Port),
            ("https://t.example.com/a b", EndpointError::Character),
            ("https://t.example.com\r\nx: y", EndpointError::Character),
            ("https://a]b", EndpointError::Character),
        ] {
            assert_eq!(Endpoint::parse(text), Err(want), "{text:?}");
            assert!(!want.to_string().contains("secret"));
        }
    }

    #[test]
    fn only_loopback_may_do_without_encryption() {
        for (text, readable) in [
            ("https://t.example.com", false),
            ("http://t.example.com", true),
            ("http://10.0.0.1", true),
            ("http://127.0.0.1:1", false),
            ("http://127.8.9.1", false),
            ("http://[::1]", false),
            ("http://[::2]", true),
            ("http://localhost:8080", false),
            ("http://localhost.example.com", true),
            ("http://127.0.0.1.example.com", true),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().is_readable_on_the_way(), readable, "{text}");
        }
    }

    #[test]
    fn the_first_place_that_names_one_counts() {
        let origin = |e, m, u| choose(e, m, u).map(|named| named.origin);
        let url = Some("http://h");
        assert_eq!(origin(url, url, url), Some(Origin::Environment));
        assert_eq!(origin(Some(""), url, url), Some(Origin::Marker));
        assert_eq!(origin(None, Some(" "), url), Some(Origin::UserSettings));
        assert_eq!(origin(None, None, None), None);
        let wrong = choose(Some("nonsense"), url, url).unwrap();
        assert_eq!(wrong.endpoint, Err(EndpointError::NotHttp));
        assert!(Origin::UserSettings.is_the_users() && !Origin::Marker.is_the_users());
    }
}
