//! Telemetry switched off leaves nothing behind.
