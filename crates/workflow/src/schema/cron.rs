//! Cron texts: five fields, or six with seconds first.

/// Name, smallest and largest value, and the names values may have, of each field.
struct Field {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 6] = [
    Field { least: 0, most: 59, names: &[] },
    Field { least: 0, most: 59, names: &[] },
    Field { least: 0, most: 23, names: &[] },
    Field { least: 1, most: 31, names: &[] },
    Field {
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field { least: 0, most: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// Whether a text is a schedule.
pub(super) fn is_valid(text: &str) -> bool {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let skipped = match parts.len() {
        5 => 1,
        6 => 0,
        _ => return false,
    };
    FIELDS.iter().skip(skipped).zip(parts).all(|(field, part)| field.accepts(part))
}

impl Field {
    fn accepts(&self, text: &str) -> bool {
        text.split(',').all(|item| self.accepts_item(item))
    }

    fn accepts_item(&self, item: &str) -> bool {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return false;
        }
        if range == "*" || range == "?" {
            return true;
        }
        match range.split_once('-') {
            Some((first, last)) => match (self.value(first), self.value(last)) {
                (Some(first), Some(last)) => first <= last,
                _ => false,
            },
            None => self.value(range).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().position(|name| *name == lower);
        let value = match named {
            Some(place) => self.least + u32::try_from(place).ok()?,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn schedules() {
        for good in [
            "* * * * *",
            "15 2 * * 1-5",
            "0 15 2 * * 1-5",
            "*/5 0,12 1 jan-mar MON",
            "0 0 ? * sun",
            "59 23 31 12 7",
        ] {
            assert!(is_valid(good), "{good:?}");
        }
        for bad in [
            "",
            "often",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "+1 * * * *",
            "1,, * * * *",
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
