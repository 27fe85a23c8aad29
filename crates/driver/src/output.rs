//! What a command prints: kept up to a limit, and cut into lines as it arrives.

/// How many bytes of each output of a command are kept.
pub const KEPT_BYTES: usize = 8 << 20;

/// A line longer than this is handed over in pieces, so that a command that never prints a line
/// feed does not grow the buffer without end.
const LONGEST_LINE: usize = 64 << 10;

/// Pieces that are not the last of their line have at least this many bytes, and whole lines have
/// fewer: a cut that would split a character takes up to three bytes away.
const SHORTEST_PIECE: usize = LONGEST_LINE - 3;

/// Whether what a driver handed over as a line goes on with the next one. (A line with bytes that
/// are not UTF-8, which were replaced by longer ones, may be taken for a piece.)
pub fn is_piece(line: &str) -> bool {
    line.len() >= SHORTEST_PIECE
}

/// One output of a command as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept: UTF-8 with invalid bytes replaced, exactly one trailing line feed dropped.
    pub text: String,
    /// Bytes that were printed.
    pub bytes: u64,
    /// Bytes of those that were kept, counted before decoding.
    pub kept: u64,
}

impl Captured {
    /// Everything that was printed.
    pub(crate) fn whole(mut text: String) -> Self {
        let bytes = text.len() as u64;
        if text.ends_with('\n') {
            text.pop();
        }
        Self { text, bytes, kept: bytes }
    }

    /// Whether `text` is not all that was printed.
    pub fn is_truncated(&self) -> bool {
        self.kept < self.bytes
    }
}

/// Collects one output.
#[derive(Debug)]
pub(crate) struct Collector {
    limit: usize,
    kept: Vec<u8>,
    total: u64,
    line: Vec<u8>,
}

impl Collector {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), total: 0, line: Vec::new() }
    }

    /// Takes the next bytes and hands over the lines they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(&str)) {
        self.total += bytes.len() as u64;
        let room = self.limit - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);

        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at(end);
            if self.line.is_empty() && head.len() < SHORTEST_PIECE {
                on_line(&String::from_utf8_lossy(head));
            } else {
                self.extend_line(head, on_line);
                self.end_line(on_line);
            }
            rest = &tail[1..];
        }
        self.extend_line(rest, on_line);
    }

    fn extend_line(&mut self, mut bytes: &[u8], on_line: &mut dyn FnMut(&str)) {
        while self.line.len() + bytes.len() > LONGEST_LINE {
            let (now, later) = bytes.split_at(LONGEST_LINE - self.line.len());
            self.line.extend_from_slice(now);
            let whole = self.line.len() - cut_character(&self.line);
            on_line(&String::from_utf8_lossy(&self.line[..whole]));
            self.line.drain(..whole);
            bytes = later;
        }
        self.line.extend_from_slice(bytes);
    }

    /// Hands over the last piece of a line. One that could be taken for an earlier one is followed
    /// by an empty one.
    fn end_line(&mut self, on_line: &mut dyn FnMut(&str)) {
        on_line(&String::from_utf8_lossy(&self.line));
        if self.line.len() >= SHORTEST_PIECE {
            on_line("");
        }
        self.line.clear();
    }

    /// Hands over an unfinished last line and tells what was kept.
    pub(crate) fn finish(mut self, on_line: &mut dyn FnMut(&str)) -> Captured {
        if !self.line.is_empty() {
            self.end_line(on_line);
        }
        if (self.kept.len() as u64) < self.total {
            let whole = self.kept.len() - cut_character(&self.kept);
            self.kept.truncate(whole);
        }
        let kept = self.kept.len() as u64;
        if kept == self.total && self.kept.last() == Some(&b'\n') {
            self.kept.pop();
        }
        let text = String::from_utf8(self.kept)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Captured { text, bytes: self.total, kept }
    }
}

/// How many bytes at the end are the beginning of a character whose rest is missing.
fn cut_character(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for (back, &byte) in tail.iter().rev().enumerate() {
        let length = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if back + 1 < length { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(limit: usize, chunks: &[&[u8]]) -> (Vec<String>, Captured) {
        let mut lines = Vec::new();
        let mut collector = Collector::new(limit);
        for chunk in chunks {
            collector.push(chunk, &mut |line| lines.push(line.to_owned()));
        }
        let captured = collector.finish(&mut |line| lines.push(line.to_owned()));
        (lines, captured)
    }

    #[test]
    fn one_trailing_line_feed_is_dropped_and_nothing_else() {
        let check = |chunks: &[&[u8]], lines: &[&str], text: &str| {
            let (got, captured) = collect(100, chunks);
            assert_eq!(got, lines, "{chunks:?}");
            assert_eq!(captured.text, text, "{chunks:?}");
            assert!(!captured.is_truncated());
        };
        check(&[], &[], "");
        check(&[b"a"], &["a"], "a");
        check(&[b"a\n"], &["a"], "a");
        check(&[b"a\n\n\nb\n\n"], &["a", "", "", "b", ""], "a\n\n\nb\n");
        check(&[b"\n"], &[""], "");
        check(&[b" a \r", b"\nb"], &[" a \r", "b"], " a \r\nb");
        check(&[b"gr\xc3", b"\xbcn\n"], &["gr\u{fc}n"], "gr\u{fc}n");
        check(&[b"x\xff\xc3\ny"], &["x\u{fffd}\u{fffd}", "y"], "x\u{fffd}\u{fffd}\ny");
        check(&[b"\0\n"], &["\0"], "\0");
    }

    #[test]
    fn what_exceeds_the_limit_is_counted_and_still_streamed() {
        let (lines, captured) = collect(4, &[b"ab\n", "\u{fc}\u{fc}\n".as_bytes()]);
        assert_eq!(lines, ["ab", "\u{fc}\u{fc}"]);
        // Four bytes would cut the first umlaut in two.
        assert_eq!(captured, Captured { text: "ab\n".into(), bytes: 8, kept: 3 });
    }

    #[test]
    fn an_endless_line_comes_in_pieces_that_cut_no_character() {
        let text = "x".to_owned() + &"\u{1f980}".repeat(LONGEST_LINE);
        let (lines, captured) = collect(usize::MAX, &[text.as_bytes()]);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(lines.concat(), text);
        assert_eq!(captured.text, text);
        // The same in small chunks.
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(1000).collect();
        let (lines, _) = collect(usize::MAX, &chunks);
        assert_eq!(lines.concat(), text);
    }

    #[test]
    fn pieces_and_whole_lines_can_be_told_apart() {
        for length in LONGEST_LINE - 6..LONGEST_LINE + 6 {
            for character in ["x", "\u{1f980}"] {
                let line = character.repeat(length / character.len() + 1);
                let text = format!("{line}\nnext\n");
                let (lines, _) = collect(usize::MAX, &[text.as_bytes()]);
                let mut joined = vec![String::new()];
                for line in lines {
                    joined.last_mut().unwrap().push_str(&line);
                    if !is_piece(&line) {
                        joined.push(String::new());
                    }
                }
                assert_eq!(joined, [&*line, "next", ""], "{length}");
            }
        }
    }

    #[test]
    fn binary_output_never_grows_the_line_buffer() {
        let (lines, captured) = collect(10, &[&vec![0xff; LONGEST_LINE * 2 + 1]]);
        assert_eq!(lines.len(), 3);
        assert_eq!(captured.bytes, 2 * 65536 + 1);
    }
}
