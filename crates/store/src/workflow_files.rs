//! Workflow files as documents; what they mean is not this crate's business.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use swamp_ident::WorkflowId;
use swamp_yaml::Document;

use crate::error::{Result, StoreError};
use crate::yaml_files::{self, YamlFile};
use crate::{RepoPaths, atomic};

/// Where a workflow file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowOrigin {
    /// The repository's `workflows/` directory; can be edited.
    Primary,
    /// An extension directory; read only.
    Extension,
}

/// One workflow file.
#[derive(Debug)]
pub struct WorkflowFile {
    /// The file.
    pub path: PathBuf,
    /// Where it comes from.
    pub origin: WorkflowOrigin,
    /// Its content, or why it cannot be read.
    pub document: Result<Document>,
}

impl WorkflowFile {
    /// The `name` in the document, if it is a text.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The `id` in the document, if it is a text.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.document.as_ref().ok()?.value().get(key)?.as_str()
    }
}

/// Reads and writes workflow files.
#[derive(Clone, Debug)]
pub struct WorkflowFiles {
    paths: RepoPaths,
    extensions: Vec<PathBuf>,
}

impl WorkflowFiles {
    /// The workflow files of the repository at `paths`, and those below the extension directories.
    pub fn new(paths: RepoPaths, extensions: Vec<PathBuf>) -> Self {
        Self { paths, extensions }
    }

    /// Every workflow file, broken ones too: primary ones first, then each extension directory,
    /// each group in order of paths. A workflow may occur more than once; the first counts.
    pub fn list(&self) -> Result<Vec<WorkflowFile>> {
        let files = self.files()?.into_iter().map(|(origin, file)| {
            let document = file
                .read()
                .and_then(|text| Document::parse(&text).map_err(StoreError::yaml(&file.path)));
            WorkflowFile { path: file.path, origin, document }
        });
        Ok(files.collect())
    }

    /// The file of the workflow with this name, else with this id, else the primary file that has
    /// this id in its name.
    ///
    /// Fails with [`StoreError::WorkflowNotFound`] if there is none, and with
    /// [`StoreError::WorkflowUnreadable`] if a broken file mentions it.
    pub fn find(&self, name_or_id: &str) -> Result<WorkflowFile> {
        let mut by_id = None;
        let mut by_file_name = None;
        let mut broken = None;
        // As for definitions: files that do not hold the words come last.
        let mut unlikely = Vec::new();
        for (origin, file) in self.files()? {
            let file_name_fits =
                origin == WorkflowOrigin::Primary && id_in_name(&file.path) == Some(name_or_id);
            let text = match file.read() {
                Ok(text) if text.contains(name_or_id) || file_name_fits => text,
                Ok(text) => {
                    unlikely.push((origin, file.path, text));
                    continue;
                }
                Err(error) => {
                    broken.get_or_insert(error);
                    continue;
                }
            };
            match Document::parse(&text) {
                Ok(document) => {
                    let found = WorkflowFile { path: file.path, origin, document: Ok(document) };
                    if found.name() == Some(name_or_id) {
                        return Ok(found);
                    }
                    if by_id.is_none() && found.id() == Some(name_or_id) {
                        by_id = Some(found);
                    } else if file_name_fits {
                        by_file_name = Some(found);
                    }
                }
                Err(error) => {
                    broken.get_or_insert(StoreError::yaml(&file.path)(error));
                }
            }
        }
        for (origin, path, text) in unlikely {
            if let Ok(document) = Document::parse(&text)
                && document.value().get("name").and_then(Value::as_str) == Some(name_or_id)
            {
                return Ok(WorkflowFile { path, origin, document: Ok(document) });
            }
        }
        by_id.or(by_file_name).ok_or_else(|| {
            let name = name_or_id.to_owned();
            match broken {
                Some(error) => StoreError::WorkflowUnreadable { name, error: Box::new(error) },
                None => StoreError::WorkflowNotFound(name),
            }
        })
    }

