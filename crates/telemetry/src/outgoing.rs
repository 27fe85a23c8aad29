//! From the entry on disk to the event on the wire.
//!
//! The stored text is passed on as it is: unknown keys, their order and the way numbers are written
//! survive, because an older program may send what a newer one recorded. Only names that are the
//! user's own are replaced by pseudonyms, and only where they are known to stand.

use std::borrow::Cow;

use serde_json::value::RawValue;
use swamp_ident::{InvocationId, RepoId, TypeName};
use swamp_wire::{EVENT_NAME, TelemetryEntry};

use crate::BUILT_IN_MODEL_TYPES;
use crate::json::{self, Object, ObjectWriter};
use crate::preferences::Names;
use crate::pseudonym::{Kind, NamesKey};

/// Methods of this program's own model types, for entries that do not say of which type the model
/// is.
const BUILT_IN_METHODS: &[&str] = &["execute"];

/// Key of the repository on the wire.
const REPO_ID: &str = "$repo_id";

/// How entries become events.
pub(crate) struct Rules<'a> {
    pub(crate) key: &'a NamesKey,
    pub(crate) names: Names,
    /// The user's id.
    pub(crate) user: Option<&'a str>,
    /// The repository whose spool it is, for entries of versions that did not note it.
    pub(crate) spool_repo: Option<&'a RepoId>,
}

/// An entry that can be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) entry: TelemetryEntry,
    /// The event as compact JSON.
    pub(crate) event: Vec<u8>,
}

impl Outgoing {
    pub(crate) fn id(&self) -> &InvocationId {
        &self.entry.id
    }
}

/// Why a text cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is no entry.
    #[error("it is no telemetry entry: {0}")]
    NoEntry(String),
    /// There is neither a user nor a repository to send it for.
    #[error("identity.json cannot be understood, and there is no repository id instead")]
    Nameless,
}

impl Rules<'_> {
    /// Makes the event of a stored entry.
    pub(crate) fn event(&self, stored: &str) -> Result<Outgoing, Unfit> {
        let no_entry = |error: serde_json::Error| Unfit::NoEntry(error.to_string());
        let entry: TelemetryEntry = serde_json::from_str(stored).map_err(no_entry)?;
        let object: Object<'_> = serde_json::from_str(stored).map_err(no_entry)?;
        let repo = entry.repo_id.as_ref().or(self.spool_repo);
        let sender = self.user.or(repo.map(RepoId::as_str)).ok_or(Unfit::Nameless)?;

        let mut event = Vec::with_capacity(stored.len() + 256);
        let mut writer = ObjectWriter::begin(&mut event);
        json::text(writer.key("event"), EVENT_NAME);
        json::text(writer.key("distinct_id"), sender);
        json::text(writer.key("insert_id"), entry.id.as_str());
        let properties = writer.key("properties");
        self.properties(properties, &object, repo);
        writer.end();
        Ok(Outgoing { entry, event })
    }

    fn properties(&self, out: &mut Vec<u8>, entry: &Object<'_>, repo: Option<&RepoId>) {
        let hidden = self.hidden(entry);
        let mut writer = ObjectWriter::begin(out);
        for (key, value) in &entry.0 {
            match key.as_ref() {
                // Written last, from what the entry itself says.
                REPO_ID => {}
                "invocation" => hidden.invocation(writer.key(key), value),
                "workflowContext" | "methodContext" => hidden.context(writer.key(key), value),
                "result" => hidden.result(writer.key(key), value),
                _ => json::compact(writer.key(key), value.get()),
            }
        }
        if let Some(repo) = repo {
            json::text(writer.key(REPO_ID), repo.as_str());
        }
        writer.end();
    }

    /// What is to be hidden in an entry.
    fn hidden(&self, entry: &Object<'_>) -> Hidden<'_> {
        let contexts = ["workflowContext", "methodContext"].map(|key| entry.object(key));
        let model_type = contexts.iter().flatten().find_map(|context| context.text("modelType"));
        let result = entry.object("result");
        let category = result.as_ref().and_then(|result| result.text("errorCategory"));
        let invocation = entry.object("invocation");
        let call = invocation.as_ref().map(|invocation| {
            let text = |key: &str| invocation.text(key).unwrap_or_default();
            (text("command"), text("subcommand"))
        });
        let (command, subcommand) = call.unwrap_or_default();
        let mut hidden = Hidden {
            rules: self,
            types_method: is_types_method(model_type.as_deref(), category.as_deref()),
            is_call: command == "model" && subcommand == "method",
            names_type: command == "model" && subcommand == "create",
            words: Vec::new(),
        };
        // Error texts may repeat them.
        for context in contexts.iter().flatten() {
            for (key, _) in &context.0 {
                if let (Some(kind), Some(name)) = (hidden.kind(key), context.text(key)) {
                    hidden.hide(kind, &name);
                }
            }
        }
        let args = invocation.as_ref().and_then(|invocation| {
            let (_, args) = invocation.0.iter().rev().find(|(key, _)| key == "args")?;
            serde_json::from_str::<Vec<String>>(args.get()).ok()
        });
        for (at, arg) in args.iter().flatten().enumerate() {
            if let Some(kind) = hidden.kind_of_argument(at, arg) {
                hidden.hide(kind, arg);
            }
        }
        // A longer one may contain a shorter one.
        hidden.words.sort_by_key(|(_, word, _)| std::cmp::Reverse(word.len()));
        hidden
    }
}

