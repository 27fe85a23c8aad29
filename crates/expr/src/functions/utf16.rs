//! Positions in texts counted in UTF-16 units, as the language counts them.
//!
//! Texts are UTF-8 here; ASCII texts, where both counts agree, take the short way.

use std::cmp::Ordering;

/// Length in units.
pub(super) fn len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Units before byte offset `at`.
pub(super) fn units_before(text: &str, at: usize) -> usize {
    len(&text[..at])
}

/// The byte offset of unit `unit`; inside a character of two units, that of the next character.
/// `None` beyond the end.
pub(super) fn byte_at(text: &str, unit: usize) -> Option<usize> {
    if text.is_ascii() {
        return (unit <= text.len()).then_some(unit);
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        if units >= unit {
            return Some(at);
        }
        units += character.len_utf16();
    }
    (units >= unit).then_some(text.len())
}

/// The units from `start` to `end`; half a character becomes U+FFFD.
pub(super) fn slice(text: &str, start: usize, end: usize) -> String {
    if text.is_ascii() {
        return text[start..end].to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().skip(start).take(end - start).collect();
    String::from_utf16_lossy(&units)
}

/// Order by units.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a.is_ascii() || b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn astral_characters_are_two_units() {
        assert_eq!(len("a😀b"), 4);
        assert_eq!(units_before("a😀b", 5), 3);
        assert_eq!(byte_at("a😀b", 3), Some(5));
        assert_eq!(byte_at("a😀b", 2), Some(5));
        assert_eq!(byte_at("a😀b", 4), Some(6));
        assert_eq!(byte_at("a😀b", 5), None);
        assert_eq!(slice("a😀b", 1, 3), "😀");
        assert_eq!(slice("a😀b", 1, 2), "\u{fffd}");
        assert_eq!(compare("😀", "\u{ffff}"), Ordering::Less);
    }

    proptest! {
        #[test]
        fn order_is_that_of_units(a in any::<String>(), b in any::<String>()) {
            let wanted = a.encode_utf16().cmp(b.encode_utf16());
            prop_assert_eq!(compare(&a, &b), wanted);
        }

        #[test]
        fn slices_of_whole_characters_are_exact(a in any::<String>(), b in any::<String>()) {
            let text = format!("{a}{b}");
            prop_assert_eq!(slice(&text, len(&a), len(&text)), b);
            prop_assert_eq!(byte_at(&text, len(&a)), Some(a.len()));
        }
    }
}
