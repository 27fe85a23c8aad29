//! Which values of a dimension are told apart.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::dimension::{Dimension, OTHER, most_values};
use crate::error::CollectorError;
use crate::event::ProjectId;

/// The values each dimension of each project has, up to its limit.
///
/// They are read from the store once. What other collectors add in the meantime is not known here, so
/// that a dimension may get as many times its limit as there are collectors; the point is that it does
/// not grow without one.
#[derive(Debug, Default)]
pub(super) struct KnownValues(Mutex<HashMap<(ProjectId, Dimension), Values>>);

type Values = HashSet<Box<str>>;

impl KnownValues {
    /// Whether a value is told apart; if not, [`OTHER`] stands for it. `read` is asked for the values
    /// the store has.
    pub(super) fn admits(
        &self,
        project: ProjectId,
        dimension: Dimension,
        value: &str,
        read: impl FnOnce() -> Result<Vec<String>, CollectorError>,
    ) -> Result<bool, CollectorError> {
        if value.is_empty() {
            return Ok(true);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let values = match known.entry((project, dimension)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(read()?.into_iter().map(String::into_boxed_str).collect())
            }
        };
        if values.contains(value) {
            return Ok(true);
        }
        let told_apart = values.len() - usize::from(values.contains(OTHER));
        if told_apart >= most_values(dimension) {
            return Ok(false);
        }
        values.insert(value.into());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_nothing_new_is_told_apart() {
        let known = KnownValues::default();
        let had = || Ok((1..most_values(Dimension::Driver)).map(|n| n.to_string()).collect());
        let ask = |value: &str| known.admits(ProjectId(1), Dimension::Driver, value, had).unwrap();
        assert!(ask("1"));
        assert!(ask("new"));
        assert!(!ask("one too many"));
        assert!(ask("new"));
        assert!(ask(""));
    }
}
