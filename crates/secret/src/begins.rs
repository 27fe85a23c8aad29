//! Where a search has to look at all.

use std::collections::BTreeSet;

use aho_corasick::packed;

use crate::SHORTEST;

/// A bit for each of 65,536 numbers.
#[derive(Clone, Debug)]
struct Bits(Box<[u64; 1024]>);

impl Bits {
    fn new() -> Self {
        Self(Box::new([0; 1024]))
    }

    fn set(&mut self, number: u16) {
        self.0[usize::from(number >> 6)] |= 1 << (number & 63);
    }

    fn has(&self, number: u16) -> bool {
        self.0[usize::from(number >> 6)] & (1 << (number & 63)) != 0
    }
}

/// How needles begin: tells quickly, and with few errors, that none does at some place.
#[derive(Clone, Debug)]
pub(crate) struct Begins {
    one: [bool; 256],
    two: Bits,
    /// By a hash of three bytes.
    three: Bits,
    /// The first three bytes, as long as they are few.
    few: Option<BTreeSet<[u8; SHORTEST]>>,
    /// Finds those.
    packed: Option<packed::Searcher>,
}

impl Begins {
    /// How many beginnings are looked for all at once.
    const FEW: usize = 48;

    pub(crate) fn new() -> Self {
        Self {
            one: [false; 256],
            two: Bits::new(),
            three: Bits::new(),
            few: Some(BTreeSet::new()),
            packed: None,
        }
    }

    /// Learns how some more needles begin. None has fewer than [`SHORTEST`] bytes.
    pub(crate) fn add<'n>(&mut self, needles: impl Iterator<Item = &'n [u8]>) {
        for three in needles.filter_map(|needle| needle.first_chunk()) {
            self.one[usize::from(three[0])] = true;
            self.two.set(u16::from_le_bytes([three[0], three[1]]));
            self.three.set(hash(*three));
            if let Some(few) = &mut self.few {
                few.insert(*three);
            }
        }
        self.few = self.few.take().filter(|few| few.len() <= Self::FEW);
        self.packed = self.few.as_ref().and_then(packed::Searcher::new);
    }

    /// Whether a needle may begin with this text, or this text with a needle. Of texts that are shorter
    /// than every needle this is certain.
    pub(crate) fn may(&self, text: &[u8]) -> bool {
        match *text {
            [] => false,
            [a] => self.one[usize::from(a)],
            [a, b] => self.two.has(u16::from_le_bytes([a, b])),
            [a, b, c, ..] => self.three.has(hash([a, b, c])),
        }
    }

    /// The first place from `from` on where a needle may begin; the end, if there is none.
    pub(crate) fn next(&self, text: &[u8], from: usize) -> usize {
        let rest = &text[from..];
        let whole = match &self.packed {
            Some(packed) if rest.len() >= packed.minimum_len() => {
                packed.find(rest).map(|found| found.start())
            }
            _ => rest.windows(SHORTEST).position(|three| self.may(three)),
        };
        let cut = rest.len().saturating_sub(SHORTEST - 1)..rest.len();
        let at = whole.or_else(|| cut.into_iter().find(|at| self.may(&rest[*at..])));
        from + at.unwrap_or(rest.len())
    }
}

fn hash([a, b, c]: [u8; SHORTEST]) -> u16 {
    let spread = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    (spread >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_is_found_and_so_is_one_that_is_cut_off() {
        for count in [1, 10, 500] {
            let needles: Vec<String> =
                (0..count).map(|number| format!("{number}#{number}")).collect();
            let mut begins = Begins::new();
            begins.add(needles.iter().map(String::as_bytes));
            assert_eq!(begins.packed.is_some(), count <= Begins::FEW);
            for needle in &needles {
                for before in ["", "x", "a longer text before it "] {
                    for length in 1..=needle.len() {
                        let text = format!("{before}{}", &needle[..length]);
                        let at = begins.next(text.as_bytes(), 0);
                        assert!(at <= before.len(), "{count} {text}: {at}");
                    }
                }
            }
            assert_eq!(begins.next(b"nothing of the kind", 0), 19);
        }
    }
}
