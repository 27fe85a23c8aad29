//! Structural comparison of what was recorded with what we see.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::place::{Dotted, Place};
use super::placeholder::{Bindings, has_placeholder};
use super::recording::{Recording, Rules};

/// A place where we are not as recorded.
#[derive(Clone, Debug)]
pub struct Difference {
    pub place: Place,
    pub what: String,
}

pub struct Comparison<'a> {
    pub recording: &'a Recording,
    pub bindings: Bindings,
    pub differences: Vec<Difference>,
}

/// One document and how it is compared. `user_words` are the words of the command line, which a
/// sentence about it has to name as the recorded one does.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    pub root: &'a Place,
    pub rules: &'a Rules,
    pub user_words: &'a [String],
}

/// Keys that hold sentences: the wording is ours, what is named is not.
const SENTENCES: [&str; 5] = ["error", "message", "reason", "hint", "warning"];

/// The starts of short fixed phrases that scripts match.
const FIXED_PHRASES: [&str; 9] = [
    "Model not found: ",
    "Workflow not found: ",
    "Model already exists: ",
    "Workflow already exists: ",
    "Model type not found: ",
    "Unknown model type: ",
    "Data not found: ",
    "Command exited with code ",
    "Not a swamp repository: ",
];

impl Comparison<'_> {
    pub fn report(&mut self, place: &Place, what: impl Into<String>) {
        if !self.recording.deviates(place) {
            self.differences.push(Difference { place: place.clone(), what: what.into() });
        }
    }

    /// Compares what stands at `place` of the recording.
    pub fn compare(&mut self, document: Document, place: &Place, recorded: &Value, actual: &Value) {
        let inner = &place.items()[document.root.items().len()..];
        let is_named = |paths: &[Dotted]| paths.iter().any(|path| path.names(inner));
        if is_named(&document.rules.unstable) {
            return;
        }
        if self.recording.deviates(place) && !self.recording.wants_below(place) {
            return;
        }
        if is_named(&document.rules.library_text) {
            if actual.as_str().is_none_or(|text| text.trim().is_empty()) {
                self.report(place, format!("recorded a text, got {actual}"));
            }
            return;
        }
        match (recorded, actual) {
            (Value::String(recorded), Value::String(actual)) => {
                self.compare_texts(document, place, recorded, actual);
            }
            (Value::String(recorded), other) if Bindings::matches_number(recorded, other) => {}
            (Value::Number(recorded), Value::Number(actual))
                if recorded.as_f64() == actual.as_f64() => {}
            (Value::Array(recorded), Value::Array(actual)) => {
                if is_named(&document.rules.unordered) {
                    self.compare_unordered(document, place, recorded, actual);
                } else {
                    self.compare_ordered(document, place, recorded, actual);
                }
            }
            // The lines of a log are for people; how many there are, and that they are texts, is not.
            (Value::Object(recorded), Value::Object(actual)) if is_log(recorded) => {
                let lines = actual.get("lines").and_then(Value::as_array);
                let count = actual.get("lineCount").and_then(Value::as_u64);
                if lines.map(|lines| lines.len() as u64) != count || count.is_none() {
                    self.report(
                        place,
                        format!("no log: {}", brief(&Value::Object(actual.clone()))),
                    );
                }
            }
            (Value::Object(recorded), Value::Object(actual)) => {
                for (key, value) in recorded {
                    let place = place.key(key);
                    match self.get(actual, key) {
                        Some(other) => self.compare(document, &place, value, other),
                        // We have no stack traces; the key is optional.
                        None if value == "<stack>" => {}
                        None => self.report(&place, format!("missing, recorded {}", brief(value))),
                    }
                }
                let is_recorded = |key: &str| {
                    recorded.keys().any(|recorded| self.bindings.clone().matches(recorded, key))
                };
                let extra: Vec<_> = actual.iter().filter(|(key, _)| !is_recorded(key)).collect();
                for (key, value) in extra {
                    let place = place.key(key);
                    let inner = &place.items()[document.root.items().len()..];
                    if !document.rules.not_recorded.iter().any(|path| path.names(inner)) {
                        self.report(&place, format!("not recorded, got {}", brief(value)));
                    }
                }
            }
            _ if recorded == actual => {}
            _ => self.report(place, format!("recorded {}, got {}", brief(recorded), brief(actual))),
        }
    }

    fn compare_texts(&mut self, document: Document, place: &Place, recorded: &str, actual: &str) {
        if self.bindings.matches(recorded, actual) {
            return;
        }
        // Names and paths are masked in what telemetry keeps.
        if place.last_key() == Some("errorMessage") && !actual.trim().is_empty() {
            return;
        }
        let is_sentence = place.last_key().is_some_and(|key| SENTENCES.contains(&key));
        let fixed = FIXED_PHRASES.iter().any(|phrase| recorded.starts_with(phrase));
        let fixed = fixed.then(|| recorded.lines().next().unwrap_or_default());
        if is_sentence && fixed.is_none_or(|line| self.starts_with(actual, line)) {
            let words = words(recorded);
            let missing: Vec<&String> = document
                .user_words
                .iter()
                .filter(|word| words.contains(word.as_str()) && !actual.contains(word.as_str()))
                .collect();
            if actual.trim().is_empty() || !missing.is_empty() {
                self.report(place, format!("must name {missing:?}: {actual:?} for {recorded:?}"));
            }
            return;
        }
        self.report(place, format!("recorded {recorded:?}, got {actual:?}"));
    }

    /// The value under a recorded key, which may hold placeholders.
    fn get<'v>(&self, actual: &'v Map<String, Value>, recorded: &str) -> Option<&'v Value> {
        if !has_placeholder(recorded) {
            return actual.get(recorded);
        }
        let mut entries = actual.iter();
        let found = entries.find(|(key, _)| self.bindings.clone().matches(recorded, key));
        found.map(|(_, value)| value)
    }

    /// Whether a sentence begins with a recorded line. More may follow.
    fn starts_with(&self, sentence: &str, line: &str) -> bool {
        let filled = self.bindings.fill(line);
        sentence.starts_with(&filled)
    }

    /// Compares two lists of which one lacks elements of the other: first those that have the same
    /// key are put beside each other, in order.
    pub fn compare_aligned(
        &mut self,
        document: Document,
        place: &Place,
        recorded: &[Value],
        actual: &[Value],
        key: &dyn Fn(&Value) -> String,
    ) {
        let mut next = 0;
        for (index, value) in recorded.iter().enumerate() {
            let place = place.index(index);
            let found = actual.iter().skip(next).position(|other| key(other) == key(value));
            let Some(skipped) = found else {
                self.report(&place, format!("missing, recorded {}", brief(value)));
                continue;
            };
            for extra in &actual[next..next + skipped] {
                self.report(&place, format!("not recorded before it, got {}", brief(extra)));
            }
            self.compare(document, &place, value, &actual[next + skipped]);
            next += skipped + 1;
        }
        for (offset, extra) in actual.iter().skip(next).enumerate() {
            let place = place.index(recorded.len() + offset);
            self.report(&place, format!("not recorded, got {}", brief(extra)));
        }
    }

    pub fn compare_ordered(
        &mut self,
        document: Document,
        place: &Place,
        recorded: &[Value],
        actual: &[Value],
    ) {
        for (index, value) in recorded.iter().enumerate() {
            let place = place.index(index);
            match actual.get(index) {
                Some(other) => self.compare(document, &place, value, other),
                None => self.report(&place, format!("missing, recorded {}", brief(value))),
            }
        }
        for (index, value) in actual.iter().enumerate().skip(recorded.len()) {
            self.report(&place.index(index), format!("not recorded, got {}", brief(value)));
        }
    }

    fn compare_unordered(
        &mut self,
        document: Document,
        place: &Place,
        recorded: &[Value],
        actual: &[Value],
    ) {
        let mut open: BTreeSet<usize> = (0..actual.len()).collect();
        for (index, value) in recorded.iter().enumerate() {
            let place = place.index(index);
            let trials = open
                .iter()
                .map(|&other| (other, self.attempt(document, &place, value, &actual[other])));
            let best = trials.min_by_key(|(_, trial)| trial.differences.len());
            let Some((other, trial)) = best else {
                self.report(&place, format!("missing, recorded {}", brief(value)));
                continue;
            };
            open.remove(&other);
            self.adopt(trial);
        }
        for other in open {
            let place = place.index(recorded.len().max(other));
            self.report(&place, format!("not recorded, got {}", brief(&actual[other])));
        }
    }

    /// Compares without consequences for this comparison.
    pub fn attempt(
        &self,
        document: Document,
        place: &Place,
        recorded: &Value,
        actual: &Value,
    ) -> Trial {
        let mut trial = Comparison {
            recording: self.recording,
            bindings: self.bindings.clone(),
            differences: Vec::new(),
        };
        trial.compare(document, place, recorded, actual);
        Trial { bindings: trial.bindings, differences: trial.differences }
    }

    /// Takes over what an attempt found.
    pub fn adopt(&mut self, trial: Trial) {
        self.bindings = trial.bindings;
        self.differences.extend(trial.differences);
    }
}

/// The result of an attempt.
pub struct Trial {
    pub bindings: Bindings,
    pub differences: Vec<Difference>,
}

fn is_log(document: &Map<String, Value>) -> bool {
    document.contains_key("lines") && document.contains_key("lineCount")
}

/// The words of a sentence, without the punctuation around them.
fn words(sentence: &str) -> BTreeSet<&str> {
    sentence
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| "\"'`.,:;()[]{}".contains(c)))
        .filter(|word| word.len() > 1)
        .collect()
}

fn brief(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > 300 {
        let end = (0..=300).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
