//! `swamp model method`: methods of models

mod describe;
mod history;
mod run;

use crate::commands::command_group;

command_group! { "model" "method" => {
    /// Run a method
    Run(run::Args),
    /// Show a method
    Describe(describe::Args),
    /// Earlier runs of methods
    History(history::Args),
} }
