//! The output records of a repository: one file per run of a method, at
//! `.swamp/outputs/<type>/<method>/<definition id>-<time>.yaml`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use swamp_ident::{DefinitionId, MethodName, Timestamp, TypeName};

use crate::atomic;
use crate::definitions::BrokenFile;
use crate::error::{Result, StoreError};
use crate::lookup::{IdPrefix, Lookup};
use crate::output_record::OutputRecord;
use crate::paths::RepoPaths;

/// An output record and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOutput {
    /// The model's type, from the place of the file.
    pub type_name: TypeName,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub record: OutputRecord,
}

/// Many output records.
#[derive(Debug, Default)]
pub struct OutputListing {
    /// Newest first.
    pub outputs: Vec<StoredOutput>,
    /// Files that could not be read.
    pub broken: Vec<BrokenFile>,
}

/// Reads and writes output records.
#[derive(Clone, Debug)]
pub struct OutputStore {
    paths: RepoPaths,
    /// The newest unbroken row of times used in file names, by definition and method.
    /// When hundreds of runs start within a few milliseconds, their file names run ahead of the
    /// clock, and looking for the next free one each time would take longer and longer.
    used: Arc<Mutex<HashMap<(DefinitionId, MethodName), Row>>>,
}

/// An unbroken row of milliseconds: from and to.
type Row = (Timestamp, Timestamp);

/// A record's file, before it is read.
struct Place {
    type_name: TypeName,
    path: PathBuf,
}

impl OutputStore {
    /// The records of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths, used: Arc::default() }
    }

    /// Writes the record of a run that starts; gives its file. Runs that start in the same
    /// millisecond get files of their own.
    pub fn create(&self, type_name: &TypeName, record: &OutputRecord) -> Result<PathBuf> {
        let text = swamp_yaml::to_string(&record.to_value());
        let (definition, method) = (&record.definition_id, &record.method_name);
        let mut wanted = record.started_at;
        loop {
            let stamp = self.free_stamp(definition, method, wanted);
            let path = self.file(type_name, method, definition, stamp, "yaml");
            // The look is cheaper than a try; the try is what counts.
            if !path.exists() && atomic::write_new(&path, text.as_bytes())? {
                return Ok(path);
            }
            wanted = stamp.plus_millis(1);
        }
    }

    /// The time for the name of a record's file: `wanted`, or the first millisecond after it that
    /// this process has not used. Nobody reads it but to sort.
    fn free_stamp(
        &self,
        definition: &DefinitionId,
        method: &MethodName,
        wanted: Timestamp,
    ) -> Timestamp {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = used
            .entry((definition.clone(), method.clone()))
            .or_insert((wanted, wanted.plus_millis(-1)));
        if wanted < *from {
            // The clock went back; the file tells whether the name is free.
            return wanted;
        }
        if wanted > *to {
            *from = wanted;
            *to = wanted;
        } else {
            *to = to.plus_millis(1);
        }
        *to
    }

    /// Writes the record again.
    pub fn update(&self, path: &Path, record: &OutputRecord) -> Result<()> {
        atomic::write_quick(path, swamp_yaml::to_string(&record.to_value()).as_bytes())
    }

    /// Where the log of a direct run that starts at `started_at` belongs.
    pub fn log_path(
        &self,
        type_name: &TypeName,
        method: &MethodName,
        definition: &DefinitionId,
        started_at: Timestamp,
    ) -> PathBuf {
        self.file(type_name, method, definition, started_at, "log")
    }

    fn file(
        &self,
        type_name: &TypeName,
        method: &MethodName,
        definition: &DefinitionId,
        stamp: Timestamp,
        extension: &str,
    ) -> PathBuf {
        let mut path = self.paths.method_outputs(type_name, method);
        path.push(format!("{definition}-{}.{extension}", stamp.file_stamp()));
        path
    }

    /// All records.
    pub fn list(&self) -> Result<OutputListing> {
        let mut listing = OutputListing::default();
        for place in self.places(|_| true)? {
            match place.read() {
                Ok(Some(output)) => listing.outputs.push(output),
                Ok(None) => {}
                Err(broken) => listing.broken.push(broken),
            }
        }
        // Runs of the same millisecond: the file names tell which came first.
        listing.outputs.sort_by(|a, b| {
            (b.record.started_at, b.path.file_name())
                .cmp(&(a.record.started_at, a.path.file_name()))
        });
        Ok(listing)
    }

    /// The newest record of a definition. Files that cannot be read are passed over.
    pub fn latest(&self, definition: &DefinitionId) -> Result<Option<StoredOutput>> {
        let mut places = self.places(|name| belongs_to(name, definition))?;
        // The time is the end of the name, and the beginning is the same for all.
        places.sort_by(|a, b| b.path.file_name().cmp(&a.path.file_name()));
        Ok(places.into_iter().find_map(|place| place.read().ok().flatten()))
    }

    /// The record whose id begins with `prefix`: at least three hexadecimal digits, dashes not
    /// counted. Other texts find nothing.
    pub fn find(&self, prefix: &str) -> Result<Lookup<StoredOutput>> {
        let Some(prefix) = IdPrefix::parse(prefix) else {
            return Ok(Lookup::None);
        };
        let mut found: Vec<StoredOutput> = Vec::new();
        for place in self.places(|_| true)? {
            if place.may_match(&prefix)
                && let Ok(Some(output)) = place.read()
                && prefix.matches(output.record.id.as_str())
            {
                found.push(output);
            }
        }
        if found.len() > 1 {
            let mut ids: Vec<_> =
                found.iter().map(|output| output.record.id.as_str().to_owned()).collect();
            ids.sort_unstable();
            return Ok(Lookup::Ambiguous(ids));
        }
        Ok(found.pop().map_or(Lookup::None, Lookup::One))
    }

    /// Removes records and logs of a definition; gives how many records there were.
    pub fn delete_all(&self, definition: &DefinitionId) -> Result<usize> {
        let mut records = 0;
        let mut files = Vec::new();
        find_files(&self.paths.outputs(), &mut Vec::new(), &mut |_, path| {
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
                belongs_to(name, definition)
                    && (has_extension(&path, "yaml") || has_extension(&path, "log"))
            }) {
                files.push(path);
            }
        })?;
        for path in files {
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            records += usize::from(has_extension(&path, "yaml"));
        }
        Ok(records)
    }

    fn places(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        find_files(&self.paths.outputs(), &mut Vec::new(), &mut |segments, path| {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
            // The last directory is the method, the ones before are the type.
            if let Some((_method, type_segments)) = segments.split_last()
                && !type_segments.is_empty()
                && has_extension(&path, "yaml")
                && !name.starts_with('.')
                && wanted(name)
            {
                let type_name = TypeName::normalised(&type_segments.join("/"));
                places.push(Place { type_name, path });
            }
        })?;
        Ok(places)
    }
}

