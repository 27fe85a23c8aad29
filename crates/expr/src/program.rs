//! A compiled expression.

use std::sync::Arc;

use crate::check::{self, Dialect};
use crate::context::Context;
use crate::error::ExprError;
use crate::eval;
use crate::references::{self, References};
use crate::syntax::tree::{Binary, Kind, Tree};
use crate::syntax::{Fault, parser};
use crate::value::Value;

/// A compiled and checked expression. Cloning copies a pointer; evaluation needs no lock.
#[derive(Clone, Debug)]
pub struct Program {
    tree: Arc<Tree>,
}

impl Program {
    /// Compiles an expression of definitions and workflows: lists and maps written in it must be of
    /// one type, int and double mix in arithmetic.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        Self::compile_as(source, Dialect::Document)
    }

    /// Compiles a predicate or projection of the data query language: lists and maps may mix types,
    /// int and double do not mix in arithmetic. See [`RecordFilter`](crate::RecordFilter).
    pub fn compile_query(source: &str) -> Result<Self, ExprError> {
        Self::compile_as(source, Dialect::Query)
    }

    fn compile_as(source: &str, dialect: Dialect) -> Result<Self, ExprError> {
        let source: Arc<str> = source.into();
        let located = |fault| locate(fault, &source);
        let mut tree = parser::parse(&source).map_err(located)?;
        check::check(&mut tree, dialect).map_err(located)?;
        Ok(Self { tree: Arc::new(tree) })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.tree.source
    }

    /// What it refers to. Computed on each call.
    pub fn references(&self) -> References {
        references::of(&self.tree)
    }

    /// Whether it uses `env` or `vault`; cheaper than [`Self::references`].
    pub fn is_runtime(&self) -> bool {
        self.tree.runtime
    }

    /// The text, when the expression is a quoted text: `"" + "text"`, see
    /// [`Substitution::persistable`](crate::Substitution::persistable).
    pub fn quoted_text(&self) -> Option<&str> {
        match self.tree.node(self.tree.root).kind {
            Kind::Binary(Binary::Add, left, right) if self.tree.fixed_text(left) == Some("") => {
                self.tree.fixed_text(right)
            }
            _ => None,
        }
    }

    /// Evaluates it.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Value, ExprError> {
        eval::evaluate(&self.tree, context).map_err(|fault| locate(fault, &self.tree.source))
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }
}

fn locate(fault: Fault, source: &Arc<str>) -> ExprError {
    let (kind, at) = fault.into_parts();
    ExprError::new(kind, source, at)
}
