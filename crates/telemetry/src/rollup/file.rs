//! A day as a file: one JSON object in one line.
//!
//! | Key | What |
//! |---|---|
//! | `version` | 1 |
//! | `absorbed` | ids of entries that are counted here and whose files may still be there |
//! | `folded` | entries counted under `__other__` |
//! | `names` | texts; the first is `null`, for "none" |
//! | `cells` | lists: hour of the day; places in `names` of the command and of each [`Dimension`] in their order; entries; their milliseconds; runs as 48 bits of FNV-1a; times as the list form of `swamp_sketch` |
//! | `options` | lists: hour, place in `names`, how often |
//!
//! [`Dimension`]: crate::facts::Dimension

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use swamp_ident::InvocationId;
use swamp_sketch::Sketch;

use super::day::{Cell, Day};
use crate::facts::{Key, NameId, Names};

/// The layout.
const VERSION: u32 = 1;

/// Hour, names, entries, milliseconds, runs, times.
type CellList = (u8, Vec<usize>, u64, i64, BTreeSet<u64>, Sketch);

#[derive(Serialize, Deserialize)]
struct DayFile {
    version: u32,
    absorbed: Vec<InvocationId>,
    folded: u64,
    names: Vec<Option<String>>,
    cells: Vec<CellList>,
    options: Vec<(u8, usize, u64)>,
}

/// The text of a day. The same day is always the same text.
pub(super) fn write(day: &Day) -> serde_json::Result<Vec<u8>> {
    let mut table = Table::new(&day.names);
    let mut cells: Vec<_> = day.cells.iter().collect();
    cells.sort_by_cached_key(|((hour, key), _)| {
        let names: Vec<_> = key.names().map(|id| day.names.get(id).cloned()).collect();
        (*hour, names)
    });
    let cells = cells
        .into_iter()
        .map(|((hour, key), cell)| {
            let names = key.names().map(|id| table.place(id)).collect();
            let Cell { count, total_ms, runs, times } = cell.clone();
            (*hour, names, count, total_ms, runs, times)
        })
        .collect();
    let mut options: Vec<_> = day.options.iter().collect();
    options.sort_by_key(|((hour, name), _)| (*hour, day.names.get(*name)));
    let options = options
        .into_iter()
        .map(|((hour, name), count)| (*hour, table.place(*name), *count))
        .collect();
    let mut absorbed: Vec<_> = day.absorbed.iter().cloned().collect();
    absorbed.sort_unstable();
    let (folded, names) = (day.folded, table.names);
    serde_json::to_vec(&DayFile { version: VERSION, absorbed, folded, names, cells, options })
}

/// The day of a text; `None` if there is none in it that this version understands.
pub(super) fn read(text: &str) -> Option<Day> {
    let file: DayFile = serde_json::from_str(text).ok()?;
    if file.version != VERSION {
        return None;
    }
    let mut day = Day { folded: file.folded, ..Day::default() };
    day.absorbed.extend(file.absorbed);
    let ids: Vec<NameId> = file.names.iter().map(|name| day.names.maybe(name.as_deref())).collect();
    let id = |place: usize| ids.get(place).copied();
    for (hour, places, count, total_ms, runs, times) in file.cells {
        let names: Vec<NameId> = places.into_iter().map(id).collect::<Option<_>>()?;
        let key = Key::from_names(&names)?;
        // A cell that is there twice, or counts more times than entries, was not written by us.
        let cell = Cell { count, total_ms, runs, times };
        if hour > 23 || cell.times.count() > count || day.cells.insert((hour, key), cell).is_some()
        {
            return None;
        }
    }
    for (hour, place, count) in file.options {
        if hour > 23 {
            return None;
        }
        day.options.insert((hour, id(place)?), count);
    }
    Some(day)
}

/// The names that are used, numbered anew.
struct Table<'a> {
    all: &'a Names,
    places: HashMap<NameId, usize>,
    names: Vec<Option<String>>,
}

impl<'a> Table<'a> {
    fn new(all: &'a Names) -> Self {
        Self { all, places: HashMap::from([(NameId::ABSENT, 0)]), names: vec![None] }
    }

    fn place(&mut self, id: NameId) -> usize {
        *self.places.entry(id).or_insert_with(|| {
            self.names.push(self.all.get(id).map(ToString::to_string));
            self.names.len() - 1
        })
    }
}
