//! `swamp help`

use crate::cli;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::environment::VARIABLES;
use crate::output::{Stream, Table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command, such as `workflow run`; `environment` lists the environment variables
    #[arg(value_name = "command")]
    command: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let path: Vec<&str> = self.command.iter().map(String::as_str).collect();
        if path == ["environment"] {
            let mut table = Table::new(&["variable", "meaning"]);
            for (name, meaning) in VARIABLES {
                table.row([(*name).to_owned(), (*meaning).to_owned()]);
            }
            for line in &table.lines() {
                cx.output.line(line);
            }
            return Ok(Ending::SUCCESS);
        }
        print(cx, &path)
    }
}

/// Prints the help of the command at `path`.
pub(crate) fn print(cx: &Cx<'_>, path: &[&str]) -> CommandResult {
    let mut table = cli::command_table();
    table.build();
    let mut at = &mut table;
    for name in path {
        at = at.find_subcommand_mut(name).ok_or_else(|| {
            CommandError::usage(format!("There is no command \"{}\".", path.join(" ")))
        })?;
    }
    let help = at.render_help();
    let text = if cx.output.paint(Stream::Out).is_on() {
        help.ansi().to_string()
    } else {
        help.to_string()
    };
    cx.output.line(text.trim_end());
    Ok(Ending::SUCCESS)
}
