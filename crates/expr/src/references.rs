//! What an expression refers to, read from its tree.

use std::collections::BTreeSet;

/// Everything an expression refers to outside itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Free root names: `inputs`, `self`, `data`, `env`, `vault`, …
    pub roots: BTreeSet<String>,
    /// Every chain of fixed fields from a free root, in source order: `inputs.a["b"]` is root
    /// `inputs`, fields `a`, `b`. A bare root has no fields.
    pub paths: Vec<PathUse>,
    /// `env.NAME` and `env["NAME"]`, in source order.
    pub env: Vec<EnvUse>,
    /// Calls of `vault.get`.
    pub vault: Vec<VaultCall>,
    /// Calls of functions of `data` and `file`.
    pub data: Vec<DataCall>,
    /// Uses of `model`.
    pub models: Vec<ModelUse>,
}

/// A chain of fixed fields from a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathUse {
    /// The root variable.
    pub root: String,
    /// The fields after it, as far as they are fixed.
    pub fields: Vec<String>,
}

/// A use of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvUse {
    /// The variable, `None` when it is computed or the environment is used as a whole.
    pub name: Option<String>,
}

/// A call of `vault.get`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultCall {
    /// The vault, `None` when computed.
    pub vault: Option<String>,
    /// The key, `None` when computed.
    pub key: Option<String>,
}

/// A call such as `data.latest("m", "d")` or `file.contents("m", "f")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCall {
    /// `data` or `file`.
    pub namespace: String,
    /// `latest`, `version`, `listVersions`, `findByTag`, `findBySpec`, `query`, `contents`.
    pub function: String,
    /// The arguments; `None` where an argument is not a fixed text.
    pub arguments: Vec<Option<String>>,
}

/// A use of another model, such as `model.web.input.name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    /// Name or id, `None` when computed or `model` is used as a whole.
    pub name: Option<String>,
    /// The fields after the name (`input`, `name`), as far as they are fixed.
    pub fields: Vec<String>,
}

impl References {
    /// Whether `env` or `vault` is used: such an expression is resolved only while a method is
    /// about to run, and its value is never written to an evaluated copy.
    pub fn is_runtime(&self) -> bool {
        self.roots.contains("env") || self.roots.contains("vault")
    }

    /// Whether the value may depend on what earlier steps of a run produced: any function of `data`
    /// or `file`, or `model.<name>.resource|file|execution`.
    pub fn is_step_output_dependent(&self) -> bool {
        todo!()
    }

    /// The first fields used of a root: `inputs.a.b + inputs.c` of `inputs` gives `a`, `c`.
    pub fn fields_of(&self, root: &str) -> BTreeSet<&str> {
        let uses = self.paths.iter().filter(|path| path.root == root);
        uses.filter_map(|path| path.fields.first()).map(String::as_str).collect()
    }

    /// The models referred to by name or id, through `model`, `data` or `file`: what has to be
    /// evaluated before this expression when all definitions are evaluated together.
    pub fn model_names(&self) -> BTreeSet<&str> {
        todo!()
    }

    /// Adds the references of another expression.
    pub fn merge(&mut self, other: &Self) {
        self.roots.extend(other.roots.iter().cloned());
        self.paths.extend(other.paths.iter().cloned());
        self.env.extend(other.env.iter().cloned());
        self.vault.extend(other.vault.iter().cloned());
        self.data.extend(other.data.iter().cloned());
        self.models.extend(other.models.iter().cloned());
    }
}
