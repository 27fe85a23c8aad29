//! Sending over TLS, to a collector whose certificate an authority of its own vouches for.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::collector::Collector;
use crate::environment::{TestEnvironment, call, one_job, until};
use crate::flush::settle;

fn openssl(directory: &Path, args: &[&str]) {
    let made = Command::new("openssl").args(args).current_dir(directory).output();
    let made = made.expect("openssl");
    assert!(made.status.success(), "{args:?}: {}", String::from_utf8_lossy(&made.stderr));
}

/// Makes an authority, `NAME.pem`, and a certificate of it for 127.0.0.1: `cert.pem`, `key.pem`.
fn authority(directory: &Path, name: &str) -> PathBuf {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let (own, own_key) = (format!("{name}.pem"), format!("{name}-key.pem"));
    let subject = format!("/CN={name}");
    let root = ["req", "-x509", "-days", "2", "-subj", &subject, "-keyout", &own_key, "-out", &own];
    openssl(directory, &[&root[..], &curve].concat());
    let request = ["req", "-subj", "/CN=collector", "-keyout", "key.pem", "-out", "request.pem"];
    openssl(directory, &[&request[..], &curve].concat());
    let names = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    std::fs::write(directory.join("names"), names).expect("a file");
    let sign = ["x509", "-req", "-in", "request.pem", "-days", "2", "-CA", &own, "-CAkey"];
    let more = [own_key.as_str(), "-CAcreateserial", "-extfile", "names", "-out", "cert.pem"];
    openssl(directory, &[&sign[..], &more].concat());
    directory.join(own)
}

#[test]
fn only_who_trusts_the_authority_sends() {
    let mut environment = TestEnvironment::new();
    let directory = environment.effects.clone();
    let stranger = authority(&directory, "stranger");
    let trusted = authority(&directory, "trusted");
    let file = |name: &str| directory.join(name).to_str().expect("text").to_owned();
    let (certificate, key) = (file("cert.pem"), file("key.pem"));
    let tls = ["--tls-cert", certificate.as_str(), "--tls-key", key.as_str()];
    let collector = Collector::start(&environment, &[&tls[..], &["--behind-proxy"]].concat());
    assert!(collector.url.starts_with("https://127.0.0.1:"), "{}", collector.url);
    let ask = ["--cacert", trusted.to_str().expect("text")];
    let read = crate::collector::key(&environment, "read");
    let header = format!("x-api-key: {read}");
    let ask = [&ask[..], &["--header", &header]].concat();
    let at_the_collector = || collector.text("/api/v1/export", &ask).lines().count();

    environment.set("SWAMP_TELEMETRY_ENDPOINT", &collector.url);
    environment.set("SWAMP_API_KEY", crate::collector::key(&environment, "ingest"));
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    environment.ok(["workflow", "run", "w", "--skip-reports", "--telemetry-flush=off"]);

    // The authorities of this machine, one that is not there, and one that is somebody else's.
    let nowhere = directory.join("nowhere.pem");
    for (authority, why) in [
        (None, "its certificate is not trusted"),
        (Some(&nowhere), "No CA certificates were loaded"),
        (Some(&stranger), "its certificate is not trusted"),
    ] {
        if let Some(authority) = authority {
            environment.set("SSL_CERT_FILE", authority);
        }
        let flushed = environment.json(["telemetry", "flush"], 1);
        let result = flushed["result"].as_str().expect("text");
        assert!(result.contains(why), "{authority:?}: {result}");
        assert_eq!((&flushed["sent"], &flushed["left"]), (&json!(0), &json!(2)), "{flushed}");
        let status = environment.ok(["telemetry", "status"]).stdout;
        let line = status.lines().find(|line| line.starts_with("last flush")).expect("a line");
        assert!(line.contains(why) && line.contains("2 left"), "{status}");
        assert_eq!(at_the_collector(), 0);
    }

    environment.set("SSL_CERT_FILE", &trusted);
    // A command waits for nobody: the process it starts finds the same authority.
    environment.ok(["telemetry", "flush"]);
    environment.ok(["version"]);
    until("the delivery", || at_the_collector() == 3);
    settle(&environment);
    assert_eq!(environment.entries().0, [""; 0]);
    let status = environment.json(["telemetry", "status"], 0);
    assert_eq!((&status["failures"], &status["lastFlush"]["ok"]), (&json!(0), &json!(true)));

    // The certificate is for another name.
    let other = collector.url.replace("127.0.0.1", "localhost");
    environment.set("SWAMP_TELEMETRY_ENDPOINT", other);
    environment.ok(["version", "--telemetry-flush=off"]);
    let flushed = environment.json(["telemetry", "flush"], 1);
    assert_eq!((&flushed["sent"], &flushed["left"]), (&json!(0), &json!(1)), "{flushed}");
    assert!(flushed["result"].to_string().contains("no good"), "{flushed}");
    collector.stop();
}
