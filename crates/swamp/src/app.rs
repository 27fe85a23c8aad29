//! From the arguments to the exit code: the one way through the program.

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use swamp_ident::{ErrorCategory, Failure, Fault, Phase};
use swamp_secret::Redactor;
use swamp_store::Repository;
use swamp_telemetry::{Outcome, Usage};

use crate::cli::{self, Cli, GlobalOptions};
use crate::command_line::CommandLine;
use crate::commands;
use crate::cx::Cx;
use crate::delivery::{self, Flushing};
use crate::ending::{CommandError, CommandResult, Ending, ErrorClass};
use crate::environment::Environment;
use crate::output::{Level, Mode, Output, Stream};
use crate::panics::Panics;
use crate::pins;
use crate::recorder::{self, Recorder};
use crate::signals::Signals;
use crate::usage_error;

/// Does what the arguments (without the program's name) say and gives the exit code.
pub(crate) fn run(args: &[OsString], panics: &Panics) -> u8 {
    let environment = Environment;
    let (clock, ids) = pins::sources(environment);
    let started = clock.now();
    // Never taken apart: that takes a quarter of the time of a short command, and the process ends.
    let mut table = ManuallyDrop::new(cli::command_table());
    let mut line = CommandLine::read(&table, args);
    let parsed = cli::parse(&mut table, args);
    let colours = !line.has("--no-color") && environment.os("NO_COLOR").is_none();
    let mode = if line.has("--json") { Mode::Json } else { Mode::Log };
    let plain = Output::new(mode, Level::Info, colours, clock.clone());
    let redactor = Redactor::new();

    let (result, recorder) = match parsed {
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            (show_help(&plain, &error), Recorder::off())
        }
        Err(error) => {
            let error = usage_error::explain(&error, &line.path());
            line.allow_declared_words(&table);
            let recorder = if recorder::is_worth_recording(&line, error.exit) {
                Recorder::open(&line, environment, &clock, &ids, started, &redactor)
            } else {
                Recorder::off()
            };
            (Err(error), recorder)
        }
        Ok(cli) if cli.version => (show_version(&plain, &cli, &line), Recorder::off()),
        Ok(cli) => {
            let recorder = Recorder::open(&line, environment, &clock, &ids, started, &redactor);
            let wishes = level(&cli.global, environment, &line)
                .and_then(|level| Ok((level, Flushing::wanted(&line, environment)?)));
            let result = match wishes {
                Ok((level, _)) => {
                    let output = Output::new(mode, level, colours, clock.clone());
                    let global = &cli.global;
                    let recorder = &recorder;
                    let redactor = redactor.clone();
                    let (clock, ids) = (Arc::clone(&clock), Arc::clone(&ids));
                    let signals = Signals::default();
                    if let Some(words) = recorder.last_words() {
                        signals.end_with(words);
                    }
                    let cx =
                        Cx { output, environment, clock, ids, global, redactor, signals, recorder };
                    panics.turn_into_errors(|| {
                        pins::panic_if_wanted(environment, "before");
                        match cli.command {
                            Some(command) => command.run(&cx),
                            None => commands::print_help(&cx),
                        }
                    })
                }
                Err(error) => Err(error),
            };
            (result, recorder)
        }
    };
    let result = result.map_err(|error| error.redacted(&redactor));
    // The user reads the error first; recording comes after. A panic has told of itself already,
    // but not to whoever reads the one document.
    if let Err(error) = &result
        && (plain.is_json() || !error.is_told)
    {
        show_error(&plain, error);
    }
    let (exit, outcome) = summary(&result);
    if let Some(recorded) = recorder.close(outcome)
        && line.path.first().is_none_or(|command| command != "telemetry")
    {
        // A value that makes no sense was refused above.
        let flushing = Flushing::wanted(&line, environment).unwrap_or_default();
        let talks = !line.has("--quiet");
        delivery::after_command(&recorded, flushing, &plain, talks, (&*clock, &*ids));
    }
    exit
}

fn show_help(output: &Output, error: &clap::Error) -> CommandResult {
    if output.is_json() {
        return Err(CommandError::usage("A help text is no JSON document: leave --json out."));
    }
    let help = error.render();
    let colours = output.paint(Stream::Out).is_on();
    let text = if colours { help.ansi().to_string() } else { help.to_string() };
    output.line(text.trim_end());
    Ok(Ending::SUCCESS)
}

fn show_version(output: &Output, cli: &Cli, line: &CommandLine) -> CommandResult {
    if cli.command.is_some() || line.option_count() > 1 {
        let message = "Option \"--version\" cannot be combined with other options.";
        return Err(CommandError::usage(message));
    }
    output.line(format!("swamp {}", commands::VERSION));
    Ok(Ending::SUCCESS)
}

/// The least important records to print: `--quiet`, then `--log-level`, then `SWAMP_LOG_LEVEL`,
/// then the marker.
fn level(
    global: &GlobalOptions,
    environment: Environment,
    line: &CommandLine,
) -> Result<Level, CommandError> {
    if global.quiet {
        return Ok(Level::Error);
    }
    let named = global.log_level.clone().or_else(|| environment.get("SWAMP_LOG_LEVEL"));
    let named = named.or_else(|| {
        // With --json no record is printed, whatever the marker says.
        let reads_marker = !global.json;
        reads_marker.then(|| marker_level(environment, line)).flatten()
    });
    match named {
        None => Ok(Level::Info),
        Some(name) => Level::parse(&name)
            .ok_or_else(|| CommandError::usage(format!("Invalid log level: {name}."))),
    }
}

fn marker_level(environment: Environment, line: &CommandLine) -> Option<String> {
    let cwd = std::env::current_dir().ok()?;
    let variable = environment.get("SWAMP_REPO_DIR");
    // A marker that cannot be read is reported by whoever needs the repository.
    let repository =
        Repository::discover(line.repo_dir.as_deref(), variable.as_deref(), &cwd).ok()?;
    repository.marker().log_level().map(str::to_owned)
}

fn show_error(output: &Output, error: &CommandError) {
    if output.is_json() {
        output.document(&error.to_json());
        return;
    }
    let paint = output.paint(Stream::Err);
    let mut text = format!("{} {}\n", paint.red("Error:"), error.message);
    if let Some(hint) = &error.hint {
        text.push_str(&format!("{} {hint}\n", paint.cyan("Hint:")));
    }
    output.write(Stream::Err, &text);
}

/// The exit code, and what is recorded.
fn summary(result: &CommandResult) -> (u8, Outcome) {
    match result {
        Ok(Ending { exit, failure: None }) => (*exit, Outcome::exit(i32::from(*exit))),
        Ok(Ending { exit, failure: Some(failure) }) => {
            (*exit, Outcome::failure(i32::from(*exit), failure.clone()))
        }
        Err(error) => {
            let exit = i32::from(error.exit);
            let outcome = match error.class {
                ErrorClass::Usage => Outcome::usage(exit, Usage::Invalid, &*error.message),
                ErrorClass::TooManyArguments => {
                    Outcome::usage(exit, Usage::TooManyArguments, &*error.message)
                }
                ErrorClass::User | ErrorClass::Internal => Outcome::failure(exit, failure(error)),
            };
            (error.exit, outcome)
        }
    }
}

fn failure(error: &CommandError) -> Failure {
    let (fault, category) = match error.class {
        ErrorClass::Internal => (Fault::Internal, ErrorCategory::Internal),
        _ => (Fault::User, ErrorCategory::Arguments),
    };
    Failure {
        message: error.message.clone(),
        category: error.category.unwrap_or(category),
        fault,
        phase: Phase::BeforeMethod,
    }
}
