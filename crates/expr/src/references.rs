//! What an expression refers to, read from its tree.

use std::collections::BTreeSet;

use crate::syntax::tree::{Kind, NodeId, Tree};

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
    /// or `file`, or `model.<name>.resource|file|execution`, or `model` used in a way that does not
    /// tell which part of it.
    pub fn is_step_output_dependent(&self) -> bool {
        let output = |model: &ModelUse| match model.fields.first() {
            Some(part) => matches!(part.as_str(), "resource" | "file" | "execution"),
            None => model.name.is_none(),
        };
        !self.data.is_empty() || self.models.iter().any(output)
    }

    /// The first fields used of a root: `inputs.a.b + inputs.c` of `inputs` gives `a`, `c`.
    pub fn fields_of(&self, root: &str) -> BTreeSet<&str> {
        let uses = self.paths.iter().filter(|path| path.root == root);
        uses.filter_map(|path| path.fields.first()).map(String::as_str).collect()
    }

    /// The models referred to by name or id, through `model`, `data` or `file`: what has to be
    /// evaluated before this expression when all definitions are evaluated together.
    pub fn model_names(&self) -> BTreeSet<&str> {
        let by_model = self.models.iter().filter_map(|model| model.name.as_deref());
        let calls = self
            .data
            .iter()
            .filter(|call| !matches!(call.function.as_str(), "findByTag" | "query"));
        let by_data = calls.filter_map(|call| call.arguments.first()?.as_deref());
        by_model.chain(by_data).collect()
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

/// Reads the references of a checked tree.
pub(crate) fn of(tree: &Tree) -> References {
    let mut reader = Reader { tree, found: References::default() };
    reader.visit(tree.root);
    reader.found
}

struct Reader<'t> {
    tree: &'t Tree,
    found: References,
}

/// A chain of fixed fields that is being read.
struct Chain {
    root: String,
    fields: Vec<String>,
    /// Whether the next field still belongs to it; not after a computed one.
    open: bool,
}

impl Chain {
    fn field(mut self, name: &str) -> Self {
        if self.open {
            self.fields.push(name.to_owned());
        }
        self
    }

    fn close(mut self) -> Self {
        self.open = false;
        self
    }
}

impl Reader<'_> {
    fn visit(&mut self, id: NodeId) {
        match &self.tree.node(id).kind {
            Kind::Constant(_) | Kind::Local(_) => {}
            Kind::Name(_) | Kind::Field(..) | Kind::Index(..) | Kind::Has(..) => {
                if let Some(chain) = self.chain(id) {
                    self.record(chain);
                }
            }
            Kind::Unary(_, operand) => self.visit(*operand),
            Kind::Binary(_, left, right) => self.visit_all(&[*left, *right]),
            Kind::Ternary(condition, yes, no) => self.visit_all(&[*condition, *yes, *no]),
            Kind::List(children)
            | Kind::Map(children)
            | Kind::Call { children, .. }
            | Kind::Builtin { children, .. } => self.visit_all(self.tree.children(*children)),
            Kind::Matches { text, .. } => self.visit(*text),
            Kind::Source { function, name, children } => {
                let namespace = function.namespace();
                self.found.roots.insert(namespace.to_owned());
                let arguments = self.tree.children(*children);
                let fixed = |id: &NodeId| self.tree.fixed_text(*id).map(str::to_owned);
                self.found.data.push(DataCall {
                    namespace: namespace.to_owned(),
                    function: self.tree.text(*name).to_owned(),
                    arguments: arguments.iter().map(fixed).collect(),
                });
                self.visit_all(arguments);
            }
            Kind::Secret { vault, key } => {
                self.found.roots.insert("vault".to_owned());
                let fixed = |id: NodeId| self.tree.fixed_text(id).map(str::to_owned);
                self.found.vault.push(VaultCall { vault: fixed(*vault), key: fixed(*key) });
                self.visit_all(&[*vault, *key]);
            }
            Kind::Comprehension(this) => {
                self.visit(this.range);
                for part in [this.test, this.body].into_iter().flatten() {
                    self.visit(part);
                }
            }
            Kind::Bind { init, body } => self.visit_all(&[*init, *body]),
        }
    }

    fn visit_all(&mut self, ids: &[NodeId]) {
        for id in ids {
            self.visit(*id);
        }
    }

    /// The chain that ends in a node, when it starts at a free name; everything else below the node
    /// is visited.
    fn chain(&mut self, id: NodeId) -> Option<Chain> {
        match &self.tree.node(id).kind {
            Kind::Name(name) => {
                let root = self.tree.text(*name).to_owned();
                Some(Chain { root, fields: Vec::new(), open: true })
            }
            Kind::Field(object, name) | Kind::Has(object, name) => {
                let chain = self.chain(*object)?;
                Some(chain.field(self.tree.text(*name)))
            }
            Kind::Index(object, key) => {
                let chain = self.chain(*object);
                if let Some(key) = self.tree.fixed_text(*key) {
                    return Some(chain?.field(key));
                }
                self.visit(*key);
                Some(chain?.close())
            }
            _ => {
                self.visit(id);
                None
            }
        }
    }

    fn record(&mut self, chain: Chain) {
        let Chain { root, fields, .. } = chain;
        match root.as_str() {
            "env" => self.found.env.push(EnvUse { name: fields.first().cloned() }),
            "model" => self.found.models.push(ModelUse {
                name: fields.first().cloned(),
                fields: fields.iter().skip(1).cloned().collect(),
            }),
            _ => {}
        }
        self.found.roots.insert(root.clone());
        self.found.paths.push(PathUse { root, fields });
    }
}

