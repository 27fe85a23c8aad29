//! A sketch as bytes, for databases: the layout's number, then the numbers of the list form, each in
//! groups of seven bits, lowest first, the highest bit of a byte saying that more follow (LEB128).

use crate::{Sketch, SketchError};

/// The layout written here.
const LAYOUT: u8 = 1;

impl Sketch {
    /// As bytes: about three for each bucket that is not empty.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        for mut number in self.numbers() {
            while number >= 0x80 {
                bytes.push((number & 0x7f) as u8 | 0x80);
                number >>= 7;
            }
            bytes.push((number & 0x7f) as u8);
        }
        bytes
    }

    /// From [`to_bytes`](Self::to_bytes). Whatever the bytes are, this neither panics nor takes more
    /// memory than a sketch can.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        let (layout, mut rest) = bytes.split_first().ok_or(SketchError::Torn)?;
        if *layout != LAYOUT {
            return Err(SketchError::Layout(*layout));
        }
        Self::from_numbers(|| if rest.is_empty() { Ok(None) } else { number(&mut rest).map(Some) })
    }
}

fn number(rest: &mut &[u8]) -> Result<u64, SketchError> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(SketchError::Torn)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            break;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(SketchError::Damaged("a number is too large"))
}
