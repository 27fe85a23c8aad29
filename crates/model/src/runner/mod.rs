//! The one way a method is run.
//!
//! ```text
//! find definition ─ type ─ method ─ inputs        nothing is written until here
//! ModelResolved, EnvWarning
//! evaluate step inputs, evaluate definition       evaluated copy
//! output record "running"                         from here on: record, reports
//! names that vary ─ driver ─ global arguments ─ checks ─ arguments
//! MethodExecuting ─ the method's own code ─ MethodFinished
//! data                                            DataSaved
//! output record "succeeded" | "failed" | "cancelled"
//! reports                                         ReportStarted, ReportCompleted
//! ```

mod arguments;
mod direct;
mod driver;
mod prepare;
mod save;
mod sensitive;
mod stop;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_events::{Emitter, EnvUse, EventKind, MethodRef, ReportScope};
use swamp_ident::{ErrorCategory, ModelName, Moment, OutputId, Phase, Status};
use swamp_secret::MASK;
use swamp_store::{DataArtifact, OutputError, OutputRecord, Provenance, StepProvenance};

pub(crate) use arguments::unknown_arguments;
pub(crate) use direct::call as call_directly;
pub use direct::describe_lock_notice;
pub(crate) use target::unknown_method;

use crate::checks;
use crate::engine::Engine;
use crate::evaluate::has_templates;
use crate::method::MethodCall;
use crate::outcome::{FailureCode, MethodFailure, MethodRun, ReportOutcome, StoredArtifact};
use crate::reports::{self, MethodSummary, ReportOwner};
use crate::request::{Call, MethodRequest, StepCall};
use crate::schema::Schema;
use prepare::Prepared;
use save::Saver;
use stop::Stop;
use target::Target;

/// One call on its way.
pub(crate) struct Run<'a> {
    engine: &'a Engine,
    request: &'a MethodRequest,
    emitter: &'a Emitter,
    /// Where the call's lines go, absolute.
    log_file: Option<PathBuf>,
    call: MethodRef,
    env_uses: Vec<EnvUse>,
    record: Option<Record>,
    artifacts: Vec<StoredArtifact>,
    reports: Vec<ReportOutcome>,
    /// How long the method's own code took.
    duration_ms: u64,
}