    fn files(&self) -> Result<Vec<(WorkflowOrigin, YamlFile)>> {
        let root = self.paths.root();
        let mut files: Vec<_> = yaml_files::inside(&self.paths.workflows(), root)?
            .into_iter()
            .filter(|file| id_in_name(&file.path).is_some())
            .map(|file| (WorkflowOrigin::Primary, file))
            .collect();
        for directory in &self.extensions {
            // An extension directory may be configured to lie outside the repository; its links
            // must then stay inside itself.
            let bound = if directory.starts_with(root) { root } else { directory };
            let found = yaml_files::below(directory, bound)?;
            files.extend(found.into_iter().map(|file| (WorkflowOrigin::Extension, file)));
        }
        Ok(files)
    }

    /// Writes a new workflow to its usual place; gives the path. Whether its name is free is for
    /// the caller to know.
    pub fn create(&self, id: &WorkflowId, value: &Value) -> Result<PathBuf> {
        let path = self.paths.workflow(id);
        if path.exists() {
            return Err(StoreError::Usage(format!("{} exists already", path.display())));
        }
        atomic::write_durable(&path, swamp_yaml::to_string(value).as_bytes())?;
        Ok(path)
    }

    /// Replaces the content of a primary workflow file.
    pub fn save(&self, file: &WorkflowFile, value: &Value) -> Result<()> {
        check_writable(file, "change")?;
        atomic::write_durable(&file.path, swamp_yaml::to_string(value).as_bytes())
    }

    /// Removes a primary workflow file.
    pub fn delete(&self, file: &WorkflowFile) -> Result<()> {
        check_writable(file, "delete")?;
        fs::remove_file(&file.path).map_err(StoreError::io("remove", &file.path))
    }

    /// Writes the evaluated copy; gives its path.
    pub fn save_evaluated(&self, id: &WorkflowId, value: &Value) -> Result<PathBuf> {
        let path = self.paths.evaluated_workflow(id);
        atomic::write_quick(&path, swamp_yaml::to_string(value).as_bytes())?;
        Ok(path)
    }

