//! Which word was meant.

/// The known word that a mistyped one is probably meant to be.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .map(|known| (strsim::osa_distance(&word, &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance * 3 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_wrong_letters_are_forgiven_and_many_are_not() {
        let known = ["local_encryption", "env", "file", "exec", "age"];
        for (word, meant) in [
            ("local_encryptoin", Some("local_encryption")),
            ("ENV", Some("env")),
            ("fiel", Some("file")),
            ("exe", Some("exec")),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known.into_iter()), meant, "{word}");
        }
    }
}
