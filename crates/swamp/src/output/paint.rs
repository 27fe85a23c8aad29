//! Colours, on or off.

use anstyle::{AnsiColor, Color, Style};

/// Styles texts, or leaves them alone where colours are not wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// With colours or without.
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    /// Whether colours are on.
    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn colour(self, colour: AnsiColor, text: &str) -> String {
        self.with(Style::new().fg_color(Some(Color::Ansi(colour))), text)
    }

    /// Headings and names.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What may be overlooked.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Good news.
    pub(crate) fn green(self, text: &str) -> String {
        self.colour(AnsiColor::Green, text)
    }

    /// Bad news.
    pub(crate) fn red(self, text: &str) -> String {
        self.colour(AnsiColor::Red, text)
    }

    /// Remarks.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.colour(AnsiColor::Yellow, text)
    }

    /// What is going on.
    pub(crate) fn cyan(self, text: &str) -> String {
        self.colour(AnsiColor::Cyan, text)
    }
}
