//! Sensitive data goes to a vault; what is stored refers to it.

use serde_json::{Map, Value};
use swamp_events::Notice;
use swamp_ident::MethodName;
use swamp_secret::Secret;
use swamp_store::Definition;
use swamp_vault::VaultError;

use crate::schema::SensitiveField;
use crate::secrets::SecretBag;
use crate::types::ResourceSpec;

/// Who stores the data, as its secrets' keys say.
pub(super) struct Producer<'a> {
    pub(super) definition: &'a Definition,
    pub(super) method: &'a MethodName,
    /// What sets the data apart from that of other calls of the method.
    pub(super) suffix: Option<&'a str>,
}

/// A field whose value is in a vault now.
pub(super) struct SetAside {
    field: SensitiveField,
    vault: String,
    key: String,
}

impl SetAside {
    /// The expression that gives the value back.
    fn reference(&self) -> Value {
        let quoted = |text: &str| text.replace('\\', r"\\").replace('\'', r"\'");
        Value::from(format!(
            "${{{{ vault.get('{}', '{}') }}}}",
            quoted(&self.vault),
            quoted(&self.key)
        ))
    }

    /// What is told about it.
    pub(super) fn notice(&self) -> Notice {
        Notice::SecretStored {
            field: self.field.dotted(),
            vault: self.vault.clone(),
            key: self.key.clone(),
        }
    }
}

/// Puts the sensitive fields of a resource into vaults and takes them out of it. To be completed by
/// [`refer`].
pub(super) fn set_aside(
    attributes: &mut Map<String, Value>,
    spec: &ResourceSpec,
    producer: &Producer<'_>,
    secrets: &SecretBag,
) -> Result<Vec<SetAside>, VaultError> {
    let fields: Vec<SensitiveField> = if spec.sensitive_output {
        let whole = |name: &String| {
            let declared = spec.schema.sensitive_fields();
            let known = declared.into_iter().find(|field| field.path == [name.clone()]);
            known.unwrap_or_else(|| SensitiveField {
                path: vec![name.clone()],
                vault: None,
                key: None,
            })
        };
        attributes.keys().map(whole).collect()
    } else {
        spec.schema.sensitive_fields()
    };
    let present: Vec<SensitiveField> =
        fields.into_iter().filter(|field| field.find(attributes).is_some()).collect();
    let all = present.iter().map(|field| format!("'{}'", field.dotted()));
    let all = all.collect::<Vec<_>>().join(", ");
    let mut done = Vec::with_capacity(present.len());
    for field in present {
        let Some(value) = field.find_mut(attributes).map(Value::take) else { continue };
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let key = field.key.clone().unwrap_or_else(|| default_key(&field, producer));
        let wanted = field.vault.as_deref().or(spec.vault.as_deref());
        let vault =
            secrets.store(wanted, &key, &Secret::new(text)).map_err(|error| match error {
                VaultError::NowhereToStore(_) => {
                    VaultError::NowhereToStore(format!("fields {all} are"))
                }
                other => other,
            })?;
        done.push(SetAside { field, vault, key });
    }
    Ok(done)
}

/// Puts references in place of what was set aside.
pub(super) fn refer(attributes: &mut Value, done: &[SetAside]) {
    for item in done {
        let Some((last, parents)) = item.field.path.split_last() else { continue };
        let parent = parents.iter().try_fold(&mut *attributes, |value, key| value.get_mut(key));
        if let Some(Value::Object(parent)) = parent {
            parent.insert(last.clone(), item.reference());
        }
    }
}

/// The key of a field that names none: `<type>-<definition>-<method>-<field>`.
fn default_key(field: &SensitiveField, producer: &Producer<'_>) -> String {
    let mut key = format!(
        "{}/{}/{}/{}",
        producer.definition.type_name,
        producer.definition.id,
        producer.method,
        field.dotted()
    );
    if let Some(suffix) = producer.suffix {
        key.push('-');
        key.push_str(suffix);
    }
    let mut key = key.replace('@', "").replace(['/', '\\'], "-");
    while key.contains("..") {
        key = key.replace("..", ".");
    }
    key
}
