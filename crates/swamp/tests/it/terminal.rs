//! What a terminal that closes does to the process that sends.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::environment::{SWAMP, TestEnvironment, until};
use crate::flush::settle;
use crate::telemetry_server::{Reply, Server};

/// A pseudo-terminal: what holds it open, and what programs get.
fn terminal() -> (OwnedFd, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let held = openpt(flags).expect("a terminal");
    grantpt(&held).expect("a terminal of ours");
    unlockpt(&held).expect("an unlocked terminal");
    let name = ptsname(&held, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let inside = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
    (held, File::from(inside))
}

/// A command that leads a session of its own in a terminal, which is its controlling one.
fn in_terminal(environment: &TestEnvironment, inside: &File, command: &[&str]) -> Command {
    let mut leader = Command::new("setsid");
    environment.surround(&mut leader);
    leader.arg("--ctty").args(command);
    let stream = || Stdio::from(inside.try_clone().expect("a terminal"));
    leader.stdin(stream()).stdout(stream()).stderr(stream());
    leader
}

/// Weakness 24: a command has to wait for what it sends, or loses it.
#[test]
fn what_is_being_sent_is_sent_when_the_terminal_closes() {
    // Slow enough for the terminal to be gone by then.
    let server = Server::always(Reply::Late(Duration::from_millis(300)));
    let mut environment = TestEnvironment::new();
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    for (round, ends_itself) in [true, false, true, false].into_iter().enumerate() {
        let (held, inside) = terminal();
        let hangs_up = environment.effects.join("hung up");
        let hook = format!("trap 'echo > \"{}\"; exit' HUP", hangs_up.display());
        let mut shell = if ends_itself {
            // The command is all the terminal is for, as in `ssh -t host swamp version`; when it
            // ends, everybody in the foreground is hung up on.
            in_terminal(&environment, &inside, &[SWAMP, "version"])
        } else {
            let script =
                format!("{hook}; \"$0\" version; echo > ended; while :; do sleep 0.01; done");
            in_terminal(&environment, &inside, &["sh", "-c", &script, SWAMP])
        }
        .spawn()
        .expect("a program in a terminal");
        drop(inside);
        if !ends_itself {
            let ended = environment.repo.join("ended");
            until("the end of the command", || ended.exists());
            std::fs::remove_file(ended).expect("a mark");
        }
        let (held, status) = if ends_itself {
            let status = shell.wait().expect("an ended program");
            (Some(held), status)
        } else {
            drop(held);
            (None, shell.wait().expect("an ended program"))
        };
        drop(held);
        assert!(status.success(), "{status}");
        assert_eq!(hangs_up.exists(), round > 0, "whether anybody was hung up on");
        until("the delivery", || server.taken().len() == round + 1);
        settle(&environment);
    }
    assert_eq!(server.taken().len(), 4);
    assert!(server.taken().values().all(|times| *times == 1), "{:?}", server.taken());
    assert_eq!(environment.entries().0, [""; 0]);
}
