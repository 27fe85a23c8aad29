//! `swamp telemetry`: what is recorded about commands and methods

mod clear;
mod connect;
mod export;
mod flush;
mod off;
mod on;
mod place;
mod preview;
mod show;
mod stats;
mod status;
mod switching;
mod trust;

use crate::commands::command_group;

command_group! { "telemetry" => {
    /// Counts, failures and durations per type, driver, method and step
    Stats(stats::Args),
    /// The last commands and the methods they called
    Show(show::Args),
    /// All entries, for other programs
    Export(export::Args),
    /// Whether anything is recorded and sent, where to, and how that goes
    Status(status::Args),
    /// What would be sent next, to the byte
    Preview(preview::Args),
    /// Send now what waits
    Flush(flush::Args),
    /// Remove what waits
    Clear(clear::Args),
    /// Switch telemetry on again
    On(on::Args),
    /// Switch telemetry off
    Off(off::Args),
    /// Send what you run to a collector, once it has answered
    Connect(connect::Args),
    /// Let the key go to the endpoint this repository names
    Trust(trust::Args),
} }
