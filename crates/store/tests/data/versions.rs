//! Writing and reading versions.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::symlink;

use serde_json::json;
use swamp_ident::{JobName, RunId, StepName, WorkflowName};
use swamp_store::{Body, Content, DataOwner, ItemKey, Lifetime, OwnerKind, Retention, Span};

use crate::support::{MODEL, Repo, fresh_id, key, model, new_version, time};

#[test]
fn a_version_lies_on_disk_as_the_format_wants_it() {
    let repo = Repo::new();
    let mut version = new_version(key("result"));
    version.garbage_collection = Retention::YoungerThan(Span::parse("2w").unwrap());
    version.lifetime = Lifetime::parse("0d").unwrap();
    version.tags.insert("rt".to_owned(), "1".to_owned());
    version.owner = DataOwner {
        workflow_run_id: Some(RunId::new("e26ca7a1-4fe2-48f2-8c52-0c0189c29b71")),
        workflow_name: Some(WorkflowName::new("wf")),
        job_name: Some(JobName::new("main")),
        step_name: Some(StepName::new("one")),
        source: Some("step-output".to_owned()),
        ..DataOwner::model(MODEL)
    };
    let id = version.id.clone();
    let stored = repo.store.write(&version, Content::Bytes(br#"{"exitCode":0}"#)).unwrap();
    assert_eq!(stored.directory, repo.item("result/1"));
    let text = fs::read_to_string(repo.item("result/1/metadata.yaml")).unwrap();
    let want = format!(
        "\
id: {id}
name: result
version: 1
contentType: application/json
lifetime: workflow
garbageCollection: 2w
streaming: false
tags:
  type: resource
  specName: result
  modelName: probe
  rt: '1'
ownerDefinition:
  ownerType: model-method
  ownerRef: {MODEL}
  workflowRunId: e26ca7a1-4fe2-48f2-8c52-0c0189c29b71
  workflowName: wf
  jobName: main
  stepName: one
  source: step-output
createdAt: '2026-11-22T10:00:00.000Z'
size: 14
checksum: 6041df3e9b345d68be886f995c452395674ea950cd3ca9992c13b64f3aa9cbd0
"
    );
    assert_eq!(text, want);
    assert_eq!(fs::read_to_string(repo.item("result/1/raw")).unwrap(), r#"{"exitCode":0}"#);
    assert_eq!(fs::read_to_string(repo.item("result/latest")).unwrap(), "1");
    assert_eq!(repo.store.latest(&key("result")).unwrap().unwrap(), stored);
}

#[test]
fn the_checksum_is_sha_256() {
    let repo = Repo::new();
    for (content, want) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ] {
        let stored = repo.write("x", content);
        assert_eq!(stored.metadata.checksum.as_deref(), Some(want));
        assert_eq!(stored.metadata.size, Some(content.len() as u64));
    }
}

#[test]
fn each_write_is_a_version_and_the_last_is_the_newest() {
    let repo = Repo::new();
    for number in 1..=12 {
        let stored = repo.write("result", &format!("{{\"n\":{number}}}"));
        assert_eq!(stored.metadata.version, number);
        assert_eq!(repo.latest_text("result"), format!("{{\"n\":{number}}}"));
        assert_eq!(fs::read_to_string(repo.item("result/latest")).unwrap(), number.to_string());
    }
    assert_eq!(repo.store.version_numbers(&key("result")).unwrap(), (1..=12).collect::<Vec<_>>());
    let listing = repo.store.versions(&key("result")).unwrap();
    assert_eq!(listing.latest, Some(12));
    assert_eq!(listing.versions.first().unwrap().metadata.version, 12);
    assert_eq!(listing.versions.last().unwrap().text().unwrap(), "{\"n\":1}");
    let fourth = repo.store.version(&key("result"), 4).unwrap().unwrap();
    assert_eq!(fourth.text().unwrap(), "{\"n\":4}");
    assert_eq!(repo.store.version(&key("result"), 13).unwrap(), None);
    repo.store.close();
    let mut want: Vec<_> = (1..=12).map(|number| number.to_string()).collect();
    want.push("latest".to_owned());
    want.sort();
    assert_eq!(repo.entries("result"), want, "no temporary file stays");
}

#[test]
fn another_process_goes_on_where_the_first_stopped() {
    let repo = Repo::new();
    repo.write("result", "1");
    for number in 2..6 {
        // Alternating: each has to notice what the other did.
        let other = repo.other();
        let stored = crate::support::put(&other, "result", "x");
        assert_eq!(stored.metadata.version, number * 2 - 2);
        assert_eq!(repo.write("result", "y").metadata.version, number * 2 - 1);
        assert_eq!(repo.latest_text("result"), "y");
    }
}

#[test]
fn content_can_come_from_a_reader() {
    let repo = Repo::new();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let from_bytes = repo.store.write(&new_version(key("a")), Content::Bytes(&bytes)).unwrap();
    let from_reader =
        repo.store.write(&new_version(key("b")), Content::Reader(&mut bytes.as_slice())).unwrap();
    assert_eq!(from_reader.metadata.size, Some(1_200_000));
    assert_eq!(from_reader.metadata.checksum, from_bytes.metadata.checksum);
    assert_eq!(from_reader.content().unwrap(), bytes);
    let mut again = Vec::new();
    from_reader.open().unwrap().read_to_end(&mut again).unwrap();
    assert_eq!(again, bytes);
}

#[test]
fn content_that_breaks_off_leaves_no_version() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 | 3 => Ok(buffer.len()),
                2 => Err(io::ErrorKind::Interrupted.into()),
                _ => Err(io::Error::other("the cable came off")),
            }
        }
    }
    let repo = Repo::new();
    repo.write("log", "1");
    let error = repo
        .store
        .write(&new_version(key("log")), Content::Reader(&mut Broken(0)))
        .unwrap_err()
        .to_string();
    assert!(error.contains("the cable came off") && error.contains("log"), "{error}");
    assert_eq!(repo.entries("log"), ["1", "latest"]);
    assert_eq!(repo.write("log", "2").metadata.version, 2, "the number is not lost");
}

