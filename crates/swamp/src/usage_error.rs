//! Mistakes in the command line, in our words.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::ending::{CommandError, ErrorClass};
use crate::exit_code;

/// What to tell about a command line that the parser refused. `path` is the command as far as it is
/// known.
pub(crate) fn explain(error: &clap::Error, path: &[&str]) -> CommandError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            unknown_command(&name, path, text(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let suggested = text(ContextKind::SuggestedArg)
                .map(|option| format!(" Did you mean option \"{option}\"?"));
            let suggested = suggested.unwrap_or_default();
            CommandError::usage(format!("Unknown option \"{argument}\".{suggested}"))
        }
        ErrorKind::UnknownArgument => CommandError {
            class: ErrorClass::TooManyArguments,
            ..CommandError::usage(format!("Too many arguments: {argument}"))
        },
        ErrorKind::MissingRequiredArgument => missing(&argument),
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            if other.is_empty() || other == argument {
                CommandError::usage(format!(
                    "Option \"{}\" can only occur once, but was found several times.",
                    name_of(&argument)
                ))
            } else {
                CommandError::usage(format!("{argument} cannot be combined with {other}."))
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            CommandError::usage(format!("Missing value for option \"{}\".", name_of(&argument)))
        }
        ErrorKind::InvalidValue => {
            let known = text(ContextKind::ValidValue).unwrap_or_default();
            CommandError::usage(format!(
                "\"{value}\" is no value for {argument}. Expected one of: {known}"
            ))
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string);
            let reason = reason.unwrap_or_else(|| "it cannot be read".to_owned());
            CommandError::usage(format!("\"{value}\" is no value for {argument}: {reason}"))
        }
        _ => {
            let rendered = error.to_string();
            let first = rendered.lines().next().unwrap_or_default();
            CommandError::usage(first.trim_start_matches("error: ").to_owned())
        }
    }
}

/// The required arguments that are missing, as the parser lists them: `<name>, --force`.
fn missing(list: &str) -> CommandError {
    let (options, arguments): (Vec<&str>, Vec<&str>) =
        list.split(", ").partition(|argument| argument.starts_with('-'));
    if arguments.is_empty() {
        let name = name_of(options.first().copied().unwrap_or_default());
        return CommandError::usage(format!("Missing required option \"{name}\"."));
    }
    let names: Vec<&str> =
        arguments.iter().map(|name| name.trim_matches(['<', '>', '[', ']', '.'])).collect();
    CommandError::usage(format!("Missing argument(s): {}", names.join(", ")))
}

/// `--input <value>` → `--input`.
fn name_of(argument: &str) -> &str {
    argument.split(' ').next().unwrap_or(argument)
}

fn unknown_command(name: &str, path: &[&str], suggested: Option<String>) -> CommandError {
    let mut error = if path.is_empty() {
        CommandError::usage(format!("Unknown command \"{name}\"."))
    } else {
        CommandError::usage(format!("\"{name}\" is not a subcommand of \"{}\".", path.join(" ")))
    };
    error.exit = exit_code::UNKNOWN_COMMAND;
    let prefix: String = path.iter().map(|word| format!("{word} ")).collect();
    let hint = match (suggested, path) {
        (Some(suggested), _) => format!("Did you mean \"swamp {prefix}{suggested}\"?"),
        // People try the name of a thing where a verb belongs.
        (None, ["model"]) => format!(
            "Did you mean \"swamp model get {name}\" or \"swamp model method run {name} <method>\"?"
        ),
        (None, ["workflow"]) => {
            format!("Did you mean \"swamp workflow get {name}\" or \"swamp workflow run {name}\"?")
        }
        (None, _) => format!("\"swamp {prefix}--help\" lists what there is."),
    };
    error.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn mistakes_are_named_in_one_sentence() {
        for (line, path, want) in [
            ("model get", &["model", "get"][..], "Missing argument(s): model_id_or_name"),
            (
                "model method run",
                &["model", "method", "run"],
                "Missing argument(s): model_id_or_name, method_name",
            ),
            ("model get a b", &["model", "get"], "Too many arguments: b"),
            (
                "model get a --jsn",
                &["model", "get"],
                "Unknown option \"--jsn\". Did you mean option \"--json\"?",
            ),
            ("model get a -p", &["model", "get"], "Unknown option \"-p\"."),
            (
                "model get a --json --json",
                &["model", "get"],
                "Option \"--json\" can only occur once, but was found several times.",
            ),
            ("datastore lock release", &[], "Missing required option \"--force\"."),
            ("telemetry stats --days abc", &[], "\"abc\" is no value for --days <n>: "),
            ("model get a --log-level", &[], "Missing value for option \"--log-level\"."),
        ] {
            let args: Vec<_> = line.split(' ').map(Into::into).collect();
            let error = cli::parse(&mut cli::command_table(), &args).expect_err(line);
            let explained = explain(&error, path);
            assert!(explained.message.starts_with(want), "{line}: {}", explained.message);
            assert_eq!(explained.exit, exit_code::FAILURE, "{line}");
        }
    }

    #[test]
    fn unknown_commands_have_an_exit_code_of_their_own() {
        for (line, path, message, hint) in [
            ("modle search", &[][..], "Unknown command \"modle\".", "\"swamp model\""),
            ("model web", &["model"], "\"web\" is not a subcommand of \"model\".", "model get web"),
            (
                "data xyz",
                &["data"],
                "\"xyz\" is not a subcommand of \"data\".",
                "swamp data --help",
            ),
        ] {
            let args: Vec<_> = line.split(' ').map(Into::into).collect();
            let error = cli::parse(&mut cli::command_table(), &args).expect_err(line);
            let explained = explain(&error, path);
            assert_eq!((explained.exit, &*explained.message), (2, message), "{line}");
            assert!(explained.hint.as_deref().unwrap_or_default().contains(hint), "{line}");
        }
    }
}