    /// Reads the evaluated copy, if there is one.
    pub fn load_evaluated(&self, id: &WorkflowId) -> Result<Option<Document>> {
        let path = self.paths.evaluated_workflow(id);
        match fs::read_to_string(&path) {
            Ok(text) => Document::parse(&text).map(Some).map_err(StoreError::yaml(&path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// Removes the evaluated copy; says whether there was one.
    pub fn delete_evaluated(&self, id: &WorkflowId) -> Result<bool> {
        let path = self.paths.evaluated_workflow(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("remove", &path)(error)),
        }
    }
}

/// The part of `workflow-<id>.yaml` between the dash and the dot; only such files are workflows.
fn id_in_name(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()?.strip_prefix("workflow-")
}

fn check_writable(file: &WorkflowFile, action: &str) -> Result<()> {
    if file.origin == WorkflowOrigin::Primary {
        return Ok(());
    }
    let name = file.name().unwrap_or("?");
    Err(StoreError::Usage(format!(
        "Cannot {action} extension workflow '{name}'. Extension workflows are read-only. To {action} it, {action} its source file {} directly.",
        file.path.display()
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn fixture(files: &[(&str, &str)]) -> (TempDir, WorkflowFiles) {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let extensions = vec![directory.path().join("extensions/workflows")];
        let files = WorkflowFiles::new(RepoPaths::new(directory.path()), extensions);
        (directory, files)
    }

    #[test]
    fn names_beat_ids_and_primary_files_beat_extensions() {
        let (directory, files) = fixture(&[
            ("workflows/workflow-1.yaml", "id: '1'\nname: shadowed\nfrom: primary\n"),
            ("workflows/workflow-by-hand.yaml", "id: '2'\nname: two\n"),
            ("workflows/workflow-3.yaml", "name: '2'\n"),
            ("workflows/nightly.yaml", "id: '4'\nname: ignored\n"),
            ("workflows/sub/workflow-5.yaml", "id: '5'\nname: deep\n"),
            ("extensions/workflows/a/b.yaml", "id: '6'\nname: shadowed\nfrom: extension\n"),
            ("extensions/workflows/c.yaml", "id: '7'\nname: \"caf\\u00e9\"\n"),
        ]);
        let path = |what: &str| {
            let path = files.find(what).map(|found| found.path);
            path.map(|path| path.strip_prefix(directory.path()).unwrap().display().to_string())
        };
        for (what, want) in [
            ("shadowed", "workflows/workflow-1.yaml"),
            ("1", "workflows/workflow-1.yaml"),
            ("2", "workflows/workflow-3.yaml"),
            ("3", "workflows/workflow-3.yaml"),
            ("two", "workflows/workflow-by-hand.yaml"),
            ("by-hand", "workflows/workflow-by-hand.yaml"),
            ("6", "extensions/workflows/a/b.yaml"),
            ("café", "extensions/workflows/c.yaml"),
        ] {
            assert_eq!(path(what).unwrap(), want, "{what}");
        }
        for missing in ["ignored", "deep", "5", "nightly"] {
            assert!(matches!(path(missing), Err(StoreError::WorkflowNotFound(_))), "{missing}");
        }
        let origins: Vec<_> = files.list().unwrap().iter().map(|file| file.origin).collect();
        let (primary, extension) = (WorkflowOrigin::Primary, WorkflowOrigin::Extension);
        assert_eq!(origins, [primary, primary, primary, extension, extension]);
    }

    #[test]
    fn broken_files_are_listed_and_named_when_they_were_meant() {
        let (_directory, files) = fixture(&[("workflows/workflow-1.yaml", "name: bad\njobs: [\n")]);
        let listed = files.list().unwrap();
        assert!(listed[0].document.is_err());
        assert_eq!(listed[0].name(), None);
        for what in ["bad", "1"] {
            let error = files.find(what).unwrap_err();
            assert!(matches!(error, StoreError::WorkflowUnreadable { .. }));
            let message = error.to_string();
            assert!(message.starts_with(&format!("Workflow not found: {what}. ")), "{message}");
            assert!(message.contains("workflow-1.yaml:3:1: "), "{message}");
        }
        assert!(matches!(files.find("other"), Err(StoreError::WorkflowNotFound(_))));
    }

    #[test]
    fn primary_files_can_be_written_and_extension_files_cannot() {
        let (_directory, files) =
            fixture(&[("extensions/workflows/x.yaml", "id: '9'\nname: ext\n")]);
        let id = WorkflowId::new("8");
        let path = files.create(&id, &json!({"id": "8", "name": "mine"})).unwrap();
        assert!(path.ends_with("workflows/workflow-8.yaml"));
        assert!(files.create(&id, &json!({})).is_err());
        let mine = files.find("mine").unwrap();
        files.save(&mine, &json!({"id": "8", "name": "renamed"})).unwrap();
        assert!(matches!(files.find("mine"), Err(StoreError::WorkflowNotFound(_))));
        files.delete(&files.find("renamed").unwrap()).unwrap();
        assert!(!path.exists());

        let extension = files.find("ext").unwrap();
        for result in [files.save(&extension, &json!({})), files.delete(&extension)] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains("extension workflow 'ext'"), "{message}");
        }
        assert!(extension.path.exists());
    }

    #[test]
    fn evaluated_copies_come_and_go() {
        let (_directory, files) = fixture(&[]);
        let id = WorkflowId::new("1");
        assert!(files.load_evaluated(&id).unwrap().is_none());
        let path = files.save_evaluated(&id, &json!({"a": 1})).unwrap();
        assert!(path.ends_with(".swamp/workflows-evaluated/workflow-1.yaml"));
        assert_eq!(files.load_evaluated(&id).unwrap().unwrap().into_value(), json!({"a": 1}));
        assert!(files.delete_evaluated(&id).unwrap());
        assert!(!files.delete_evaluated(&id).unwrap());
    }
}
