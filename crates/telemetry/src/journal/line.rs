//! A line that checks itself: eight hexadecimal digits of CRC-32, a blank, the record as JSON.

/// Table of the CRC-32 of every byte (polynomial 0xEDB88320, as in gzip).
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

/// The CRC-32 of some bytes.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize];
    !bytes.iter().fold(!0, step)
}

/// Bytes before the record: the digits and the blank.
const HEAD: usize = 9;

/// Appends a line. `write` appends the record, which must hold no line feed.
pub(super) fn append<E>(
    lines: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = lines.len();
    lines.extend_from_slice(b"00000000 ");
    if let Err(error) = write(lines) {
        lines.truncate(start);
        return Err(error);
    }
    let mut sum = crc(&lines[start + HEAD..]);
    for digit in lines[start..start + HEAD - 1].iter_mut().rev() {
        *digit = b"0123456789abcdef"[(sum & 0xF) as usize];
        sum >>= 4;
    }
    lines.push(b'\n');
    Ok(())
}

/// What stands where the record of a line is, whether it checks or not.
pub(super) fn record(line: &[u8]) -> &[u8] {
    line.get(HEAD..).unwrap_or_default()
}

/// The record of a line without its line feed; `None` if the line is not what was written.
pub(super) fn check(line: &[u8]) -> Option<&[u8]> {
    let (head, record) = line.split_at_checked(HEAD)?;
    let (digits, blank) = head.split_at(HEAD - 1);
    let mut sum = 0;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        sum = sum << 4 | u32::from(value);
    }
    (blank == b" " && crc(record) == sum).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn line(record: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        let Ok(()) = append(&mut lines, |bytes| {
            bytes.extend_from_slice(record.as_bytes());
            Ok::<(), Infallible>(())
        });
        lines
    }

    #[test]
    fn the_sum_is_the_one_everybody_computes() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(line("123456789"), b"cbf43926 123456789\n");
    }

    #[test]
    fn a_line_that_lost_or_changed_anything_is_no_line() {
        let whole = line(r#"{"begin":{"n":1}}"#);
        let body = &whole[..whole.len() - 1];
        assert_eq!(check(body), Some(&br#"{"begin":{"n":1}}"#[..]));
        for length in 0..body.len() {
            assert_eq!(check(&body[..length]), None, "{length}");
        }
        for place in 0..body.len() {
            for bit in 0..8 {
                let mut changed = body.to_vec();
                changed[place] ^= 1 << bit;
                assert_eq!(check(&changed), None, "{place}");
            }
        }
    }
}
