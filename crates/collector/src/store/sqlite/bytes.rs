//! Numbers as bytes, for what is kept in one blob: groups of seven bits, lowest first, the highest
//! bit of a byte saying that more follow; and blobs packed with a checksum.

use crate::error::CollectorError;

/// Appends a number.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

/// Appends a number that may be negative; small ones take little room.
pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Reads what the functions above wrote.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Packs bytes and tells damage later.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> Result<Self, CollectorError> {
        let failed = |error| CollectorError::io("Bytes cannot be packed", error);
        let mut packer = zstd::bulk::Compressor::new(1).map_err(failed)?;
        packer.include_checksum(true).map_err(failed)?;
        Ok(Self(packer))
    }

    pub(super) fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>, CollectorError> {
        self.0.compress(bytes).map_err(|error| CollectorError::io("Bytes cannot be packed", error))
    }
}

/// Bytes that are more than anything we pack.
const TOO_MANY: usize = 1 << 30;

/// Unpacks bytes.
pub(super) fn unpack(packed: &[u8], what: &str) -> Result<Vec<u8>, CollectorError> {
    let damaged = |why: String| CollectorError::Store(format!("{what} is damaged: {why}"));
    let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let length = length
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length < TOO_MANY)
        .ok_or_else(|| damaged("it does not say how long it is".to_owned()))?;
    zstd::bulk::decompress(packed, length).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_signed(&mut bytes, signed);
            let mut reader = Reader(&bytes);
            prop_assert_eq!((reader.number(), reader.signed()), (Some(number), Some(signed)));
            prop_assert!(reader.0.is_empty());
        }

        #[test]
        fn anything_else_is_no_number(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = Reader(&bytes).number();
        }
    }
}
