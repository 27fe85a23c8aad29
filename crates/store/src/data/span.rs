//! Lengths of time and what is written with them: how long data lives and how many versions of it
//! are kept.

use std::fmt;

use serde_json::Value;

/// A text is not a length of time such as `7d`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It has another form.
    #[error("Duration must match pattern like '1h', '5m', '10d', '2w', '1mo', '10y'")]
    Form,
    /// It is zero where that makes no sense.
    #[error("Garbage collection duration must be greater than zero")]
    Zero,
    /// A count that is not a whole number above zero.
    #[error("Garbage collection has to be a whole number above zero or a duration like '10d'")]
    Count,
}

/// A length of time as people write it: a number and one of `m`, `h`, `d`, `w`, `mo`, `y`.
///
/// A month has 30 days and a year 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    count: u64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    const ALL: [Self; 6] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "mo",
            Self::Year => "y",
        }
    }

    const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
            Self::Week => 7 * 24 * 60,
            Self::Month => 30 * 24 * 60,
            Self::Year => 365 * 24 * 60,
        }
    }
}

impl Span {
    /// Reads `10d` and the like. Numbers too large to count with are as good as for ever.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = Unit::ALL.into_iter().find(|known| known.as_str() == unit);
        let (Some(unit), false) = (unit, number.is_empty()) else {
            return Err(SpanError::Form);
        };
        Ok(Self { count: number.parse().unwrap_or(u64::MAX), unit })
    }

    /// How long it is, in milliseconds.
    pub fn as_millis(self) -> i64 {
        i64::try_from(self.count)
            .unwrap_or(i64::MAX)
            .saturating_mul(self.unit.minutes())
            .saturating_mul(60_000)
    }

    const fn is_zero(self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.as_str())
    }
}

/// How long a data item lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// Until it is deleted.
    Infinite,
    /// As long as somebody needs it right now; never collected here.
    Ephemeral,
    /// As long as the record of the run whose job wrote it.
    Job,
    /// As long as the record of the run that wrote it.
    Workflow,
    /// This long after its newest version was written.
    For(Span),
}

impl Lifetime {
    /// Reads a word or a length of time. A length of zero is [`Lifetime::Workflow`].
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        Ok(match text {
            "infinite" => Self::Infinite,
            "ephemeral" => Self::Ephemeral,
            "job" => Self::Job,
            "workflow" => Self::Workflow,
            _ => match Span::parse(text)? {
                span if span.is_zero() => Self::Workflow,
                span => Self::For(span),
            },
        })
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Infinite => f.write_str("infinite"),
            Self::Ephemeral => f.write_str("ephemeral"),
            Self::Job => f.write_str("job"),
            Self::Workflow => f.write_str("workflow"),
            Self::For(span) => span.fmt(f),
        }
    }
}

/// Which versions of an item garbage collection leaves (`garbageCollection`). The newest always
/// stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retention {
    /// The newest so many, at least one.
    Newest(u64),
    /// Those younger than this.
    YoungerThan(Span),
}

impl Retention {
    /// Reads a number or a text as it stands in YAML or JSON.
    pub fn parse(value: &Value) -> Result<Self, SpanError> {
        match value {
            Value::String(text) => match Span::parse(text)? {
                span if span.is_zero() => Err(SpanError::Zero),
                span => Ok(Self::YoungerThan(span)),
            },
            Value::Number(_) => {
                let count = value.as_u64().filter(|count| *count > 0).ok_or(SpanError::Count)?;
                Ok(Self::Newest(count))
            }
            _ => Err(SpanError::Count),
        }
    }

    /// As it stands in YAML or JSON.
    pub fn to_value(self) -> Value {
        match self {
            Self::Newest(count) => count.into(),
            Self::YoungerThan(span) => span.to_string().into(),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest(count) => count.fmt(f),
            Self::YoungerThan(span) => span.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, millis) in [
            ("5m", 5 * 60_000),
            ("1h", 3_600_000),
            ("10d", 10 * DAY),
            ("2w", 14 * DAY),
            ("1mo", 30 * DAY),
            ("10y", 3650 * DAY),
            ("0d", 0),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.as_millis(), span.to_string().as_str()), (millis, text));
        }
        for text in ["", "d", "1", "1x", "-1d", "1.5h", " 1d", "1d ", "1D", "1s", "zz", "١d"] {
            assert_eq!(Span::parse(text), Err(SpanError::Form), "{text:?}");
        }
        assert_eq!(Span::parse("99999999999999999999y").unwrap().as_millis(), i64::MAX);
    }

    #[test]
    fn a_lifetime_of_zero_is_that_of_the_workflow() {
        for (text, want) in [
            ("infinite", "infinite"),
            ("ephemeral", "ephemeral"),
            ("job", "job"),
            ("workflow", "workflow"),
            ("0h", "workflow"),
            ("00mo", "workflow"),
            ("30d", "30d"),
        ] {
            assert_eq!(Lifetime::parse(text).unwrap().to_string(), want, "{text}");
        }
        assert_eq!(Lifetime::parse("forever"), Err(SpanError::Form));
    }

    #[test]
    fn retention_is_a_count_or_an_age() {
        assert_eq!(Retention::parse(&json!(10)), Ok(Retention::Newest(10)));
        assert_eq!(
            Retention::parse(&json!("2w")).unwrap().to_value(),
            json!("2w"),
            "an age keeps its spelling"
        );
        for (value, want) in [
            (json!(0), SpanError::Count),
            (json!(-1), SpanError::Count),
            (json!(1.5), SpanError::Count),
            (json!(null), SpanError::Count),
            (json!("0d"), SpanError::Zero),
            (json!("10"), SpanError::Form),
        ] {
            assert_eq!(Retention::parse(&value), Err(want), "{value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_prints_the_same(count in 0_u64.., unit in 0_usize..6) {
            let text = format!("{count}{}", Unit::ALL[unit].as_str());
            prop_assert_eq!(Span::parse(&text).unwrap().to_string(), text);
        }
    }
}