/// The output record and its file.
struct Record {
    path: PathBuf,
    output: OutputRecord,
    started: Moment,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        request: &'a MethodRequest,
        emitter: &'a Emitter,
        log_file: Option<PathBuf>,
    ) -> Self {
        let call = MethodRef {
            model: ModelName::new(&request.model),
            model_type: None,
            method: request.method.clone(),
            driver: None,
        };
        let mut run = Self {
            engine,
            request,
            emitter,
            log_file,
            call,
            env_uses: Vec::new(),
            record: None,
            artifacts: Vec::new(),
            reports: Vec::new(),
            duration_ms: 0,
        };
        run.call.driver = Some(run.asked_driver(None));
        run
    }

    pub(crate) fn run(mut self) -> Result<MethodRun, Box<MethodFailure>> {
        let target = match self.target() {
            Ok(target) => target,
            Err(stop) => return Err(self.fail(stop)),
        };
        let prepared = match self.prepare(&target) {
            Ok(prepared) => prepared,
            Err(stop) => return Err(self.fail(stop)),
        };
        if let Err(stop) = self.open_record(&target) {
            return Err(self.fail(stop));
        }
        let outcome = self.execute(&target, &prepared);
        let outcome = match (self.close_record(outcome.as_ref().err()), outcome) {
            (Err(stop), Ok(())) => Err(stop),
            (_, outcome) => outcome,
        };
        self.make_reports(&target, &prepared, outcome.as_ref().err());
        match outcome {
            Ok(()) => Ok(self.finish(&target)),
            Err(stop) => Err(self.fail(stop)),
        }
    }

    /// Finds what is called and tells of it.
    fn target(&mut self) -> Result<Target, Stop> {
        let engine = self.engine;
        let resolved = Target::resolve(engine.definitions(), &engine.parts().types, self.request);
        let (definition, result) = match resolved {
            Ok(target) => (Some(Arc::clone(&target.definition)), Ok(target)),
            Err(rejected) => (rejected.definition, Err(rejected.stop)),
        };
        if let Some(definition) = definition {
            self.call.model = definition.name.clone();
            self.call.model_type = Some(definition.type_name.clone());
            self.call.driver = Some(self.asked_driver(Some(&definition)));
            self.emitter.emit(EventKind::ModelResolved(self.call.clone()));
            self.env_uses = engine.env_uses(&definition);
            if !self.env_uses.is_empty() {
                let (model, uses) = (definition.name.clone(), self.env_uses.clone());
                self.emitter.emit(EventKind::EnvWarning { model, uses });
            }
        }
        result
    }

    const fn step(&self) -> Option<&StepCall> {
        match &self.request.call {
            Call::Direct { .. } => None,
            Call::Step(step) => Some(step),
        }
    }

    /// Writes the output record of a call that begins.
    fn open_record(&mut self, target: &Target) -> Result<(), Stop> {
        if let Some(cause) = self.engine.parts().cancel.cause() {
            return Err(Stop::cancelled(cause, Phase::BeforeMethod));
        }
        let started = self.emitter.now();
        let definition = &target.definition;
        let workflow = self.step().map(|step| StepProvenance {
            workflow_id: step.workflow_id.clone(),
            workflow_run_id: step.run_id.clone(),
            step_name: step.step.clone(),
        });
        let output = OutputRecord {
            id: OutputId::from(self.engine.parts().ids.uuid()),
            definition_id: definition.id.clone(),
            method_name: target.method.name.clone(),
            status: Status::Running,
            started_at: started.wall,
            retry_count: 0,
            provenance: Provenance {
                definition_hash: definition.hash(),
                model_version: target.model_type.version.clone(),
                workflow,
            },
            artifacts: Vec::new(),
            completed_at: None,
            duration_ms: None,
            error: None,
            log_file: self.log_file.as_deref().map(|path| self.engine.paths().relative(path)),
        };
        let path = self.engine.outputs().create(&definition.type_name, &output);
        let path = path.map_err(|error| Stop::store(&error, Phase::BeforeMethod))?;
        self.record = Some(Record { path, output, started });
        Ok(())
    }

    /// Everything between the two states of the output record.
    fn execute(&mut self, target: &Target, prepared: &Prepared) -> Result<(), Stop> {
        let parts = self.engine.parts();
        self.keep_secrets(target, prepared);
        let overrides = &self.request.overrides;
        let suffixes = arguments::suffixes(overrides, &target.model_type, &prepared.inputs)?;
        if suffixes.values().any(|suffix| self.engine.secrets().has_stand_in(suffix)) {
            let message = "A secret cannot be part of a data name: leave it out of 'vary'";
            return Err(Stop::unfit(ErrorCategory::Vary, message));
        }
        let policies = save::policies(&target.model_type, overrides).map_err(|(spec, error)| {
            let message = format!("How data of '{spec}' is kept cannot be read: {error}");
            Stop::unfit(ErrorCategory::Arguments, message)
        })?;
        let driver = self.choose_driver(target, prepared)?;

        let evaluated = &prepared.evaluated;
        let globals = arguments::check_globals(&target.model_type, evaluated.globals())?;
        self.make_checks(target, &globals)?;
        let own = evaluated.arguments(target.method.name.as_str());
        let arguments = arguments::assemble(target, &globals, own, &prepared.replaced)?;
        if let Some(cause) = parts.cancel.cause() {
            return Err(Stop::cancelled(cause, Phase::BeforeMethod));
        }

        self.emitter.emit(EventKind::MethodExecuting(self.call.clone()));
        let began = self.emitter.now();
        let call = MethodCall {
            arguments: &arguments,
            globals: &globals,
            driver: &*driver.configured.driver,
            driver_secrets: &driver.secret_env,
            run: self.step().map(|step| &step.run_id),
            cancel: &parts.cancel,
            secrets: self.engine.secrets(),
            command_env: &parts.command_env,
            emitter: self.emitter,
        };
        let result = target.method.body.execute(&call);
        let ended = self.emitter.now();
        self.duration_ms = ended.millis_since(&began);
        let result = result.map_err(|error| self.masked(Stop::method(error)));
        let told = result.as_ref().map(|_| ()).map_err(|stop| stop.failure.clone());
        self.emitter.emit_at(ended, EventKind::MethodFinished { result: told });

        let saver = Saver {
            data: self.engine.data(),
            ids: &*parts.ids,
            emitter: self.emitter,
            secrets: self.engine.secrets(),
            request: self.request,
            definition: &target.definition,
            model_type: &target.model_type,
            definition_tags: &evaluated.tags(),
            policies,
            suffixes,
        };
        for produced in result? {
            self.artifacts.push(saver.save(produced)?);
        }
        Ok(())
    }

    /// From now on, arguments that their schema calls sensitive are redacted.
    fn keep_secrets(&self, target: &Target, prepared: &Prepared) {
        let secrets = self.engine.secrets();
        let keep = |schema: &Schema, values: &Map<String, Value>| {
            for field in schema.sensitive_fields() {
                if let Some(value) = field.find(values) {
                    secrets.keep_secret(value);
                }
            }
        };
        let globals = prepared.evaluated.globals();
        let own = prepared.evaluated.arguments(target.method.name.as_str());
        if let Some(schema) = &target.model_type.global_arguments {
            keep(schema, &globals);
        }
        for values in [&globals, &own, &prepared.replaced] {
            keep(&target.method.arguments, values);
        }
    }

    fn make_checks(&self, target: &Target, globals: &Map<String, Value>) -> Result<(), Stop> {
        if !target.method.is_mutating() {
            return Ok(());
        }
        let (definition, method) = (&target.definition, &target.method.name);
        let rules = definition.checks.as_ref();
        let selected =
            checks::select(&target.model_type.checks, rules, &self.request.checks, method);
        checks::make_all(&selected, definition.name.as_str(), method, globals)
            .map_err(|message| Stop::unfit(ErrorCategory::Preflight, message))
    }

    /// Writes how the call ended.
    fn close_record(&mut self, stop: Option<&Stop>) -> Result<(), Stop> {
        let Some(record) = &mut self.record else { return Ok(()) };
        let now = self.emitter.now();
        let output = &mut record.output;
        output.completed_at = Some(now.wall);
        output.duration_ms = Some(now.millis_since(&record.started));
        output.status = match stop {
            None => Status::Succeeded,
            Some(Stop { code: Some(FailureCode::Cancelled), .. }) => Status::Cancelled,
            Some(_) => Status::Failed,
        };
        match stop {
            None => output.artifacts = self.artifacts.iter().map(recorded).collect(),
            Some(stop) => {
                let message = self.engine.mask(&stop.failure.message).into_owned();
                output.error = Some(OutputError { message, stack: None });
            }
        }
        let updated = self.engine.outputs().update(&record.path, output);
        updated.map_err(|error| Stop::store(&error, Phase::AfterMethod))
    }

    fn make_reports(&mut self, target: &Target, prepared: &Prepared, stop: Option<&Stop>) {
        let definition = &*target.definition;
        let method = &target.method.name;
        let rules = definition.reports.as_ref();
        let selected =
            reports::select(ReportScope::Method, &self.request.reports, rules, Some(method));
        let mut arguments = prepared.evaluated.shown_arguments(method.as_str());
        let replaced = prepared.shown_replaced.iter();
        arguments.extend(replaced.map(|(name, value)| (name.clone(), value.clone())));
        let mut globals = prepared.evaluated.shown_globals();
        if let Some(schema) = &target.model_type.global_arguments {
            hide(schema, &mut globals);
        }
        hide(&target.method.arguments, &mut arguments);
        let error = stop.map(|stop| self.engine.mask(&stop.failure.message).into_owned());
        for report in selected {
            let (name, scope) = (report.name.to_owned(), report.scope);
            self.emitter.emit(EventKind::ReportStarted { name: name.clone(), scope });
            let summary = MethodSummary {
                definition,
                model_type: &target.model_type,
                method: method.as_str(),
                globals: &globals,
                arguments: &arguments,
                artifacts: &self.artifacts,
                error: error.as_deref(),
            };
            let markdown = self.engine.mask(&summary.markdown()).into_owned();
            let mut json = summary.json();
            self.engine.secrets().redactor().redact_json(&mut json);
            let item = match &self.request.call {
                Call::Step(call) => call.item.as_ref(),
                Call::Direct { .. } => None,
            };
            let owner = ReportOwner {
                type_name: definition.type_name.clone(),
                id: definition.id.clone(),
                variant: item.map(|(_, value)| arguments::vary_text(value)),
            };
            let (result, artifacts) =
                match self.engine.save_report(&owner, report, &markdown, &json) {
                    Ok(artifacts) => (Ok((markdown, json)), artifacts),
                    Err(error) => (Err(error.to_string()), Vec::new()),
                };
            self.emitter.emit(match result.clone() {
                Ok((markdown, json)) => {
                    EventKind::ReportCompleted { name: name.clone(), scope, markdown, json }
                }
                Err(error) => EventKind::ReportFailed { name: name.clone(), scope, error },
            });
            self.reports.push(ReportOutcome { name, scope, result, artifacts });
        }
    }

    fn masked(&self, mut stop: Stop) -> Stop {
        stop.failure.message = self.engine.mask(&stop.failure.message).into_owned();
        stop
    }

    fn finish(self, target: &Target) -> MethodRun {
        let output_id = self.record.map(|record| record.output.id);
        MethodRun {
            definition: Arc::clone(&target.definition),
            call: self.call,
            // There always is one after a success.
            output_id: output_id.unwrap_or_else(|| OutputId::new("")),
            log_file: self.log_file.unwrap_or_default(),
            duration_ms: self.duration_ms,
            artifacts: self.artifacts,
            reports: (!self.request.reports.skip_all).then_some(self.reports),
            env_uses: self.env_uses,
        }
    }

    fn fail(self, stop: Stop) -> Box<MethodFailure> {
        let Stop { failure, code } = self.masked(stop);
        Box::new(MethodFailure {
            failure,
            code,
            call: self.call,
            output_id: self.record.map(|record| record.output.id),
            artifacts: self.artifacts,
            reports: self.reports,
            env_uses: self.env_uses,
        })
    }
}

/// Puts stars in place of sensitive arguments, short ones too. Expressions may be shown.
fn hide(schema: &Schema, values: &mut Map<String, Value>) {
    for field in schema.sensitive_fields() {
        if let Some(value) = field.find_mut(values)
            && !has_templates(value)
        {
            *value = MASK.into();
        }
    }
}

fn recorded(saved: &StoredArtifact) -> DataArtifact {
    let metadata = &saved.version.metadata;
    DataArtifact {
        data_id: metadata.id.clone(),
        name: metadata.name.clone(),
        version: metadata.version,
        tags: metadata.tags.clone(),
    }
}