/// Whether the method's name is a word of this program rather than the user's.
fn is_types_method(model_type: Option<&str>, category: Option<&str>) -> TypesMethod {
    match model_type {
        // What is no method of the type was typed by somebody.
        Some(name) if is_built_in(name) && category != Some("method_not_found") => TypesMethod::Yes,
        Some(name) if !is_built_in(name) => TypesMethod::No,
        _ => TypesMethod::IfKnown,
    }
}

fn is_built_in(model_type: &str) -> bool {
    BUILT_IN_MODEL_TYPES.contains(&TypeName::normalised(model_type).as_str())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TypesMethod {
    Yes,
    No,
    /// If it is one of ours.
    IfKnown,
}

/// What is hidden in one entry.
struct Hidden<'a> {
    rules: &'a Rules<'a>,
    types_method: TypesMethod,
    is_call: bool,
    names_type: bool,
    /// Names with what stands for them.
    words: Vec<(Kind, String, String)>,
}

impl Hidden<'_> {
    fn hide(&mut self, kind: Kind, name: &str) {
        if self.is_private(kind, name) {
            let pseudonym = self.rules.key.pseudonym(kind, name);
            self.words.push((kind, name.to_owned(), pseudonym));
        }
    }

    /// What a key of a context names.
    fn kind(&self, key: &str) -> Option<Kind> {
        let is_hashed = self.rules.names == Names::Hashed;
        match key {
            "modelType" => Some(Kind::ModelType),
            "workflowName" | "rootWorkflowName" if is_hashed => Some(Kind::Workflow),
            "jobName" if is_hashed => Some(Kind::Job),
            "stepName" | "stepTemplate" if is_hashed => Some(Kind::Step),
            _ => None,
        }
    }

    /// What an argument names.
    fn kind_of_argument(&self, at: usize, arg: &str) -> Option<Kind> {
        if arg == swamp_wire::REDACTED {
            return None;
        }
        match at {
            0 if self.names_type => Some(Kind::ModelType),
            2 if self.is_call => Some(Kind::Method),
            _ => None,
        }
    }

    fn is_private(&self, kind: Kind, name: &str) -> bool {
        match kind {
            Kind::ModelType => !is_built_in(name),
            Kind::Method => match self.types_method {
                TypesMethod::Yes => false,
                TypesMethod::No => true,
                TypesMethod::IfKnown => !BUILT_IN_METHODS.contains(&name),
            },
            Kind::Workflow | Kind::Job | Kind::Step => true,
        }
    }

    fn context(&self, out: &mut Vec<u8>, value: &RawValue) {
        rewrite(out, value, |key, out, value| match self.kind(key) {
            Some(kind) => self.name(out, kind, value),
            None => json::compact(out, value.get()),
        });
    }

    fn result(&self, out: &mut Vec<u8>, value: &RawValue) {
        rewrite(out, value, |key, out, value| match serde_json::from_str::<String>(value.get()) {
            Ok(text) if key == "errorMessage" => json::text(out, &self.clean(&text)),
            _ => json::compact(out, value.get()),
        });
    }

    fn invocation(&self, out: &mut Vec<u8>, value: &RawValue) {
        rewrite(out, value, |key, out, value| {
            let args = serde_json::from_str::<Vec<&RawValue>>(value.get());
            let Some(args) = args.ok().filter(|_| key == "args") else {
                return json::compact(out, value.get());
            };
            out.push(b'[');
            for (at, arg) in args.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let text = serde_json::from_str::<String>(arg.get()).unwrap_or_default();
                match self.kind_of_argument(at, &text) {
                    Some(kind) => self.name(out, kind, arg),
                    None => json::compact(out, arg.get()),
                }
            }
            out.push(b']');
        });
    }

    fn name(&self, out: &mut Vec<u8>, kind: Kind, value: &RawValue) {
        // What should be a name and is none may still hold one.
        let name = serde_json::from_str::<String>(value.get())
            .map_or_else(|_| Cow::Borrowed(value.get()), Cow::Owned);
        if self.is_private(kind, &name) {
            json::text(out, &self.rules.key.pseudonym(kind, &name));
        } else {
            json::compact(out, value.get());
        }
    }

    /// An error text without the names.
    fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, name, pseudonym) in &self.words {
            text = replace_word(&text, name, pseudonym);
        }
        text
    }
}

