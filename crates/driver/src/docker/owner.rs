//! Whose container it is: the labels that tell, and whether their process still lives.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use serde_json::{Map, Value};
use swamp_ident::{RepoId, RunId};

const REPOSITORY: &str = "swamp.repo";
const RUN: &str = "swamp.run";
/// Every container of ours has this label.
pub(super) const PID: &str = "swamp.pid";
const STARTED: &str = "swamp.started";
const BOOT: &str = "swamp.boot";
const PID_NAMESPACE: &str = "swamp.pidns";

/// A process, told from every other one on every machine.
///
/// A number alone does not tell a process: numbers are used again, every boot and every container
/// of another engine has its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process id.
    pub pid: u32,
    /// When it started, in ticks since boot; field 22 of `/proc/<pid>/stat`.
    pub started: u64,
    /// The boot of its machine.
    pub boot: String,
    /// Its process id namespace, as an inode number.
    pub pid_namespace: u64,
}

/// What can be said about an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lives.
    Alive,
    /// It lived here and is gone.
    Gone,
    /// It lived on another machine, in another container, or before this machine was booted.
    Elsewhere,
}

impl Owner {
    /// This process.
    pub fn this_process() -> &'static Self {
        static THIS: OnceLock<Owner> = OnceLock::new();
        THIS.get_or_init(|| {
            let pid = std::process::id();
            Self {
                pid,
                started: started(pid).unwrap_or_default(),
                boot: boot(),
                pid_namespace: pid_namespace(),
            }
        })
    }

    /// The labels of a container.
    pub(super) fn labels(
        &self,
        repository: Option<&RepoId>,
        run: Option<&RunId>,
    ) -> Vec<(&'static str, String)> {
        let mut labels = vec![
            (PID, self.pid.to_string()),
            (STARTED, self.started.to_string()),
            (BOOT, self.boot.clone()),
            (PID_NAMESPACE, self.pid_namespace.to_string()),
        ];
        labels.extend(repository.map(|repository| (REPOSITORY, repository.to_string())));
        labels.extend(run.map(|run| (RUN, run.to_string())));
        labels
    }

    /// The owner that labels tell of.
    pub(super) fn of_labels(labels: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| labels.get(key)?.as_str();
        Some(Self {
            pid: text(PID)?.parse().ok()?,
            started: text(STARTED)?.parse().ok()?,
            boot: text(BOOT)?.to_owned(),
            pid_namespace: text(PID_NAMESPACE)?.parse().ok()?,
        })
    }

    /// Whether it still lives.
    pub fn standing(&self) -> Standing {
        let this = Self::this_process();
        if self.boot != this.boot || self.pid_namespace != this.pid_namespace {
            return Standing::Elsewhere;
        }
        if started(self.pid) == Some(self.started) { Standing::Alive } else { Standing::Gone }
    }
}

/// The repository and the run that labels tell of.
pub(super) fn purpose(labels: &Map<String, Value>) -> (Option<RepoId>, Option<RunId>) {
    let text = |key: &str| labels.get(key).and_then(Value::as_str);
    (text(REPOSITORY).map(RepoId::new), text(RUN).map(RunId::new))
}

fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything. Behind it, the state is field 3.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // A process that nobody waited for yet does nothing any more.
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(owner: &Owner) -> Map<String, Value> {
        let labels = owner.labels(Some(&RepoId::new("r")), Some(&RunId::new("x")));
        labels.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
    }

    #[test]
    fn labels_tell_the_owner_again() {
        let this = Owner::this_process();
        let labels = labelled(this);
        assert_eq!(Owner::of_labels(&labels).as_ref(), Some(this));
        assert_eq!(purpose(&labels), (Some(RepoId::new("r")), Some(RunId::new("x"))));
        assert_eq!(Owner::of_labels(&Map::new()), None);
        assert!(this.started > 0 && !this.boot.is_empty() && this.pid_namespace > 0, "{this:?}");
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let this = Owner::this_process();
        assert_eq!(this.standing(), Standing::Alive);
        let standing = |change: &dyn Fn(&mut Owner)| {
            let mut other = this.clone();
            change(&mut other);
            other.standing()
        };
        assert_eq!(standing(&|owner| owner.started += 1), Standing::Gone);
        assert_eq!(standing(&|owner| owner.boot = "x".into()), Standing::Elsewhere);
        assert_eq!(standing(&|owner| owner.pid_namespace += 1), Standing::Elsewhere);

        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let gone = Owner { pid, started: started(pid).unwrap_or(1), ..this.clone() };
        child.wait().unwrap();
        assert_eq!(gone.standing(), Standing::Gone);
    }
}
