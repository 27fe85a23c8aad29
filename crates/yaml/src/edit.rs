//! Changing single keys of a file that people edit.

use serde_json::{Map, Value};

use crate::{Document, PathItem, to_string};

/// A key of a mapping and its new value; `None` removes it.
pub type KeyChange<'a> = (&'a str, Option<Value>);

/// Changes keys of a mapping, given as its text and as what that means. Lines that have nothing to
/// do with the changes stay as they are, comments included; only a text that cannot be changed line
/// by line (a flow mapping, an anchor used elsewhere) is written anew.
pub fn edit_keys(text: &str, keys: &Map<String, Value>, changes: &[KeyChange<'_>]) -> String {
    let mut wanted = keys.clone();
    let mut edited = text.to_owned();
    for (key, value) in changes {
        if wanted.get(*key) == value.as_ref() {
            continue;
        }
        edited = replace_lines(&edited, key, value.as_ref());
        match value {
            Some(value) => wanted.insert((*key).to_owned(), value.clone()),
            None => wanted.shift_remove(*key),
        };
    }
    let is_empty = wanted.is_empty();
    let wanted = Value::Object(wanted);
    match Document::parse(&edited) {
        Ok(document) if *document.value() == wanted => edited,
        // A text of comments only is no mapping, and needs none to say nothing.
        Ok(document) if document.value().is_null() && is_empty => edited,
        // Not one key per line: a flow mapping, an end marker, an anchor that is used elsewhere.
        _ => to_string(&wanted),
    }
}

/// Replaces the lines of one key of a block mapping, or adds them at the end. Knows nothing of the
/// finer points; the caller checks what came out.
fn replace_lines(text: &str, key: &str, value: Option<&Value>) -> String {
    let new = value.map_or_else(String::new, |value| {
        let mut entry = Map::new();
        entry.insert(key.to_owned(), value.clone());
        to_string(&Value::Object(entry))
    });
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (first, after) = lines_of(text, key).unwrap_or((lines.len(), lines.len()));
    let mut edited = String::with_capacity(text.len() + new.len() + 1);
    edited.extend(lines[..first].iter().copied());
    if !edited.is_empty() && !edited.ends_with('\n') {
        edited.push('\n');
    }
    edited.push_str(&new);
    edited.extend(lines[after..].iter().copied());
    edited
}

/// The lines of a key of the mapping, counted from 0: its first, and the one after its last.
/// Comments and blank lines before the next key belong to that one.
fn lines_of(text: &str, key: &str) -> Option<(usize, usize)> {
    let document = Document::parse(text).ok()?;
    let keys = document.value().as_object()?;
    let line = |key: &str| Some(document.key_position(&[PathItem::from(key)])?.line - 1);
    let first = keys.contains_key(key).then(|| line(key))??;
    let mut after = keys.keys().filter_map(|other| line(other)).filter(|line| *line > first).min();
    let lines: Vec<&str> = text.lines().collect();
    let mut end = *after.get_or_insert(lines.len());
    while end > first + 1 && (lines[end - 1].trim().is_empty() || lines[end - 1].starts_with('#')) {
        end -= 1;
    }
    Some((first, end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys_of(text: &str) -> Map<String, Value> {
        Document::parse(text).unwrap().into_value().as_object().unwrap().clone()
    }

    /// Weakness 41: a file loses its comments when one key is added.
    #[test]
    fn changes_leave_other_lines_alone() {
        let text = "# ours\nswampVersion: 1 # old\ntool: none\n\n# who\nownedBy: netops\ntools:\n  - claude\n  # second\n  - cursor\n";
        let keys = keys_of(text);
        let changes = [
            ("swampVersion", Some(json!("2"))),
            ("tool", None),
            ("tools", Some(json!([]))),
            ("ownedBy", Some(json!("netops"))),
            ("repoId", Some(json!("x"))),
        ];
        assert_eq!(
            edit_keys(text, &keys, &changes),
            "# ours\nswampVersion: '2'\n\n# who\nownedBy: netops\ntools: []\nrepoId: x\n"
        );
    }

    #[test]
    fn a_text_that_cannot_be_changed_line_by_line_is_rewritten() {
        for text in ["{a: 1, tool: none}\n", "a: 1\ntool: none\n...\n", "{\n  a: 1, tool: none\n}"]
        {
            let keys = keys_of(text);
            let edited = edit_keys(text, &keys, &[("tool", None), ("b", Some(json!(2)))]);
            assert_eq!(Value::Object(keys_of(&edited)), json!({"a": 1, "b": 2}), "{text:?}");
        }
        let unfinished = "a: 1";
        let keys = keys_of(unfinished);
        assert_eq!(edit_keys(unfinished, &keys, &[("b", Some(json!(2)))]), "a: 1\nb: 2\n");
    }

    #[test]
    fn comments_alone_get_their_first_key() {
        let text = "# mine\n";
        let with = edit_keys(text, &Map::new(), &[("disabled", Some(json!(true)))]);
        assert_eq!(with, "# mine\ndisabled: true\n");
        assert_eq!(edit_keys(&with, &keys_of(&with), &[("disabled", None)]), text);
    }
}
