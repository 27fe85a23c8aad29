//! `swamp telemetry stats` after runs of all kinds.
