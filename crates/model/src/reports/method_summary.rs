//! `@swamp/method-summary`: how one method run went.

use serde_json::{Map, Value, json};
use swamp_store::Definition;

use crate::outcome::StoredArtifact;
use crate::types::{ModelType, OutputSpec};

/// What the report is made from.
pub(crate) struct MethodSummary<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) model_type: &'a ModelType,
    pub(crate) method: &'a str,
    /// Global arguments and arguments as they may be shown.
    pub(crate) globals: &'a Map<String, Value>,
    pub(crate) arguments: &'a Map<String, Value>,
    /// What was stored; only looked at after a success.
    pub(crate) artifacts: &'a [StoredArtifact],
    pub(crate) error: Option<&'a str>,
}

impl MethodSummary<'_> {
    fn title(&self) -> String {
        let definition = self.definition;
        format!("{} on {} ({})", self.method, definition.name, definition.type_name)
    }

    fn status(&self) -> &'static str {
        if self.error.is_some() { "failed" } else { "succeeded" }
    }

    fn artifacts(&self) -> &[StoredArtifact] {
        if self.error.is_some() { &[] } else { self.artifacts }
    }

    fn narrative(&self) -> String {
        let title = self.title();
        if let Some(error) = self.error {
            return format!("{title} failed: {error}");
        }
        // By output, in the order in which each was first written.
        let mut groups: Vec<(&StoredArtifact, usize)> = Vec::new();
        for artifact in self.artifacts() {
            match groups.iter_mut().find(|(first, _)| first.spec == artifact.spec) {
                Some((_, count)) => *count += 1,
                None => groups.push((artifact, 1)),
            }
        }
        if groups.is_empty() {
            return format!("{title} succeeded with no data output.");
        }
        let groups: Vec<String> = groups
            .into_iter()
            .map(|(first, count)| {
                let plural = if count == 1 { "" } else { "s" };
                format!("{count} {}{plural} ({})", first.kind.as_str(), first.spec)
            })
            .collect();
        format!("{title} succeeded, producing {}.", groups.join(", "))
    }

    fn command(&self, artifact: &StoredArtifact) -> String {
        let name = &artifact.artifact.name;
        format!(
            "swamp data get {} {} --version {}",
            shell_word(self.definition.name.as_str()),
            shell_word(name.as_str()),
            artifact.artifact.version
        )
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut report = Map::new();
        let mut put = |key: &str, value: Value| report.insert(key.to_owned(), value);
        put("status", json!(self.status()));
        if let Some(error) = self.error {
            put("error", json!(error));
        }
        put("modelId", json!(self.definition.id));
        put("modelName", json!(self.definition.name));
        put("modelType", json!(self.definition.type_name));
        put("methodName", json!(self.method));
        put("narrative", json!(self.narrative()));
        put("globalArgs", Value::Object(self.globals.clone()));
        put("methodArgs", Value::Object(self.arguments.clone()));
        let outputs = &self.model_type.outputs;
        if !outputs.is_empty() {
            put(
                "outputSpecs",
                outputs.iter().map(OutputSpec::summarise).map(Value::Object).collect(),
            );
        }
        let produced = self.artifacts().iter().map(|artifact| {
            json!({
                "name": artifact.artifact.name,
                "kind": artifact.kind.as_str(),
                "specName": artifact.spec,
                "version": artifact.artifact.version,
                "retrievalCommand": self.command(artifact),
            })
        });
        put("dataProduced", produced.collect());
        Value::Object(report)
    }

    /// For people.
    pub(crate) fn markdown(&self) -> String {
        let definition = self.definition;
        let mut blocks = vec![
            format!(
                "# {} ({}) → {}: {}",
                definition.name,
                definition.type_name,
                self.method,
                self.status()
            ),
            self.narrative(),
        ];
        if let Some(error) = self.error {
            blocks.extend(["## Error".to_owned(), error.to_owned()]);
        }
        blocks.push("## Arguments".to_owned());
        for (title, arguments) in
            [("**Global Arguments**", self.globals), ("**Method Arguments**", self.arguments)]
        {
            if !arguments.is_empty() {
                blocks.extend([title.to_owned(), fenced_json(arguments)]);
            }
        }
        if self.globals.is_empty() && self.arguments.is_empty() {
            blocks.push("No arguments.".to_owned());
        }
        if !self.artifacts().is_empty() {
            let mut rows = vec![
                "| Name | Kind | Retrieval Command |".to_owned(),
                "| ---- | ---- | ----------------- |".to_owned(),
            ];
            for artifact in self.artifacts() {
                let (name, kind) = (&artifact.artifact.name, artifact.kind.as_str());
                let command = self.command(artifact);
                rows.push(format!("| **{name}** | {kind} | `{command}` |"));
            }
            blocks.extend(["## Data Output".to_owned(), rows.join("\n")]);
            return blocks.join("\n\n");
        }
        // Without the table the text ends with a line feed; programs compare these files.
        blocks.join("\n\n") + "\n"
    }
}

fn fenced_json(map: &Map<String, Value>) -> String {
    let text = format!("{:#}", Value::Object(map.clone()));
    // The fence must be longer than any in the text.
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}json\n{text}\n{fence}")
}

/// A word as one can paste it into a shell.
fn shell_word(word: &str) -> String {
    let is_plain =
        |character: char| character.is_alphanumeric() || "_-./:@%+=,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (word, want) in [
            ("result-eu", "result-eu"),
            ("@acme/x", "@acme/x"),
            ("echo one", "'echo one'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), want);
        }
    }

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        let mut map = Map::new();
        map.insert("run".to_owned(), json!("echo '```'"));
        assert!(fenced_json(&map).starts_with("````json\n"));
    }
}
