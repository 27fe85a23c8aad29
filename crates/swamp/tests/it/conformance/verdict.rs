//! From differences to a verdict and a table.

use std::fmt::Write as _;

use super::compare::Difference;
use super::recording::{Known, Recording};

/// How a recording came out.
pub struct Verdict {
    pub name: String,
    /// Notes about differences that the recording does not ask for.
    pub listed: usize,
    /// Notes about differences that follow from what the recording asks for.
    pub following: usize,
    /// Differences that are not.
    pub new: Vec<Difference>,
    /// Listed places that do not differ.
    pub stale: Vec<String>,
}

impl Verdict {
    pub fn of(recording: &Recording, differences: Vec<Difference>, known: &Known) -> Self {
        let notes = known.of(&recording.name);
        let tolerated = || notes.iter().filter(|note| note.want.is_none());
        let (expected, new): (Vec<_>, Vec<_>) = differences
            .into_iter()
            .partition(|found| tolerated().any(|note| note.pattern.covers(&found.place)));
        let stale = tolerated()
            .filter(|note| !expected.iter().any(|found| note.pattern.covers(&found.place)))
            .map(|note| format!("{} ({})", note.place, note.why))
            .chain(recording.redundant.iter().map(|place| format!("{place} is as recorded")))
            .collect();
        let own = notes.iter().filter(|note| !recording.marks(note));
        let (following, listed): (Vec<_>, Vec<_>) = own.partition(|note| note.follows);
        let (following, listed) = (following.len(), listed.len());
        Self { name: recording.name.clone(), listed, following, new, stale }
    }
}

/// The summary, one line per area: recordings that are matched (at places marked as defective as the
/// recording wants it), that differ only in what follows from such places, and that differ.
pub fn table(areas: &[&str], verdicts: &[Verdict]) -> String {
    let mut table = format!(
        "{:<14}{:>10}{:>10}{:>10}{:>10}\n",
        "area", "all", "matched", "following", "differing"
    );
    let mut total = [0; 4];
    for area in areas {
        let mut counts = [0; 4];
        for verdict in
            verdicts.iter().filter(|verdict| verdict.name.split('/').next() == Some(area))
        {
            counts[0] += 1;
            counts[match verdict {
                Verdict { listed: 0, following: 0, new, .. } if new.is_empty() => 1,
                Verdict { listed: 0, new, .. } if new.is_empty() => 2,
                _ => 3,
            }] += 1;
        }
        total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        line(&mut table, area, counts);
    }
    line(&mut table, "all", total);
    table
}

fn line(table: &mut String, name: &str, counts: [usize; 4]) {
    let [all, matched, following, differing] = counts;
    let _ = writeln!(table, "{name:<14}{all:>10}{matched:>10}{following:>10}{differing:>10}");
}

/// What has to be put right: nothing when the text is empty. `known` is given when every recording
/// was replayed.
pub fn problems(verdicts: &[Verdict], known: Option<&Known>) -> String {
    let mut problems = String::new();
    for verdict in verdicts {
        for found in &verdict.new {
            let _ = writeln!(problems, "{}: {}: {}", verdict.name, found.place, found.what);
        }
        for note in &verdict.stale {
            let _ = writeln!(problems, "{}: no longer differs: {note}", verdict.name);
        }
    }
    let unknown = known
        .into_iter()
        .flat_map(Known::names)
        .filter(|name| !verdicts.iter().any(|verdict| verdict.name == *name));
    for name in unknown {
        let _ = writeln!(problems, "reference-differences.yaml: there is no recording {name}");
    }
    problems
}
