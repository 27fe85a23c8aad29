//! Putting YAML texts together.

/// Moves lines to the right. Block scalars move with their parents; empty lines stay empty.
pub(crate) fn indented(text: &str, depth: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', depth));
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}
