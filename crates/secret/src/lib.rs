//! Secrets in memory, and keeping them out of text.
//!
//! A [`Secret`] is a text that nobody can print by accident: it has no `Display`, no `Serialize`, a
//! `Debug` that says nothing, and it is wiped when it is dropped. A [`Redactor`] knows secrets and
//! replaces them in any text by [`MASK`], whole ([`Redactor::redact`]) or as it streams by
//! ([`Redactor::stream`]).
//!
//! # What is recognised
//!
//! A secret is found as it is, and as other programs write it: JSON-escaped (also ASCII-only, with
//! escaped slashes, and twice), percent-encoded (every usual set of plain characters, upper and lower
//! case, spaces as `+`), base64-encoded (both alphabets, with and without padding, wrapped at 64 or
//! 76 characters, and inside longer encoded texts at all three alignments), quoted for a shell, YAML or
//! SQL, and with its backslashes read as `echo` reads them. What white space surrounds it does not matter, and long lines of a secret with
//! several lines are found on their own.
//!
//! # What is not
//!
//! Secrets shorter than [`SHORTEST`] characters are left alone, because `***` in place of every `42`
//! destroys more than it protects. Base64 is looked for from [`SHORTEST_ENCODED`] bytes on, lines on
//! their own from [`SHORTEST_LINE`] characters on. A secret that was changed in other ways (reversed,
//! hashed, hex-dumped, cut in pieces) is not recognised: redaction is a net below, not a licence to
//! print secrets. A longer base64 text that holds a secret somewhere *and* is wrapped is not searched
//! across its line breaks. Inside a longer base64 text the characters at both edges that mix bits of the secret
//! with its neighbours stay; they tell at most four bits each.
//!
//! The search automaton holds the needles in a form of its own that is not wiped; it goes when the
//! process does.

mod encodings;
mod redactor;
mod stream;
mod text;

pub use redactor::{MASK, Redactor};
pub use stream::StreamRedactor;
pub use text::Secret;

/// Secrets with fewer characters are not redacted.
pub const SHORTEST: usize = 3;

/// Secrets with fewer bytes are not looked for in base64.
pub const SHORTEST_ENCODED: usize = 6;

/// Lines of a secret with fewer characters are not looked for on their own.
pub const SHORTEST_LINE: usize = 8;
