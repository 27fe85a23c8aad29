use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use swamp_ident::{DefinitionId, ModelName, TypeName};
use tempfile::TempDir;

use super::Definitions;
use crate::{Definition, RepoPaths, StoreError};

const ID: &str = "7d1f6f7e-1111-4b4b-9c9c-0a0a0a0a0a0";

struct Fixture {
    directory: TempDir,
    definitions: Definitions,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let definitions = Definitions::new(RepoPaths::new(directory.path()));
        Self { directory, definitions }
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join("models").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn put_named(&self, path: &str, number: u8, name: &str) -> PathBuf {
        self.put(path, &text(number, name))
    }
}

fn text(number: u8, name: &str) -> String {
    format!("type: command/shell\nid: {ID}{number}\nname: {name}\nversion: 1\n")
}

fn shell(id: &str, name: &str) -> Definition {
    Definition::new(
        TypeName::normalised("command/shell"),
        DefinitionId::new(id),
        ModelName::new(name),
    )
}

#[test]
fn definitions_are_found_by_name_then_by_id_whatever_their_file_is_called() {
    let fixture = Fixture::new();
    let disk = fixture.put_named("command/shell/storage/disk.yaml", 1, "disk");
    let typeless = fixture.put(
        "command/shell/typeless.yaml",
        &text(2, "typeless").replace("type: command/shell\n", ""),
    );
    fixture.put_named("command/shell/ignored.yml", 3, "ignored");
    let escaped = fixture.put_named("escaped.yaml", 4, "\"caf\\u00e9\"");
    // Its name is the id of another one: the name wins.
    let thief = fixture.put_named("z.yaml", 5, &format!("{ID}1"));

    let find = |what: &str| fixture.definitions.find(what).map(|found| found.path);
    assert_eq!(find("disk").unwrap(), disk);
    assert_eq!(find("typeless").unwrap(), typeless);
    assert_eq!(find("café").unwrap(), escaped);
    assert_eq!(find(&format!("{ID}2")).unwrap(), typeless);
    assert_eq!(find(&format!("{ID}1")).unwrap(), thief);
    for missing in ["dis", "ignored", &ID[..8], ""] {
        assert!(matches!(find(missing), Err(StoreError::ModelNotFound(name)) if name == missing));
    }
    assert_eq!(fixture.definitions.find("typeless").unwrap().type_name.as_str(), "command/shell");
}

#[test]
fn the_first_of_two_equal_names_wins() {
    let fixture = Fixture::new();
    fixture.put_named("b.yaml", 2, "twin");
    let first = fixture.put_named("a.yaml", 1, "twin");
    assert_eq!(fixture.definitions.find("twin").unwrap().path, first);
}

#[test]
fn what_is_remembered_follows_the_files() {
    let fixture = Fixture::new();
    let path = fixture.put_named("a.yaml", 1, "x");
    let version = |name: &str| fixture.definitions.find(name).map(|found| found.version);
    assert_eq!(version("x").unwrap(), 1);
    assert_eq!(version("x").unwrap(), 1);
    fixture.put("a.yaml", &text(1, "x").replace("version: 1", "version: 22"));
    assert_eq!(version("x").unwrap(), 22);
    fs::remove_file(path).unwrap();
    assert!(matches!(version("x"), Err(StoreError::ModelNotFound(_))));
    fixture.put_named("moved/b.yaml", 1, "x");
    assert_eq!(version("x").unwrap(), 1);
}

#[test]
fn broken_files_are_listed_and_named_when_they_were_meant() {
    let fixture = Fixture::new();
    fixture.put_named("good.yaml", 1, "good");
    let broken = fixture.put("broken.yaml", "name: broken\nid: [\n");
    let empty = fixture.put("empty.yaml", "");
    let scan = fixture.definitions.scan().unwrap();
    assert_eq!(scan.found.len(), 1);
    let paths: Vec<&Path> = scan.broken.iter().map(|file| file.path.as_path()).collect();
    assert_eq!(paths, [broken.as_path(), empty.as_path()]);
    assert!(scan.broken[0].error.to_string().starts_with(&format!("{}:3:1: ", broken.display())));

    let error = fixture.definitions.find("broken").unwrap_err();
    assert!(matches!(error, StoreError::ModelUnreadable { .. }));
    assert!(error.to_string().starts_with("Model not found: broken. "), "{error}");
    assert!(error.to_string().contains("broken.yaml:3:1"), "{error}");
    assert!(matches!(fixture.definitions.find("nobody"), Err(StoreError::ModelNotFound(_))));
    assert!(fixture.definitions.find("good").is_ok());
}

#[test]
fn creating_writes_the_usual_place_and_refuses_taken_and_unusable_names() {
    let fixture = Fixture::new();
    let id = format!("{ID}1");
    let mut definition = shell(&id, "hello");
    definition.type_version = Some("2026.02.09.1".to_owned());
    fixture.definitions.create(&mut definition).unwrap();
    let path = fixture.directory.path().join(format!("models/command/shell/{id}.yaml"));
    assert_eq!(definition.path, path);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!(
            "type: command/shell\ntypeVersion: 2026.02.09.1\nid: {id}\nname: hello\nversion: 1\ntags: {{}}\nglobalArguments: {{}}\nmethods: {{}}\n"
        )
    );
    let error = fixture.definitions.create(&mut shell(&format!("{ID}2"), "hello")).unwrap_err();
    assert_eq!(error.to_string(), "Model already exists: hello");
    for bad in ["", "../escape", "a/b"] {
        let error = fixture.definitions.create(&mut shell(&format!("{ID}3"), bad)).unwrap_err();
        assert!(matches!(error, StoreError::BadName(_)), "{bad}: {error}");
    }
    assert_eq!(fixture.definitions.scan().unwrap().found.len(), 1);
}

#[test]
fn deleting_removes_the_file_that_was_found() {
    let fixture = Fixture::new();
    let path = fixture.put_named("by-hand.yaml", 1, "x");
    let found = fixture.definitions.find("x").unwrap();
    fixture.definitions.delete(&found).unwrap();
    assert!(!path.exists());
    let error = fixture.definitions.delete(&found).unwrap_err().to_string();
    assert!(error.contains("by-hand.yaml"), "{error}");
}

#[test]
fn evaluated_copies_are_separate_and_rewritten_only_when_needed() {
    let fixture = Fixture::new();
    let mut definition = shell(&format!("{ID}1"), "x");
    assert_eq!(fixture.definitions.load_evaluated(&definition).unwrap(), None);
    definition.global_arguments.insert("a".to_owned(), json!(1));
    let path = fixture.definitions.save_evaluated(&definition).unwrap();
    assert!(path.ends_with(format!(".swamp/definitions-evaluated/command/shell/{ID}1.yaml")));
    let load = || fixture.definitions.load_evaluated(&definition).unwrap().unwrap();
    assert_eq!(load().global_arguments, definition.global_arguments);
    assert_eq!(load().path, path);

    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
    let before = inode();
    fixture.definitions.save_evaluated(&definition).unwrap();
    assert_eq!(inode(), before);
    // Somebody else wrote: what we remember does not count.
    fs::write(&path, "something else").unwrap();
    fixture.definitions.save_evaluated(&definition).unwrap();
    assert_eq!(load().global_arguments, definition.global_arguments);

    assert!(fixture.definitions.delete_evaluated(&definition).unwrap());
    assert!(!fixture.definitions.delete_evaluated(&definition).unwrap());
}
