//! Reading `metadata.yaml` without a YAML parser, when it looks as programs write it.
//!
//! Every look-up of data reads one of these small files, and building the catalog reads all of
//! them; the general parser takes twenty times as long. What is understood here is a small part of
//! YAML that leaves no doubt: one key per line, scalars that can only be what they are taken for.
//! Anything else, mistakes included, is left to the general parser.

use std::borrow::Cow;

use swamp_ident::{
    DataId, DataName, JobName, RunId, StepName, Timestamp, WorkflowId, WorkflowName,
};

use super::layout::is_uuid;
use super::metadata::{DataOwner, Metadata, OwnerKind};
use super::span::{Lifetime, Retention, Span};
use crate::fields::Tags;

/// The metadata, if the text is of the simple kind and complete.
pub(super) fn parse(text: &str) -> Option<Metadata> {
    let mut top = Entries::default();
    let mut tags = None;
    let mut owner = None;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (key, value) = split(line)?;
        if !value.is_empty() {
            top.add(key, value)?;
            continue;
        }
        let mut section = Entries::default();
        while let Some(inner) = lines.next_if(|line| line.starts_with("  ")) {
            let (key, value) = split(inner.get(2..)?)?;
            section.add(key, value)?;
        }
        let place = match key {
            "tags" => &mut tags,
            "ownerDefinition" => &mut owner,
            _ => return None,
        };
        if place.replace(section).is_some() {
            return None;
        }
    }

    let tags = tags?
        .0
        .into_iter()
        .map(|(key, value)| {
            let is_key = !is_word(key);
            Some((is_key.then(|| key.to_owned())?, text_of(value)?.into_owned()))
        })
        .collect::<Option<Tags>>()?;
    if !tags.contains_key("type") {
        return None;
    }
    let metadata = Metadata {
        id: DataId::new(top.required("id")?),
        name: DataName::new(top.required("name")?),
        version: number_of(top.take("version")?).filter(|version| *version > 0)?,
        content_type: top.required("contentType")?.into_owned(),
        lifetime: lifetime_of(top.take("lifetime")?)?,
        garbage_collection: retention_of(top.take("garbageCollection")?)?,
        streaming: match top.take("streaming") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return None,
        },
        tags,
        owner: owner_of(owner?)?,
        created_at: Timestamp::parse(quoted(top.take("createdAt")?)?).ok()?,
        size: top.optional("size", number_of).ok()?,
        checksum: top.optional("checksum", text_of).ok()?.map(Cow::into_owned),
        deleted: match top.take("lifecycle") {
            None | Some("active") => false,
            Some("deleted") => true,
            Some(_) => return None,
        },
        renamed_to: top.optional("renamedTo", text_of).ok()?.map(DataName::new),
    };
    top.0.is_empty().then_some(metadata)
}

fn owner_of(mut entries: Entries<'_>) -> Option<DataOwner> {
    let kind = match entries.take("ownerType")? {
        "model-method" => OwnerKind::ModelMethod,
        "workflow-step" => OwnerKind::WorkflowStep,
        "manual" => OwnerKind::Manual,
        _ => return None,
    };
    let owner = DataOwner {
        kind,
        reference: entries.required("ownerRef")?.into_owned(),
        definition_hash: entries.optional("definitionHash", text_of).ok()?.map(Cow::into_owned),
        workflow_id: entries.optional("workflowId", text_of).ok()?.map(WorkflowId::new),
        workflow_run_id: entries.optional("workflowRunId", text_of).ok()?.map(RunId::new),
        workflow_name: entries.optional("workflowName", text_of).ok()?.map(WorkflowName::new),
        job_name: entries.optional("jobName", text_of).ok()?.map(JobName::new),
        step_name: entries.optional("stepName", text_of).ok()?.map(StepName::new),
        source: entries.optional("source", text_of).ok()?.map(Cow::into_owned),
    };
    entries.0.is_empty().then_some(owner)
}

/// A value is not understood.
struct Doubt;

/// Keys and values of a mapping, as they stand in the text.
#[derive(Default)]
struct Entries<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Entries<'a> {
    fn add(&mut self, key: &'a str, value: &'a str) -> Option<()> {
        if value.is_empty() || self.0.iter().any(|(other, _)| *other == key) {
            return None;
        }
        self.0.push((key, value));
        Some(())
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let index = self.0.iter().position(|(other, _)| *other == key)?;
        Some(self.0.swap_remove(index).1)
    }

    fn required(&mut self, key: &str) -> Option<Cow<'a, str>> {
        text_of(self.take(key)?).filter(|text| !text.is_empty())
    }

    fn optional<T>(
        &mut self,
        key: &str,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Doubt> {
        self.take(key).map(|value| read(value).ok_or(Doubt)).transpose()
    }
}

/// The two sides of a line. The value is empty where a nested mapping follows.
fn split(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let is_key = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let value = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
    is_key.then_some((key, value))
}

/// A scalar that is a text.
fn text_of(value: &str) -> Option<Cow<'_, str>> {
    if let Some(text) = quoted(value) {
        return Some(Cow::Borrowed(text));
    }
    let is_plain = value.bytes().all(
        |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/'),
    );
    let is_text = match value.bytes().next()? {
        first if first.is_ascii_alphabetic() => !is_word(value),
        // What begins with a digit may be a number or a date; not so an id or a hash.
        first if first.is_ascii_digit() => is_uuid(value) || is_hash(value),
        _ => false,
    };
    (is_plain && is_text).then_some(Cow::Borrowed(value))
}

/// The text between single quotes, if it is all there is and needs no further reading.
fn quoted(value: &str) -> Option<&str> {
    let text = value.strip_prefix('\'')?.strip_suffix('\'')?;
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\'').then_some(text)
}

