//! What the code of a method gets and gives.

use std::borrow::Cow;

use serde_json::{Map, Value};
use swamp_driver::{Cancel, CommandResult, CommandSpec, Driver, DriverError};
use swamp_events::{Emitter, EventKind, Notice, OutputStream};
use swamp_ident::{CancelCause, DataName, ErrorCategory, SpecName};

use crate::secrets::SecretBag;

/// The code of a method.
pub trait MethodBody: Send + Sync {
    /// Does what the method does. What it produces is stored by the caller.
    fn execute(&self, call: &MethodCall<'_>) -> Result<Vec<Produced>, MethodError>;
}

/// A call of a method, with everything its code may use.
pub struct MethodCall<'a> {
    /// Arguments that fit the method's schema. Texts may hold stand-ins for secrets; see
    /// [`MethodCall::reveal`] and [`MethodCall::script`].
    pub arguments: &'a Map<String, Value>,
    /// Global arguments, likewise.
    pub globals: &'a Map<String, Value>,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) cancel: &'a Cancel,
    pub(crate) secrets: &'a SecretBag,
    pub(crate) command_env: &'a [(String, String)],
    pub(crate) emitter: &'a Emitter,
}

/// Data that a method made.
#[derive(Clone, Debug, PartialEq)]
pub enum Produced {
    /// A JSON object.
    Resource {
        /// The output it is.
        spec: SpecName,
        /// What it is called.
        name: DataName,
        /// The object.
        attributes: Map<String, Value>,
    },
    /// Bytes.
    File {
        /// The output it is.
        spec: SpecName,
        /// What it is called.
        name: DataName,
        /// The bytes.
        content: Vec<u8>,
    },
}

/// Why a method did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodError {
    /// It failed.
    Failed {
        /// For people.
        message: String,
        /// What kind of failure.
        category: ErrorCategory,
    },
    /// It was told to stop.
    Cancelled(CancelCause),
}

impl MethodError {
    /// A failure of the method itself.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), category: ErrorCategory::Method }
    }
}

impl MethodCall<'_> {
    /// A text with secrets in place of their stand-ins.
    pub fn reveal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.reveal_text(text)
    }

    /// A shell script in which secrets are references to environment variables, and these
    /// variables.
    pub fn script(&self, text: &str) -> (String, Vec<(String, String)>) {
        self.secrets.indirect(text)
    }

    /// A text with secrets masked, fit to be shown and stored.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.mask(text)
    }

    /// The wall clock, for data.
    pub fn now(&self) -> swamp_ident::Timestamp {
        self.emitter.now().wall
    }

    /// Runs a command through the call's driver. Its lines are told as they come, secrets masked;
    /// what is kept of its output is masked too. Environment variables that every command gets are
    /// added below those of `spec`.
    pub fn run_command(&self, mut spec: CommandSpec) -> Result<CommandResult, DriverError> {
        spec.env.splice(0..0, self.command_env.iter().cloned());
        let mut on_line = |stream, line: &str| {
            let line = self.secrets.mask(line).into_owned();
            self.emitter.emit(EventKind::MethodOutput { stream, line });
        };
        let mut result = self.driver.run(&spec, self.cancel, &mut on_line)?;
        for (stream, captured) in
            [(OutputStream::Stdout, &mut result.stdout), (OutputStream::Stderr, &mut result.stderr)]
        {
            if captured.is_truncated() {
                let (bytes, kept) = (captured.bytes, captured.kept);
                let notice = Notice::OutputTruncated { stream, bytes, kept };
                self.emitter.emit(EventKind::MethodNotice(notice));
            }
            if let Cow::Owned(masked) = self.secrets.mask(&captured.text) {
                captured.text = masked;
            }
        }
        Ok(result)
    }
}
