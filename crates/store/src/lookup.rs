//! Finding a record by its id or the beginning of it.

/// What an id or the beginning of one leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup<T> {
    /// Nothing.
    None,
    /// One.
    One(T),
    /// Several; their ids, sorted.
    Ambiguous(Vec<String>),
}

impl<T> Lookup<T> {
    /// The one that was found, if it was exactly one.
    pub fn one(self) -> Option<T> {
        match self {
            Self::One(found) => Some(found),
            Self::None | Self::Ambiguous(_) => None,
        }
    }
}

/// The beginning of an id as people type it: at least three hexadecimal digits, dashes anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Reads a text; `None` if it cannot be the beginning of an id.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = digits(text);
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hexadecimal && digits.len() >= 3).then_some(Self(digits))
    }

    /// Whether `id` begins with it.
    pub fn matches(&self, id: &str) -> bool {
        digits(id).starts_with(&self.0)
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(|character| *character != '-').map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "84ead6b7-dfcf-4582-8ae4-e8032eb9a518";

    #[test]
    fn dashes_and_case_do_not_matter() {
        for (text, want) in [
            ("84e", Some(true)),
            ("84EAD6B7DFCF", Some(true)),
            ("84ead6b7-d", Some(true)),
            ("8-4-e-", Some(true)),
            (ID, Some(true)),
            ("84f", Some(false)),
            ("84", None),
            ("--8-4--", None),
            ("84x", None),
            ("", None),
        ] {
            let prefix = IdPrefix::parse(text);
            assert_eq!(prefix.map(|prefix| prefix.matches(ID)), want, "{text:?}");
        }
    }
}
