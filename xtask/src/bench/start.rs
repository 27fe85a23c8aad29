//! What a command costs that does nothing.

use std::path::Path;
use std::process::Command;

use super::{millis, ratio};
use crate::measure::{median, quiet};
use crate::workload::Workload;

/// `swamp version` against `/bin/true`.
pub(super) fn start(swamp: &Path) -> Result<(), String> {
    let workload = Workload::new(swamp, &[])?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        floor.push(quiet(&mut Command::new("/bin/true"))?);
        ours.push(quiet(workload.command(swamp).args(["version", "--no-telemetry"]))?);
    }
    let (ours, floor) = (median(ours), median(floor));
    println!("start-up: `swamp version` {:.2} ms, /bin/true {:.2} ms", millis(ours), millis(floor));
    println!("  ratio {:.1} (budget 10)", ratio(ours, floor));
    Ok(())
}