impl Place {
    /// Whether the record's id can begin with `prefix`, judged by the first line, where we and the
    /// other implementation write it.
    fn may_match(&self, prefix: &IdPrefix) -> bool {
        let text = fs::read(&self.path).unwrap_or_default();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match str::from_utf8(line).ok().and_then(|line| line.strip_prefix("id: ")) {
            Some(id) => prefix.matches(id.trim().trim_matches(['\'', '"'])),
            None => true,
        }
    }

    fn read(&self) -> Result<Option<StoredOutput>, BrokenFile> {
        read_record(&self.path, |text| OutputRecord::parse(&self.path, text)).map(|record| {
            record.map(|record| StoredOutput {
                type_name: self.type_name.clone(),
                path: self.path.clone(),
                record,
            })
        })
    }
}

/// Reads a record's file; `None` if it vanished.
pub(crate) fn read_record<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T>,
) -> Result<Option<T>, BrokenFile> {
    let broken = |error| BrokenFile { path: path.to_owned(), error };
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).map(Some).map_err(broken),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(StoreError::io("read", path)(error))),
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

fn belongs_to(name: &str, definition: &DefinitionId) -> bool {
    name.strip_prefix(definition.as_str()).is_some_and(|rest| rest.starts_with('-'))
}

/// Every file below `directory`, with the directories that lead to it.
fn find_files(
    directory: &Path,
    segments: &mut Vec<String>,
    found: &mut dyn FnMut(&[String], PathBuf),
) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(StoreError::io("read directory", directory))?,
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read directory", directory))?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if let Ok(name) = entry.file_name().into_string() {
                    segments.push(name);
                    find_files(&entry.path(), segments, found)?;
                    segments.pop();
                }
            }
            Ok(kind) if kind.is_file() => found(segments, entry.path()),
            _ => {}
        }
    }
    Ok(())
}
