//! The command line as the command table understands it, whether or not the parser accepts it.
//!
//! Telemetry records which command and which declared options were used, also for command lines
//! that are refused, and never a word of the user. So the words are taken from the table: a token
//! is a command or an option only if the table declares it there; everything else is an argument or
//! a value and is only counted. A test holds the result against the parser's own.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;
use swamp_telemetry::CommandWords;

/// What a command line says, as far as it can be understood.
#[derive(Debug)]
pub(crate) struct CommandLine {
    /// The command: `["model", "method", "run"]`.
    pub(crate) path: Vec<String>,
    /// The words for telemetry.
    pub(crate) words: CommandWords,
    /// Declared options that were given, by their long names.
    options: Vec<String>,
    /// The value of `--repo-dir`.
    pub(crate) repo_dir: Option<PathBuf>,
    /// The value of `--telemetry-flush`.
    pub(crate) telemetry_flush: Option<String>,
    /// Arguments after the command.
    arguments: Vec<String>,
}

/// A declared option.
struct Declared {
    name: String,
    takes_value: bool,
    hyphen_values: bool,
    negative_numbers: bool,
}

impl Declared {
    /// Whether a following argument is this option's value.
    fn takes(&self, next: &str) -> bool {
        let is_number = self.negative_numbers && next.parse::<f64>().is_ok();
        self.takes_value && (self.hyphen_values || is_number || !next.starts_with('-'))
    }
}

impl CommandLine {
    /// Reads the arguments after the program's name.
    pub(crate) fn read(table: &Command, args: &[OsString]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let mut reader = Reader { table, at: table, path: Vec::new(), found: Vec::new() };
        reader.read(&args);
        let Reader { path, found, .. } = reader;
        let mut line = Self {
            words: CommandWords::new(path.iter().map(String::as_str)),
            path,
            options: Vec::new(),
            repo_dir: None,
            telemetry_flush: None,
            arguments: Vec::new(),
        };
        for item in found {
            line.add(item);
        }
        line
    }

    fn add(&mut self, item: Found) {
        let words = std::mem::take(&mut self.words);
        self.words = match item {
            Found::Argument(text) => {
                let words = words.argument(&text);
                self.arguments.push(text);
                words
            }
            Found::Option { name, value } => {
                let mut words = words.option(&name);
                if let Some(value) = value {
                    words = words.private_word(&value);
                    match name.as_str() {
                        "--repo-dir" => self.repo_dir = Some(PathBuf::from(value)),
                        "--telemetry-flush" => self.telemetry_flush = Some(value),
                        _ => {}
                    }
                }
                self.options.push(name);
                words
            }
            Found::Unknown(text) => words.unknown_option(&text),
        };
    }

    /// Lets the error text of a refused command line name what the table declares for its command:
    /// a missing argument, an option that was probably meant.
    pub(crate) fn allow_declared_words(&mut self, table: &Command) {
        let below = |at: &Command, name: &String| at.find_subcommand(name).cloned();
        let command =
            self.path.iter().try_fold(table.clone(), |at, name| below(&at, name).ok_or(()));
        for argument in command.iter().chain([table]).flat_map(Command::get_arguments) {
            let names = argument.get_value_names().unwrap_or_default();
            let options = argument.get_long().map(|long| format!("--{long}"));
            for word in names.iter().map(ToString::to_string).chain(options) {
                self.words = std::mem::take(&mut self.words).declared_word(&word);
            }
        }
    }

    /// Whether a declared option was given, by its long name with dashes.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|name| name == option)
    }

    /// How many options were given.
    pub(crate) fn option_count(&self) -> usize {
        self.options.len()
    }

    /// The command's path as texts.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

enum Found {
    Argument(String),
    Option { name: String, value: Option<String> },
    Unknown(String),
}

struct Reader<'a> {
    table: &'a Command,
    at: &'a Command,
    path: Vec<String>,
    found: Vec<Found>,
}

