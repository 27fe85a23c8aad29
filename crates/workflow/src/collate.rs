//! The order of names that people see.
//!
//! Jobs and steps of one level run in the order of their weights, then of their names. Names are
//! compared as the root collation of Unicode does it, so that `B` stands between `a` and `é` and not
//! before both: whole names by letters first, then by accents, then by case. The table covers ASCII
//! and the accented letters of Latin-1 and Latin Extended-A; everything else follows them in code
//! point order, which is alphabetical inside most scripts. Two different names never compare equal,
//! so a plan does not depend on the order in which names were written.

/// ASCII that is neither a digit nor a letter, in collation order.
const PUNCTUATION: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Where digits, letters and everything else begin, after the punctuation.
const DIGITS: u32 = 0x100;
const LATIN: u32 = 0x200;
const OTHERS: u32 = 0x400;

/// What a name is sorted by: compare keys, not names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SortKey {
    letters: Vec<u32>,
    accents: Vec<u32>,
    /// Whether upper case, per letter: lower case comes first.
    cases: Vec<bool>,
    /// Decides between names that look alike.
    name: String,
}

impl SortKey {
    pub(crate) fn new(name: &str) -> Self {
        let mut key =
            Self { letters: vec![], accents: vec![], cases: vec![], name: name.to_owned() };
        for character in name.chars().filter(|&character| !is_ignorable(character)) {
            let lower = character.to_lowercase().next().unwrap_or(character);
            match base(lower) {
                "" => key.push(primary(lower), 0, lower != character),
                letters => {
                    for letter in letters.chars() {
                        // The code point tells accents on the same letter apart and orders them.
                        key.push(primary(letter), u32::from(lower), lower != character);
                    }
                }
            }
        }
        key
    }

    fn push(&mut self, letter: u32, accent: u32, upper: bool) {
        self.letters.push(letter);
        self.accents.push(accent);
        self.cases.push(upper);
    }
}

/// Control characters do not take part in the comparison.
fn is_ignorable(character: char) -> bool {
    character.is_control() && !('\t'..='\r').contains(&character)
}

fn primary(lower: char) -> u32 {
    if let Some(place) = PUNCTUATION.chars().position(|mark| mark == lower) {
        return u32::try_from(place).unwrap_or(0) + 1;
    }
    match lower {
        '0'..='9' => DIGITS + (u32::from(lower) - u32::from('0')),
        'a'..='z' => LATIN + 2 * (u32::from(lower) - u32::from('a')),
        // Thorn and the like are letters of their own at the end of the Latin alphabet.
        'þ' => LATIN + 2 * 26,
        _ => OTHERS + u32::from(lower),
    }
}

/// The letters an accented lower case letter is made of; empty for all that stands for itself.
fn base(lower: char) -> &'static str {
    match lower {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' => "s",
        'ţ' | 'ť' | 'ŧ' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
        let mut names = names.to_vec();
        names.sort_by_cached_key(|name| SortKey::new(name));
        names
    }

    #[test]
    fn names_sort_as_people_expect() {
        let wanted =
            ["_z", "-q", "10", "9", "a", "A", "a b", "a_b", "a-b", "ab", "b", "B", "é", "z"];
        let mut shuffled = wanted;
        shuffled.reverse();
        assert_eq!(sorted(&shuffled), wanted);
    }

    #[test]
    fn letters_outrank_accents_and_accents_outrank_case() {
        for group in [
            &["alpha", "Beta", "first", "zeta"][..],
            &["_a", "b", "B", "c"],
            &["resume", "Resume", "résumé", "Résumé", "resumes"],
            &["e", "E", "é", "É", "ea", "f"],
            &["l-10", "l-2", "l-9"],
            &["ae", "æ", "af"],
            &["straße", "strata"],
            &["Zebra", "αlpha", "яблоко", "日本"],
            &["", " ", "_", "0", "a"],
        ] {
            let mut shuffled = group.to_vec();
            shuffled.reverse();
            assert_eq!(sorted(&shuffled), group);
        }
    }

    proptest! {
        #[test]
        fn different_names_have_different_keys(a in ".{0,6}", b in ".{0,6}") {
            prop_assert_eq!(SortKey::new(&a) == SortKey::new(&b), a == b);
        }
    }
}
