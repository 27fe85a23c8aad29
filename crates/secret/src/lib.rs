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
//! case, spaces as `+`), base64-encoded (both alphabets, with and without padding, and inside longer
//! encoded texts at all three alignments), in hexadecimal, quoted for a shell, YAML or SQL, and with its
//! backslashes read as `echo` reads them. What white space surrounds it does not matter, and long lines
//! of a secret with several lines are found on their own.
//!
//! Base64 and hexadecimal may be wrapped, at any width. Line feeds and carriage returns between two
//! digits count for nothing, whether as such or as `\n` and `\r`, and so does what stands around them, up
//! to 64 bytes in all, that is no digit of base64: indentation, quotes and commas, `> `.
//!
//! # What is not
//!
//! Secrets shorter than [`SHORTEST`] characters are left alone, because `***` in place of every `42`
//! destroys more than it protects. Base64 and hexadecimal are looked for from [`SHORTEST_ENCODED`] bytes
//! on, lines on their own from [`SHORTEST_LINE`] characters on, a secret that consists of digits of
//! base64 only, and is wrapped itself, from [`SHORTEST_WRAPPED`] on. A secret that was changed in other
//! ways (reversed, hashed, encrypted, cut in pieces) is not recognised: redaction is a net below, not a
//! licence to print secrets.
//!
//! Inside a longer base64 text the characters at both edges that mix bits of the secret with its
//! neighbours stay; they tell at most four bits each. If less than three more stand before a line break,
//! those stay too: a stream could not pass on most lines at once if it waited for what follows such short
//! beginnings. So no three bytes of a secret in a row are left.
//!
//! # How it is searched
//!
//! Needles are in sets with an automaton each; a new secret makes a small set, and sets of about the same
//! size become one. The search jumps to where three bytes look like the beginning of a needle, and walks
//! through all automata from there until none knows a beginning any more. A second walk, only around
//! line breaks, passes over them.
//!
//! The automata hold the needles in a form of their own that is not wiped; it goes when the process
//! does.

mod begins;
mod encodings;
mod redactor;
mod search;
mod stream;
mod text;
mod wrapped;

pub use redactor::{MASK, Redactor};
pub use stream::StreamRedactor;
pub use text::Secret;

/// Secrets with fewer characters are not redacted.
pub const SHORTEST: usize = 3;

/// Secrets with fewer bytes are not looked for in base64 and hexadecimal.
pub const SHORTEST_ENCODED: usize = 6;

/// Lines of a secret with fewer characters are not looked for on their own.
pub const SHORTEST_LINE: usize = 8;

/// Secrets with fewer characters are not looked for wrapped as they are.
pub const SHORTEST_WRAPPED: usize = 16;
