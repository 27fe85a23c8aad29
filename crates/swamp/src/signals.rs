//! Signals: SIGINT and SIGTERM tell a run to stop, and it comes to its proper end.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use swamp_driver::Cancel;
use swamp_ident::CancelCause;

/// From now on SIGINT and SIGTERM throw the switch instead of ending the process. A second signal
/// takes away the grace that stopped commands have to clean up.
pub(crate) fn stop_on_signals(cancel: &Cancel) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let cause =
                if signal == SIGTERM { CancelCause::Terminate } else { CancelCause::Interrupt };
            if !cancel.cancel(cause) {
                cancel.hurry();
            }
        }
    })?;
    Ok(())
}
