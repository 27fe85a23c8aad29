//! The files that pages refer to, part of the program.

/// A file that pages refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its path, with the version of the program as query in the pages, so that a new version is
    /// never shown with the style of an old one.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

/// How pages look.
pub const STYLE: Asset = Asset {
    path: "/assets/style.css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("../assets/style.css"),
};

/// Keeps the live page going.
pub const LIVE: Asset = Asset {
    path: "/assets/live.js",
    media_type: "text/javascript; charset=utf-8",
    content: include_str!("../assets/live.js"),
};

/// The mark in the browser's tab.
pub const ICON: Asset = Asset {
    path: "/assets/icon.svg",
    media_type: "image/svg+xml",
    content: include_str!("../assets/icon.svg"),
};

/// All of them.
pub const ALL: [Asset; 3] = [STYLE, LIVE, ICON];

impl Asset {
    /// The address to use in pages.
    pub(crate) fn link(&self) -> String {
        format!("{}?v={}", self.path, env!("CARGO_PKG_VERSION"))
    }
}
