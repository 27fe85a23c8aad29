//! Fields that a schema calls sensitive: `sensitive: true` beside their type, and with it, for data,
//! `vaultName` and `vaultKey`.

use serde_json::{Map, Value};

/// A field that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SensitiveField {
    /// The keys that lead to it.
    pub(crate) path: Vec<String>,
    /// The vault its value goes to.
    pub(crate) vault: Option<String>,
    /// The key in that vault.
    pub(crate) key: Option<String>,
}

impl SensitiveField {
    /// Its path as people write it.
    pub(crate) fn dotted(&self) -> String {
        self.path.join(".")
    }

    /// Its place in an object, if there is something.
    pub(crate) fn find<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v Value> {
        let (first, rest) = self.path.split_first()?;
        let found = rest.iter().try_fold(object.get(first)?, |value, key| value.get(key))?;
        (!found.is_null()).then_some(found)
    }

    /// Likewise, to change it.
    pub(crate) fn find_mut<'v>(&self, object: &'v mut Map<String, Value>) -> Option<&'v mut Value> {
        let (first, rest) = self.path.split_first()?;
        let found =
            rest.iter().try_fold(object.get_mut(first)?, |value, key| value.get_mut(key))?;
        (!found.is_null()).then_some(found)
    }
}

/// The sensitive fields of an object with this schema, in its order.
pub(super) fn fields(schema: &Value) -> Vec<SensitiveField> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<SensitiveField>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        path.push(name.clone());
        if property.get("sensitive") == Some(&Value::Bool(true)) {
            let text = |key: &str| property.get(key).and_then(Value::as_str).map(str::to_owned);
            found.push(SensitiveField {
                path: path.clone(),
                vault: text("vaultName"),
                key: text("vaultKey"),
            });
        } else {
            collect(property, path, found);
        }
        path.pop();
    }
}
