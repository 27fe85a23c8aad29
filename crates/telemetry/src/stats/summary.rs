//! Commands and options, in the shape the original prints.

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};
use swamp_wire::{ResultStatus, Vocabulary as _};

use super::tally::{Cell, ratio};
use crate::facts::Dimension::{Platform, Status};
use crate::facts::{Key, NameId, Names};

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

/// Puts a summary together.
pub(super) fn summary(
    names: &Names,
    cells: &HashMap<Key, Cell>,
    options: &HashMap<NameId, u64>,
    days: f64,
) -> Summary {
    let (mut total, mut success, mut error, mut user_error) = (0, 0, 0, 0);
    let mut commands: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    let mut platforms: BTreeMap<String, u64> = BTreeMap::new();
    let name = |id: NameId| names.get(id).map_or("", |name| name).to_owned();
    for (key, cell) in cells {
        total += cell.count;
        match ResultStatus::ALL.iter().find(|status| status.as_str() == name(key.get(Status))) {
            Some(ResultStatus::Success) => success += cell.count,
            Some(ResultStatus::Error) => error += cell.count,
            Some(ResultStatus::UserError) => user_error += cell.count,
            // A word of somebody else's counts as an invocation and as nothing more.
            None => {}
        }
        let (count, sum) = commands.entry(name(key.command)).or_default();
        *count += cell.count;
        *sum = sum.saturating_add(cell.total_ms);
        *platforms.entry(name(key.get(Platform))).or_default() += cell.count;
    }
    let percent = |count| if total == 0 { 0.0 } else { ratio(count, total) * 100.0 };
    Summary {
        total_invocations: total,
        success_count: success,
        error_count: error,
        user_error_count: user_error,
        success_rate: percent(success),
        error_rate: percent(error + user_error),
        command_frequency: commands
            .iter()
            .map(|(command, (count, _))| (command.clone(), *count))
            .collect(),
        option_frequency: options.iter().map(|(id, count)| (name(*id), *count)).collect(),
        average_duration_by_command: commands
            .into_iter()
            .map(|(command, (count, sum))| (command, mean(sum, count)))
            .collect(),
        platform_distribution: platforms,
        days_analyzed: days,
    }
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
