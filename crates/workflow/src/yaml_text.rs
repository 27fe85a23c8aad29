//! Putting YAML texts together.

const SPACES: &str = "                ";

/// Moves lines to the right, by at most 16 columns. Block scalars move with their parents; empty lines stay empty.
pub(crate) fn indented(text: &str, depth: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.push_str(SPACES.get(..depth).unwrap_or(SPACES));
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}
