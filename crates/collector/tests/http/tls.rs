//! TLS with certificate files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use swamp_collector::keys::Scope;
use swamp_collector::serve::{ServeOptions, TlsFiles};

use crate::client::{Answer, Collector, event, events, options, read_answer, request};

pub fn certificate(directory: &Path) -> TlsFiles {
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    TlsFiles { certificate, key }
}

/// Sends a request through `openssl s_client`, which checks the certificate.
pub fn exchange(collector: &Collector, trusted: &Path, version: &str, request: &[u8]) -> Answer {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"])
        .args([version, "-connect", &collector.address.to_string(), "-CAfile"])
        .arg(trusted)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(request).unwrap();
    let answer = read_answer(client.stdout.as_mut().unwrap());
    client.kill().unwrap();
    client.wait().unwrap();
    answer.unwrap()
}

#[test]
fn it_speaks_tls_with_certificate_files() {
    let directory = tempfile::tempdir().unwrap();
    let tls = certificate(directory.path());
    let trusted = tls.certificate.clone();
    let collector = Collector::with(&ServeOptions { tls: Some(tls), ..options() });
    assert!(collector.url.starts_with("https://127.0.0.1:"), "{}", collector.url);
    let (key, _) = collector.key("default", Scope::Ingest);
    let headers = [("content-type", "application/json"), ("x-api-key", key.as_str())];
    let send = request("POST", "/ingest", &headers, &events(&[event("a", 1)]));
    for (version, want) in [("-tls1_3", "ok"), ("-tls1_2", "duplicate")] {
        let answer = exchange(&collector, &trusted, version, &send);
        assert_eq!(answer.results(), [want]);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    }
    // Whoever does not speak TLS gets nothing, and keeps nobody from being served.
    let mut plain = collector.connect();
    plain.0.write_all(&send).unwrap();
    assert!(plain.ends());
    assert_eq!(exchange(&collector, &trusted, "-tls1_3", &send).results(), ["duplicate"]);
}
