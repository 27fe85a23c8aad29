//! From the query of an address to a [`Query`].
//!
//! Parameters named like a dimension filter by it; given several times, any of the values will do,
//! and an empty one means "none". `since` and `until` take a time (`2026-11-22T10:00:00Z`), a day
//! (`2026-11-22`) or a distance from now (`15m`, `24h`, `7d`).

use swamp_ident::Timestamp;

use super::ApiError;
use crate::dimension::Dimension;
use crate::event::ProjectId;
use crate::query::{DAY, Filter, HOUR, Query, TimeRange};

/// The parameters of a request, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Takes the query of an address apart.
    pub fn parse(query: &str) -> Self {
        Self(pairs(query).collect())
    }

    /// The last value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be given once: of several, nobody knows which is meant.
    pub fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            None => Ok(value),
            Some(_) => Err(ApiError::bad_request(format!("{name} is given more than once"))),
        }
    }

    /// All parameters with their values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A switch: on if given as `true`, `1` or empty.
    pub fn switch(&self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)? {
            None | Some("false" | "0") => Ok(false),
            Some("" | "true" | "1") => Ok(true),
            Some(other) => {
                Err(ApiError::bad_request(format!("{name} is true or false, not {other:?}")))
            }
        }
    }

    /// A number between 1 and `most`.
    pub fn limit(&self, name: &str, usual: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(usual) };
        match text.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(ApiError::bad_request(format!(
                "{name} is a number from 1 to {most}, not {text:?}"
            ))),
        }
    }

    /// A point in time.
    pub fn time(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.one(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        read_time(text, now).map(Some).ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name} is a time (2026-11-22T10:00:00Z), a day (2026-11-22) or a distance from now (15m, 24h, 7d), not {text:?}"
            ))
        })
    }

    /// The dimensions in `by`: `by=driver,method` or `by=driver&by=method`.
    pub fn by(&self) -> Result<Vec<Dimension>, ApiError> {
        let mut by = Vec::new();
        for name in self.all("by").flat_map(|list| list.split(',')) {
            let dimension = Dimension::parse(name).ok_or_else(|| {
                let known: Vec<&str> = Dimension::ALL.iter().map(|known| known.as_str()).collect();
                let known = known.join(", ");
                ApiError::bad_request(format!("There is no dimension {name:?}; there are {known}"))
            })?;
            if !by.contains(&dimension) {
                by.push(dimension);
            }
        }
        Ok(by)
    }

    /// The question: time range and filters.
    pub fn query(&self, project: ProjectId, now: Timestamp) -> Result<Query, ApiError> {
        let range = TimeRange { since: self.time("since", now)?, until: self.time("until", now)? };
        if let TimeRange { since: Some(since), until: Some(until) } = range
            && since >= until
        {
            return Err(ApiError::contradiction("since must be before until"));
        }
        let mut filters = Vec::new();
        for dimension in Dimension::ALL {
            let values: Vec<String> = self.all(dimension.as_str()).map(str::to_owned).collect();
            if !values.is_empty() {
                filters.push(Filter { dimension, values });
            }
        }
        Ok(Query { project, range, filters })
    }
}

/// Reads a time. One before 1970 is 1970: nothing is older, and years that need a sign or a fifth
/// digit cannot be written in answers.
fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    any_time(text, now).map(|time| time.max(Timestamp::from_millis(0)))
}

fn any_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    // RFC 3339, in UTC or with an offset.
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(time.as_millisecond()));
    }
    if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') {
        return Timestamp::parse(&format!("{text}T00:00:00Z")).ok();
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.len() > 6 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = number.parse().ok()?;
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    Some(now.plus_millis(-number * unit))
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(key), unescape(value))
    })
}

/// Undoes percent-encoding; what is no escape stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        plain.push(match byte {
            b'+' => b' ',
            b'%' => match (digit(at), digit(at + 1)) {
                (Some(high), Some(low)) => {
                    at += 2;
                    u8::try_from(high * 16 + low).unwrap_or(b'?')
                }
                _ => b'%',
            },
            other => other,
        });
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId(1);

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T12:30:00.000Z").unwrap()
    }

    #[test]
    fn a_query_says_when_and_what() {
        let params = Params::parse(
            "since=24h&until=2026-11-22T12:00:00Z&driver=raw&driver=&step=a%2Fb+c%C3%A9%zz&by=step,driver&by=step",
        );
        let query = params.query(PROJECT, now()).unwrap();
        assert_eq!(query.range.since.unwrap().to_string(), "2026-11-21T12:30:00.000Z");
        assert_eq!(query.range.until.unwrap().to_string(), "2026-11-22T12:00:00.000Z");
        let filters: Vec<(Dimension, Vec<&str>)> = query
            .filters
            .iter()
            .map(|filter| (filter.dimension, filter.values.iter().map(String::as_str).collect()))
            .collect();
        let elsewhere = Params::parse("until=2026-11-22T14:00:00%2B02:00").query(PROJECT, now());
        assert_eq!(elsewhere.unwrap().range.until, query.range.until);
        assert_eq!(
            filters,
            [(Dimension::Driver, vec!["raw", ""]), (Dimension::Step, vec!["a/b cé%zz"])]
        );
        assert_eq!(params.by().unwrap(), [Dimension::Step, Dimension::Driver]);
    }

    #[test]
    fn nothing_is_older_than_1970() {
        for old in ["since=999999w", "since=0000-01-01", "since=-000444-01-01T00:00:00Z"] {
            let query = Params::parse(old).query(PROJECT, now()).unwrap();
            assert_eq!(query.range.since, Some(Timestamp::from_millis(0)), "{old}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for bad in [
            "since=yesterday",
            "since=1y",
            "since=é",
            "since=99999999999999999999h",
            "since=+1h",
            "since=1h&since=",
            "since=h",
            "since=2026-11-22&until=2026-11-21",
            "until=2026-13-01",
        ] {
            assert!(Params::parse(bad).query(PROJECT, now()).is_err(), "{bad}");
        }
        assert!(Params::parse("by=Driver").by().is_err());
        assert!(Params::parse("by=driver,").by().is_err());
        assert!(Params::parse("limit=0").limit("limit", 1, 10).is_err());
        assert!(Params::parse("compare=maybe").switch("compare").is_err());
    }
}
