//! Signals: SIGINT and SIGTERM tell a run to stop, and it comes to its proper end.
//!
//! The first tells it to stop; the second takes away the grace that stopped commands have to clean
//! up; from the third on the signal does what it does to any program, so that nothing this program
//! waits for can keep it alive against its user's will.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use swamp_driver::Cancel;
use swamp_ident::CancelCause;

/// From now on SIGINT and SIGTERM throw the switch instead of ending the process.
pub(crate) fn stop_on_signals(cancel: &Cancel) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let cause =
                if signal == SIGTERM { CancelCause::Terminate } else { CancelCause::Interrupt };
            if cancel.cancel(cause) {
                continue;
            }
            if cancel.is_hurried() {
                // Fails only for signals that do not exist.
                let _ = emulate_default_handler(signal);
            }
            cancel.hurry();
        }
    })?;
    Ok(())
}
