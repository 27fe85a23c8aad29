//! Names people choose, one type per kind of thing.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text cannot be the name of a definition or workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must have at least one character")]
    Empty,
    /// The text could leave its directory, or is not a scoped name although it has a slash.
    #[error(
        "a name must not contain '..', '\\' or null bytes (path traversal); '/' is only allowed in scoped @collective/name patterns"
    )]
    Unsafe,
}

/// Checks the rule that definition and workflow names share: not empty, no `..`, backslash or NUL,
/// and `/` only in `@collective/name[/…]` with segments of `[a-z0-9_-]`.
pub fn check_entity_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.contains("..") || text.contains(['\\', '\0']) {
        return Err(NameError::Unsafe);
    }
    if text.contains('/') && !is_scoped(text) {
        return Err(NameError::Unsafe);
    }
    Ok(())
}

fn is_scoped(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('@') else {
        return false;
    };
    let segments: Vec<&str> = rest.split('/').collect();
    segments.len() >= 2
        && segments.iter().all(|segment| {
            !segment.is_empty()
                && segment
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Wraps a text as it stands.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($type), &*self.0)
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.as_str().to_owned()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }
    };
}

name! {
    /// The name of a workflow, unique in its repository.
    WorkflowName
}
name! {
    /// The name of a job inside a workflow.
    JobName
}
name! {
    /// The name of a step inside a job, after `forEach` expansion unless said otherwise.
    StepName
}
name! {
    /// The name of a definition: an instance of a model type.
    ModelName
}
name! {
    /// The name of a method of a model type.
    MethodName
}
name! {
    /// The name of an execution driver, such as `raw`.
    DriverName
}
name! {
    /// The name of an output specification of a model type, such as `result`.
    SpecName
}
name! {
    /// The name of a data item of a model, such as `result` or `result-eu`.
    DataName
}

/// The name of a model type in its normal form, such as `command/shell` or `@acme/server`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TypeName(Arc<str>);

impl TypeName {
    /// Brings a text into normal form: trimmed, lower case, with `::`, `.` and runs of white space
    /// or slashes as one `/`.
    pub fn normalised(text: &str) -> Self {
        let lowered = text.trim().to_lowercase().replace("::", "/");
        let mut normal = String::with_capacity(lowered.len());
        for character in lowered.chars() {
            let character =
                if character.is_whitespace() || character == '.' { '/' } else { character };
            if character == '/' && normal.ends_with('/') {
                continue;
            }
            normal.push(character);
        }
        Self(Arc::from(normal.trim_matches('/')))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the type belongs to a collective (`@collective/…`) rather than to this program.
    pub fn is_scoped(&self) -> bool {
        self.0.starts_with('@')
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeName({:?})", &*self.0)
    }
}

impl From<String> for TypeName {
    fn from(text: String) -> Self {
        Self::normalised(&text)
    }
}

impl From<&str> for TypeName {
    fn from(text: &str) -> Self {
        Self::normalised(text)
    }
}

impl From<TypeName> for String {
    fn from(name: TypeName) -> Self {
        name.as_str().to_owned()
    }
}

impl AsRef<str> for TypeName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_have_one_normal_form() {
        for (given, want) in [
            ("command/shell", "command/shell"),
            (" COMMAND::shell ", "command/shell"),
            ("command.shell", "command/shell"),
            ("/a//b/", "a/b"),
            ("my  type", "my/type"),
            ("@Acme/Server", "@acme/server"),
        ] {
            assert_eq!(TypeName::normalised(given).as_str(), want, "{given:?}");
        }
    }

    #[test]
    fn entity_names_cannot_leave_their_directory() {
        for good in ["a", "My Flow", "@acme/x", "@acme/x/y-z", "a:b", "ä"] {
            assert_eq!(check_entity_name(good), Ok(()), "{good:?}");
        }
        assert_eq!(check_entity_name(""), Err(NameError::Empty));
        for bad in ["a/b", "..", "a..b", "a\\b", "a\0", "@acme", "@acme/", "@Acme/x", "@a//b"] {
            // "@acme" has no slash and is therefore an ordinary name.
            let want = if bad == "@acme" { Ok(()) } else { Err(NameError::Unsafe) };
            assert_eq!(check_entity_name(bad), want, "{bad:?}");
        }
    }
}
