//! `swamp completions`

use clap::Subcommand;
use clap_complete::Shell;

use super::help;
use crate::cli;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Stream;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    shell: Option<Kind>,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// For bash
    Bash,
    /// For zsh
    Zsh,
    /// For fish
    Fish,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let shell = match self.shell {
            None => return help::print(cx, &["completions"]),
            Some(Kind::Bash) => Shell::Bash,
            Some(Kind::Zsh) => Shell::Zsh,
            Some(Kind::Fish) => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut cli::command_table(), "swamp", &mut script);
        cx.output.write(Stream::Out, &String::from_utf8_lossy(&script));
        Ok(Ending::SUCCESS)
    }
}