/// Whether a plain scalar may be something else than a text although it consists of letters.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// A hash with at least one digit that no number has, not even one with an exponent.
fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| matches!(byte, b'a'..=b'd' | b'f'))
}

fn number_of(value: &str) -> Option<u64> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit())
        && value.len() <= 15
        && (value == "0" || !value.starts_with('0'));
    if is_number { value.parse().ok() } else { None }
}

fn lifetime_of(value: &str) -> Option<Lifetime> {
    Lifetime::parse(value).ok()
}

fn retention_of(value: &str) -> Option<Retention> {
    match number_of(value) {
        Some(count) => (count > 0).then_some(Retention::Newest(count)),
        None => {
            Span::parse(value).ok().filter(|span| span.as_millis() > 0).map(Retention::YoungerThan)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "\
id: 3081f6b4-9cc6-4c13-a473-71658bf657e9
name: result
version: 12
contentType: application/json
lifetime: 30d
garbageCollection: 10
streaming: false
tags:
  type: resource
  zone-name: '5'
ownerDefinition:
  ownerType: model-method
  ownerRef: 153ce76e-1764-402f-87fa-2f29ee428ddc
  workflowName: wf
createdAt: '2026-11-22T10:10:25.786Z'
size: 125
checksum: 1a4c8d6c6fb5e179a0a41b6993492320035de68bd1241d916fcb721a71aafdd4
";

    fn slow(text: &str) -> crate::error::Result<Metadata> {
        Metadata::parse_general(Path::new("metadata.yaml"), text)
    }

    #[test]
    fn what_we_write_is_read_quickly() {
        let metadata = parse(TEXT).unwrap();
        assert_eq!(metadata, slow(TEXT).unwrap());
        assert_eq!(metadata.to_yaml(), TEXT);
        for (from, to) in [
            ("lifetime: 30d", "lifetime: infinite"),
            ("garbageCollection: 10", "garbageCollection: 2w"),
            ("streaming: false\n", ""),
            ("size: 125\n", ""),
            ("size: 125\n", "lifecycle: deleted\nrenamedTo: other\n"),
            ("createdAt: '2026-11-22T10:10:25.786Z'", "createdAt: '2026-11-22T10:10:25Z'"),
        ] {
            let text = TEXT.replace(from, to);
            assert_ne!(text, TEXT);
            assert_eq!(parse(&text), Some(slow(&text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_doubtful_is_left_to_the_general_parser() {
        for (from, to) in [
            ("name: result", "name: null"),
            ("name: result", "name: 'it''s'"),
            ("name: result", "name: \"result\""),
            ("name: result", "name: 2026-01-01"),
            ("name: result", "name: result # why"),
            ("name: result", "name:  result"),
            ("name: result", "name: &a result"),
            ("name: result", "name: >-\n  result"),
            ("version: 12", "version: 012"),
            ("version: 12", "version: 0x12"),
            ("version: 12", "version: 12.0"),
            ("version: 12", "version: '12'"),
            ("version: 12", "version: 0"),
            ("version: 12", "version: 12\nversion: 12"),
            ("garbageCollection: 10", "garbageCollection: 0d"),
            ("  zone-name: '5'", "  zone-name: 5"),
            ("  zone-name: '5'", "  zone-name: yes"),
            ("  zone-name: '5'", "  zone-name:"),
            ("  zone-name: '5'", "  true: '5'"),
            ("  zone-name: '5'", "  type: '5'"),
            ("  zone-name: '5'", "   zone-name: '5'"),
            ("  zone-name: '5'", "  zone-name: ä"),
            ("  type: resource\n  zone-name: '5'\n", ""),
            ("tags:", "tags: {}"),
            ("createdAt: '2026-11-22T10:10:25.786Z'", "createdAt: 2026-11-22T10:10:25.786Z"),
            ("size: 125", "futureKey: ignored"),
            ("size: 125", "size: [1]"),
            ("size: 125", "size: 9999999999999999"),
            ("size: 125", "\nsize: 125"),
            ("size: 125", "---\nsize: 125"),
            ("checksum: 1a4c", "checksum: 1"),
            ("model-method", "nobody"),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT);
            assert_eq!(parse(&text), None, "{text}");
        }
    }

    fn a_tag() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9.:_ -]{0,12}", ".{0,20}", Just("null".to_owned())]
    }

    proptest! {
        #[test]
        fn both_parsers_agree_on_what_we_write(
            name in "[a-zA-Z0-9._ -]{1,20}",
            tags in prop::collection::vec((a_tag(), a_tag()), 0..4),
            step in prop::option::of(a_tag()),
            size in any::<u64>(),
        ) {
            let mut metadata = parse(TEXT).unwrap();
            metadata.name = DataName::new(name);
            metadata.tags.extend(tags);
            metadata.owner.step_name = step.map(StepName::new);
            metadata.size = Some(size >> 12);
            let text = metadata.to_yaml();
            prop_assert_eq!(&slow(&text).unwrap(), &metadata);
            if let Some(quick) = parse(&text) {
                prop_assert_eq!(quick, metadata);
            }
        }

        #[test]
        fn what_the_quick_parser_accepts_the_general_one_reads_alike(
            at in 0..TEXT.len(),
            cut in 0..4_usize,
            insert in "[ -~\n]{0,4}",
        ) {
            let end = (at + cut).min(TEXT.len());
            let text = format!("{}{insert}{}", &TEXT[..at], &TEXT[end..]);
            if let Some(quick) = parse(&text) {
                prop_assert_eq!(quick, slow(&text).unwrap(), "{}", text);
            }
        }
    }
}
