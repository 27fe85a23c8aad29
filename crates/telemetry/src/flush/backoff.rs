//! How long to wait after a failure.

use std::time::Duration;

/// Waiting times that double, with some chance in them so that many machines that lost the same
/// collector do not come back at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure, at most.
    pub first: Duration,
    /// After any number of failures, at most.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(30), most: Duration::from_hours(6) }
    }
}

impl Backoff {
    /// The wait after so many failures in a row: between half of the limit and all of it, as
    /// `chance` says.
    pub(crate) fn wait(self, failures: u32, chance: u64) -> Duration {
        let doubled = failures.saturating_sub(1).min(20);
        let limit = self.first.saturating_mul(1 << doubled).min(self.most);
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let half = millis / 2;
        Duration::from_millis(half + chance % (millis - half + 1))
    }
}

/// A random number; without one, waiting times are merely not spread.
pub(super) fn chance() -> u64 {
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let backoff = Backoff { first: Duration::from_secs(30), most: Duration::from_mins(5) };
        for (failures, limit) in
            [(1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (6, 300), (u32::MAX, 300)]
        {
            let limit = Duration::from_secs(limit);
            for chance in [0, 1, 12_345, u64::MAX] {
                let wait = backoff.wait(failures, chance);
                assert!(limit / 2 <= wait && wait <= limit, "{failures} {chance}: {wait:?}");
            }
            assert_ne!(backoff.wait(failures, 0), backoff.wait(failures, 777), "{failures}");
        }
    }
}
