//! Statistics for people.

use swamp_telemetry::stats::{Row, Statistics};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Asked;
use crate::output::{Table, plain};
use crate::progress::duration;

/// Widest bar.
const BAR: usize = 20;

/// Narrowest column that names are cut to.
const NAME: usize = 12;

/// Everything, as lines that fit the columns if they are known.
pub(super) fn lines(asked: &Asked, statistics: &Statistics, columns: Option<usize>) -> Vec<String> {
    let summary = statistics.summary(asked.days);
    let mut lines = vec![
        format!(
            "{} entries {}: {} succeeded, {} user errors, {} errors",
            summary.total_invocations,
            asked.words,
            summary.success_count,
            summary.user_error_count,
            summary.error_count
        ),
        String::new(),
    ];
    match &asked.rows {
        Some(rows) => {
            let shown = statistics.rows(rows);
            if shown.total.numbers.calls == 0 {
                lines.push("No such method call.".to_owned());
                return lines;
            }
            let headings: Vec<String> =
                shown.by.iter().map(|dimension| dimension.as_str().to_uppercase()).collect();
            let mut sheet = Sheet::new(headings, shown.total.before.is_some());
            sheet.row(vec!["all".to_owned()], &shown.total);
            for row in &shown.rows {
                sheet.row(
                    row.key.iter().map(|(_, name)| named(name.as_deref(), "-")).collect(),
                    row,
                );
            }
            lines.extend(sheet.lines(columns));
            if shown.rows.is_empty() {
                lines.push("None of them failed.".to_owned());
            }
            lines.extend(failures(&shown.total));
        }
        None => usual(statistics, columns, &mut lines),
    }
    let sources = statistics.sources();
    if sources.rolled_up > 0 {
        lines.push(String::new());
        lines.push(format!(
            "{} of these entries were delivered; with them, percentiles are within 0.4 per cent.",
            sources.rolled_up
        ));
    }
    if sources.other > 0 {
        lines.push(format!(
            "{} of them were of too many kinds and are counted as __other__.",
            sources.other
        ));
    }
    lines
}

fn usual(statistics: &Statistics, columns: Option<usize>, lines: &mut Vec<String>) {
    let (calls, commands) = (statistics.calls(), statistics.commands());
    if calls.total.numbers.calls == 0 {
        lines.push("No method was called. Call one: swamp model method run".to_owned());
        lines.push(String::new());
    } else {
        let heading = vec!["METHOD CALLS".to_owned()];
        let mut sheet = Sheet::new(heading, calls.total.before.is_some());
        sheet.row(vec!["all".to_owned()], &calls.total);
        for (heading, rows, between) in [
            ("by model type", &calls.by_model_type, ""),
            ("by driver", &calls.by_driver, ""),
            ("by method", &calls.by_method, " → "),
            ("by step", &calls.by_step, " / "),
        ] {
            sheet.text("");
            sheet.text(heading);
            for row in rows {
                sheet.row(vec![format!("  {}", joined(row, between))], row);
            }
        }
        lines.extend(sheet.lines(columns));
        lines.extend(failures(&calls.total));
        lines.push(String::new());
    }
    let mut sheet = Sheet::new(vec!["COMMANDS".to_owned()], commands.total.before.is_some());
    sheet.row(vec!["all".to_owned()], &commands.total);
    for row in &commands.by_command {
        sheet.row(vec![format!("  {}", joined(row, ""))], row);
    }
    lines.extend(sheet.lines(columns));
}

fn failures(total: &Row) -> Vec<String> {
    if total.numbers.failures.is_empty() {
        return Vec::new();
    }
    let failures: Vec<String> = total
        .numbers
        .failures
        .iter()
        .map(|(category, number)| format!("{} {number}", plain(category)))
        .collect();
    vec![String::new(), format!("Failures by category: {}", failures.join(", "))]
}

fn joined(row: &Row, between: &str) -> String {
    let names = row.key.iter().map(|(_, name)| named(name.as_deref(), "(not found)"));
    names.collect::<Vec<_>>().join(between)
}

