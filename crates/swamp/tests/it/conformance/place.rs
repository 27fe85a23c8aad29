//! Places in a recording and patterns that name them.

use std::fmt;

/// One step down into a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Key(String),
    Index(usize),
}

/// A place in a recording, from its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Vec<Item>);

impl Place {
    pub fn key(&self, key: &str) -> Self {
        self.with(Item::Key(key.to_owned()))
    }

    pub fn index(&self, index: usize) -> Self {
        self.with(Item::Index(index))
    }

    fn with(&self, item: Item) -> Self {
        let mut items = self.0.clone();
        items.push(item);
        Self(items)
    }

    pub fn of(items: Vec<Item>) -> Self {
        Self(items)
    }

    pub fn items(&self) -> &[Item] {
        &self.0
    }

    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|item| match item {
            Item::Key(key) => Some(key.as_str()),
            Item::Index(_) => None,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, item) in self.0.iter().enumerate() {
            match item {
                Item::Index(index) => write!(f, "[{index}]")?,
                Item::Key(key) if key.contains(['.', '[', '*', '"']) => write!(f, "[\"{key}\"]")?,
                Item::Key(key) if position == 0 => f.write_str(key)?,
                Item::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    KeyLike(String),
    Indices(usize, usize),
    AnyIndex,
}

impl Part {
    fn matches(&self, item: &Item) -> bool {
        match (self, item) {
            (Self::Key(want), Item::Key(key)) => want == key,
            (Self::KeyLike(glob), Item::Key(key)) => matches_glob(glob, key),
            (Self::Indices(from, to), Item::Index(index)) => (*from..*to).contains(index),
            (Self::AnyIndex, Item::Index(_)) => true,
            _ => false,
        }
    }
}

/// A `where` of a recording: `steps[0:2].stdout_json`, `after.contents["*.log"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (key, after) = quoted.split_once("\"]").expect("a closing quote");
                parts.push(Part::KeyLike(key.to_owned()));
                rest = after;
            } else if let Some(indexed) = rest.strip_prefix('[') {
                let (index, after) = indexed.split_once(']').expect("a closing bracket");
                parts.push(match index.split_once(':') {
                    Some((from, to)) => {
                        Part::Indices(from.parse().expect("index"), to.parse().expect("index"))
                    }
                    None if index == "*" => Part::AnyIndex,
                    None => {
                        let index = index.parse().expect("index");
                        Part::Indices(index, index + 1)
                    }
                });
                rest = after;
            } else {
                let name = rest.strip_prefix('.').unwrap_or(rest);
                let end = name.find(['.', '[']).unwrap_or(name.len());
                parts.push(Part::Key(name[..end].to_owned()));
                rest = &name[end..];
            }
        }
        Self(parts)
    }

    /// One of the places that are named.
    pub fn some_place(&self) -> Vec<Item> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Key(key) | Part::KeyLike(key) => Item::Key(key.clone()),
                Part::Indices(from, _) => Item::Index(*from),
                Part::AnyIndex => Item::Index(0),
            })
            .collect()
    }

    /// The single place that is named, for patterns without wildcards.
    pub fn concrete(&self) -> Vec<Item> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Key(key) | Part::KeyLike(key) => Item::Key(key.clone()),
                Part::Indices(from, to) if *to == from + 1 => Item::Index(*from),
                Part::Indices(..) | Part::AnyIndex => panic!("{self:?} names several places"),
            })
            .collect()
    }

    /// Whether what is named here stands below the place.
    pub fn is_below(&self, place: &Place) -> bool {
        self.0.len() > place.0.len()
            && self.0.iter().zip(&place.0).all(|(part, item)| part.matches(item))
    }

    /// Whether the place is the one named here or below it.
    pub fn covers(&self, place: &Place) -> bool {
        place.0.len() >= self.0.len()
            && self.0.iter().zip(&place.0).all(|(part, item)| part.matches(item))
    }
}

/// A dotted path relative to a JSON document, as in `unordered`: names and indexes separated by
/// dots, `*` for any one, a leading `**` for any depth.
#[derive(Clone, Debug)]
pub struct Dotted(Vec<String>);

impl Dotted {
    pub fn parse(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// Whether this names `place`, which is given relative to the document.
    pub fn names(&self, place: &[Item]) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if first == "**" => {
                rest.len() <= place.len() && Self::equal(rest, &place[place.len() - rest.len()..])
            }
            _ => Self::equal(&self.0, place),
        }
    }

    fn equal(names: &[String], place: &[Item]) -> bool {
        names.len() == place.len()
            && names.iter().zip(place).all(|(name, item)| match item {
                _ if name == "*" => true,
                Item::Key(key) => key == name,
                Item::Index(index) => name.parse() == Ok(*index),
            })
    }
}

/// Matches a text against a pattern in which `*` stands for any text.
fn matches_glob(glob: &str, text: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else {
        return glob == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| matches_glob(tail, &rest[at..]))
}

#[test]
fn patterns_cover_what_the_readme_says() {
    let step = Place::default().key("steps").index(1);
    let below = step.key("stdout_json").key("jobs").index(0);
    for (pattern, place, want) in [
        ("steps[1]", &below, true),
        ("steps[0:2].stdout_json", &below, true),
        ("steps[2:4]", &below, false),
        ("steps[1].stdout_json.jobs[*]", &below, true),
        ("steps[1].stdout_json", &step, false),
        ("steps[1].stderr_text", &below, false),
    ] {
        assert_eq!(Pattern::parse(pattern).covers(place), want, "{pattern} {place}");
    }
    let file = Place::default().key("after").key("contents").key(".swamp/x/y.yaml#2").key("tags");
    for (pattern, want) in [
        ("after.contents[\".swamp/x/*.yaml#2\"].tags", true),
        ("after.contents[\"*\"]", true),
        ("after.contents[\"*.yaml\"]", false),
    ] {
        assert_eq!(Pattern::parse(pattern).covers(&file), want, "{pattern}");
    }
    assert_eq!(file.to_string(), "after.contents[\".swamp/x/y.yaml#2\"].tags");
}

#[test]
fn dotted_paths_are_relative_to_the_document() {
    let place = [Item::Key("jobs".into()), Item::Index(0), Item::Key("output".into())];
    for (dotted, want) in [
        ("jobs.*.output", true),
        ("jobs.0.output", true),
        ("**.output", true),
        ("output", false),
        ("jobs.1.output", false),
    ] {
        assert_eq!(Dotted::parse(dotted).names(&place), want, "{dotted}");
    }
}
