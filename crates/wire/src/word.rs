//! Closed lists that stay readable when somebody else's list is longer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use swamp_ident::{DriverOrigin, ErrorCategory, Phase, Status};

/// A closed list of words.
pub trait Vocabulary: Copy + Eq + fmt::Debug + 'static {
    /// Every word.
    const ALL: &'static [Self];

    /// The word as written.
    fn as_str(self) -> &'static str;
}

/// A word of a closed list, or one that this version's list does not have.
///
/// What we write is always [`Known`](Self::Known); what others wrote is kept as it stands.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Word<T> {
    /// A word of the list.
    Known(T),
    /// Any other word.
    Other(Box<str>),
}

impl<T: Vocabulary> Word<T> {
    /// Finds the word in the list.
    pub fn read(text: &str) -> Self {
        T::ALL
            .iter()
            .find(|word| word.as_str() == text)
            .map_or_else(|| Self::Other(text.into()), |word| Self::Known(*word))
    }

    /// The word as written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word.as_str(),
            Self::Other(text) => text,
        }
    }

    /// The word of the list, if it is one.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: Vocabulary> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(*other)
    }
}

impl<T: Vocabulary> fmt::Debug for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<T: Vocabulary> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<T: Vocabulary> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Vocabulary> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let crate::object::Key(text) = Deserialize::deserialize(deserializer)?;
        Ok(Self::read(&text))
    }
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultStatus {
    /// As wished.
    Success,
    /// With a fault of the program, the machine or the surroundings, or before its end.
    Error,
    /// With something the user can put right.
    UserError,
}

impl Vocabulary for ResultStatus {
    const ALL: &'static [Self] = &[Self::Success, Self::Error, Self::UserError];

    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::UserError => "user_error",
        }
    }
}

impl Vocabulary for DriverOrigin {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

impl Vocabulary for ErrorCategory {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

impl Vocabulary for Phase {
    const ALL: &'static [Self] = &[Self::BeforeMethod, Self::Method, Self::AfterMethod];

    fn as_str(self) -> &'static str {
        match self {
            Self::BeforeMethod => "before_method",
            Self::Method => "method",
            Self::AfterMethod => "after_method",
        }
    }
}

impl Vocabulary for Status {
    const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_list_reads_as_itself_and_others_survive() {
        for category in ErrorCategory::ALL {
            let json = serde_json::to_string(&Word::Known(category)).unwrap();
            assert_eq!(json, format!("\"{}\"", category.as_str()));
            assert_eq!(serde_json::from_str::<Word<ErrorCategory>>(&json).unwrap(), category);
        }
        let strange: Word<ResultStatus> = serde_json::from_str("\"we\\u0069rd\"").unwrap();
        assert_eq!(strange, Word::Other("weird".into()));
        assert_eq!(strange.known(), None);
        assert_eq!(serde_json::to_string(&strange).unwrap(), "\"weird\"");
        assert!(serde_json::from_str::<Word<ResultStatus>>("1").is_err());
    }
}
