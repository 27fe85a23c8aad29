//! Texts of dimensions as numbers, up to a limit.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use rusqlite::{Connection, Transaction};

use crate::dimension::{Dimension, OTHER, most_values};
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::store::Cardinality;

/// No value.
pub(super) const NONE: u32 = 0;

/// Some value beyond the limit.
const BEYOND: u32 = 1;

/// The first number of a text.
const FIRST: u32 = 2;

/// The values of all dimensions of one event.
pub(super) type CellKey = [u32; Dimension::COUNT];

#[derive(Default)]
struct Words {
    numbers: HashMap<Arc<str>, u32, FixedState>,
    texts: Vec<Arc<str>>,
    /// What was asked for last: events that follow each other are alike.
    last: Option<(Arc<str>, u32)>,
    beyond: u64,
}

/// The texts of all projects.
#[derive(Default)]
pub(super) struct Dictionary {
    projects: HashMap<ProjectId, [Words; Dimension::COUNT], FixedState>,
    news: News,
}

/// What is not in the database yet.
#[derive(Default)]
pub(super) struct News {
    words: Vec<(ProjectId, Dimension, u32, Arc<str>)>,
    /// How many events had a value beyond a limit, in all.
    beyond: HashMap<(ProjectId, Dimension), u64, FixedState>,
}

impl News {
    /// Writes it.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<(), CollectorError> {
        let mut statement =
            transaction.prepare_cached("INSERT INTO dictionary VALUES (?1, ?2, ?3, ?4)")?;
        for (project, dimension, number, text) in &self.words {
            statement.execute((project.0, dimension.index(), number, &**text))?;
        }
        let mut statement =
            transaction.prepare_cached("INSERT OR REPLACE INTO overflow VALUES (?1, ?2, ?3)")?;
        for ((project, dimension), events) in &self.beyond {
            statement.execute((project.0, dimension.index(), events.cast_signed()))?;
        }
        Ok(())
    }
}

impl Dictionary {
    /// Reads all texts.
    pub(super) fn load(connection: &Connection) -> Result<Self, CollectorError> {
        let mut dictionary = Self::default();
        let mut statement = connection.prepare(
            "SELECT project, dimension, text FROM dictionary ORDER BY project, dimension, number",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (project, dimension) = (ProjectId(row.get(0)?), row.get::<_, usize>(1)?);
            let text: Arc<str> = Arc::from(row.get_ref(2)?.as_str().unwrap_or_default());
            if let Some(words) = dictionary.of(project).get_mut(dimension) {
                words.add(text);
            }
        }
        let mut statement =
            connection.prepare("SELECT project, dimension, events FROM overflow")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (project, dimension) = (ProjectId(row.get(0)?), row.get::<_, usize>(1)?);
            let beyond = row.get::<_, i64>(2)?.cast_unsigned();
            if let Some(words) = dictionary.of(project).get_mut(dimension) {
                words.beyond = beyond;
            }
        }
        Ok(dictionary)
    }

    fn of(&mut self, project: ProjectId) -> &mut [Words; Dimension::COUNT] {
        self.projects.entry(project).or_default()
    }

    /// The numbers of an event's values; new texts get one.
    pub(super) fn key(&mut self, event: &Event) -> CellKey {
        let words = self.projects.entry(event.project).or_default();
        let mut key = [NONE; Dimension::COUNT];
        for dimension in Dimension::ALL {
            let Some(text) = event.text(dimension) else { continue };
            let words = &mut words[dimension.index()];
            let number = words.number(event.project, dimension, text, &mut self.news);
            if number == BEYOND {
                words.beyond += 1;
                self.news.beyond.insert((event.project, dimension), words.beyond);
            }
            key[dimension.index()] = number;
        }
        key
    }

    /// The number of a text that may be new.
    pub(super) fn number(&mut self, project: ProjectId, dimension: Dimension, text: &str) -> u32 {
        let words = &mut self.projects.entry(project).or_default()[dimension.index()];
        words.number(project, dimension, text, &mut self.news)
    }

    /// What became known since this was asked last.
    pub(super) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The text of a number.
    pub(super) fn text(
        &self,
        project: ProjectId,
        dimension: Dimension,
        number: u32,
    ) -> Option<String> {
        match number {
            NONE => None,
            BEYOND => Some(OTHER.to_owned()),
            number => {
                let words = self.projects.get(&project)?;
                let at = usize::try_from(number - FIRST).ok()?;
                words[dimension.index()].texts.get(at).map(ToString::to_string)
            }
        }
    }

    /// The number of a text that a filter names; `None` if no event has it.
    pub(super) fn find(&self, project: ProjectId, dimension: Dimension, text: &str) -> Option<u32> {
        match text {
            "" => Some(NONE),
            OTHER => Some(BEYOND),
            text => self.projects.get(&project)?[dimension.index()].numbers.get(text).copied(),
        }
    }

    /// All texts of a dimension, in order.
    pub(super) fn texts(&self, project: ProjectId, dimension: Dimension) -> Vec<String> {
        let Some(words) = self.projects.get(&project) else { return Vec::new() };
        let words = &words[dimension.index()];
        let mut texts: Vec<String> = words.texts.iter().map(ToString::to_string).collect();
        texts.sort_unstable();
        if words.beyond > 0 {
            texts.push(OTHER.to_owned());
        }
        texts
    }

    /// How many texts there are.
    pub(super) fn cardinality(&self, project: ProjectId) -> Vec<Cardinality> {
        let of = |dimension: Dimension| {
            let words = self.projects.get(&project).map(|words| &words[dimension.index()]);
            Cardinality {
                dimension: dimension.as_str(),
                values: words.map_or(0, |words| words.texts.len() as u64),
                limit: most_values(dimension) as u64,
                other: words.map_or(0, |words| words.beyond),
            }
        };
        Dimension::ALL.map(of).to_vec()
    }
}

impl Words {
    fn number(
        &mut self,
        project: ProjectId,
        dimension: Dimension,
        text: &str,
        news: &mut News,
    ) -> u32 {
        if let Some((last, number)) = &self.last
            && **last == *text
        {
            return *number;
        }
        if let Some((known, number)) = self.numbers.get_key_value(text) {
            self.last = Some((Arc::clone(known), *number));
            return *number;
        }
        if self.texts.len() >= most_values(dimension) || text == OTHER {
            return BEYOND;
        }
        let text: Arc<str> = Arc::from(text);
        let number = self.add(Arc::clone(&text));
        news.words.push((project, dimension, number, text));
        number
    }

    fn add(&mut self, text: Arc<str>) -> u32 {
        let number = number_of(self.texts.len());
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }
}

fn number_of(at: usize) -> u32 {
    // Limits are far below.
    u32::try_from(at).unwrap_or(u32::MAX - FIRST) + FIRST
}
