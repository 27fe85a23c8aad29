//! The `swamp` program.
//!
//! The way through it: [`app`] reads the arguments twice, once as the parser understands them
//! ([`cli`]) and once as the command table does ([`command_line`], for telemetry), opens the
//! [`recorder`], hands a [`cx::Cx`] to one of the [`commands`], prints the error if there is one,
//! closes the recorder and gives the exit code. This file ends the process, and nothing else does.

#![expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "every command has the same signature, whether it needs all of it or not"
)]
#![expect(
    clippy::large_enum_variant,
    reason = "one value of the argument enums lives in the whole process"
)]
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    clippy::needless_for_each,
    reason = "printing for people is short rather than fast"
)]
#![expect(clippy::struct_field_names, reason = "fields of arguments are named like their options")]

mod app;
mod arguments;
mod cli;
mod command_line;
mod commands;
mod conduct;
mod cx;
mod data_items;
mod delivery;
mod editor;
mod ending;
mod engine;
mod environment;
mod input_files;
mod listing;
mod output;
mod panics;
mod pins;
mod progress;
mod recorder;
mod requests;
mod runs_of_methods;
mod secret_input;
mod signals;
mod tail;
mod times;
mod usage_error;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;

use panics::Panics;
use swamp_ident::exit_code;

#[expect(clippy::exit, reason = "the one way out")]
fn end(code: u8) -> ! {
    process::exit(i32::from(code))
}

fn main() {
    let panics = Panics::watch();
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    // A panic in a command comes out as an error of that command; this is for all the rest.
    let exit = catch_unwind(AssertUnwindSafe(|| app::run(&args, &panics)));
    end(exit.unwrap_or(exit_code::INTERNAL))
}
