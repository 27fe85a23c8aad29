//! What sending costs a command that does not wait for it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use super::{millis, ratio};
use crate::measure::{median, quiet};
use crate::workload::Workload;

/// What sending costs a command that does not wait for it, against no endpoint at all, and what a
/// full spool costs.
pub(super) fn delivery(swamp: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    // Nobody accepts: the system does, and no answer ever comes.
    let silent = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let hanging = format!("http://{}", silent.local_addr().map_err(failed)?);
    // Nobody listens on a port that was given back.
    let refusing =
        TcpListener::bind("127.0.0.1:0").map_err(failed)?.local_addr().map_err(failed)?;
    let answering = answering().map_err(failed)?;
    let cases = [
        ("hangs", Some(hanging), 0),
        ("refuses", Some(format!("http://{refusing}")), 0),
        ("answers", Some(answering), 0),
        ("none, 100,000 waiting", None, 100_000),
    ];
    println!("delivery: `swamp version`, by what the endpoint does");
    for (what, endpoint, waiting) in cases {
        let (plain, loaded) = (Workload::new(swamp, &[])?, Workload::new(swamp, &[])?);
        if waiting > 0 {
            loaded.fill_spool(waiting)?;
            // The first one counts what is there.
            quiet(loaded.command(swamp).args(["version", "--telemetry-flush=off"]))?;
        }
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            floor.push(quiet(plain.command(swamp).arg("version"))?);
            let mut command = loaded.command(swamp);
            if let Some(endpoint) = &endpoint {
                command.env("SWAMP_TELEMETRY_ENDPOINT", endpoint);
            }
            ours.push(quiet(command.arg("version"))?);
        }
        let (ours, floor) = (median(ours), median(floor));
        println!(
            "  {what:<22} {:.2} ms, no endpoint {:.2} ms, ratio {:.2}, added {:.2} ms (budget 5)",
            millis(ours),
            millis(floor),
            ratio(ours, floor),
            millis(ours) - millis(floor),
        );
    }
    drop(silent);
    Ok(())
}

/// A server that takes everything, as long as this process lives.
fn answering() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut seen = [0; 8 * 1024];
            // One small request arrives at once.
            let _ = (&stream).read(&mut seen);
            let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = (&stream).write_all(answer);
        }
    });
    Ok(format!("http://{address}"))
}
