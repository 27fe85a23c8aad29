//! How many things run at a time.

use std::num::NonZeroUsize;

use crate::schema::{Job, Step, Workflow};

/// Fewer than this many cores still run this many steps at a time: steps mostly wait.
const LEAST: usize = 32;

/// The limits that hold for a whole run, nested runs included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    maximum: Option<NonZeroUsize>,
    cores: NonZeroUsize,
}

impl Limits {
    /// `maximum` is what the user allows at most; without it a level that sets no limit of its own
    /// runs four steps per core, at least 32.
    pub fn new(maximum: Option<NonZeroUsize>, cores: NonZeroUsize) -> Self {
        Self { maximum, cores }
    }

    /// The value of `SWAMP_MAX_CONCURRENT_STEPS`: digits at its beginning that make a number above
    /// zero; anything else sets no maximum.
    pub fn maximum_from_text(text: &str) -> Option<NonZeroUsize> {
        let text = text.trim_start();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text[..digits].parse().ok().and_then(NonZeroUsize::new)
    }

    /// How many steps run at a time where no workflow says otherwise.
    pub(crate) fn usual(self) -> usize {
        self.maximum.map_or_else(|| (4 * self.cores.get()).max(LEAST), NonZeroUsize::get)
    }

    /// The limit that a `concurrency` gives; 0 and nothing set none.
    pub(crate) fn of(self, concurrency: Option<u64>) -> usize {
        match concurrency.map(|number| usize::try_from(number).unwrap_or(usize::MAX)) {
            Some(number) if number > 0 => {
                self.maximum.map_or(number, |maximum| number.min(maximum.get()))
            }
            _ => self.usual(),
        }
    }

    /// How many jobs of a level run at a time.
    pub(crate) fn jobs(self, workflow: &Workflow) -> usize {
        self.of(workflow.concurrency)
    }

    /// How many of these steps of one level run at a time: the smallest limit one of them sets,
    /// else the job's, else the workflow's.
    pub(crate) fn steps<'a>(
        self,
        workflow: &Workflow,
        job: &Job,
        level: impl Iterator<Item = &'a Step>,
    ) -> usize {
        let smallest = level.filter_map(|step| step.concurrency).filter(|&limit| limit > 0).min();
        self.of(smallest.or(job.concurrency).or(workflow.concurrency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(maximum: usize, cores: usize) -> Limits {
        Limits::new(NonZeroUsize::new(maximum), NonZeroUsize::new(cores).unwrap())
    }

    #[test]
    fn a_maximum_beats_a_concurrency_and_a_concurrency_beats_the_default() {
        for (maximum, cores, concurrency, want) in [
            (0, 2, None, 32),
            (0, 16, None, 64),
            (0, 2, Some(0), 32),
            (0, 2, Some(1), 1),
            (0, 2, Some(100), 100),
            (3, 16, None, 3),
            (3, 16, Some(0), 3),
            (3, 16, Some(2), 2),
            (3, 16, Some(100), 3),
        ] {
            assert_eq!(limits(maximum, cores).of(concurrency), want, "{maximum} {concurrency:?}");
        }
    }

    #[test]
    fn the_maximum_is_a_number_at_the_beginning_of_the_text() {
        for (text, want) in
            [("8", 8), (" 12 steps", 12), ("0", 0), ("-3", 0), ("", 0), ("many", 0), ("4.9", 4)]
        {
            assert_eq!(Limits::maximum_from_text(text), NonZeroUsize::new(want), "{text:?}");
        }
    }
}
