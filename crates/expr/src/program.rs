//! A compiled expression.

use crate::context::Context;
use crate::error::ExprError;
use crate::references::References;
use crate::value::Value;

/// A compiled and checked expression. Cloning copies a pointer; evaluation needs no lock.
#[derive(Clone, Debug)]
pub struct Program {
    source: std::sync::Arc<str>,
}

impl Program {
    /// Compiles an expression of definitions and workflows: lists and maps written in it must be of
    /// one type, int and double mix in arithmetic.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let _ = source;
        todo!()
    }

    /// Compiles a predicate or projection of the data query language: lists and maps may mix types,
    /// int and double do not mix in arithmetic. See [`RecordFilter`](crate::RecordFilter).
    pub fn compile_query(source: &str) -> Result<Self, ExprError> {
        let _ = source;
        todo!()
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it refers to. Computed on each call.
    pub fn references(&self) -> References {
        todo!()
    }

    /// Whether it uses `env` or `vault`; cheaper than [`Self::references`].
    pub fn is_runtime(&self) -> bool {
        todo!()
    }

    /// Evaluates it.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Value, ExprError> {
        let _ = context;
        todo!()
    }
}
