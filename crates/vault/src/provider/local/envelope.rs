//! The encrypted form of one secret: AES-256-GCM with a key derived by PBKDF2-HMAC-SHA-256.
//!
//! The file is `{"iv", "data", "salt", "version": 2}` with base64 texts; the tag of 16 bytes is at the
//! end of `data`. Every secret has a salt and an initialisation vector of its own.

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use swamp_secret::Secret;
use zeroize::Zeroizing;

const ITERATIONS: u32 = 100_000;

const NONCE: usize = 12;

const SALT: usize = 16;

/// What keys are derived from.
pub(super) type Material = Zeroizing<Vec<u8>>;

#[derive(Serialize, Deserialize)]
struct Envelope {
    iv: String,
    data: String,
    salt: String,
    /// Written, but not looked at: files without it are read all the same.
    #[serde(default)]
    version: serde_json::Value,
}

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not what such a file looks like.
    Form(String),
    /// It was not encrypted with this key, or changed since.
    Decryption,
}

/// Encrypts a secret.
pub(super) fn seal(secret: &Secret, material: &Material) -> Result<String, String> {
    let mut random = [0; NONCE + SALT];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    seal_with(secret, material, &random)
}

fn seal_with(
    secret: &Secret,
    material: &Material,
    random: &[u8; NONCE + SALT],
) -> Result<String, String> {
    let (nonce, salt) = random.split_at(NONCE);
    let data = cipher(material, salt)
        .encrypt(Nonce::from_slice(nonce), secret.expose().as_bytes())
        .map_err(|error| error.to_string())?;
    let envelope = Envelope {
        iv: STANDARD.encode(nonce),
        data: STANDARD.encode(data),
        salt: STANDARD.encode(salt),
        version: 2.into(),
    };
    serde_json::to_string_pretty(&envelope).map_err(|error| error.to_string())
}

/// Decrypts a secret.
pub(super) fn open(text: &[u8], material: &Material) -> Result<Secret, Unreadable> {
    let form = |error: &dyn std::fmt::Display| Unreadable::Form(format!("damaged file: {error}"));
    let envelope: Envelope = serde_json::from_slice(text).map_err(|error| form(&error))?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| form(&error));
    let (nonce, data, salt) =
        (decode(&envelope.iv)?, decode(&envelope.data)?, decode(&envelope.salt)?);
    if nonce.len() != NONCE {
        return Err(form(&"its initialisation vector has the wrong length"));
    }
    let plain = cipher(material, &salt)
        .decrypt(Nonce::from_slice(&nonce), data.as_slice())
        .map_err(|_| Unreadable::Decryption)?;
    match String::from_utf8(plain) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(form(&"its content is not UTF-8 text"))
        }
    }
}

fn cipher(material: &Material, salt: &[u8]) -> Aes256Gcm {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(material, salt, ITERATIONS, &mut *key);
    Aes256Gcm::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material() -> Material {
        Zeroizing::new(
            b"1a24f9f0-036b-48b6-bd61-eed4dcb3836b86a771b1-6c6c-42ad-a922-a3ec8d235c47".to_vec(),
        )
    }

    const WRITTEN: &str = "{\n  \"iv\": \"LuWdigfD4LJweALV\",\n  \"data\": \"i175GTylVonkyUDYHGCqmcROjw==\",\n  \"salt\": \"Gc/FFx8IzlzQHalPo7tCcQ==\",\n  \"version\": 2\n}";

    #[test]
    fn the_known_vector_is_read_and_written() {
        assert_eq!(open(WRITTEN.as_bytes(), &material()).unwrap(), Secret::new("zzz"));
        // With the same random numbers the same file comes out, byte for byte.
        let mut random = [0; NONCE + SALT];
        let decoded =
            ["LuWdigfD4LJweALV", "Gc/FFx8IzlzQHalPo7tCcQ=="].map(|text| STANDARD.decode(text));
        for (place, byte) in random.iter_mut().zip(decoded.into_iter().flat_map(Result::unwrap)) {
            *place = byte;
        }
        assert_eq!(seal_with(&Secret::new("zzz"), &material(), &random).unwrap(), WRITTEN);
    }

    #[test]
    fn every_writing_is_new_and_any_change_is_noticed() {
        let secret = Secret::new("gr\u{fc}n \u{1f511} \"q\"\nline2");
        let (one, two) = (seal(&secret, &material()).unwrap(), seal(&secret, &material()).unwrap());
        assert_ne!(one, two);
        assert_eq!(open(one.as_bytes(), &material()).unwrap(), secret);
        let other = Zeroizing::new(b"another key".to_vec());
        assert_eq!(open(one.as_bytes(), &other), Err(Unreadable::Decryption));
        let parsed: serde_json::Value = serde_json::from_str(&one).unwrap();
        for field in ["iv", "data", "salt"] {
            let mut changed = parsed.clone();
            let mut bytes = STANDARD.decode(parsed[field].as_str().unwrap()).unwrap();
            bytes[0] ^= 1;
            changed[field] = STANDARD.encode(bytes).into();
            let text = changed.to_string();
            assert_eq!(open(text.as_bytes(), &material()), Err(Unreadable::Decryption), "{field}");
        }
        for text in [
            "oops",
            "{}",
            r#"{"iv":"!","data":"","salt":""}"#,
            r#"{"iv":"AAAA","data":"","salt":""}"#,
        ] {
            let error = open(text.as_bytes(), &material());
            assert!(matches!(error, Err(Unreadable::Form(_))), "{text}: {error:?}");
        }
    }
}
