//! From differences to a verdict and a table.

use std::fmt::Write as _;

use super::compare::Difference;
use super::recording::{Known, Recording};

/// How a recording came out.
pub struct Verdict {
    pub name: String,
    /// Differences that are listed with a reason.
    pub listed: usize,
    /// Differences that are not.
    pub new: Vec<Difference>,
    /// Listed places that do not differ.
    pub stale: Vec<String>,
}

impl Verdict {
    pub fn of(recording: &Recording, differences: Vec<Difference>, known: &Known) -> Self {
        let notes = known.differences.get(&recording.name).map_or(&[][..], Vec::as_slice);
        let (listed, new): (Vec<_>, Vec<_>) = differences
            .into_iter()
            .partition(|found| notes.iter().any(|note| note.pattern.covers(&found.place)));
        let stale = notes
            .iter()
            .filter(|note| !listed.iter().any(|found| note.pattern.covers(&found.place)))
            .map(|note| format!("{} ({})", note.text, note.why))
            .collect();
        Self { name: recording.name.clone(), listed: listed.len(), new, stale }
    }

    fn matches(&self) -> bool {
        self.listed == 0 && self.new.is_empty()
    }
}

/// The summary, one line per area.
pub fn table(areas: &[&str], verdicts: &[Verdict]) -> String {
    let mut table = format!("{:<14}{:>10}{:>10}{:>10}\n", "area", "matched", "of", "differing");
    let mut total = [0; 2];
    for area in areas {
        let of_area: Vec<&Verdict> = verdicts
            .iter()
            .filter(|verdict| verdict.name.split('/').next() == Some(area))
            .collect();
        let matched = of_area.iter().filter(|verdict| verdict.matches()).count();
        let all = of_area.len();
        total = [total[0] + matched, total[1] + all];
        let _ = writeln!(table, "{area:<14}{matched:>10}{all:>10}{:>10}", all - matched);
    }
    let [matched, all] = total;
    let _ = writeln!(table, "{:<14}{matched:>10}{all:>10}{:>10}", "all", all - matched);
    table
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
        .flat_map(|known| known.differences.keys())
        .filter(|name| !verdicts.iter().any(|verdict| verdict.name == **name));
    for name in unknown {
        let _ = writeln!(problems, "reference-differences.yaml: there is no recording {name}");
    }
    problems
}
