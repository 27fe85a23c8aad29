//! What statistics look at in an entry, in a form that is cheap to compare and to add up.

mod dimension;
mod names;

pub use dimension::{Dimension, UnknownDimension};
pub(crate) use names::{NameId, Names};

use swamp_ident::{DriverName, Phase, RunId, TypeName};
use swamp_wire::{ResultStatus, TelemetryEntry, Word};

/// What an entry is counted under: everything it has in common with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The command and sub-command.
    pub(crate) command: NameId,
    of: [NameId; Dimension::ALL.len()],
}

impl Key {
    /// The key of an entry.
    pub(crate) fn of(entry: &TelemetryEntry, names: &mut Names) -> Self {
        let call = &entry.invocation;
        let command = match &call.subcommand {
            Some(subcommand) => names.id(&format!("{} {subcommand}", call.command)),
            None => names.id(&call.command),
        };
        let mut key = Self { command, of: [NameId::ABSENT; Dimension::ALL.len()] };
        let mut set = |dimension: Dimension, name: Option<&str>| {
            key.of[dimension as usize] = names.maybe(name);
        };
        let (step, direct) = (entry.workflow_context.as_ref(), entry.method_context.as_ref());
        if let Some(method) = entry.method() {
            set(Dimension::Method, Some(method));
            let model_type = match step {
                Some(context) => context.model_type.as_ref(),
                None => direct.and_then(|context| context.model_type.as_ref()),
            };
            let driver = match step {
                Some(context) => context.driver.as_ref(),
                None => direct.and_then(|context| context.driver.as_ref()),
            };
            set(Dimension::ModelType, model_type.map(TypeName::as_str));
            set(Dimension::Driver, driver.map(DriverName::as_str));
        }
        if let Some(context) = step {
            let name = context.step_template.as_ref().unwrap_or(&context.step_name);
            set(Dimension::Workflow, Some(context.workflow_name.as_str()));
            set(Dimension::Job, Some(context.job_name.as_str()));
            set(Dimension::Step, Some(name.as_str()));
        }
        set(Dimension::Status, Some(entry.result.status.as_str()));
        if entry.result.status != ResultStatus::Success {
            let category = entry.result.error_category.as_ref().map_or("unknown", Word::as_str);
            set(Dimension::ErrorCategory, Some(category));
        }
        set(Dimension::Platform, Some(&entry.platform));
        set(Dimension::Agent, agent(entry));
        key
    }

    /// The name it has in a dimension.
    pub(crate) const fn get(&self, dimension: Dimension) -> NameId {
        self.of[dimension as usize]
    }

    /// The same with nothing but what is asked for.
    pub(crate) fn only(&self, dimensions: &[Dimension]) -> Self {
        let mut only = Self { command: NameId::ABSENT, of: [NameId::ABSENT; Dimension::ALL.len()] };
        for dimension in dimensions {
            only.of[*dimension as usize] = self.get(*dimension);
        }
        only
    }

    /// The same with nothing but the command.
    pub(crate) fn only_command(&self) -> Self {
        Self { command: self.command, ..self.only(&[]) }
    }

    /// The same with all names that could be many replaced by one.
    pub(crate) fn folded(&self) -> Self {
        let mut folded = Self { command: NameId::OTHER, ..*self };
        for dimension in Dimension::ALL {
            let name = &mut folded.of[dimension as usize];
            *name = match dimension {
                // What kind of entry this is must be told afterwards.
                Dimension::Method | Dimension::Workflow | Dimension::ErrorCategory
                    if *name == NameId::ABSENT =>
                {
                    NameId::ABSENT
                }
                Dimension::Job | Dimension::Step
                    if self.get(Dimension::Workflow) == NameId::ABSENT =>
                {
                    NameId::ABSENT
                }
                Dimension::Driver | Dimension::ModelType if !self.is_call() => NameId::ABSENT,
                Dimension::Status if name.is_status() => *name,
                _ => NameId::OTHER,
            };
        }
        folded
    }

    /// Whether this is a method call, by a workflow or directly.
    pub(crate) fn is_call(&self) -> bool {
        self.get(Dimension::Method) != NameId::ABSENT
    }

    /// Whether this is a command, not something that a command did.
    pub(crate) fn is_command(&self) -> bool {
        self.get(Dimension::Workflow) == NameId::ABSENT
    }

    /// All its names, the command first.
    pub(crate) fn names(&self) -> impl Iterator<Item = NameId> {
        std::iter::once(self.command).chain(self.of)
    }

    /// The key that has these names, if they are as many as it has.
    pub(crate) fn from_names(names: &[NameId]) -> Option<Self> {
        let (command, of) = names.split_first()?;
        Some(Self { command: *command, of: of.try_into().ok()? })
    }
}

/// Who seems to have driven a command: the tool, `unknown` for an agent that does not say, nothing
/// for a person.
fn agent(entry: &TelemetryEntry) -> Option<&str> {
    let context = entry.invocation_context.as_ref()?;
    let unknown = context.agent_session_detected.then_some("unknown");
    context.detected_ai_tool.as_deref().or(unknown)
}

/// How long an entry's method or command ran, in milliseconds; `None` for calls that never reached
/// their method.
pub(crate) fn ran(entry: &TelemetryEntry) -> Option<u64> {
    let of_step = entry.workflow_context.as_ref().and_then(|context| context.phase.as_ref());
    let of_command = entry.method_context.as_ref().and_then(|context| context.phase.as_ref());
    let phase = of_step.or(of_command).and_then(Word::known);
    // Entries of older versions do not tell the phase; there a failure in no time is one before the
    // method.
    let is_call = entry.method().is_some();
    let failed_at_once = entry.result.status != ResultStatus::Success && entry.duration_ms == 0;
    let never_ran =
        is_call && (phase == Some(Phase::BeforeMethod) || (phase.is_none() && failed_at_once));
    (!never_ran).then(|| u64::try_from(entry.duration_ms).unwrap_or(0))
}

/// A run as a number, to count different ones: 48 bits of FNV-1a, which JSON readers keep exactly.
pub(crate) fn run_number(run: &RunId) -> u64 {
    fnv(run.as_str()) >> 16
}

/// FNV-1a with 64 bits.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
