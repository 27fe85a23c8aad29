//! Counts, durations, shares and changes as people read them.

use maud::{Markup, html};

/// A count: `12,345`; from a million on `1.23 M`.
pub(crate) fn count(value: u64) -> String {
    let scaled = |unit: u64, letter: char| {
        let hundredths = u128::from(value) * 100 / u128::from(unit);
        let (whole, part) = (hundredths / 100, hundredths % 100);
        match whole {
            0..10 => format!("{whole}.{part:02} {letter}"),
            10..100 => format!("{whole}.{} {letter}", part / 10),
            _ => format!("{whole} {letter}"),
        }
    };
    match value {
        0..1_000_000 => grouped(value),
        1_000_000..1_000_000_000 => scaled(1_000_000, 'M'),
        _ => scaled(1_000_000_000, 'G'),
    }
}

/// A count with all its digits: `1,234,567`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 run`, `2 runs`.
pub(crate) fn plural(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A duration, in two units at most: `91 ms`, `1.24 s`, `2 min 5 s`, `3 h 12 min`, `4 d 3 h`.
pub(crate) fn duration(millis: u64) -> String {
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        1_000..10_000 => format!("{}.{:02} s", millis / 1_000, millis % 1_000 / 10),
        10_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => pair(millis / 60_000, "min", millis % 60_000 / 1_000, "s"),
        3_600_000..86_400_000 => pair(millis / 3_600_000, "h", millis % 3_600_000 / 60_000, "min"),
        _ => pair(millis / 86_400_000, "d", millis % 86_400_000 / 3_600_000, "h"),
    }
}

/// A duration that may not be known.
pub(crate) fn optional_duration(millis: Option<u64>) -> Markup {
    html! {
        @if let Some(millis) = millis { (duration(millis)) } @else { span.none { "–" } }
    }
}

/// Parts of a thousand, rounded down, at most 1000; zero of zero is zero.
pub(crate) fn per_mille(part: u64, whole: u64) -> u64 {
    match whole {
        0 => 0,
        _ => {
            u64::try_from(u128::from(part.min(whole)) * 1_000 / u128::from(whole)).unwrap_or(1_000)
        }
    }
}

/// A share in percent. Only nothing is `0%` and only everything `100%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match (part, per_mille(part, whole)) {
        (0, _) => "0%".to_owned(),
        (_, 0) => "<0.1%".to_owned(),
        (_, 1_000) => "100%".to_owned(),
        (_, share @ (0..100 | 990..)) => format!("{}.{}%", share / 10, share % 10),
        (_, share) => format!("{}%", (share + 5) / 10),
    }
}

/// Whether more of something is good, bad or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    MoreIsWorse,
    Neutral,
}

/// How a number changed against the period before, as an arrow, a figure and, for those who do
/// not see colours, words.
pub(crate) fn change(now: u64, before: Option<u64>, sense: Sense) -> Markup {
    let Some(before) = before else {
        return html! { span.change.flat { "no past to compare" } };
    };
    if before == 0 {
        return html! {
            @if now == 0 { span.change.flat { "none before either" } }
            @else { span.change.(tone(true, sense)) { "▲ new" } }
        };
    }
    let (now, was) = (u128::from(now), u128::from(before));
    let up = now >= was;
    let tenths = now.abs_diff(was) * 1_000 / was;
    let figure = match tenths {
        0..10 => return html! { span.change.flat { "unchanged" } },
        // Beyond this a factor says more than a percentage.
        3_000.. if up => format!("×{}", now / was),
        _ => format!("{}%", (tenths + 5) / 10),
    };
    html! {
        span.change.(tone(up, sense)) {
            @if up { "▲ " span.away { "up " } } @else { "▼ " span.away { "down " } }
            (figure)
        }
    }
}

/// How a share changed, in percentage points.
pub(crate) fn change_of_share(now: (u64, u64), before: Option<(u64, u64)>) -> Markup {
    let Some(before) = before.filter(|before| before.1 > 0) else {
        return html! { span.change.flat { "no past to compare" } };
    };
    let (now, was) = (per_mille(now.0, now.1), per_mille(before.0, before.1));
    let (up, points) = (now > was, now.abs_diff(was));
    if points == 0 {
        return html! { span.change.flat { "unchanged" } };
    }
    html! {
        span.change.(tone(up, Sense::MoreIsWorse)) {
            @if up { "▲ " span.away { "up " } } @else { "▼ " span.away { "down " } }
            (points / 10) "." (points % 10) " pt"
        }
    }
}

fn tone(up: bool, sense: Sense) -> &'static str {
    match (sense, up) {
        (Sense::Neutral, _) => "plain",
        (Sense::MoreIsWorse, true) => "worse",
        (Sense::MoreIsWorse, false) => "better",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        for (value, want) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (999_999, "999,999"),
            (1_234_567, "1.23 M"),
            (12_345_678, "12.3 M"),
            (123_456_789, "123 M"),
            (4_000_000_000, "4.00 G"),
        ] {
            assert_eq!(count(value), want);
        }
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(plural(1, "run", "runs"), "1 run");
    }

    #[test]
    fn durations() {
        for (millis, want) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_240, "1.24 s"),
            (20_000, "20 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h"),
            (11_520_000, "3 h 12 min"),
            (356_400_000, "4 d 3 h"),
            (u64::MAX, "213503982334 d 14 h"),
        ] {
            assert_eq!(duration(millis), want);
        }
    }

    #[test]
    fn shares_do_not_round_to_nothing_or_everything() {
        for (part, whole, want) in [
            (0, 0, "0%"),
            (0, 5, "0%"),
            (1, 100_000, "<0.1%"),
            (1, 100, "1.0%"),
            (35, 1_000, "3.5%"),
            (1, 3, "33%"),
            (99_999, 100_000, "99.9%"),
            (7, 7, "100%"),
            (u64::MAX, u64::MAX, "100%"),
        ] {
            assert_eq!(percent(part, whole), want, "{part}/{whole}");
        }
    }

    #[test]
    fn changes_have_a_direction_without_colour() {
        let text = |now, before| change(now, before, Sense::MoreIsWorse).into_string();
        assert!(text(120, Some(100)).contains(r#"worse">▲ <span class="away">up </span>20%"#));
        assert!(text(80, Some(100)).contains(r#"better">▼ <span class="away">down </span>20%"#));
        assert!(text(1_000, Some(100)).contains("×10"));
        assert!(text(100, Some(100)).contains("unchanged"));
        assert!(text(5, Some(0)).contains("new"));
        assert!(text(5, None).contains("no past"));
        let share = change_of_share((12, 100), Some((2, 100))).into_string();
        assert!(share.contains("10.0 pt"), "{share}");
    }
}
