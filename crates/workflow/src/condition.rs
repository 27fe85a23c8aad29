//! When a job or step runs, given how the one it depends on ended.

use std::fmt;

use swamp_ident::Status;

/// A test of the status of one job or step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// True whatever happened.
    Always,
    /// It succeeded.
    Succeeded,
    /// It failed, even if the failure was allowed.
    Failed,
    /// It ran to an end of its own: succeeded or failed.
    Completed,
    /// It was skipped.
    Skipped,
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

impl Condition {
    /// Whether the condition is true of a status; `None` is a name that does not exist.
    pub fn holds(&self, status: Option<Status>) -> bool {
        match self {
            Self::Always => true,
            Self::Succeeded => status == Some(Status::Succeeded),
            Self::Failed => status == Some(Status::Failed),
            Self::Completed => matches!(status, Some(Status::Succeeded | Status::Failed)),
            Self::Skipped => status == Some(Status::Skipped),
            Self::And(all) => all.iter().all(|condition| condition.holds(status)),
            Self::Or(any) => any.iter().any(|condition| condition.holds(status)),
            Self::Not(condition) => !condition.holds(status),
        }
    }

    /// Whether the condition can be true of something that did not go well. Only a step with such a
    /// condition is meant to run once an earlier step of its job has failed.
    pub fn expects_trouble(&self) -> bool {
        self.holds(Some(Status::Failed)) || self.holds(Some(Status::Skipped))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed => f.write_str("failed"),
            Self::Completed => f.write_str("completed"),
            Self::Skipped => f.write_str("skipped"),
            Self::And(all) => joined(f, all, " and "),
            Self::Or(any) => joined(f, any, " or "),
            Self::Not(condition) => match **condition {
                Self::And(_) | Self::Or(_) => write!(f, "not ({condition})"),
                _ => write!(f, "not {condition}"),
            },
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, conditions: &[Condition], word: &str) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match condition {
            Condition::And(_) | Condition::Or(_) => write!(f, "({condition})")?,
            _ => write!(f, "{condition}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{Always, And, Completed, Failed, Not, Or, Skipped, Succeeded};

    /// Pending, running, succeeded, failed, skipped, cancelled, unknown name.
    const STATUSES: [Option<Status>; 7] = [
        Some(Status::Pending),
        Some(Status::Running),
        Some(Status::Succeeded),
        Some(Status::Failed),
        Some(Status::Skipped),
        Some(Status::Cancelled),
        None,
    ];

    fn row(condition: &Condition) -> String {
        let letter = |status| if condition.holds(status) { 'T' } else { 'f' };
        STATUSES.into_iter().map(letter).collect()
    }

    #[test]
    fn truth_tables() {
        for (condition, want) in [
            (Always, "TTTTTTT"),
            (Succeeded, "ffTffff"),
            (Failed, "fffTfff"),
            (Completed, "ffTTfff"),
            (Skipped, "ffffTff"),
            (Not(Box::new(Succeeded)), "TTfTTTT"),
            (Not(Box::new(Skipped)), "TTTTfTT"),
            (Not(Box::new(Always)), "fffffff"),
            (Or(vec![Succeeded, Skipped]), "ffTfTff"),
            (And(vec![Succeeded, Skipped]), "fffffff"),
            (And(vec![Completed, Not(Box::new(Failed))]), "ffTffff"),
            (Not(Box::new(Or(vec![Succeeded, Failed]))), "TTffTTT"),
        ] {
            assert_eq!(row(&condition), want, "{condition}");
        }
    }

    #[test]
    fn conditions_in_words() {
        for (condition, want) in [
            (Completed, "completed"),
            (Not(Box::new(Skipped)), "not skipped"),
            (Or(vec![Succeeded, And(vec![Failed, Always])]), "succeeded or (failed and always)"),
            (Not(Box::new(Or(vec![Succeeded, Failed]))), "not (succeeded or failed)"),
        ] {
            assert_eq!(condition.to_string(), want);
        }
    }

    #[test]
    fn only_conditions_that_accept_trouble_expect_it() {
        for (condition, want) in [
            (Always, true),
            (Succeeded, false),
            (Failed, true),
            (Completed, true),
            (Skipped, true),
            (Not(Box::new(Succeeded)), true),
            (And(vec![Always, Succeeded]), false),
            (Or(vec![Succeeded, Failed]), true),
        ] {
            assert_eq!(condition.expects_trouble(), want, "{condition}");
        }
    }
}
