//! swamp-telemetry
