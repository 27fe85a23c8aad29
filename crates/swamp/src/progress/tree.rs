//! The live tree on a terminal: redraws its lines in place, at most twelve times a second, and only
//! as many as the window holds.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use swamp_events::RunEvent;
use swamp_ident::Clock;
use unicode_width::UnicodeWidthChar;

use super::console::print_report;
use super::tree_state::{Line, Tone, TreeState};
use crate::output::{Output, Paint, Stream};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(80);

const HIDE_CURSOR: &str = "\x1b[?25l";
/// Shows the cursor again; also written when the program panics.
pub(crate) const SHOW_CURSOR: &str = "\x1b[?25h";
/// Terminals that know it show what comes between the two at once; others ignore it.
const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";
const CLEAR_LINE: &str = "\x1b[2K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Whether a live tree can be shown: standard output is a terminal that can move its cursor.
pub(crate) fn can_show_tree(term: Option<&str>) -> bool {
    io::stdout().is_terminal() && !matches!(term, None | Some("" | "dumb"))
}

/// Draws the tree of a run.
pub(crate) struct LiveTree {
    output: Output,
    clock: Arc<dyn Clock>,
    state: TreeState,
    drawn: usize,
    reports: Vec<Arc<RunEvent>>,
}

impl LiveTree {
    /// A tree on `output`'s standard output.
    pub(crate) fn new(output: Output, clock: Arc<dyn Clock>) -> Self {
        Self { output, clock, state: TreeState::default(), drawn: 0, reports: Vec::new() }
    }

    /// Draws until there are no more events, then leaves the summary and the reports behind.
    pub(crate) fn run(mut self, events: &Receiver<Arc<RunEvent>>) {
        self.output.write(Stream::Out, HIDE_CURSOR);
        let mut next = Instant::now();
        loop {
            let now = Instant::now();
            if now >= next {
                self.draw(false);
                next = now + FRAME;
            }
            match events.recv_timeout(next.saturating_duration_since(now)) {
                Ok(event) => {
                    self.state.apply(&event);
                    if matches!(event.kind, swamp_events::EventKind::ReportCompleted { .. }) {
                        self.reports.push(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.draw(true);
        self.output.write(Stream::Out, SHOW_CURSOR);
        for event in &self.reports {
            print_report(&self.output, event);
        }
    }

    fn draw(&mut self, last: bool) {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let width = size.map_or(80, |size| usize::from(size.ws_col)).max(20);
        let height = size.map_or(24, |size| usize::from(size.ws_row)).max(4);
        let lasting = self.state.take_lasting();
        let frame = if last || self.state.has_ended() {
            Vec::new()
        } else {
            self.state.frame(self.clock.now(), height - 1)
        };
        let paint = self.output.paint(Stream::Out);
        let mut text = String::from(BEGIN_UPDATE);
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A\r", self.drawn));
        }
        // Lines that stay may be longer than the window: the terminal wraps them once and for all.
        for line in &lasting {
            push_line(&mut text, paint, line, usize::MAX);
        }
        for line in &frame {
            push_line(&mut text, paint, line, width - 1);
        }
        text.push_str(CLEAR_BELOW);
        text.push_str(END_UPDATE);
        self.drawn = frame.len();
        self.output.write(Stream::Out, &text);
        let _ = io::stdout().flush();
    }
}

fn push_line(text: &mut String, paint: Paint, line: &Line, width: usize) {
    text.push_str(CLEAR_LINE);
    let mut room = width;
    for (tone, piece) in line {
        let piece = cut(piece, &mut room);
        text.push_str(&match tone {
            Tone::Plain => piece,
            Tone::Bold => paint.bold(&piece),
            Tone::Dim => paint.dim(&piece),
            Tone::Good => paint.green(&piece),
            Tone::Bad => paint.red(&piece),
            Tone::Busy => paint.cyan(&piece),
            Tone::Remark => paint.yellow(&piece),
        });
    }
    text.push('\n');
}

/// As much of a text as fits the room, without control characters: what a command prints must not
/// move our cursor.
fn cut(text: &str, room: &mut usize) -> String {
    let mut cut = String::with_capacity(text.len());
    for character in text.chars() {
        let character = if character == '\t' { ' ' } else { character };
        let Some(width) = character.width() else { continue };
        if width > *room {
            *room = 0;
            break;
        }
        *room -= width;
        cut.push(character);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_window_and_cannot_move_the_cursor() {
        let mut text = String::new();
        let line = vec![(Tone::Plain, "ab\x1b[2J\t日".to_owned()), (Tone::Good, "本語".to_owned())];
        push_line(&mut text, Paint::new(false), &line, 10);
        assert_eq!(text, format!("{CLEAR_LINE}ab[2J 日本\n"));
    }
}
