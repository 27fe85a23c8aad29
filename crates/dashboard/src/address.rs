//! The pages and their addresses.

use std::fmt::Write as _;

/// A page of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page<'a> {
    /// What is going on.
    Overview,
    /// Calls by any dimensions.
    Breakdown,
    /// One method, or the list of all.
    Methods,
    /// One workflow, or the list of all.
    Workflows,
    /// The runs, newest first.
    Runs,
    /// One run and its waterfall.
    Run(&'a str),
    /// What went wrong, by category and message.
    Errors,
    /// The calls that took longest.
    Slowest,
    /// What arrives now.
    Live,
    /// The form for the read key.
    Login,
}

impl Page<'_> {
    /// The path of the page.
    pub fn path(self) -> String {
        match self {
            Self::Overview => "/".to_owned(),
            Self::Breakdown => "/breakdown".to_owned(),
            Self::Methods => "/methods".to_owned(),
            Self::Workflows => "/workflows".to_owned(),
            Self::Runs => "/runs".to_owned(),
            Self::Run(id) => format!("/runs/{}", encoded(id)),
            Self::Errors => "/errors".to_owned(),
            Self::Slowest => "/slowest".to_owned(),
            Self::Live => "/live".to_owned(),
            Self::Login => "/login".to_owned(),
        }
    }
}

/// A text as part of an address: all but letters, digits and `-_.~` percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                address.push(char::from(byte));
            }
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

/// A path with a query.
pub(crate) fn address<'a>(
    path: &str,
    pairs: impl IntoIterator<Item = (&'a str, String)>,
) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (key, value) in pairs {
        address.push(separator);
        address.push_str(key);
        address.push('=');
        address.push_str(&encoded(&value));
        separator = '&';
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it() {
        assert_eq!(encoded("a&b=c#d/é ?"), "a%26b%3Dc%23d%2F%C3%A9%20%3F");
        assert_eq!(Page::Run("../x?y").path(), "/runs/..%2Fx%3Fy");
        assert_eq!(address("/", [("a", "1&2".to_owned()), ("b", String::new())]), "/?a=1%262&b=");
    }
}