/// Writes an object with some values changed; anything else as it is.
fn rewrite(out: &mut Vec<u8>, value: &RawValue, write: impl Fn(&str, &mut Vec<u8>, &RawValue)) {
    let Some(object) = Object::parse(value.get()) else {
        return json::compact(out, value.get());
    };
    let mut writer = ObjectWriter::begin(out);
    for (key, value) in &object.0 {
        write(key, writer.key(key), value);
    }
    writer.end();
}

/// Replaces a name where it stands as a word of its own.
fn replace_word(text: &str, name: &str, with: &str) -> String {
    if name.is_empty() {
        return text.to_owned();
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, found) = rest.split_at(at);
        let after = &found[name.len()..];
        cleaned.push_str(before);
        let goes_on = |c: char| c.is_alphanumeric() || c == '_';
        let is_word = !cleaned.chars().next_back().is_some_and(goes_on)
            && !after.chars().next().is_some_and(goes_on);
        cleaned.push_str(if is_word { with } else { name });
        rest = after;
    }
    cleaned.push_str(rest);
    cleaned
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TAIL: &str = r#""startedAt":"2026-11-22T09:58:10.514Z","completedAt":"2026-11-22T09:58:10.605Z","durationMs":91,"swampVersion":"1","denoVersion":"0.0.0","platform":"linux""#;

    fn rules(names: Names) -> Rules<'static> {
        let key = Box::leak(Box::new(NamesKey::existing_or_random(None).unwrap()));
        Rules { key, names, user: Some("u-1"), spool_repo: None }
    }

    fn entry(invocation: &str, result: &str, more: &str) -> String {
        format!(r#"{{"id":"e-1","invocation":{invocation},"result":{result},{TAIL}{more}}}"#)
    }

    const CALL: &str = r#"{"command":"model","args":["run","<REDACTED>","restart"],"optionKeys":[],"globalOptions":[],"subcommand":"method"}"#;
    const GOOD: &str = r#"{"status":"success","exitCode":0}"#;

    fn sent(rules: &Rules<'_>, stored: &str) -> Value {
        serde_json::from_slice(&rules.event(stored).unwrap().event).unwrap()
    }

    #[test]
    fn what_is_stored_is_sent_as_it_was_written() {
        let stored = entry(
            r#"{"command":"version","args":[],"optionKeys":[],"globalOptions":[],"new":1.50}"#,
            r#"{"status":"weird","exitCode":0,"more":{"z":1,"a":[ ]}}"#,
            r#","repoId":"r-1","future":{"b":12345678901234567890123,"a":1e3,"A":"\u00e9 \/"}"#,
        );
        let pretty = stored.replace(',', ",\n  ").replace(':', ": ");
        // Times hold colons.
        let pretty = pretty.replace("T09: 58: 10", "T09:58:10");
        let event = rules(Names::Hashed).event(&pretty).unwrap().event;
        let compact = stored.replace("[ ]", "[]");
        assert_eq!(
            String::from_utf8(event).unwrap(),
            format!(
                r#"{{"event":"cli_invocation","distinct_id":"u-1","insert_id":"e-1","properties":{},"$repo_id":"r-1"}}}}"#,
                &compact[..compact.len() - 1]
            )
        );
    }

    /// Weakness 13: entries are sent in the name of the repository that happens to send.
    #[test]
    fn the_repository_is_the_entrys() {
        let own = entry(CALL, GOOD, r#","repoId":"r-own","$repo_id":"r-forged""#);
        let old = entry(CALL, GOOD, "");
        let spool = RepoId::new("r-spool");
        let mut rules = rules(Names::Clear);
        rules.spool_repo = Some(&spool);
        assert_eq!(sent(&rules, &own)["properties"]["$repo_id"], "r-own");
        assert_eq!(sent(&rules, &old)["properties"]["$repo_id"], "r-spool");
        rules.user = None;
        assert_eq!(sent(&rules, &own)["distinct_id"], "r-own");
        rules.spool_repo = None;
        assert_eq!(rules.event(&old).unwrap_err(), Unfit::Nameless);
    }

    #[test]
    fn what_is_no_entry_is_told() {
        for text in
            ["", "null", "{}", "[]", "{\"id\": ", &entry(CALL, GOOD, "").replace("2026-11", "x")]
        {
            assert!(matches!(rules(Names::Clear).event(text), Err(Unfit::NoEntry(_))), "{text}");
        }
    }

    /// Weakness 9: private types and their methods count as harmless.
    #[test]
    fn private_types_and_their_methods_go_as_pseudonyms() {
        let context = |model_type: &str| {
            format!(
                r#","workflowContext":{{"workflowName":"nightly","runId":"r","jobName":"j","stepName":"s"{model_type}}}"#
            )
        };
        let failed = |category: &str, message: &str| {
            format!(
                r#"{{"status":"error","exitCode":1,"errorMessage":"{message}","errorCategory":"{category}"}}"#
            )
        };
        let rules = rules(Names::Clear);
        let method = |model_type: &str, result: &str| {
            let sent = sent(&rules, &entry(CALL, result, &context(model_type)));
            sent["properties"]["invocation"]["args"][2].as_str().unwrap().to_owned()
        };
        let own = r#","modelType":"@acme/billing""#;
        let ours = r#","modelType":"command/shell""#;
        let hidden = rules.key.pseudonym(Kind::Method, "restart");
        for (model_type, result, clear) in [
            (ours, GOOD, true),
            (ours, &failed("method", "x"), true),
            (ours, &failed("method_not_found", "x"), false),
            (own, GOOD, false),
            ("", GOOD, false),
        ] {
            let got = method(model_type, result);
            assert_eq!(
                got,
                if clear { "restart" } else { hidden.as_str() },
                "{model_type} {result}"
            );
        }
        let text = failed("method", "No 'restart' of @acme/billing, restarted; @acme/billing2");
        let sent = sent(&rules, &entry(CALL, &text, &context(own)));
        let kind = rules.key.pseudonym(Kind::ModelType, "@acme/billing");
        assert_eq!(sent["properties"]["workflowContext"]["modelType"], json!(kind));
        assert_eq!(sent["properties"]["workflowContext"]["workflowName"], "nightly");
        assert_eq!(
            sent["properties"]["result"]["errorMessage"],
            json!(format!("No '{hidden}' of {kind}, restarted; @acme/billing2"))
        );
    }

    /// Weakness 9: private types count as harmless on the command line.
    #[test]
    fn a_type_on_the_command_line_is_hidden_too() {
        let rules = rules(Names::Clear);
        for (arg, clear) in [("command/shell", true), ("@acme/x", false), ("<REDACTED>", true)] {
            let invocation =
                CALL.replace("\"method\"", "\"create\"").replace("\"run\"", &format!("\"{arg}\""));
            let sent = sent(&rules, &entry(&invocation, GOOD, ""));
            let got = sent["properties"]["invocation"]["args"][0].as_str().unwrap().to_owned();
            assert_eq!(got == arg, clear, "{arg}: {got}");
        }
        let direct = entry(CALL, GOOD, r#","methodContext":{"modelType":"@acme/x"}"#);
        assert!(!sent(&rules, &direct).to_string().contains("acme"));
    }

    /// Weakness 10: names of workflows, jobs and steps are sent in clear, and there is no choice.
    #[test]
    fn names_are_hidden_where_the_user_wants_it() {
        let context = r#","workflowContext":{"workflowName":"acme-w","runId":"r","jobName":"acme-j","stepName":"acme-s-1","stepTemplate":"acme-s-${{ self.i }}","rootWorkflowName":"acme-root","modelType":"command/shell","driver":"raw","depth":1}"#;
        let result =
            r#"{"status":"error","exitCode":1,"errorMessage":"Step acme-s-1 of acme-w failed"}"#;
        let stored = entry(CALL, result, context);
        let clear = sent(&rules(Names::Clear), &stored);
        assert_eq!(clear["properties"]["workflowContext"]["stepName"], "acme-s-1");
        let rules = rules(Names::Hashed);
        let hashed = sent(&rules, &stored);
        assert!(!hashed.to_string().contains("acme"), "{hashed:#}");
        let context = &hashed["properties"]["workflowContext"];
        assert_eq!(context["workflowName"], json!(rules.key.pseudonym(Kind::Workflow, "acme-w")));
        assert_eq!((&context["driver"], &context["runId"]), (&json!("raw"), &json!("r")));
        let keys: Vec<_> = context.as_object().unwrap().keys().collect();
        assert_eq!(keys[..4], ["workflowName", "runId", "jobName", "stepName"]);
    }
}
