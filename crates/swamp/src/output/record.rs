//! Log records: one line for one thing that happened, with its time, level and category.
//!
//! Without colours: `2026-11-22 09:59:20.462 +00:00 [INF] workflow·run·nightly: Run started`.
//! With colours the date is left out: `09:59:20.462 INF workflow·run·nightly Run started`.

use swamp_ident::Timestamp;

use super::Paint;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Every detail.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What somebody should look at.
    Warning,
    /// What went wrong.
    Error,
    /// What ended the command.
    Fatal,
}

impl Level {
    /// Every level with its name on the command line.
    pub(crate) const NAMES: [(&str, Self); 6] = [
        ("trace", Self::Trace),
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("fatal", Self::Fatal),
    ];

    /// The level of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
    }

    const fn tag(self) -> &'static str {
        match self {
            Self::Trace => "TRC",
            Self::Debug => "DBG",
            Self::Info => "INF",
            Self::Warning => "WRN",
            Self::Error => "ERR",
            Self::Fatal => "FTL",
        }
    }

    fn painted(self, paint: Paint) -> String {
        match self {
            Self::Trace | Self::Debug => paint.dim(self.tag()),
            Self::Info => paint.cyan(self.tag()),
            Self::Warning => paint.yellow(self.tag()),
            Self::Error | Self::Fatal => paint.red(self.tag()),
        }
    }
}

/// Lays out one record, without a line feed at its end. A message of several lines is indented so
/// that it still reads as one record.
pub(crate) fn layout(
    paint: Paint,
    at: Timestamp,
    level: Level,
    category: &str,
    message: &str,
) -> String {
    let time = at.to_string();
    let (date, clock) = (&time[..10], &time[11..23]);
    let message = message.replace('\n', "\n    ");
    if paint.is_on() {
        let (clock, level) = (paint.dim(clock), level.painted(paint));
        format!("{clock} {level} {} {message}", paint.dim(category))
    } else {
        format!("{date} {clock} +00:00 [{}] {category}: {message}", level.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_shared_layout() {
        let at = Timestamp::parse("2026-11-22T09:59:20.462Z").unwrap();
        let plain = layout(Paint::new(false), at, Level::Info, "version", "swamp \"1\"");
        assert_eq!(plain, "2026-11-22 09:59:20.462 +00:00 [INF] version: swamp \"1\"");
        let plain = layout(Paint::new(false), at, Level::Error, "a·b", "one\ntwo");
        assert_eq!(plain, "2026-11-22 09:59:20.462 +00:00 [ERR] a·b: one\n    two");
        let colours = layout(Paint::new(true), at, Level::Warning, "a", "m");
        assert_eq!(
            colours,
            "\u{1b}[2m09:59:20.462\u{1b}[0m \u{1b}[33mWRN\u{1b}[0m \u{1b}[2ma\u{1b}[0m m"
        );
    }

    #[test]
    fn levels_have_an_order_and_names() {
        assert_eq!(Level::parse("warning"), Some(Level::Warning));
        assert_eq!(Level::parse("nope"), None);
        assert!(Level::Debug < Level::Info && Level::Error < Level::Fatal);
    }
}
