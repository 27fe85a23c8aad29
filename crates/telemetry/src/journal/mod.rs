//! The journal: what a running command has to say should it die.
//!
//! One file per process, opened when there is a first thing to write and only ever appended to.
//! A method call has a line when it begins, written before its code runs, and one when it ends;
//! every line checks itself, so that a torn tail is recognised. The file is locked with `flock` for
//! the life of the process: a journal that nobody holds belongs to a process that died.
//!
//! The journal is also the queue between a run and its spool. Whoever turns it into files, be it
//! the process itself (see `spooler`) or a later one (see `recovery`), reads the same lines.

mod line;
mod reader;
mod record;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use record::{Begin, End, Ending, Finish, LAYOUT, Open, Record, Whole};
pub(crate) use writer::{Journal, claim_dead, is_journal, is_leftover, leave};