fn named(name: Option<&str>, absent: &str) -> String {
    match name {
        None => absent.to_owned(),
        Some("") => "(none)".to_owned(),
        Some(name) => plain(name).into_owned(),
    }
}

/// A column of numbers.
struct Column {
    heading: &'static str,
    /// Which is left out first when there is no room; 0 never is.
    expendable: u8,
    is_left: bool,
    show: fn(&Row) -> String,
}

const COLUMNS: [Column; 10] = [
    column(">CALLS", 0, |row| row.numbers.calls.to_string()),
    column(">FAILED", 0, |row| row.numbers.failed.to_string()),
    column(">RATE", 0, |row| format!("{:.1}%", row.numbers.failure_rate * 100.0)),
    column(">P50", 1, |row| time(row.numbers.p50_ms)),
    column(">P95", 0, |row| time(row.numbers.p95_ms)),
    column(">P99", 4, |row| time(row.numbers.p99_ms)),
    column(">MAX", 5, |row| time(row.numbers.max_ms)),
    column(">TOTAL", 0, |row| duration::show(row.numbers.total_ms)),
    column(">SHARE", 2, |row| format!("{:.0}%", row.share * 100.0)),
    Column { heading: "CHANGE", expendable: 3, is_left: true, show: change },
];

const fn column(heading: &'static str, expendable: u8, show: fn(&Row) -> String) -> Column {
    Column { heading, expendable, is_left: false, show }
}

fn time(millis: Option<u64>) -> String {
    millis.map_or_else(|| "–".to_owned(), duration::show)
}

/// What is different from the period before, as far as it is worth a word.
fn change(row: &Row) -> String {
    let Some(change) = row.change() else {
        return "new".to_owned();
    };
    let mut parts = Vec::new();
    if change.calls != 0 {
        parts.push(format!("calls {:+}", change.calls));
    }
    if change.failure_rate.abs() >= 0.0005 {
        parts.push(format!("rate {:+.1}", change.failure_rate * 100.0));
    }
    if let Some(millis) = change.p95_ms.filter(|millis| *millis != 0) {
        let sign = if millis < 0 { '-' } else { '+' };
        parts.push(format!("p95 {sign}{}", duration::show(millis.unsigned_abs())));
    }
    if parts.is_empty() { "=".to_owned() } else { parts.join(", ") }
}

/// A table of rows, with lines of text between them.
struct Sheet {
    headings: Vec<String>,
    has_before: bool,
    lines: Vec<Line>,
}

/// Names, and the numbers of a row with the length of its bar.
struct Line {
    names: Vec<String>,
    cells: Option<(Vec<String>, f64)>,
}

impl Sheet {
    fn new(headings: Vec<String>, has_before: bool) -> Self {
        Self { headings, has_before, lines: Vec::new() }
    }

    fn text(&mut self, text: &str) {
        self.lines.push(Line { names: vec![text.to_owned()], cells: None });
    }

    fn row(&mut self, mut names: Vec<String>, row: &Row) {
        names.resize(self.headings.len(), String::new());
        let cells = COLUMNS.iter().map(|column| (column.show)(row)).collect();
        self.lines.push(Line { names, cells: Some((cells, row.share)) });
    }

    /// The lines. Where they would be too long, columns are left out, then names are cut.
    fn lines(&self, columns: Option<usize>) -> Vec<String> {
        let mut kept: Vec<usize> = (0..COLUMNS.len())
            .filter(|at| self.has_before || COLUMNS[*at].heading != "CHANGE")
            .collect();
        let names: Vec<usize> = (0..self.headings.len()).map(|at| self.name_width(at)).collect();
        let names_width = names.iter().sum::<usize>() + 2 * (names.len() - 1);
        let numbers_width =
            |kept: &[usize]| kept.iter().map(|at| 2 + self.width(*at)).sum::<usize>();
        let Some(room) = columns else {
            return self.draw(&kept, None, BAR / 2);
        };
        while names_width + numbers_width(&kept) > room {
            let expendable = kept.iter().map(|at| COLUMNS[*at].expendable).max().unwrap_or(0);
            if expendable == 0 {
                break;
            }
            kept.retain(|at| COLUMNS[*at].expendable != expendable);
        }
        let left = room.saturating_sub(names_width + numbers_width(&kept));
        let bar = if left >= 6 { (left - 2).min(BAR) } else { 0 };
        let each = room.saturating_sub(numbers_width(&kept) + 2 * (names.len() - 1));
        let longest = longest_that_fits(&names, each).max(NAME);
        self.draw(&kept, Some(longest), bar)
    }

