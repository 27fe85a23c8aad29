//! Making up secrets.

use swamp_secret::Secret;
use zeroize::Zeroizing;

use crate::error::{Result, VaultError};

/// What generated secrets are made of: no character that any shell, URL or file treats specially.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The shortest secret worth the name, in characters.
const SHORTEST: usize = 8;

/// A random secret of this many letters and digits.
pub fn generate(length: usize) -> Result<Secret> {
    if length < SHORTEST {
        return Err(VaultError::Usage(format!(
            "A generated secret must have at least {SHORTEST} characters."
        )));
    }
    let mut text = String::with_capacity(length);
    let mut random = Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(&mut *random)
            .map_err(|error| VaultError::Usage(format!("No random numbers: {error}")))?;
        // Bytes from 248 on would make some letters likelier than others.
        let even = random.iter().filter(|byte| **byte < 248);
        let letters = even.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        let room = length - text.len();
        text.extend(letters.take(room));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_wanted_length_and_differ() {
        let (one, two) = (generate(100).unwrap(), generate(100).unwrap());
        assert_eq!(one.expose().len(), 100);
        assert_ne!(one, two);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(generate(7).unwrap_err().to_string().contains("at least 8"));
    }
}
