//! Unpacking bodies, never to more than allowed.

use std::io::Read;

use super::{Limits, Refusal};

/// What clients may pack bodies with; the value of the answer's `accept-encoding` header.
pub const ACCEPT_ENCODING: &str = "zstd, gzip";

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
    /// With Zstandard.
    Zstd,
}

impl Encoding {
    /// The encoding a `content-encoding` header names; `None` for those we do not know.
    pub fn parse(header: &str) -> Option<Self> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Unpacks a body.
pub fn decode(body: Vec<u8>, encoding: Encoding, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    match encoding {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => {
            unpack(flate2::read::MultiGzDecoder::new(body.as_slice()), "gzip", body.len(), limits)
        }
        Encoding::Zstd => {
            let bad = |_| Refusal::BadEncoding("zstd");
            let mut decoder = zstd::stream::read::Decoder::new(body.as_slice()).map_err(bad)?;
            // 8 MiB, what RFC 8878 recommends for every decoder to support.
            decoder.window_log_max(23).map_err(bad)?;
            unpack(decoder, "zstd", body.len(), limits)
        }
    }
}

fn unpack(
    reader: impl Read,
    name: &'static str,
    packed: usize,
    limits: &Limits,
) -> Result<Vec<u8>, Refusal> {
    let most = limits.unpacked_bytes;
    let mut unpacked = Vec::with_capacity(packed.saturating_mul(6).min(most));
    let allowed = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(allowed).read_to_end(&mut unpacked).map_err(|_| Refusal::BadEncoding(name))?;
    if unpacked.len() > most { Err(Refusal::TooLarge(most)) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn both_encodings_unpack_and_bombs_do_not() {
        let limits = Limits { unpacked_bytes: 1000, ..Limits::default() };
        for (fits, size) in [(true, 1000), (false, 1001), (false, 10_000_000)] {
            let bytes = vec![b'a'; size];
            let packed = [
                (Encoding::Gzip, gzip(&bytes)),
                (Encoding::Zstd, zstd::encode_all(bytes.as_slice(), 1).unwrap()),
            ];
            for (encoding, packed) in packed {
                let unpacked = decode(packed, encoding, &limits);
                let want = if fits { Ok(bytes.clone()) } else { Err(Refusal::TooLarge(1000)) };
                assert_eq!(unpacked, want, "{encoding:?} of {size}");
            }
        }
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_refused() {
        let limits = Limits::default();
        let cut = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - 3);
            bytes
        };
        for (encoding, body) in [
            (Encoding::Gzip, b"{}".to_vec()),
            (Encoding::Zstd, b"{}".to_vec()),
            (Encoding::Gzip, cut(gzip(b"some text"))),
            (Encoding::Zstd, cut(zstd::encode_all(&b"some text"[..], 1).unwrap())),
        ] {
            assert!(
                matches!(decode(body, encoding, &limits), Err(Refusal::BadEncoding(_))),
                "{encoding:?}"
            );
        }
    }
}
