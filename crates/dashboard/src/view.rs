//! What a page looks at: a period and filters. Both stand in the address, so that a view can be
//! kept, sent to a colleague, and gone back to.

use swamp_ident::Timestamp;

use crate::address::{Page, address};
use crate::{Dimension, time};

const HOUR: i64 = 3_600_000;

/// Periods that end now, the ones to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Six hours.
    Hours6,
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
    /// Ninety days.
    Quarter,
}

impl Span {
    /// All, shortest first.
    pub const ALL: [Self; 5] = [Self::Hours6, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in addresses and on the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours6 => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// In a sentence: "in the last …".
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Hours6 => "6 hours",
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }

    const fn millis(self) -> i64 {
        match self {
            Self::Hours6 => 6 * HOUR,
            Self::Day => 24 * HOUR,
            Self::Week => 7 * 24 * HOUR,
            Self::Month => 30 * 24 * HOUR,
            Self::Quarter => 90 * 24 * HOUR,
        }
    }
}

/// The time a page looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Up to now.
    Last(Span),
    /// Between two moments.
    Between {
        /// The first moment in it.
        since: Timestamp,
        /// The first moment after it.
        until: Timestamp,
    },
}

impl Period {
    /// The first moment in it and the first one after it.
    pub const fn bounds(self, now: Timestamp) -> (Timestamp, Timestamp) {
        match self {
            Self::Last(span) => (now.plus_millis(-span.millis()), now),
            Self::Between { since, until } => (since, until),
        }
    }

    /// In a sentence.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Last(span) => format!("in the last {}", span.words()),
            Self::Between { since, until } => {
                format!("from {} to {}", time::minute(since), time::minute(until))
            }
        }
    }
}

/// A value a dimension must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The dimension.
    pub dimension: Dimension,
    /// The value; empty for "has none".
    pub value: String,
}

/// What a page looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The project, if the address names one.
    pub project: Option<String>,
    /// The time.
    pub period: Period,
    /// The filters, in the order they were added; several values of one dimension mean any of
    /// them.
    pub filters: Vec<Filter>,
}

/// An address that does not say a view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// There is no such period.
    #[error("there is no period {0:?}; use 6h, 24h, 7d, 30d or 90d")]
    Period(String),
    /// A time is not one.
    #[error("{0:?} is not a time in UTC like 2026-11-26T14:00")]
    Time(String),
    /// The end is not after the beginning.
    #[error("the period ends before it begins; exchange since and until")]
    Backwards,
}

impl Default for View {
    fn default() -> Self {
        Self { project: None, period: Period::Last(Span::Day), filters: Vec::new() }
    }
}

impl View {
    /// Reads the pairs of an address; unknown ones are not its business.
    ///
    /// The forms of the page write a new filter as `filter=driver` and `is=raw`.
    pub fn read<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: Timestamp,
    ) -> Result<Self, ViewError> {
        let mut view = Self::default();
        let (mut since, mut until, mut chosen) = (None, None, None);
        for (key, value) in pairs {
            if let Some(dimension) = Dimension::parse(key) {
                view.add(dimension, value);
                continue;
            }
            match key {
                "period" => {
                    let span = Span::ALL.into_iter().find(|span| span.as_str() == value);
                    let span = span.ok_or_else(|| ViewError::Period(value.to_owned()))?;
                    view.period = Period::Last(span);
                }
                "project" if !value.is_empty() => view.project = Some(value.to_owned()),
                "since" if !value.is_empty() => since = Some(read_time(value)?),
                "until" if !value.is_empty() => until = Some(read_time(value)?),
                "filter" => chosen = Dimension::parse(value),
                "is" => {
                    if let Some(dimension) = chosen {
                        view.add(dimension, value);
                    }
                }
                _ => {}
            }
        }
        if since.is_some() || until.is_some() {
            let until = until.unwrap_or(now);
            let since = since.unwrap_or_else(|| until.plus_millis(-Span::Day.millis()));
            if since >= until {
                return Err(ViewError::Backwards);
            }
            view.period = Period::Between { since, until };
        }
        Ok(view)
    }

    fn add(&mut self, dimension: Dimension, value: &str) {
        let filter = Filter { dimension, value: value.to_owned() };
        if !self.filters.contains(&filter) {
            self.filters.push(filter);
        }
    }

    /// The one value a dimension must have, if there is exactly one.
    pub fn only(&self, dimension: Dimension) -> Option<&str> {
        let mut values = self.filters.iter().filter(|filter| filter.dimension == dimension);
        match (values.next(), values.next()) {
            (Some(filter), None) => Some(&filter.value),
            _ => None,
        }
    }

    /// This view where a dimension must have just this value; `None` stands for "has none".
    #[must_use]
    pub fn with(&self, dimension: Dimension, value: Option<&str>) -> Self {
        let mut view = self.without(dimension);
        view.add(dimension, value.unwrap_or_default());
        view
    }

    /// This view with nothing asked of a dimension.
    #[must_use]
    pub fn without(&self, dimension: Dimension) -> Self {
        let mut view = self.clone();
        view.filters.retain(|filter| filter.dimension != dimension);
        view
    }

    /// This view without one filter.
    #[must_use]
    pub(crate) fn dropping(&self, gone: &Filter) -> Self {
        let mut view = self.clone();
        view.filters.retain(|filter| filter != gone);
        view
    }

    /// This view at another time.
    #[must_use]
    pub fn during(&self, period: Period) -> Self {
        Self { period, ..self.clone() }
    }

    /// The pairs that [`read`](Self::read) makes this view of; none for what goes without saying.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::with_capacity(self.filters.len() + 3);
        pairs.extend(self.project.clone().map(|project| ("project", project)));
        match self.period {
            Period::Last(Span::Day) => {}
            Period::Last(span) => pairs.push(("period", span.as_str().to_owned())),
            Period::Between { since, until } => {
                pairs.push(("since", since.to_string()));
                pairs.push(("until", until.to_string()));
            }
        }
        pairs.extend(
            self.filters.iter().map(|filter| (filter.dimension.as_str(), filter.value.clone())),
        );
        pairs
    }

    /// The address of a page that looks at this.
    pub fn link(&self, page: Page<'_>) -> String {
        address(&page.path(), self.pairs())
    }

    /// The address of a page that looks at this, with more said to the page.
    pub fn link_with<'a>(
        &self,
        page: Page<'_>,
        more: impl IntoIterator<Item = (&'a str, String)>,
    ) -> String {
        address(&page.path(), self.pairs().into_iter().chain(more))
    }
}