#[cfg(test)]
mod tests {
    use crate::program::Program;

    use super::*;

    fn references(source: &str) -> References {
        Program::compile(source).expect(source).references()
    }

    fn paths(source: &str) -> Vec<String> {
        let path = |path: &PathUse| {
            let mut words = vec![path.root.clone()];
            words.extend(path.fields.iter().cloned());
            words.join("/")
        };
        references(source).paths.iter().map(path).collect()
    }

    #[test]
    fn paths_follow_fixed_fields_from_free_roots() {
        for (source, want) in [
            ("inputs.a.b + inputs[\"c d\"]", vec!["inputs/a/b", "inputs/c d"]),
            ("inputs.list[inputs.n].x", vec!["inputs/n", "inputs/list"]),
            ("has(inputs.a.b)", vec!["inputs/a/b"]),
            ("inputs.list.map(x, x.y + self.z)", vec!["inputs/list", "self/z"]),
            ("cel.bind(x, inputs.a, x.b)", vec!["inputs/a"]),
            ("size(inputs)", vec!["inputs"]),
            ("'inputs.a env.B'", vec![]),
            ("{\"env\": 1}.env", vec![]),
            ("type(1) == int", vec![]),
            ("google.protobuf.Timestamp == type(inputs.t)", vec!["inputs/t"]),
            ("a ? b : -c", vec!["a", "b", "c"]),
            ("model.my-model.input.name", vec!["model/my-model/input/name"]),
        ] {
            assert_eq!(paths(source), want, "{source}");
        }
    }

    #[test]
    fn runtime_is_told_by_the_tree() {
        for (source, runtime) in [
            ("env.HOME", true),
            ("env[\"HOME\"]", true),
            ("inputs.x + env.HOME", true),
            ("vault.get(v, k)", true),
            ("inputs.env.region", false),
            ("self.tags.env", false),
            ("\"env.HOME\"", false),
            ("inputs.list.map(env, env.x)", false),
            ("data.latest(\"m\", \"d\")", false),
        ] {
            assert_eq!(references(source).is_runtime(), runtime, "{source}");
            assert_eq!(Program::compile(source).expect(source).is_runtime(), runtime, "{source}");
        }
    }

    #[test]
    fn env_and_vault_uses_are_listed() {
        let found = references("env.A + env[\"B\"] + env[inputs.c] + vault.get(v-1, a/b)");
        let names: Vec<Option<&str>> = found.env.iter().map(|one| one.name.as_deref()).collect();
        assert_eq!(names, [Some("A"), Some("B"), None]);
        let call = VaultCall { vault: Some("v-1".to_owned()), key: Some("a/b".to_owned()) };
        assert_eq!(found.vault, [call]);
        let computed = references("vault.get(\"v\", string(inputs.k))");
        assert_eq!(computed.vault[0].key, None);
    }

    #[test]
    fn models_and_data_order_the_evaluation() {
        let found = references(
            "model.a.input.x + model[\"b\"].definition.y + data.latest(\"c\", \"d\").attributes.e + \
             file.contents(\"f\", \"g\") + data.findByTag(\"k\", \"v\")[0].name + data.latest(inputs.m, \"d\").id",
        );
        assert_eq!(found.model_names().into_iter().collect::<Vec<_>>(), ["a", "b", "c", "f"]);
    }

    #[test]
    fn step_outputs() {
        for (source, dependent) in [
            ("model.a.input.name", false),
            ("model.a.resource.out.x", true),
            ("model.my-model.file.log", true),
            ("model[inputs.m].resource.out", true),
            ("data.latest(\"m\", \"d\") == null", true),
            ("data.query(\"true\")", true),
            ("file.contents(\"m\", \"f\")", true),
            ("inputs.data.latest", false),
            ("\"data.latest(\"", false),
        ] {
            assert_eq!(references(source).is_step_output_dependent(), dependent, "{source}");
        }
    }
}
