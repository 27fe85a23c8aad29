//! From text to values: parser events put together, with the meaning of scalars and their places.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Value};

use crate::document::{Node, Position, YamlError};
use crate::scalar::{self, Meaning};

/// Deeper nesting than this is refused: no file of ours comes near it, and later users of the
/// value walk it recursively.
const MAX_DEPTH: usize = 256;

/// At most this many nodes may be copied through aliases, so that a few lines of text cannot grow
/// into gigabytes.
const MAX_COPIED: usize = 100_000;

pub(crate) fn read(text: &str) -> Result<(Value, Node), YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(text, &error))?;
        builder.event(event, place(&span.start))?;
    }
    Ok(builder.finish())
}

fn place(mark: &Marker) -> Position {
    Position { line: mark.line().max(1), column: mark.col() + 1 }
}

fn error<T>(position: Position, message: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError { message: message.into(), position: Some(position) })
}

fn syntax(text: &str, found: &ScanError) -> YamlError {
    let position = place(found.marker());
    let line = text.lines().nth(position.line - 1).unwrap_or_default();
    let mut message = found.info().to_owned();
    if line.contains("${{") {
        message.push_str("; put quotes around a text that holds ${{ … }}");
    } else if line.trim_start_matches(' ').starts_with('\t') {
        message.push_str("; indent with spaces, not tabs");
    }
    YamlError { message, position: Some(position) }
}

/// A finished node.
type Built = (Value, Node);

/// A mapping or sequence whose end has not been seen.
struct Open {
    anchor: usize,
    node: Node,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping {
        entries: Map<String, Value>,
        /// How many entries so far came from a merge and may be overridden: their keys.
        merged: Vec<String>,
        /// A key that waits for its value.
        key: Option<Key>,
    },
}

