//! Commands and options, in the shape the original prints.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use swamp_wire::{ResultStatus, TelemetryEntry};

/// Counts over all entries, method calls of workflow runs included. Serialises to the document of
/// `telemetry stats`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All entries.
    pub total_invocations: u64,
    /// Those that succeeded.
    pub success_count: u64,
    /// Those that failed, but for what the user can put right.
    pub error_count: u64,
    /// Those that failed with something the user can put right.
    pub user_error_count: u64,
    /// Percentage of `total_invocations` that succeeded.
    #[serde(serialize_with = "number")]
    pub success_rate: f64,
    /// Percentage of `total_invocations` that failed either way.
    #[serde(serialize_with = "number")]
    pub error_rate: f64,
    /// Entries for each command and sub-command.
    pub command_frequency: BTreeMap<String, u64>,
    /// Entries for each option.
    pub option_frequency: BTreeMap<String, u64>,
    /// Mean duration of each command and sub-command, in whole milliseconds.
    pub average_duration_by_command: BTreeMap<String, i64>,
    /// Entries for each operating system.
    pub platform_distribution: BTreeMap<String, u64>,
    /// The number of days as it was asked for.
    #[serde(serialize_with = "number")]
    pub days_analyzed: f64,
}

/// Writes a whole number without a fraction, as JavaScript does.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and small")]
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// A summary in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    total: u64,
    success: u64,
    error: u64,
    user_error: u64,
    commands: BTreeMap<String, (u64, i64)>,
    options: BTreeMap<String, u64>,
    platforms: BTreeMap<String, u64>,
}

impl Builder {
    pub(super) fn add(&mut self, entry: &TelemetryEntry) {
        self.total += 1;
        match entry.result.status.known() {
            Some(ResultStatus::Success) => self.success += 1,
            Some(ResultStatus::Error) => self.error += 1,
            Some(ResultStatus::UserError) => self.user_error += 1,
            // A word of somebody else's counts as an invocation and as nothing more.
            None => {}
        }
        let call = &entry.invocation;
        let command = match &call.subcommand {
            Some(subcommand) => format!("{} {subcommand}", call.command),
            None => call.command.clone(),
        };
        let (count, sum) = self.commands.entry(command).or_default();
        *count += 1;
        *sum = sum.saturating_add(entry.duration_ms);
        for option in call.option_keys.iter().chain(&call.global_options) {
            *self.options.entry(option.clone()).or_default() += 1;
        }
        *self.platforms.entry(entry.platform.clone()).or_default() += 1;
    }

    pub(super) fn finish(&self, days: f64) -> Summary {
        let percent = |count| if self.total == 0 { 0.0 } else { ratio(count, self.total) * 100.0 };
        Summary {
            total_invocations: self.total,
            success_count: self.success,
            error_count: self.error,
            user_error_count: self.user_error,
            success_rate: percent(self.success),
            error_rate: percent(self.error + self.user_error),
            command_frequency: self
                .commands
                .iter()
                .map(|(command, (count, _))| (command.clone(), *count))
                .collect(),
            option_frequency: self.options.clone(),
            average_duration_by_command: self
                .commands
                .iter()
                .map(|(command, (count, sum))| (command.clone(), mean(*sum, *count)))
                .collect(),
            platform_distribution: self.platforms.clone(),
            days_analyzed: days,
        }
    }
}

/// One count as a part of another.
#[expect(clippy::cast_precision_loss, reason = "counts of entries are far below 2^52")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The mean, rounded half up.
fn mean(sum: i64, count: u64) -> i64 {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    sum.saturating_mul(2).saturating_add(count).div_euclid(count.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_half_up() {
        for (sum, count, want) in [(10, 4, 3), (9, 4, 2), (7, 2, 4), (0, 3, 0), (-3, 2, -1)] {
            assert_eq!(mean(sum, count), want, "{sum}/{count}");
        }
    }
}
