//! The codes the program ends with.
//!
//! | Code | Constant | When |
//! |---|---|---|
//! | 0 | [`SUCCESS`] | it went well; a declined question counts as well |
//! | 1 | [`FAILURE`] | any error, a failed run, a failed validation, a bad argument |
//! | 2 | [`UNKNOWN_COMMAND`] | there is no such command or subcommand |
//! | 70 | [`INTERNAL`] | a fault of this program (`EX_SOFTWARE` of sysexits) |
//! | 124 | [`TIMED_OUT`] | `--timeout` passed, as `timeout(1)` says it |
//! | 130 | [`INTERRUPTED`] | stopped by SIGINT (128 + 2) |
//! | 143 | [`TERMINATED`] | stopped by SIGTERM (128 + 15) |

use crate::CancelCause;

/// It went well.
pub const SUCCESS: u8 = 0;
/// Any error, a failed run, a failed validation, a bad argument.
pub const FAILURE: u8 = 1;
/// There is no such command or subcommand.
pub const UNKNOWN_COMMAND: u8 = 2;
/// A fault of this program.
pub const INTERNAL: u8 = 70;
/// `--timeout` passed.
pub const TIMED_OUT: u8 = 124;
/// Stopped by SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM.
pub const TERMINATED: u8 = 143;

/// The code for a run that was told to stop.
pub const fn of_cause(cause: CancelCause) -> u8 {
    match cause {
        CancelCause::Interrupt => INTERRUPTED,
        CancelCause::Terminate => TERMINATED,
        CancelCause::Deadline => TIMED_OUT,
    }
}
