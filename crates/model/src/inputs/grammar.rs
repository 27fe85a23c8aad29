//! Inputs as text: `--input`, `--input-file`, `--stdin`.

use serde_json::{Map, Value};

/// Reads the files that inputs name.
pub trait FileReader {
    /// The content as text. `path` is as written, without a leading `@`; `~/` is for the reader to
    /// understand.
    fn read(&self, path: &str) -> std::io::Result<String>;
}

/// Inputs as they came in.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawInputs<'a> {
    /// Values of `--input`, in order.
    pub inputs: &'a [String],
    /// Value of `--input-file`.
    pub file: Option<&'a str>,
    /// Text of standard input, if it was asked for.
    pub stdin: Option<&'a str>,
}

/// Inputs that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GrammarError(pub String);

/// Reads inputs: the file or standard input first, `--input` merged on top.
pub fn parse(
    raw: &RawInputs<'_>,
    files: &dyn FileReader,
) -> Result<Map<String, Value>, GrammarError> {
    let _ = (raw, files);
    todo!()
}

/// Reads `key=value` texts (`a.b=1` nests, `key:json=…`, `key=@file`, `key=\@text`).
pub fn parse_assignments(
    texts: &[String],
    files: &dyn FileReader,
) -> Result<Map<String, Value>, GrammarError> {
    let _ = (texts, files);
    todo!()
}
