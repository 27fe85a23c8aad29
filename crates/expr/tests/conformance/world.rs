//! What the expressions of the table see.

use serde_json::{Value as Json, json};
use swamp_expr::{
    Context, DataSource, EnvSource, ModelSource, SecretError, SecretSource, SourceError, Value,
};

/// Data, models, environment and secrets that are always the same.
#[derive(Debug, Default)]
pub(crate) struct World;

impl World {
    /// A context with everything there is.
    pub(crate) fn context(&self) -> Context<'_> {
        let inputs = json!({
            "s": "hello", "n": 5, "f": 2.5, "b": true, "nul": null, "neg": -3, "numstr": "42",
            "emptystr": "", "list": [1, 2, 3], "strs": ["a", "b", "c"], "mixed": [1, "a", true],
            "empty": [], "obj": {"a": 1, "b-c": "dash", "nested": {"deep": "x"}},
            "objs": [{"k": "x", "v": 1}, {"k": "y", "v": 2}], "my-key": "mk", "package": "pk",
            "in": "inn",
        });
        let own = json!({"name": "me", "version": 3, "tags": {"env": "prod"}});
        Context::new()
            .with("inputs", Value::from_json(&inputs))
            .with("self", Value::from_json(&own))
            .with_data(self)
            .with_models(self)
            .with_env(self)
            .with_secrets(self)
    }
}

type Found<T> = Result<T, SourceError>;

fn value(json: &Json) -> Value {
    Value::from_json(json)
}

impl DataSource for World {
    fn latest(&self, _model: &str, name: &str, vary: &[String]) -> Found<Option<Value>> {
        let record = json!({"attributes": {"x": 1}, "version": 2, "vary": vary});
        Ok((name != "missing").then(|| value(&record)))
    }

    fn version(&self, _: &str, name: &str, vary: &[String], version: i64) -> Found<Option<Value>> {
        Ok((name != "missing").then(|| value(&json!({"version": version, "vary": vary}))))
    }

    fn list_versions(&self, _model: &str, name: &str, _vary: &[String]) -> Found<Vec<i64>> {
        Ok(if name == "missing" { Vec::new() } else { vec![1, 2] })
    }

    fn find_by_tag(&self, key: &str, tag: &str) -> Found<Vec<Value>> {
        Ok(vec![value(&json!({"name": key, "tags": {key: tag}}))])
    }

    fn find_by_spec(&self, model: &str, spec: &str) -> Found<Vec<Value>> {
        match model {
            "broken" => Err(SourceError::Failed(format!("{spec} cannot be read"))),
            _ => Ok(vec![value(&json!({"modelName": model, "specName": spec}))]),
        }
    }

    fn query(&self, predicate: &str, select: Option<&str>) -> Found<Vec<Value>> {
        let filter = swamp_expr::RecordFilter::compile(predicate, select)?;
        let records = [
            json!({"name": "a", "isLatest": true, "size": 10}),
            json!({"name": "b", "isLatest": true, "size": 20}),
            json!({"name": "a", "isLatest": false, "size": 5}),
        ];
        let matching = records.iter().filter(|record| filter.matches(record));
        Ok(matching.map(|record| value(&filter.project(record))).collect())
    }

    fn file_contents(&self, model: &str, spec: &str) -> Found<Option<String>> {
        Ok((spec != "missing").then(|| format!("{model}/{spec}")))
    }
}

impl ModelSource for World {
    fn model(&self, name_or_id: &str) -> Found<Option<Value>> {
        let model = json!({
            "input": {"name": "my-model"},
            "definition": {"globalArguments": {"a": 1}},
        });
        Ok((name_or_id == "my-model").then(|| value(&model)))
    }

    fn keys(&self) -> Found<Vec<String>> {
        Ok(vec!["my-model".to_owned()])
    }
}

impl EnvSource for World {
    fn var(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/h".to_owned())
    }

    fn names(&self) -> Vec<String> {
        vec!["HOME".to_owned()]
    }
}

impl SecretSource for World {
    fn get(&self, vault: &str, key: &str) -> Result<String, SecretError> {
        match vault {
            "v" => Ok(format!("secret:{key}")),
            _ => Err(SecretError(format!("Vault '{vault}' not found. Available vaults: v."))),
        }
    }
}
