//! What `deploy/` has to run a collector with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::environment::{SWAMP, until};
use crate::places::{IMAGE, Podman};

/// A file of the repository.
fn deploy(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    fs::read_to_string(path).expect("a file in deploy")
}

/// Files that the program is loaded with.
fn libraries() -> Vec<String> {
    let output = Command::new("ldd").arg(SWAMP).output().expect("ldd");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect()
}

/// The last stage of the Containerfile, on an image made here: nothing can be pulled in tests.
#[test]
fn the_container_serves_as_nobody_special_and_ends_when_told() {
    let containerfile = deploy("Containerfile");
    let runtime = containerfile.rfind("\nFROM ").expect("a last stage");
    let stage = format!("ARG RUNTIME_IMAGE\n{}", &containerfile[runtime..]);
    let home = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, text).expect("a file");
        path
    };
    let podman = Podman::start();
    // A base with the C library of this machine.
    let mut base = vec![format!("FROM {IMAGE}")];
    for library in libraries() {
        let file = format!("base/{}", library.trim_start_matches('/'));
        let copy = write(&file, "");
        fs::copy(&library, copy).expect("a library");
        base.push(format!("COPY {} {library}", library.trim_start_matches('/')));
    }
    let program = write("program/src/target/release/swamp", "");
    fs::copy(SWAMP, &program).expect("a copy of the program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    let build = |file: &str, image: &str, context: &str, more: &[&str]| {
        let directory = home.path().join(context);
        let (file, directory) = (write("Containerfile", file), directory.to_str().expect("text"));
        let file = file.to_str().expect("text");
        let common = [
            "build",
            "--isolation",
            "chroot",
            "--pull=never",
            "--layers=false",
            "-f",
            file,
            "-t",
            image,
        ];
        podman.ask(&common.iter().chain(more).copied().chain([directory]).collect::<Vec<_>>());
    };
    build(&base.join("\n"), "localhost/base:1", "base", &[]);
    let program = format!("build={}", home.path().join("program").display());
    let from = ["--build-arg", "RUNTIME_IMAGE=localhost/base:1", "--build-context", &program];
    build(&stage, "localhost/collector:1", "base", &from);

    podman.ask(&["run", "-d", "--name", "collector", "localhost/collector:1"]);
    let inside = |words: &[&str]| {
        let mut command = Command::new(&podman.command);
        let output = command.args(["exec", "collector"]).args(words).output().expect("podman");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let get = |path: &str| inside(&["wget", "-qO-", &format!("http://127.0.0.1:7070{path}")]);
    until("the collector", || get("/healthz") == (true, "ok\n".to_owned()));
    assert_eq!(get("/readyz"), (true, "ready\n".to_owned()));
    // It is nobody special, and asks for keys, which are made beside it.
    assert_eq!(inside(&["id", "-u"]).1.trim(), "10001");
    assert!(!get("/api/v1/summary").0);
    let create = ["/usr/local/bin/swamp", "collector", "key", "create", "--scope", "read"];
    let (made, key) = inside(&[&create[..], &["--data", "/data", "--no-telemetry"]].concat());
    assert!(made, "{key}");
    let header = format!("x-api-key: {}", key.trim());
    let summary = ["wget", "-qO-", "--header", &header, "http://127.0.0.1:7070/api/v1/summary"];
    assert!(inside(&summary).1.contains("\"methods\":0"));
    // It ends well, within the time engines give.
    podman.ask(&["stop", "-t", "20", "collector"]);
    let ended = podman.ask(&["inspect", "--format", "{{.State.ExitCode}}", "collector"]);
    assert_eq!(ended.trim(), "0");
}

/// `systemd-analyze` knows every directive; it is there wherever systemd is.
#[test]
fn the_unit_is_understood_by_systemd() {
    let unit = deploy("swamp-collector.service");
    let home = tempfile::tempdir().expect("a directory");
    // The program is elsewhere here.
    let file = home.path().join("swamp-collector.service");
    fs::write(&file, unit.replace("/usr/local/bin/swamp", SWAMP)).expect("a unit");
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze.args(["verify", "--man=no"]).arg(&file).output().expect("systemd-analyze");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("swamp-collector"), "{said}");
}
