//! Panics: bugs of this program, told to the user and sent to the one way out.
//!
//! A panic unwinds to where it becomes an error of the command. So it is recorded like any other
//! error, what still runs is told to stop, locks are given back and the exit code is
//! [`exit_code::INTERNAL`]. Threads that panic beside the command, such as the console, let it go on
//! to its end, and change only its exit code. Whatever the way out then waits for, it does not wait
//! for ever; what it did not come to is in the journal of the telemetry session, where the next
//! command finds it.

use std::io::{IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use swamp_ident::{ErrorCategory, Failure, Fault, Phase};

use crate::ending::{CommandError, CommandResult};
use crate::exit_code;
use crate::progress::SHOW_CURSOR;

/// What is recorded of a panic. Its own text may hold anything, and stays here.
const MESSAGE: &str = "swamp itself failed";

const HINT: &str = "This is a bug. Please report it with the command you ran.";

/// How long the way out may take after a panic.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread of the telemetry crate: whatever happens there is no business of the command.
const HARMLESS: &str = "telemetry";

/// Whether this program has failed in itself.
#[derive(Clone, Debug)]
pub(crate) struct Panics(Arc<AtomicBool>);

impl Panics {
    /// From now on panics are explained to the user and noticed.
    pub(crate) fn watch() -> Self {
        let panics = Self(Arc::default());
        let noticed = panics.clone();
        std::panic::set_hook(Box::new(move |panic| noticed.explain(panic)));
        panics
    }

    /// Whether there was one.
    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Runs a command; a panic in it, or in a thread beside it, is its error.
    pub(crate) fn turn_into_errors(
        &self,
        command: impl FnOnce() -> CommandResult,
    ) -> CommandResult {
        match catch_unwind(AssertUnwindSafe(command)) {
            Ok(result) if !self.happened() => result,
            Ok(Ok(mut ending)) => {
                ending.exit = exit_code::INTERNAL;
                ending.failure = Some(Failure {
                    message: MESSAGE.to_owned(),
                    category: ErrorCategory::Internal,
                    fault: Fault::Internal,
                    phase: Phase::Method,
                });
                Ok(ending)
            }
            Ok(Err(mut error)) => {
                error.exit = exit_code::INTERNAL;
                Err(error)
            }
            Err(_) => {
                let mut error = CommandError::internal(MESSAGE).with_hint(HINT);
                error.exit = exit_code::INTERNAL;
                error.is_told = true;
                Err(error)
            }
        }
    }

    fn explain(&self, panic: &PanicHookInfo<'_>) {
        if std::thread::current().name() == Some(HARMLESS) {
            return;
        }
        let is_first = !self.0.swap(true, Ordering::AcqRel);
        let mut stderr = std::io::stderr().lock();
        // The live tree may have hidden the cursor.
        if stderr.is_terminal() {
            let _ = stderr.write_all(SHOW_CURSOR.as_bytes());
        }
        let _ = writeln!(stderr, "Error: swamp itself failed: {panic}\nHint: {HINT}");
        if is_first {
            let watchdog = std::thread::Builder::new().name("watchdog".to_owned());
            // Without a thread to be had, the way out takes as long as it takes.
            let _ = watchdog.spawn(|| {
                std::thread::sleep(PATIENCE);
                crate::end(exit_code::INTERNAL)
            });
        }
    }
}