enum Key {
    Text(String, Position),
    Merge(Position),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    documents: usize,
    root: Option<Built>,
    /// Finished anchored nodes by anchor id; ids count from 1.
    anchors: Vec<Option<Built>>,
    copied: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return error(at, "a second document begins here, but the file must hold one");
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), at)
            }
            Event::SequenceStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "seq", at)?;
                self.push(anchor, Content::Sequence(Vec::new()), at)
            }
            Event::MappingStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "map", at)?;
                let content =
                    Content::Mapping { entries: Map::new(), merged: Vec::new(), key: None };
                self.push(anchor, content, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn finish(self) -> Built {
        self.root.unwrap_or_else(|| (Value::Null, leaf(Position { line: 1, column: 1 })))
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn push(&mut self, anchor: usize, content: Content, at: Position) -> Result<(), YamlError> {
        if self.awaits_key() {
            return error(at, "a key must be a single value, not a list or mapping");
        }
        if self.open.len() == MAX_DEPTH {
            return error(at, format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.open.push(Open { anchor, node: leaf(at), content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(Open { anchor, node, content }) = self.open.pop() else {
            return Ok(());
        };
        let value = match content {
            Content::Sequence(items) => Value::Array(items),
            Content::Mapping { entries, .. } => Value::Object(entries),
        };
        self.add(anchor, (value, node))
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Position,
    ) -> Result<(), YamlError> {
        let meaning = match tag {
            Some(tag) => tagged(&text, tag, at)?,
            None if style == ScalarStyle::Plain => scalar::resolve(&text),
            None => Meaning::Text,
        };
        if meaning == Meaning::NotFinite {
            return error(
                at,
                format!("{text} is not a number that can be used here; quote it to make it a text"),
            );
        }
        if self.awaits_key() {
            let name = match &meaning {
                Meaning::Value(Value::Null) => "null".to_owned(),
                Meaning::Value(value) => value.to_string(),
                _ => text.clone().into_owned(),
            };
            if anchor > 0 {
                let value = match &meaning {
                    Meaning::Value(value) => value.clone(),
                    _ => Value::String(name.clone()),
                };
                self.remember(anchor, &(value, leaf(at)));
            }
            let is_merge = meaning == Meaning::Merge;
            return self.key(if is_merge { Key::Merge(at) } else { Key::Text(name, at) });
        }
        let mut node = leaf(at);
        node.timestamp = meaning == Meaning::Timestamp;
        let value = match meaning {
            Meaning::Value(value) => value,
            _ => Value::String(text.into_owned()),
        };
        self.add(anchor, (value, node))
    }

    /// Takes the key of the next entry of the innermost mapping.
    fn key(&mut self, new: Key) -> Result<(), YamlError> {
        let Some(Open { content: Content::Mapping { entries, merged, key }, .. }) =
            self.open.last_mut()
        else {
            return Ok(());
        };
        if let Key::Text(name, at) = &new
            && entries.contains_key(name)
            && !merged.contains(name)
        {
            return error(*at, format!("duplicated key {name:?}"));
        }
        *key = Some(new);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), YamlError> {
        let Some((value, node)) = self.anchors.get(anchor).and_then(Option::as_ref) else {
            return error(at, "an alias cannot stand inside the node it refers to");
        };
        self.copied += size(node);
        if self.copied > MAX_COPIED {
            return error(at, "aliases make this document too large");
        }
        if self.awaits_key() {
            let name = match value {
                Value::String(text) => text.clone(),
                Value::Array(_) | Value::Object(_) => {
                    return error(at, "a key must be a single value, not a list or mapping");
                }
                other => other.to_string(),
            };
            return self.key(Key::Text(name, at));
        }
        if self.open.len() + depth(node) > MAX_DEPTH {
            return error(at, format!("nested more than {MAX_DEPTH} levels deep"));
        }
        let mut built = (value.clone(), node.clone());
        built.1.start = at;
        built.1.key = None;
        self.add(0, built)
    }

    fn remember(&mut self, anchor: usize, built: &Built) {
        if self.anchors.len() <= anchor {
            self.anchors.resize(anchor + 1, None);
        }
        self.anchors[anchor] = Some(built.clone());
    }

    /// Puts a finished node into the innermost open one.
    fn add(&mut self, anchor: usize, built: Built) -> Result<(), YamlError> {
        if anchor > 0 {
            self.remember(anchor, &built);
        }
        let (value, mut node) = built;
        let Some(open) = self.open.last_mut() else {
            self.root = Some((value, node));
            return Ok(());
        };
        match &mut open.content {
            Content::Sequence(items) => {
                items.push(value);
                open.node.children.push(node);
                Ok(())
            }
            Content::Mapping { entries, merged, key } => match key.take() {
                Some(Key::Text(name, at)) => {
                    node.key = Some(at);
                    merged.retain(|other| *other != name);
                    let index = entries.keys().position(|other| *other == name);
                    entries.insert(name, value);
                    match index {
                        Some(index) => open.node.children[index] = node,
                        None => open.node.children.push(node),
                    }
                    Ok(())
                }
                Some(Key::Merge(at)) => {
                    merge(entries, merged, &mut open.node.children, value, node, at)
                }
                None => Ok(()),
            },
        }
    }
}

/// Adds the entries of a mapping, or of each mapping in a sequence, that are not there yet.
fn merge(
    entries: &mut Map<String, Value>,
    merged: &mut Vec<String>,
    children: &mut Vec<Node>,
    value: Value,
    node: Node,
    at: Position,
) -> Result<(), YamlError> {
    match value {
        Value::Object(source) => {
            for ((name, value), child) in source.into_iter().zip(node.children) {
                if !entries.contains_key(&name) {
                    merged.push(name.clone());
                    entries.insert(name, value);
                    children.push(child);
                }
            }
            Ok(())
        }
        Value::Array(sources) if sources.iter().all(Value::is_object) => {
            for (source, node) in sources.into_iter().zip(node.children) {
                merge(entries, merged, children, source, node, at)?;
            }
            Ok(())
        }
        _ => error(at, "only a mapping or a list of mappings can be merged with '<<'"),
    }
}

fn leaf(start: Position) -> Node {
    Node { start, key: None, timestamp: false, children: Vec::new() }
}

fn size(node: &Node) -> usize {
    1 + node.children.iter().map(size).sum::<usize>()
}

fn depth(node: &Node) -> usize {
    node.children.iter().map(|child| 1 + depth(child)).max().unwrap_or(0)
}

fn check_collection_tag(tag: Option<&Tag>, wanted: &str, at: Position) -> Result<(), YamlError> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == wanted) => unknown_tag(tag, at),
        _ => Ok(()),
    }
}

fn unknown_tag<T>(tag: &Tag, at: Position) -> Result<T, YamlError> {
    let name = if tag.is_yaml_core_schema() {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    };
    error(at, format!("the tag {name} cannot be used here"))
}

/// The meaning of a scalar that says its type itself.
fn tagged(text: &str, tag: &Tag, at: Position) -> Result<Meaning, YamlError> {
    if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Meaning::Text);
    }
    if !tag.is_yaml_core_schema() {
        return unknown_tag(tag, at);
    }
    let fits = |fits: Option<Value>| match fits {
        Some(value) => Ok(Meaning::Value(value)),
        None => error(at, format!("{text:?} is not of type !!{}", tag.suffix)),
    };
    let plain = match scalar::resolve(text) {
        Meaning::Value(value) => Some(value),
        _ => None,
    };
    match tag.suffix.as_str() {
        "str" => Ok(Meaning::Text),
        "null" => fits(plain.filter(Value::is_null)),
        "bool" => fits(plain.filter(Value::is_boolean)),
        "int" => fits(scalar::integer(text).map(Value::Number)),
        "float" => fits(scalar::float(text).or_else(|| scalar::integer(text)).map(Value::Number)),
        "timestamp" if scalar::is_timestamp(text) => Ok(Meaning::Timestamp),
        "timestamp" => fits(None),
        _ => unknown_tag(tag, at),
    }
}

#[cfg(test)]
mod tests;
