//! The files that pages refer to, part of the program.

/// A file that pages refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its path. Pages add a digest of the content, so that a browser can keep the file for ever and
    /// never shows a new page with the style of an old one.
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
        format!("{}?v={:016x}", self.path, digest(self.content.as_bytes()))
    }
}

/// FNV-1a: tells versions of a file apart; nobody gains anything by making two alike.
const fn digest(bytes: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
