//! What the code of a method gets and gives.

use std::borrow::Cow;

use serde_json::{Map, Value};
use swamp_driver::{
    Cancel, CommandResult, CommandSpec, Driver, DriverError, ResultStyle, is_piece,
};
use swamp_events::{Emitter, EventKind, Notice, OutputStream};
use swamp_ident::{CancelCause, DataName, ErrorCategory, RunId, SpecName};
use swamp_secret::{Redactor, Secret, StreamRedactor};
use zeroize::Zeroizing;

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
    pub(crate) driver_secrets: &'a [(String, Secret)],
    pub(crate) run: Option<&'a RunId>,
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
        /// Whether it may look like anything, whatever the output's schema says.
        free_form: bool,
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

    /// Likewise, if there are any in it.
    pub fn reveal_secret(&self, text: &str) -> Option<Secret> {
        self.secrets.reveal(text)
    }

    /// A shell script in which secrets are references to environment variables, and these
    /// variables.
    pub fn script(&self, text: &str) -> (String, Vec<(String, Secret)>) {
        self.secrets.indirect(text)
    }

    /// What the driver's results are made of.
    pub fn result_style(&self) -> ResultStyle {
        self.driver.style()
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
        spec.secret_env.splice(0..0, self.driver_secrets.iter().cloned());
        spec.run = self.run.cloned();
        let redactor = self.secrets.redactor();
        let tell = |stream, line: &str| {
            let line = line.to_owned();
            self.emitter.emit(EventKind::MethodOutput { stream, line });
        };
        let mut stdout = Lines::new(redactor, OutputStream::Stdout);
        let mut stderr = Lines::new(redactor, OutputStream::Stderr);
        let mut on_line = |stream, line: &str| match stream {
            OutputStream::Stdout => stdout.push(line, &tell),
            OutputStream::Stderr => stderr.push(line, &tell),
        };
        let result = self.driver.run(&spec, self.cancel, &mut on_line);
        stdout.finish(&tell);
        stderr.finish(&tell);
        let mut result = result?;
        for (stream, captured) in
            [(OutputStream::Stdout, &mut result.stdout), (OutputStream::Stderr, &mut result.stderr)]
        {
            let masked = if captured.is_truncated() {
                let (bytes, kept) = (captured.bytes, captured.kept);
                let notice = Notice::OutputTruncated { stream, bytes, kept };
                self.emitter.emit(EventKind::MethodNotice(notice));
                redactor.redact_cut(&captured.text)
            } else {
                redactor.redact(&captured.text)
            };
            if let Cow::Owned(masked) = masked {
                captured.text = masked;
            }
        }
        Ok(result)
    }
}

/// The lines of one output on their way, secrets taken out: also those that span lines, or pieces of
/// long ones.
struct Lines {
    stream: OutputStream,
    redactor: Redactor,
    redacted: StreamRedactor,
    /// The beginning of a line whose end is not told yet.
    begun: String,
}

impl Lines {
    fn new(redactor: &Redactor, stream: OutputStream) -> Self {
        let (redacted, begun) = (redactor.stream(), String::new());
        Self { stream, redactor: redactor.clone(), redacted, begun }
    }

    fn push(&mut self, line: &str, tell: &dyn Fn(OutputStream, &str)) {
        if self.redactor.is_idle() {
            return tell(self.stream, line);
        }
        if is_piece(line) {
            let passed = self.redacted.push(line).into_owned();
            self.pass_on(&passed, tell);
            // A line without end must not fill the memory.
            if is_piece(&self.begun) {
                tell(self.stream, &std::mem::take(&mut self.begun));
            }
            return;
        }
        let mut line = Zeroizing::new(line.to_owned());
        line.push('\n');
        let passed = self.redacted.push(&line);
        self.pass_on(&passed, tell);
    }

    fn pass_on(&mut self, text: &str, tell: &dyn Fn(OutputStream, &str)) {
        let mut rest = text;
        while let Some((line, next)) = rest.split_once('\n') {
            if self.begun.is_empty() {
                tell(self.stream, line);
            } else {
                self.begun.push_str(line);
                tell(self.stream, &std::mem::take(&mut self.begun));
            }
            rest = next;
        }
        self.begun.push_str(rest);
    }

    fn finish(mut self, tell: &dyn Fn(OutputStream, &str)) {
        let rest = std::mem::replace(&mut self.redacted, self.redactor.stream()).finish();
        self.pass_on(&rest, tell);
        if !self.begun.is_empty() {
            tell(self.stream, &self.begun);
        }
    }
}
