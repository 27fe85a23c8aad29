//! SIGINT and SIGTERM: whoever is at work comes to a proper end.
//!
//! A command that has nothing to stop is recorded as cancelled and ends at once. A run is told to
//! stop: by the first signal; the second takes away the grace that stopped commands have to clean
//! up; from the third on the signal does what it does to any program, so that nothing this program
//! waits for can keep it alive against its user's will.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Arrivals;
use signal_hook::low_level::emulate_default_handler;
use swamp_driver::Cancel;
use swamp_ident::CancelCause;

/// What a command does before a signal ends it.
pub(crate) type LastWords = Box<dyn FnOnce(CancelCause) + Send>;

/// Who answers the signals of this process.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whether there is a thread that waits for signals; without it they do what they always do.
    is_watched: bool,
    answer: Answer,
}

#[derive(Default)]
enum Answer {
    /// Nothing is under way: say the last words and end.
    End(Option<LastWords>),
    /// A run is.
    Stop(Cancel),
    /// Somebody else answers.
    #[default]
    Elsewhere,
}

impl Signals {
    /// A signal ends the process, after these words. Where no thread can be had they stay unsaid.
    pub(crate) fn end_with(&self, words: LastWords) {
        let _ = self.answer(Answer::End(Some(words)));
    }

    /// From now on signals throw the switch instead of ending the process.
    pub(crate) fn stop_run(&self, cancel: &Cancel) -> io::Result<()> {
        self.answer(Answer::Stop(cancel.clone()))
    }

    /// From now on somebody else answers them.
    pub(crate) fn leave(&self) {
        self.state().answer = Answer::Elsewhere;
    }

    fn answer(&self, answer: Answer) -> io::Result<()> {
        let mut state = self.state();
        state.answer = answer;
        if state.is_watched {
            return Ok(());
        }
        let mut arrivals = Arrivals::new([SIGINT, SIGTERM])?;
        let signals = self.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in arrivals.forever() {
                signals.take(signal);
            }
        })?;
        state.is_watched = true;
        Ok(())
    }

    fn take(&self, signal: i32) {
        let cause = if signal == SIGTERM { CancelCause::Terminate } else { CancelCause::Interrupt };
        let mut state = self.state();
        match &mut state.answer {
            Answer::Elsewhere => {}
            Answer::End(words) => {
                let words = words.take();
                drop(state);
                if let Some(words) = words {
                    words(cause);
                }
                crate::end(swamp_ident::exit_code::of_cause(cause))
            }
            Answer::Stop(cancel) => {
                let cancel = cancel.clone();
                drop(state);
                if cancel.cancel(cause) {
                    return;
                }
                if cancel.is_hurried() {
                    // Fails only for signals that do not exist.
                    let _ = emulate_default_handler(signal);
                }
                cancel.hurry();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signals")
    }
}
