//! The command line: options that every command has, and the root of the command table.

use std::ffi::OsString;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;

/// Run workflows of typed method calls, and see what every method did.
#[derive(Debug, Parser)]
#[command(
    name = "swamp",
    bin_name = "swamp",
    disable_version_flag = true,
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    arg_required_else_help = false
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Print the version
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
}

/// Options that every command has.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct GlobalOptions {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print log lines where a live tree would be shown
    #[arg(long, global = true)]
    pub(crate) log: bool,
    /// Least important log lines to print: trace, debug, info, warning, error or fatal
    #[arg(long, global = true, value_name = "level")]
    pub(crate) log_level: Option<String>,
    /// Print errors only; reports and results are printed all the same
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print more details
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Record nothing about this command
    #[arg(long, global = true)]
    pub(crate) no_telemetry: bool,
    /// What to do about sending when the command has ended, if an endpoint is set: detach, wait,
    /// wait:30s or off
    #[arg(long, global = true, value_name = "mode")]
    pub(crate) telemetry_flush: Option<String>,
    /// Print log properties; accepted for compatibility
    #[arg(long, global = true, hide = true)]
    pub(crate) show_properties: bool,
    /// Print without colours
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) no_color: bool,
}

/// The command table.
pub(crate) fn command_table() -> clap::Command {
    Cli::command()
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(table: &mut clap::Command, args: &[OsString]) -> Result<Cli, clap::Error> {
    let program = OsString::from("swamp");
    let matches = table.try_get_matches_from_mut(std::iter::once(&program).chain(args))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_table_is_sound() {
        command_table().debug_assert();
    }
}
