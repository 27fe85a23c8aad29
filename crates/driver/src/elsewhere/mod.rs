//! Running a command in a shell whose standard input and outputs are here and nothing else is: in a
//! container, on another host.
//!
//! Everything the command needs goes over standard input, so that no script, no path of this
//! machine and no secret is ever on a command line: a short fixed text starts a shell there that
//! reads a program ([`payload`]), the program reads environment, working directory and script, runs
//! them, and tells on standard error when the command begins and how it ends ([`markers`]). What is
//! said before the command begins comes from the engine or ssh, not from the command.
//!
//! Standard input then stays open as a lifeline: a line on it stops the command, and so does its
//! end, whatever has become of this process.

mod markers;
mod payload;

use std::borrow::Cow;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;
use swamp_events::OutputStream;

use self::markers::{Markers, Printed};
pub(crate) use self::payload::{KILL, PROGRAM, nonce};
use crate::output::Collector;
use crate::process::{Limits, Process, Session, Start, watch};
use crate::{Cancel, CommandResult, CommandSpec, DriverError};

/// How much of what the engine or ssh say is kept for error messages.
const KEPT_TALK: usize = 4 << 10;

/// The other end, as far as stopping by force and noticing go.
pub(crate) trait Place {
    /// Ends the command although it does not want to.
    fn kill(&mut self, process: &mut Process);

    /// The command begins.
    fn begins(&mut self) {}

    /// Whether what the engine or ssh say before the command begins is for people.
    fn talks(&self) -> bool;
}

/// How it went.
pub(crate) struct Conversation {
    /// What the process here did: its end, and the command's outputs.
    pub(crate) result: CommandResult,
    /// Whether the command began.
    pub(crate) began: bool,
    /// The exit code told from there; that of the shell, if the command did not begin.
    pub(crate) exit: Option<i32>,
    /// What was said before the command began, the end of it.
    pub(crate) said: String,
}

/// Has a conversation with the shell that `command` starts.
pub(crate) fn converse(
    mut command: Command,
    spec: &CommandSpec,
    timeout: Option<Duration>,
    place: &mut dyn Place,
    cancel: &Cancel,
    on_line: &mut dyn FnMut(OutputStream, &str),
) -> Result<Result<Conversation, DriverError>, io::Error> {
    let nonce = nonce();
    let input = match payload::of(spec, &nonce) {
        Ok(input) => input,
        Err(error) => return Ok(Err(error)),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let started = Instant::now();
    let child = command.spawn()?;
    let mut talk = Talk {
        place,
        markers: Markers::new(&nonce),
        lines: Collector::new(0),
        said: Vec::new(),
        began: false,
        exit: None,
    };
    let start = Start { child, started, timeout, input, limits: &Limits::USUAL };
    let watched = watch(start, &mut talk, cancel, on_line);
    let Talk { said, began, exit, .. } = talk;
    Ok(watched.map_err(DriverError::Watch).map(|result| Conversation {
        result,
        began,
        exit,
        said: String::from_utf8_lossy(&said).into_owned(),
    }))
}

struct Talk<'p> {
    place: &'p mut dyn Place,
    markers: Markers,
    lines: Collector,
    said: Vec<u8>,
    began: bool,
    exit: Option<i32>,
}

impl Talk<'_> {
    fn sort(
        &mut self,
        printed: Vec<Printed>,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Vec<u8> {
        let mut of_command = Vec::new();
        for piece in printed {
            match piece {
                Printed::Text(text) if self.began => of_command.extend(text),
                Printed::Text(text) => {
                    let talks = self.place.talks();
                    self.lines.push(&text, &mut |line| {
                        if talks {
                            on_line(OutputStream::Stderr, line);
                        }
                    });
                    self.said.extend(text);
                    let excess = self.said.len().saturating_sub(KEPT_TALK);
                    self.said.drain(..excess);
                }
                Printed::Begins => {
                    self.began = true;
                    self.place.begins();
                }
                Printed::Ended(code) => self.exit = Some(code),
            }
        }
        of_command
    }
}

impl Session for Talk<'_> {
    fn stop(&mut self, process: &mut Process) {
        process.write(payload::STOP);
    }

    fn kill(&mut self, process: &mut Process) {
        self.place.kill(process);
    }

    fn is_gone(&self, _process: &Process) -> bool {
        // Its face here ends after it.
        true
    }

    fn stderr<'b>(
        &mut self,
        printed: &'b [u8],
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Cow<'b, [u8]> {
        let printed = self.markers.push(printed);
        Cow::Owned(self.sort(printed, on_line))
    }

    fn end_of_stderr(&mut self, on_line: &mut dyn FnMut(OutputStream, &str)) -> Vec<u8> {
        let printed = self.markers.finish();
        let of_command = self.sort(printed, on_line);
        let talks = self.place.talks();
        std::mem::replace(&mut self.lines, Collector::new(0)).finish(&mut |line| {
            if talks {
                on_line(OutputStream::Stderr, line);
            }
        });
        of_command
    }
}