#[test]
fn only_the_owner_may_write() {
    let repo = Repo::new();
    repo.write("result", "{}");
    let mut version = new_version(key("result"));
    version.owner = DataOwner { kind: OwnerKind::Manual, ..DataOwner::model("me") };
    for store in [&repo.store, &repo.other()] {
        let error = store.write(&version, Content::Bytes(b"{}")).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "Ownership validation failed for \"result\": existing owner \
                 \"model-method:{MODEL}\" does not match new owner \"manual:me\""
            )
        );
    }
    assert_eq!(repo.entries("result"), ["1", "latest"]);
    // Where the version came from is no part of the owner.
    let mut version = new_version(key("result"));
    version.owner.step_name = Some(StepName::new("other"));
    repo.store.write(&version, Content::Bytes(b"{}")).unwrap();
}

#[test]
fn names_that_are_no_names_are_refused_and_lead_nowhere() {
    let repo = Repo::new();
    repo.write("result", "secret");
    for name in ["", "../result", "a/b", "latest", "LATEST", ".", "..", ".hidden", "a\0b"] {
        let key = key(name);
        assert!(repo.store.write(&new_version(key.clone()), Content::Bytes(b"")).is_err());
        assert_eq!(repo.store.latest(&key).unwrap(), None, "{name:?}");
        assert_eq!(repo.store.version(&key, 1).unwrap(), None, "{name:?}");
        assert!(repo.store.versions(&key).unwrap().versions.is_empty(), "{name:?}");
        assert_eq!(repo.store.delete(&key).unwrap(), 0, "{name:?}");
    }
    let outside = ItemKey { model: model("../../.."), name: key("result").name };
    assert!(repo.store.write(&new_version(outside.clone()), Content::Bytes(b"")).is_err());
    assert_eq!(repo.store.latest(&outside).unwrap(), None);
    assert!(repo.store.list(&model("..")).unwrap().items.is_empty());
    let mut untyped = new_version(key("result"));
    untyped.tags.clear();
    let error = repo.store.write(&untyped, Content::Bytes(b"")).unwrap_err().to_string();
    assert!(error.contains("without the tag `type`"), "{error}");
    assert_eq!(repo.listed(), ["result"]);
}

