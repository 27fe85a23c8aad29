//! How much of anything is accepted.

/// How much of anything is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as it is sent.
    pub body_bytes: usize,
    /// Bytes of a body when it is unpacked.
    pub unpacked_bytes: usize,
    /// Events in a body.
    pub events: usize,
    /// Bytes of one event.
    pub event_bytes: usize,
    /// Objects and lists around a value, within one event.
    pub depth: usize,
    /// Bytes of a text, key or value, within one event.
    pub text_bytes: usize,
    /// How far in the future an event may begin, in milliseconds, before its time is not believed.
    pub skew_ahead_ms: i64,
    /// How far in the past.
    pub skew_behind_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            unpacked_bytes: 32 << 20,
            events: 10_000,
            event_bytes: 64 << 10,
            depth: 16,
            text_bytes: 16 << 10,
            skew_ahead_ms: 24 * 3_600_000,
            skew_behind_ms: 1_100 * 24 * 3_600_000,
        }
    }
}