    fn draw(&self, kept: &[usize], longest: Option<usize>, bar: usize) -> Vec<String> {
        let mut headings: Vec<&str> = self.headings.iter().map(String::as_str).collect();
        // The bar stands after the share, before what is left-aligned.
        let (numbers, rest): (Vec<usize>, Vec<usize>) =
            kept.iter().partition(|at| !COLUMNS[**at].is_left);
        headings.extend(numbers.iter().map(|at| COLUMNS[*at].heading));
        if bar > 0 {
            headings.push("");
        }
        headings.extend(rest.iter().map(|at| COLUMNS[*at].heading));
        let mut table = Table::new(&headings);
        for Line { names, cells } in &self.lines {
            let names = names.iter().map(|name| cut(name, longest));
            let Some((cells, share)) = cells else {
                table.row(names);
                continue;
            };
            let bar = (bar > 0).then(|| drawn_bar(*share, bar));
            let chosen = |places: &[usize]| -> Vec<String> {
                places.iter().map(|at| cells[*at].clone()).collect()
            };
            table.row(names.chain(chosen(&numbers)).chain(bar).chain(chosen(&rest)));
        }
        table.lines()
    }

    fn name_width(&self, at: usize) -> usize {
        let names =
            self.lines.iter().filter_map(|line| line.names.get(at)).map(|name| name.width());
        names.max().unwrap_or(0).max(self.headings[at].width())
    }

    fn width(&self, at: usize) -> usize {
        let cells = self.lines.iter().filter_map(|line| line.cells.as_ref());
        let widths = cells.map(|(cells, _)| cells[at].width());
        widths.max().unwrap_or(0).max(COLUMNS[at].heading.trim_start_matches('>').len())
    }
}

/// How long each of some columns may be so that all of them together fit.
fn longest_that_fits(widths: &[usize], room: usize) -> usize {
    (0..=widths.iter().copied().max().unwrap_or(0))
        .rev()
        .find(|longest| widths.iter().map(|width| width.min(longest)).sum::<usize>() <= room)
        .unwrap_or(0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a few columns"
)]
fn drawn_bar(share: f64, width: usize) -> String {
    let length = (share * width as f64).round() as usize;
    "#".repeat(if share > 0.0 { length.max(1) } else { 0 })
}

/// A name that is too long keeps its end, which tells steps of one job apart.
fn cut(name: &str, longest: Option<usize>) -> String {
    let Some(longest) = longest.filter(|longest| name.width() > *longest) else {
        return name.to_owned();
    };
    let mut room = longest.saturating_sub(1);
    let mut kept: Vec<char> = Vec::new();
    for character in name.chars().rev() {
        let width = character.width().unwrap_or(0);
        if width > room {
            break;
        }
        room -= width;
        kept.push(character);
    }
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_their_beginning() {
        assert_eq!(cut("nightly / main / backup", Some(10)), "… / backup");
        assert_eq!(cut("日本日本", Some(6)), "…日本");
        assert_eq!(cut("short", Some(5)), "short");
        assert_eq!(cut("whatever", None), "whatever");
        assert_eq!(longest_that_fits(&[30, 5, 8], 25), 12);
        assert_eq!(longest_that_fits(&[3, 5], 25), 5);
    }

    #[test]
    fn a_bar_shows_that_there_is_something() {
        let bars = [0.0, 0.001, 0.5, 1.0].map(|share| drawn_bar(share, 10).len());
        assert_eq!(bars, [0, 1, 5, 10]);
    }
}
