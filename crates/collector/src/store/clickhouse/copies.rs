//! Finding the copies there are of an event.
//!
//! A key is a hash: to know that an event is new, every part of `keys` in which its key could stand
//! has to be looked at, and keys of a month are many parts. But no copy of an event is kept under a
//! day before the one on which the event began, however wrong anybody's clock is (see
//! [`formats`](super::formats)). Nearly all events come within a day of their beginning, so that only
//! the last two days are asked for them; those that come later are asked for as far back as they
//! reach.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::ClickHouse;
use super::formats::TODAY;
use super::text::{list, literals, uuid};
use crate::error::CollectorError;
use crate::event::Event;
use crate::query::{DAY, HOUR};

/// Keys asked for at once.
const KEYS_AT_ONCE: usize = 20_000;

/// Where a copy of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Copy {
    /// The block it came in. Of several copies the one in the lowest block counts.
    pub(super) block: u64,
    pub(super) project: u32,
    pub(super) hour: i64,
}

/// The copies of each event, the one that counts first.
pub(super) type Copies = HashMap<Uuid, BTreeSet<Copy>>;

/// The first day under which copies of some events can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Since {
    /// Any day: when the events began is not known.
    Ever,
    /// This one, in days since 1970.
    Day(i64),
}

/// Events by how far back copies of them can be.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    /// Not before yesterday.
    recent: Vec<Uuid>,
    /// Not before `since`.
    older: Vec<Uuid>,
    since: Since,
    /// Places of events whose keys may be forgotten.
    forgotten: Vec<usize>,
}

impl Reach {
    fn of(batch: &[Event], today: i64, key_days: u16) -> Self {
        let mut reach = Self {
            recent: Vec::with_capacity(batch.len()),
            older: Vec::new(),
            since: Since::Day(today),
            forgotten: Vec::new(),
        };
        for (place, event) in batch.iter().enumerate() {
            let key = uuid(event.key);
            let day = event.at.as_millis().div_euclid(DAY);
            // The time of a skewed event is that of its arrival, another one each time.
            let since = if event.skewed { Since::Ever } else { Since::Day(day) };
            if since >= Since::Day(today - 1) {
                reach.recent.push(key);
                continue;
            }
            reach.older.push(key);
            reach.since = reach.since.min(since);
            if !event.skewed && day <= today - i64::from(key_days) {
                reach.forgotten.push(place);
            }
        }
        reach
    }
}

impl ClickHouse {
    /// The day it is, by the server's clock, in days since 1970.
    pub(super) fn today(&self) -> Result<i64, CollectorError> {
        let answer = self.client.rows(&format!("SELECT {TODAY}"))?;
        self.row(answer.trim_end()).number()
    }

    /// The copies there are of the events of a batch.
    pub(super) fn known(&self, batch: &[Event], today: i64) -> Result<Copies, CollectorError> {
        let reach = Reach::of(batch, today, self.schema.location.key_days);
        let mut copies = self.copies(&reach.recent, Since::Day(today - 1))?;
        copies.extend(self.copies(&reach.older, reach.since)?);
        self.unforgotten(batch, &reach.forgotten, &mut copies)?;
        Ok(copies)
    }

    /// The copies there are of events, under a day and later ones.
    pub(super) fn copies(&self, keys: &[Uuid], since: Since) -> Result<Copies, CollectorError> {
        let mut copies = Copies::new();
        let condition = match since {
            Since::Ever => String::new(),
            Since::Day(day) => format!(" WHERE day >= {day}"),
        };
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let wanted = list(keys.iter().map(|key| format!("'{key}'")));
            // The other columns are read only where a key is found, which for most there is not.
            self.collect(
                &format!(
                    "SELECT DISTINCT key, block, project, hour FROM keys PREWHERE key IN {wanted}{condition}"
                ),
                &mut copies,
            )?;
        }
        Ok(copies)
    }

    /// Events that began before what is remembered of keys: most of them came long ago too, and are
    /// found by themselves as long as they are kept.
    fn unforgotten(
        &self,
        batch: &[Event],
        places: &[usize],
        copies: &mut Copies,
    ) -> Result<(), CollectorError> {
        for places in places.chunks(KEYS_AT_ONCE) {
            let events = || places.iter().map(|place| &batch[*place]);
            let projects = list(events().map(|event| event.project.0).collect::<BTreeSet<_>>());
            let hours = events().map(|event| event.at.as_millis().div_euclid(HOUR));
            let hours = list(hours.collect::<BTreeSet<_>>());
            let runs = events().map(|event| event.group_id().unwrap_or_default());
            let runs = literals(runs.collect::<BTreeSet<_>>());
            let keys = list(events().map(|event| format!("'{}'", uuid(event.key))));
            self.collect(
                &format!(
                    "SELECT DISTINCT key, block, project, hour FROM events WHERE project IN {projects} \
                     AND hour IN {hours} AND run IN {runs} AND key IN {keys}"
                ),
                copies,
            )?;
        }
        Ok(())
    }

    fn collect(&self, statement: &str, copies: &mut Copies) -> Result<(), CollectorError> {
        for line in self.client.rows(statement)?.lines() {
            let mut values = self.row(line);
            let key = values.number()?;
            let copy =
                Copy { block: values.number()?, project: values.number()?, hour: values.number()? };
            copies.entry(key).or_default().insert(copy);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use swamp_ident::Timestamp;

    use super::*;
    use crate::event::ProjectId;
    use crate::ingest::{Arrival, Limits, Read, read_body};

    fn event(id: &str, began: i64) -> Event {
        let began = Timestamp::from_millis(began);
        let body = format!(
            r#"{{"event":"cli_invocation","distinct_id":"u","properties":{{"id":"{id}","invocation":{{"command":"x","args":[],"optionKeys":[],"globalOptions":[]}},"result":{{"status":"success","exitCode":0}},"startedAt":"{began}","completedAt":"{began}","durationMs":1,"swampVersion":"1","denoVersion":"0","platform":"linux"}}}}"#
        );
        let arrival = Arrival { project: ProjectId(1), at: Timestamp::from_millis(1000 * DAY) };
        let mut read = read_body(body.into_bytes(), arrival, &Limits::default()).unwrap();
        let Some(Read::Event(event)) = read.pop() else { panic!("{read:?}") };
        *event
    }

    #[test]
    fn how_far_back_is_looked_depends_on_when_an_event_began() {
        let events = [
            event("now", 1000 * DAY + 5),
            event("ahead", 1000 * DAY + 20 * HOUR),
            event("yesterday", 999 * DAY),
            event("late", 999 * DAY - 1),
            event("later", 960 * DAY),
            event("forgotten", 954 * DAY),
        ];
        let reach = |events: &[Event]| Reach::of(events, 1000, 45);
        let keys = |events: &[Event]| events.iter().map(|e| uuid(e.key)).collect::<Vec<_>>();
        let all = reach(&events);
        assert_eq!((all.recent, all.older), (keys(&events[..3]), keys(&events[3..])));
        assert_eq!((all.since, all.forgotten), (Since::Day(954), vec![5]));
        assert_eq!(reach(&events[3..5]).since, Since::Day(960));
        let skewed = event("skewed", -500 * DAY);
        assert!(skewed.skewed);
        let all = reach(&[skewed, events[3].clone()]);
        assert_eq!((all.since, all.recent, all.forgotten), (Since::Ever, vec![], vec![]));
    }
}
