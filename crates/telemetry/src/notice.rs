//! Telling the user once that entries leave the machine.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::{Endpoint, private_file};

/// The file with the endpoints the user was told about, one a line.
const FILE: &str = "telemetry-notices";

/// Whether the user was told about an endpoint.
pub fn was_told(config: &Path, endpoint: &Endpoint) -> bool {
    let text = private_file::read(&config.join(FILE)).unwrap_or_default();
    let endpoint = endpoint.to_string();
    text.lines().any(|line| line == endpoint)
}

/// Remembers that the user was told.
pub fn note_told(config: &Path, endpoint: &Endpoint) -> io::Result<()> {
    std::fs::create_dir_all(config)?;
    let mut file =
        OpenOptions::new().append(true).create(true).mode(0o600).open(config.join(FILE))?;
    file.write_all(format!("{endpoint}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_is_told_once() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("swamp");
        let [a, b] = ["https://a", "https://b"].map(|text| Endpoint::parse(text).unwrap());
        assert!(!was_told(&config, &a));
        note_told(&config, &a).unwrap();
        assert!(was_told(&config, &a));
        assert!(!was_told(&config, &b));
    }
}