/// A time in UTC, as a form field or we write it.
fn read_time(text: &str) -> Result<Timestamp, ViewError> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse(&whole).map_err(|_| ViewError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-26T14:30:00.000Z").unwrap()
    }

    fn read(pairs: &[(&str, &str)]) -> Result<View, ViewError> {
        View::read(pairs.iter().copied(), now())
    }

    #[test]
    fn addresses_and_views() {
        for (pairs, want) in [
            (vec![], "/"),
            (vec![("period", "24h")], "/"),
            (vec![("period", "7d"), ("driver", "raw")], "/?period=7d&driver=raw"),
            (vec![("driver", "raw"), ("driver", "raw")], "/?driver=raw"),
            (vec![("filter", "workflow"), ("is", "a b")], "/?workflow=a%20b"),
            (vec![("is", "lost"), ("nonsense", "1")], "/"),
            (vec![("agent", "")], "/?agent="),
            (vec![("project", "b"), ("project", "")], "/?project=b"),
            (
                vec![("since", "2026-11-25T10:00"), ("until", "2026-11-26")],
                "/?since=2026-11-25T10%3A00%3A00.000Z&until=2026-11-26T00%3A00%3A00.000Z",
            ),
        ] {
            assert_eq!(read(&pairs).unwrap().link(Page::Overview), want, "{pairs:?}");
        }
    }

    #[test]
    fn mistakes_have_a_remedy() {
        for (pairs, want) in [
            (vec![("period", "2y")], r#"there is no period "2y"; use 6h, 24h, 7d, 30d or 90d"#),
            (vec![("since", "soon")], r#""soon" is not a time in UTC like 2026-11-26T14:00"#),
            (
                vec![("since", "2026-11-26"), ("until", "2026-11-25")],
                "the period ends before it begins; exchange since and until",
            ),
        ] {
            assert_eq!(read(&pairs).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn filters_are_exchanged_and_dropped() {
        let view = read(&[("driver", "raw"), ("driver", "docker"), ("job", "x")]).unwrap();
        assert_eq!(view.only(Dimension::Driver), None);
        assert_eq!(view.only(Dimension::Job), Some("x"));
        let one = view.with(Dimension::Driver, Some("ssh"));
        assert_eq!(one.link(Page::Runs), "/runs?job=x&driver=ssh");
        assert_eq!(view.dropping(&view.filters[0]).link(Page::Runs), "/runs?driver=docker&job=x");
    }

    proptest! {
        #[test]
        fn a_view_survives_its_address(values in proptest::collection::vec(any::<String>(), 0..4)) {
            let mut view = View::default().during(Period::Last(Span::Month));
            for (value, dimension) in values.iter().zip(Dimension::ALL) {
                view.add(dimension, value);
            }
            let pairs = view.pairs();
            let again = View::read(pairs.iter().map(|(key, value)| (*key, value.as_str())), now());
            prop_assert_eq!(again.unwrap(), view);
        }
    }
}
