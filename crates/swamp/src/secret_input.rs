//! Where the value of a secret comes from: standard input, or a question that shows no answer.
//!
//! An argument is the third way, for scripts that do it already. It comes with a warning: other users
//! of the machine see arguments, and shells remember them.

use std::io::{self, IsTerminal, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use swamp_secret::Secret;

use crate::cx::Cx;
use crate::ending::CommandError;
use crate::output::Stream;

/// Warns of a value on the command line. It is said in every output mode.
pub(crate) fn warn_of_argument(cx: &Cx<'_>) {
    let paint = cx.output.paint(Stream::Err);
    let text = "The value is on the command line, where other users of this machine can see it and the shell remembers it. Pipe it in instead, or leave it out to be asked for it.";
    cx.output.write(Stream::Err, &format!("{} {text}\n", paint.yellow("Warning:")));
}

/// What is piped in, without one line feed at its end; `None` at a terminal and when there is
/// nothing.
pub(crate) fn piped() -> Result<Option<Secret>, CommandError> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    stdin
        .read_to_end(&mut bytes)
        .map_err(|error| CommandError::user(format!("Cannot read standard input: {error}")))?;
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            drop(zeroize::Zeroizing::new(error.into_bytes()));
            return Err(CommandError::user("The value is no text: secrets are UTF-8.").with_hint(
                "Encode it, and decode it where it is used: base64 -w0 <file> | swamp vault put …",
            ));
        }
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Some(Secret::new(text)))
}

/// Asks for a value at the terminal, without showing it; `None` if there is no terminal.
pub(crate) fn asked(cx: &Cx<'_>, question: &str) -> Result<Option<Secret>, CommandError> {
    let stdin = io::stdin();
    if cx.output.is_json() || !stdin.is_terminal() {
        return Ok(None);
    }
    cx.output.write(Stream::Err, question);
    let failed = |error: io::Error| CommandError::user(format!("Cannot read the answer: {error}"));
    let quiet = Quiet::begin().map_err(failed)?;
    let answer = read_answer(&mut stdin.lock());
    drop(quiet);
    cx.output.write(Stream::Err, "\n");
    answer.map_err(failed)?.map(Some).ok_or_else(|| CommandError::user("Cancelled."))
}

/// Reads up to the end of the line; `None` if the user gave up.
fn read_answer(input: &mut impl Read) -> io::Result<Option<Secret>> {
    const INTERRUPT: u8 = 0x03;
    const END: u8 = 0x04;
    const KILL: u8 = 0x15;
    let mut line = zeroize::Zeroizing::new(Vec::new());
    let mut byte = [0];
    while input.read(&mut byte)? == 1 {
        match byte[0] {
            b'\n' | b'\r' => break,
            INTERRUPT => return Ok(None),
            END if line.is_empty() => return Ok(None),
            END => break,
            KILL => line.clear(),
            0x08 | 0x7f => {
                // A whole character, however many bytes it has.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            other => line.push(other),
        }
    }
    let text = std::str::from_utf8(&line).map_err(io::Error::other)?;
    Ok(Some(Secret::new(text)))
}

/// The terminal while it shows nothing of what is typed; as before when dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        // Keys that end a program come as bytes, so that the terminal is never left silent.
        quiet.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell if the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        let _ = io::stderr().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_can_be_corrected_and_given_up() {
        for (typed, want) in [
            ("hunter2\n", Some("hunter2")),
            ("hunx\x7fter2\r", Some("hunter2")),
            ("gr\u{fc}\u{1f511}\x7f\x7f\u{fc}n\n", Some("gr\u{fc}n")),
            ("wrong\x15right\n", Some("right")),
            ("\n", Some("")),
            ("half\x04", Some("half")),
            ("\x04", None),
            ("half\x03", None),
        ] {
            let answer = read_answer(&mut typed.as_bytes()).unwrap();
            assert_eq!(answer, want.map(Secret::new), "{typed:?}");
        }
    }
}