fn metadata(name: &str, extra: &str) -> String {
    format!(
        "id: {}\nname: {name}\nversion: 1\ncontentType: text/plain\nlifetime: infinite\n\
         garbageCollection: 10\ntags: {{type: file, specName: log, modelName: probe}}\n\
         ownerDefinition: {{ownerType: model-method, ownerRef: {MODEL}}}\n{extra}\n",
        fresh_id()
    )
}

#[test]
fn a_store_written_by_hand_is_read() {
    let repo = Repo::new();
    let created = "createdAt: '2026-03-03T06:00:00.123456Z'";
    // No pointer: the highest directory counts, even if the metadata says another number.
    repo.plant("note", 3, &metadata("note", &format!("{created}\nfutureKey: ignored")), "ice\n");
    let note = repo.store.latest(&key("note")).unwrap().unwrap();
    assert_eq!(note.metadata.version, 3);
    assert_eq!(note.metadata.created_at, time("2026-03-03T06:00:00.123Z"));
    assert_eq!((note.metadata.size, note.metadata.streaming), (None, false));
    assert_eq!(note.text().unwrap(), "ice\n");
    // A pointer of the old kind.
    repo.plant("link", 1, &metadata("link", created), "one");
    repo.plant("link", 2, &metadata("link", created), "two");
    symlink("1/", repo.item("link/latest")).unwrap();
    assert_eq!(repo.latest_text("link"), "one");
    // A pointer to a version that does not exist.
    repo.plant("lost", 1, &metadata("lost", created), "one");
    fs::write(repo.item("lost/latest"), "9").unwrap();
    assert_eq!(repo.store.latest(&key("lost")).unwrap(), None);
    assert_eq!(repo.listed(), ["link", "note"]);
    // Writing mends all of them.
    for (name, version) in [("note", 4), ("link", 2), ("lost", 2)] {
        let version = if name == "link" { 3 } else { version };
        assert_eq!(repo.write(name, "new").metadata.version, version, "{name}");
        assert_eq!(repo.latest_text(name), "new");
        assert!(repo.item(name).join("latest").symlink_metadata().unwrap().is_file());
    }
}

#[test]
fn a_deleted_item_is_in_no_view() {
    let repo = Repo::new();
    repo.plant(
        "gone",
        1,
        &metadata("gone", "createdAt: '2026-03-03T06:00:00Z'\nlifecycle: deleted"),
        "{}",
    );
    assert_eq!(repo.store.latest(&key("gone")).unwrap(), None);
    assert!(repo.listed().is_empty() && repo.queried().is_empty());
    assert!(repo.store.version(&key("gone"), 1).unwrap().unwrap().metadata.deleted);
    assert_eq!(repo.write("gone", "back").metadata.version, 2);
    assert_eq!(repo.latest_text("gone"), "back");
    assert_eq!(repo.listed(), ["gone"]);
    assert_eq!(repo.queried(), ["gone 2*"]);
}

