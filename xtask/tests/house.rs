//! The shape of the house, checked against what cargo knows: arrows between crates point down, and
//! crates that must not do a thing cannot.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The floors of ARCHITECTURE.md, lowest first.
const FLOORS: [&[&str]; 6] = [
    &["swamp-ident", "swamp-secret", "swamp-sketch", "swamp-yaml"],
    &["swamp-dashboard", "swamp-events", "swamp-wire", "swamp-expr", "swamp-store"],
    &["swamp-driver", "swamp-telemetry", "swamp-vault", "swamp-collector"],
    &["swamp-model"],
    &["swamp-workflow"],
    &["swamp"],
];

/// Pairs that may not be connected in any way: the first must not reach the second.
const NEVER: [(&str, &str); 7] = [
    ("swamp-telemetry", "swamp-model"),
    ("swamp-telemetry", "swamp-workflow"),
    ("swamp-telemetry", "swamp-store"),
    ("swamp-telemetry", "swamp-vault"),
    ("swamp-model", "swamp-telemetry"),
    ("swamp-workflow", "swamp-telemetry"),
    ("swamp-store", "swamp-expr"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Dependencies of each of our crates on others of ours; tests' own dependencies left out.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let ours = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| name.starts_with("swamp"))
                .map(str::to_owned)
                .collect();
            (package["name"].as_str().unwrap().to_owned(), ours)
        })
        .filter(|(name, _)| name != "xtask")
        .collect()
}

fn floor(name: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&name)).unwrap_or_else(|| {
        panic!("{name} stands on no floor; add it to this test and ARCHITECTURE.md")
    })
}

#[test]
fn arrows_point_down() {
    let arrows = arrows();
    assert!(arrows.len() >= 11, "cargo knows only {:?}", arrows.keys());
    for (from, to) in &arrows {
        for target in to {
            assert!(floor(target) < floor(from), "{from} may not depend on {target}");
        }
    }
}

#[test]
fn some_rooms_have_no_door_between_them() {
    let arrows = arrows();
    for (from, never) in NEVER {
        let (mut open, mut seen) = (vec![from.to_owned()], Vec::new());
        while let Some(name) = open.pop() {
            assert_ne!(name, never, "{from} reaches {never}");
            open.extend(arrows[&name].iter().filter(|next| !seen.contains(*next)).cloned());
            seen.push(name);
        }
    }
}

#[test]
fn domain_crates_do_no_input_or_output() {
    for name in ["ident", "secret", "sketch", "dashboard", "events", "wire", "expr", "yaml"] {
        let folder = root().join("crates").join(name).join("src");
        for entry in walk(&folder) {
            let text = std::fs::read_to_string(&entry).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in ["std::fs", "std::net", "std::process", "std::env", "File::"] {
                assert!(!code.contains(word), "{} uses {word}", entry.display());
            }
        }
    }
}

#[test]
fn only_main_ends_the_process() {
    for entry in walk(&root().join("crates")) {
        if entry.ends_with("swamp/src/main.rs")
            || entry.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains("process::exit"), "{} ends the process", entry.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