impl Reader<'_> {
    fn read(&mut self, args: &[String]) {
        let mut rest = args.iter();
        let mut plain = false;
        while let Some(arg) = rest.next() {
            if plain {
                self.found.push(Found::Argument(arg.clone()));
            } else if arg == "--" {
                plain = true;
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let declared = self.declared(|option| option.get_long() == Some(name));
                let following = rest.as_slice().first();
                if self.option(arg, declared, value, following) {
                    rest.next();
                }
            } else if arg.len() > 1 && arg.starts_with('-') {
                if self.cluster(arg, rest.as_slice().first()) {
                    rest.next();
                }
            } else {
                self.word(arg);
            }
        }
    }

    /// A cluster of short options: `-qv`. Tells whether the next argument was used up as a value.
    fn cluster(&mut self, arg: &str, following: Option<&String>) -> bool {
        for (at, letter) in arg.char_indices().skip(1) {
            let Some(declared) = self.declared(|option| option.get_short() == Some(letter)) else {
                self.found.push(Found::Unknown(arg.to_owned()));
                return false;
            };
            let after = &arg[at + letter.len_utf8()..];
            if declared.takes_value {
                let value = (!after.is_empty()).then(|| after.trim_start_matches('=').to_owned());
                return self.option(arg, Some(declared), value, following);
            }
            self.found.push(Found::Option { name: declared.name, value: None });
        }
        false
    }

    /// One option. Tells whether the next argument was used up as its value.
    fn option(
        &mut self,
        typed: &str,
        declared: Option<Declared>,
        value: Option<String>,
        following: Option<&String>,
    ) -> bool {
        let Some(declared) = declared else {
            self.found.push(Found::Unknown(typed.to_owned()));
            return false;
        };
        let next = following.filter(|next| value.is_none() && declared.takes(next)).cloned();
        let used_up = next.is_some();
        self.found.push(Found::Option { name: declared.name, value: value.or(next) });
        used_up
    }

    /// A word: a subcommand, or an argument.
    fn word(&mut self, word: &str) {
        let is_first = !self.found.iter().any(|item| matches!(item, Found::Argument(_)));
        let subcommand = self.at.get_subcommands().find(|subcommand| {
            subcommand.get_name() == word || subcommand.get_all_aliases().any(|alias| alias == word)
        });
        match subcommand.filter(|_| is_first) {
            Some(subcommand) => {
                self.path.push(subcommand.get_name().to_owned());
                self.at = subcommand;
            }
            None => self.found.push(Found::Argument(word.to_owned())),
        }
    }

    fn declared(&self, is: impl Fn(&clap::Arg) -> bool) -> Option<Declared> {
        let own = self.at.get_arguments().find(|option| is(option));
        let global =
            || self.table.get_arguments().find(|option| option.is_global_set() && is(option));
        let help = || Declared {
            name: "--help".to_owned(),
            takes_value: false,
            hyphen_values: false,
            negative_numbers: false,
        };
        let Some(option) = own.or_else(global) else {
            let asks_for_help = clap::Arg::new("help").short('h').long("help");
            return is(&asks_for_help).then(help);
        };
        let long = option.get_long().map(|long| format!("--{long}"));
        let short = option.get_short().map(|short| format!("-{short}"));
        Some(Declared {
            name: long.or(short)?,
            takes_value: option.get_action().takes_values(),
            hyphen_values: option.is_allow_hyphen_values_set(),
            negative_numbers: option.is_allow_negative_numbers_set(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn read(line: &str) -> CommandLine {
        let args: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        CommandLine::read(&cli::command_table(), &args)
    }

    /// Weakness 6: what follows some options is taken for a command.
    #[test]
    fn only_words_of_the_table_are_taken() {
        for (line, path, options, arguments) in [
            ("", "", "", 0),
            ("--log model get acme", "model get", "--log", 1),
            ("--log-level=debug model get acme", "model get", "--log-level", 1),
            ("-qv model get acme", "model get", "--quiet --verbose", 1),
            ("model create --global-arg=k=v command/shell acme", "model create", "--global-arg", 2),
            ("model get -psecret acme", "model get", "", 1),
            ("data get acme result --version -1 --json", "data get", "--version --json", 2),
            ("telemetry stats --days -1", "telemetry stats", "--days", 0),
            ("model get acme -1", "model get", "", 1),
            ("workflow run acme --driver -raw --json", "workflow run", "--driver --json", 1),
            ("workflow -- run acme", "workflow", "", 2),
            ("-- workflow run acme", "", "", 3),
            ("init ./acme --tool none", "init", "--tool", 1),
            ("workflow run search acme", "workflow run search", "", 1),
            ("workflow run acme search", "workflow run", "", 2),
            ("model method run m execute --input --no-telemetry", "model method run", "--input", 2),
            ("model frobnicate x", "model", "", 2),
        ] {
            let found = read(line);
            assert_eq!(found.path.join(" "), path, "{line}");
            assert_eq!(found.options.join(" "), options, "{line}");
            assert_eq!(found.arguments.len(), arguments, "{line}");
        }
    }

    #[test]
    fn the_parser_understands_the_same() {
        for line in [
            "version --json",
            "model method run web execute --input a=b --input c=d --tag x=y --skip-reports --json",
            "--json workflow run nightly --timeout 30s -q",
            "workflow run search --since 1d --json",
            "data get web result --version 3 --no-content",
            "repo --tool none --json",
            "repo init . -f -t claude",
            "datastore lock release --force",
            "completions bash",
        ] {
            let args: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            let mut full = vec![OsString::from("swamp")];
            full.extend(args.iter().cloned());
            let matches = cli::command_table().try_get_matches_from(full).expect(line);
            let (mut path, mut given, mut at) = (Vec::new(), Vec::new(), &matches);
            loop {
                let table =
                    path.iter().fold(cli::command_table(), |table: Command, name: &String| {
                        table.find_subcommand(name).expect("a subcommand").clone()
                    });
                let globals = cli::command_table();
                for id in at.ids() {
                    let source = at.value_source(id.as_str());
                    let option = table
                        .get_arguments()
                        .chain(globals.get_arguments())
                        .find(|arg| arg.get_id() == id && arg.get_long().is_some());
                    if let (Some(clap::parser::ValueSource::CommandLine), Some(option)) =
                        (source, option)
                    {
                        given.push(format!("--{}", option.get_long().unwrap_or_default()));
                    }
                }
                let Some((name, below)) = at.subcommand() else { break };
                path.push(name.to_owned());
                at = below;
            }
            let found = read(line);
            assert_eq!(found.path, path, "{line}");
            let sorted = |mut names: Vec<String>| {
                names.sort();
                names.dedup();
                names
            };
            assert_eq!(sorted(found.options.clone()), sorted(given), "{line}");
        }
    }
}
