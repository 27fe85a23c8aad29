//! Numbers: how they are written, and how they pass from one type to another.

use std::cmp::Ordering;

/// 2⁵³: whole doubles below it are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// 2⁶³ and 2⁶⁴ as doubles: the first values beyond i64 and u64.
const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;

/// A double as ECMAScript writes it: `5`, `2.5`, `1e+21`, `1e-7`, `Infinity`, `NaN`.
pub(crate) fn text(number: f64) -> String {
    if let Some(whole) = exact_i64(number) {
        return whole.to_string();
    }
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // Rust's shortest digits are those of ECMAScript; only their arrangement differs.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let sign = if number < 0.0 { "-" } else { "" };
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The decimal point stands after this many digits.
    let point = exponent + 1;
    if (1..=21).contains(&point) {
        let padding = usize::try_from(point - count).unwrap_or(0);
        let at = usize::try_from(point).unwrap_or(0);
        if point >= count {
            format!("{sign}{digits}{}", "0".repeat(padding))
        } else {
            format!("{sign}{}.{}", &digits[..at], &digits[at..])
        }
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let mark = if exponent < 0 { '-' } else { '+' };
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{dot}{rest}e{mark}{}", exponent.abs())
    }
}

/// The integer a double is, when it is one and exact (−0 is 0).
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn exact_i64(number: f64) -> Option<i64> {
    let whole = number.trunc().total_cmp(&number).is_eq();
    (whole && number.abs() < EXACT).then_some(number as i64)
}

/// Truncates towards zero; `None` outside the range of i64.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn to_i64(number: f64) -> Option<i64> {
    (-BEYOND_I64..BEYOND_I64).contains(&number).then_some(number as i64)
}

/// Truncates towards zero; `None` outside the range of u64.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub(crate) fn to_u64(number: f64) -> Option<u64> {
    (0.0..BEYOND_U64).contains(&number).then_some(number as u64)
}

/// The nearest double.
#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is wanted")]
pub(crate) const fn from_i64(number: i64) -> f64 {
    number as f64
}

/// The nearest double.
#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is wanted")]
pub(crate) const fn from_u64(number: u64) -> f64 {
    number as f64
}

/// Reads a double from a text: decimal, hexadecimal, `NaN`, `Infinity`.
pub(crate) fn parse(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "Infinity" | "+Infinity" => return Some(f64::INFINITY),
        "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let plain = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return plain.then(|| u64::from_str_radix(hex, 16).ok()).flatten().map(from_u64);
    }
    // Rust would also take words such as `inf`.
    let plain =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
    if text.bytes().all(plain) { text.parse().ok() } else { None }
}

/// Compares an integer with a double exactly; `None` for NaN.
pub(crate) fn compare_i64(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND_I64 {
        return Some(Ordering::Less);
    }
    if double < -BEYOND_I64 {
        return Some(Ordering::Greater);
    }
    let whole = to_i64(double)?;
    Some(
        int.cmp(&whole)
            .then_with(|| from_i64(whole).partial_cmp(&double).unwrap_or(Ordering::Equal)),
    )
}

/// Compares an unsigned integer with a double exactly; `None` for NaN.
pub(crate) fn compare_u64(uint: u64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND_U64 {
        return Some(Ordering::Less);
    }
    if double < 0.0 {
        return Some(Ordering::Greater);
    }
    let whole = to_u64(double)?;
    Some(
        uint.cmp(&whole)
            .then_with(|| from_u64(whole).partial_cmp(&double).unwrap_or(Ordering::Equal)),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_are_written_as_ecmascript_does() {
        for (number, want) in [
            (5.0, "5"),
            (2.5, "2.5"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1e21, "-1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (-1.25e-9, "-1.25e-9"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(number), want);
        }
    }

    #[test]
    fn texts_that_are_doubles() {
        for (given, want) in [
            ("1e3", Some(1000.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("+5", Some(5.0)),
            ("0x10", Some(16.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("inf", None),
            ("", None),
            (" 1", None),
            ("1_0", None),
            ("abc", None),
        ] {
            assert_eq!(parse(given), want, "{given}");
        }
        assert!(parse("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn integers_compare_with_doubles_exactly() {
        assert_eq!(compare_i64(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(compare_i64(2, 2.5), Some(Ordering::Less));
        assert_eq!(compare_i64(-2, -2.5), Some(Ordering::Greater));
        assert_eq!(compare_i64(0, -0.0), Some(Ordering::Equal));
        assert_eq!(compare_u64(1, -0.5), Some(Ordering::Greater));
        assert_eq!(compare_u64(u64::MAX, 18_446_744_073_709_551_616.0), Some(Ordering::Less));
        assert_eq!(compare_i64(1, f64::NAN), None);
    }

    proptest! {
        #[test]
        fn written_doubles_read_back(number in any::<f64>()) {
            prop_assume!(number.is_finite());
            let read: f64 = text(number).parse().expect("a number");
            // Adding zero makes −0, which is written `0`, an ordinary zero.
            prop_assert!(read.total_cmp(&(number + 0.0)).is_eq());
        }
    }
}