#[test]
fn a_method_can_mark_what_it_deleted() {
    let repo = Repo::new();
    repo.write("server", r#"{"ip":"10.0.0.1"}"#);
    let method = "destroy".into();
    let at = time("2026-11-22T11:00:00.000Z");
    let mark = repo.store.mark_deleted(&key("server"), &method, at).unwrap().unwrap();
    assert_eq!(mark.metadata.version, 2);
    assert_eq!(
        mark.text().unwrap(),
        r#"{"ip":"10.0.0.1","deletedAt":"2026-11-22T11:00:00.000Z","deletedByMethod":"destroy"}"#
    );
    let first = repo.store.version(&key("server"), 1).unwrap().unwrap();
    assert_eq!(mark.metadata.id, first.metadata.id, "a mark keeps the id");
    assert_eq!(repo.store.latest(&key("server")).unwrap(), None);
    assert_eq!(repo.store.mark_deleted(&key("server"), &method, at).unwrap(), None);
    assert_eq!(repo.store.mark_deleted(&key("never"), &method, at).unwrap(), None);
}

#[test]
fn bad_metadata_is_named_and_the_rest_is_shown() {
    let good = "createdAt: '2026-03-03T06:00:00Z'";
    let text = metadata("x", good);
    for (damaged, want) in [
        (metadata("bad", "createdAt: 2026-03-03T06:00:00Z"), ":9:12: `createdAt` has to be a text"),
        (metadata("bad", "createdAt: '2026-03-03T06:00:00+01:00'"), "`createdAt` \"2026-03-03T06"),
        (metadata("bad", ""), "`createdAt` is missing"),
        (text.replace("version: 1", "version: 0"), ":3:10: `version` has to be at least 1"),
        (text.replace("version: 1", "version: x"), "`version` has to be a whole number"),
        (text.replace("lifetime: infinite", "lifetime: 3 weeks"), ":5:11: `lifetime` is not valid"),
        (text.replace("garbageCollection: 10", "garbageCollection: 0"), "`garbageCollection`"),
        (text.replace("type: file, ", ""), "must have the tag `type`"),
        (text.replace("type: file", "type: 1"), "`tags` has a value that is not a text: type"),
        (text.replace("model-method", "nobody"), "`ownerType` is \"nobody\", not one of"),
        (metadata("bad", &format!("{good}\nlifecycle: gone")), "`lifecycle`"),
        (metadata("bad", &format!("{good}\nid: twice")), "metadata.yaml:"),
        ("- a list\n".to_owned(), "has to hold a mapping"),
        (String::new(), "has to hold a mapping"),
        ("\t".to_owned(), "metadata.yaml"),
    ] {
        let repo = Repo::new();
        repo.write("result", "{}");
        repo.plant("bad", 1, &damaged, "x");
        let file = repo.item("bad/1/metadata.yaml");
        let check = |warnings: &[swamp_store::StoreError]| {
            let [warning] = warnings else { panic!("{damaged}: {warnings:?}") };
            let warning = warning.to_string();
            assert!(warning.contains(want), "{damaged}: {warning}");
            assert!(warning.starts_with(&file.display().to_string()), "{warning}");
        };

        let error = repo.store.latest(&key("bad")).unwrap_err();
        check(&[error]);
        let listing = repo.store.list(&model(MODEL)).unwrap();
        check(&listing.warnings);
        assert_eq!(listing.items.len(), 1);
        check(&repo.store.list_all().unwrap().warnings);
        check(&repo.store.versions(&key("bad")).unwrap().warnings);
        check(&repo.store.plan_collection(time("2030-01-01T00:00:00Z")).unwrap().warnings);
        // Also when the catalog is there already.
        for _ in 0..2 {
            let everything = crate::support::Everything { latest_only: true };
            let result = repo.store.query(&everything, None).unwrap();
            check(&result.warnings);
            assert_eq!(result.records.len(), 1);
        }
        // A new version makes the item readable.
        repo.write("bad", "new");
        assert_eq!(repo.listed(), ["bad", "result"]);
        assert_eq!(repo.latest_text("bad"), "new");
    }
}

#[test]
fn metadata_put_right_by_hand_is_found_again() {
    let repo = Repo::new();
    let text = metadata("bad", "createdAt: '2026-03-03T06:00:00Z'");
    repo.plant("bad", 1, &text.replace("id:", "di:"), "x");
    let everything = crate::support::Everything { latest_only: true };
    assert_eq!(repo.store.query(&everything, None).unwrap().warnings.len(), 1);
    repo.plant("bad", 1, &text, "x");
    assert!(repo.store.query(&everything, None).unwrap().warnings.is_empty());
    assert_eq!(repo.queried(), ["bad 1*"]);
}

#[test]
fn records_have_one_shape_wherever_they_come_from() {
    let repo = Repo::new();
    let stored = repo.write("result", r#"{"b":1,"a":[2]}"#);
    let record = repo.store.latest_record(&key("result"), Body::ALL).unwrap().unwrap();
    let want = json!({
        "id": stored.metadata.id.as_str(), "name": "result", "version": 1, "isLatest": true,
        "createdAt": "2026-11-22T10:00:00.000Z", "attributes": {"b": 1, "a": [2]},
        "tags": {"type": "resource", "specName": "result", "modelName": "probe"},
        "modelName": "probe", "modelType": "command/shell", "specName": "result",
        "dataType": "resource", "contentType": "application/json", "lifetime": "infinite",
        "ownerType": "model-method", "streaming": false, "size": 15,
        "content": r#"{"b":1,"a":[2]}"#, "ownerRef": MODEL, "workflowRunId": "",
        "workflowName": "", "jobName": "", "stepName": "", "source": ""
    });
    assert_eq!(record.to_string(), want.to_string(), "with the order of the keys");
    let everything = crate::support::Everything { latest_only: true };
    let queried = repo.store.query(&everything, None).unwrap().records;
    assert_eq!(queried[0].to_string(), want.to_string());
    assert_eq!(
        stored.file_record(),
        json!({
            "id": stored.metadata.id.as_str(), "version": 1,
            "createdAt": "2026-11-22T10:00:00.000Z",
            "path": repo.item("result/1/raw").to_str().unwrap(), "size": 15,
            "contentType": "application/json"
        })
    );
    assert_eq!(repo.store.latest_record(&key("none"), Body::ALL).unwrap(), None);

    repo.write("result", "{}");
    let version = |number| repo.store.version_record(&key("result"), number, Body::NONE).unwrap();
    assert_eq!(version(1).unwrap()["isLatest"], false);
    assert_eq!(version(2).unwrap()["isLatest"], true);
    assert_eq!(version(3), None);
    assert!(repo.store.has_item(&key("result")).unwrap());
    assert!(!repo.store.has_item(&key("none")).unwrap());
}

#[test]
fn models_are_found_whatever_their_names() {
    let repo = Repo::new();
    let mut want = Vec::new();
    for (type_name, id) in [
        ("command/shell", MODEL),
        ("command/shell", "by-hand"),
        ("@acme/server/big", "1"),
        ("plain", "2"),
        ("workflow", "277e4857-53d3-4b1c-820c-3468147cfe9b"),
    ] {
        // A name that looks like a version, and one that does not.
        for name in ["5", "result"] {
            let key = ItemKey::new(type_name.into(), id.to_owned().into(), name.into());
            repo.store.write(&new_version(key), Content::Bytes(b"{}")).unwrap();
        }
        want.push(format!("{type_name} {id}"));
    }
    want.sort();
    let mut found: Vec<_> = repo
        .store
        .models()
        .unwrap()
        .iter()
        .map(|model| format!("{} {}", model.type_name, model.id))
        .collect();
    found.sort();
    assert_eq!(found, want);
    assert_eq!(repo.store.list_all().unwrap().items.len(), 10);
    let counts: Vec<_> = repo
        .store
        .counts()
        .unwrap()
        .into_iter()
        .map(|count| (count.type_name.to_string(), count.models, count.items, count.versions))
        .collect();
    assert_eq!(
        counts,
        [
            ("@acme/server/big".to_owned(), 1, 2, 2),
            ("command/shell".to_owned(), 2, 4, 4),
            ("plain".to_owned(), 1, 2, 2),
            ("workflow".to_owned(), 1, 2, 2),
        ]
    );
}
