//! The key, and where it must not turn up.

use swamp_telemetry::flush::FlushResult;

use crate::server::{Reply, Server};
use crate::spool::Spool;

#[test]
fn the_key_is_in_one_header() {
    let (mut spool, server) = (Spool::with(1), Server::always(Reply::Take));
    spool.key = Some("s3cret");
    spool.flush(&server);
    assert_eq!(server.requests()[0].headers["x-api-key"], "s3cret");
    assert!(!String::from_utf8_lossy(&server.requests()[0].body).contains("s3cret"));
    let state = std::fs::read_to_string(spool.path.join("flush-state.json")).unwrap();
    assert!(!state.contains("s3cret"));
}

/// Weakness 12: the key follows redirects to other hosts.
#[test]
fn nobody_is_redirected_anywhere() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::always(Reply::Take);
        let to: &'static str = Box::leak(format!("location: {}/ingest\r\n", other.url()).into());
        let server = Server::always(Reply::With(status, to));
        let mut spool = Spool::with(2);
        spool.key = Some("s3cret");
        let report = spool.flush(&server);
        assert_eq!(report.result, FlushResult::Misconfigured { status }, "{status}");
        assert_eq!((report.left, server.requests().len()), (2, 1), "{status}");
        assert!(other.requests().is_empty(), "{status}: {:?}", other.requests());
    }
}
