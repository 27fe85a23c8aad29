//! Names that go over the wire as something only the user can turn back.
//!
//! A pseudonym is a keyed hash: equal names have equal pseudonyms, so a collector can count and
//! compare; without the key nobody can try out names until one fits.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::private_file;

/// The file with the key: 64 hexadecimal digits.
const FILE: &str = "telemetry-names.key";

/// Bytes of the key.
const KEY: usize = 32;

/// Bytes of the hash that are shown.
const SHOWN: usize = 8;

/// What is named. The same word names different things, and they are not to look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ModelType,
    Method,
    Workflow,
    Job,
    Step,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ModelType => "type",
            Self::Method => "method",
            Self::Workflow => "workflow",
            Self::Job => "job",
            Self::Step => "step",
        }
    }
}

/// The user's key.
#[derive(Clone)]
pub(crate) struct NamesKey([u8; KEY]);

impl NamesKey {
    /// The user's key; made when there is none.
    pub(crate) fn ensure(config: &Path) -> io::Result<Self> {
        let path = config.join(FILE);
        match private_file::read(&path) {
            Ok(text) => return Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let key = Self::random()?;
        let mut text = String::with_capacity(2 * KEY + 1);
        append_hex(&mut text, &key.0);
        text.push('\n');
        if private_file::create(&path, text.as_bytes())? {
            return Ok(key);
        }
        // Another process was quicker.
        Self::parse(&private_file::read(&path)?)
    }

    /// The user's key if there is one, else one that is forgotten afterwards.
    pub(crate) fn existing_or_random(config: Option<&Path>) -> io::Result<Self> {
        let text = config.and_then(|config| private_file::read(&config.join(FILE)).ok());
        match text {
            Some(text) => Self::parse(&text),
            None => Self::random(),
        }
    }

    fn random() -> io::Result<Self> {
        let mut key = [0; KEY];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self(key))
    }

    fn parse(text: &str) -> io::Result<Self> {
        let wrong = || {
            let message = format!("{FILE} does not hold {} hexadecimal digits", 2 * KEY);
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        let text = text.trim();
        let mut key = [0; KEY];
        if text.len() != 2 * KEY || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(key))
    }

    /// The pseudonym of a name, such as `~step-5f0c1a2b3c4d5e6f`.
    pub(crate) fn pseudonym(&self, kind: Kind, name: &str) -> String {
        let mut text = format!("~{}-", kind.as_str());
        // Any length is a valid key.
        if let Ok(mut hash) = Hmac::<Sha256>::new_from_slice(&self.0) {
            hash.update(kind.as_str().as_bytes());
            hash.update(&[0]);
            hash.update(name.as_bytes());
            append_hex(&mut text, &hash.finalize().into_bytes()[..SHOWN]);
        }
        text
    }
}

impl std::fmt::Debug for NamesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NamesKey(…)")
    }
}

fn append_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn equal_names_have_equal_pseudonyms_under_one_key() {
        let home = tempfile::tempdir().unwrap();
        let key = NamesKey::ensure(home.path()).unwrap();
        let again = NamesKey::ensure(home.path()).unwrap();
        let pseudonym = key.pseudonym(Kind::Job, "deploy acme");
        assert_eq!(pseudonym, again.pseudonym(Kind::Job, "deploy acme"));
        assert_eq!((pseudonym.len(), &pseudonym[..5]), (5 + 2 * SHOWN, "~job-"));
        assert_ne!(pseudonym, key.pseudonym(Kind::Job, "deploy acm"));
        assert_ne!(pseudonym[5..], key.pseudonym(Kind::Step, "deploy acme")[6..]);
        let other = NamesKey::existing_or_random(None).unwrap();
        assert_ne!(pseudonym, other.pseudonym(Kind::Job, "deploy acme"));
        let same = NamesKey::existing_or_random(Some(home.path())).unwrap();
        assert_eq!(pseudonym, same.pseudonym(Kind::Job, "deploy acme"));
    }

    #[test]
    fn the_hash_is_hmac_sha256() {
        let key = NamesKey([0x0b; KEY]);
        // printf 'job\0x' | openssl dgst -sha256 -mac hmac -macopt hexkey:0b0b…
        assert_eq!(key.pseudonym(Kind::Job, "x"), "~job-519ffc642189cde8");
    }

    #[test]
    fn a_damaged_key_is_no_key() {
        let home = tempfile::tempdir().unwrap();
        for text in ["", "12", &"g".repeat(64), &"\u{e9}".repeat(32)] {
            fs::write(home.path().join(FILE), text).unwrap();
            assert!(NamesKey::ensure(home.path()).is_err(), "{text}");
        }
    }
}
