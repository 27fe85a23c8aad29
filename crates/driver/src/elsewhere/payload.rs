//! What is said to a shell elsewhere.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::{CommandSpec, DriverError};

/// The argument of `sh -c` that starts everything. It is all that process listings show, and it
/// stands in single quotes for whatever login shell the other host has: no quote, no backslash.
pub(crate) const PROGRAM: &str = r#"IFS= read -r __swamp_b && eval "$__swamp_b""#;

/// The line that asks the command to end.
pub(super) const STOP: &[u8] = b"stop\n";

/// The line that kills it.
pub(crate) const KILL: &[u8] = b"kill\n";

/// The longest argument or variable that Linux gives to a program, its closing null byte included.
const LONGEST_ARGUMENT: usize = 128 << 10;

/// The program that [`PROGRAM`] reads: one line of POSIX shell. It reads the nonce, then a block
/// that prepares the surroundings, then the block to run; a block ends with the nonce on a line of
/// its own. Then
///
/// * descriptor 3 is the lifeline, 4 standard error; standard input is empty, and the shell's own
///   remarks (such as "Killed") go nowhere;
/// * a watcher in the background reads the lifeline and signals the process group, which a session
///   of sshd and a container both have for themselves; whoever must survive SIGTERM traps it;
/// * the command runs in the foreground, in a shell of its own that knows nothing of all this.
const READER: [&str; 14] = [
    "IFS= read -r __swamp_n || exit 125",
    r#"__swamp_r() { while IFS= read -r __swamp_l; do if [ "$__swamp_l" = "$__swamp_n" ]; then printf .; return; fi; printf '%s\n' "$__swamp_l"; done; }"#,
    "__swamp_p=$(__swamp_r)",
    "__swamp_s=$(__swamp_r)",
    // A block without its end: whoever wanted this is gone.
    r#"case "$__swamp_p" in *.) ;; *) exit 125;; esac"#,
    r#"case "$__swamp_s" in *.) ;; *) exit 125;; esac"#,
    "exec 3<&0 4>&2 </dev/null 2>/dev/null",
    "trap : TERM",
    "{ trap : TERM; while IFS= read -r __swamp_l; do case $__swamp_l in stop) kill -TERM 0;; kill) kill -KILL 0;; esac; done; kill -TERM 0; sleep 2; kill -KILL 0; } <&3 >/dev/null 2>&1 3<&- 4>&- & __swamp_w=$!",
    "exec 3<&-",
    r#"( exec 2>&4; eval "${__swamp_p%.}" && printf '%s:begin\n' "$__swamp_n" >&4 && exec sh -c "${__swamp_s%.}" 4>&- )"#,
    "__swamp_c=$?; kill -KILL $__swamp_w",
    r#"printf '%s:exit:%s\n' "$__swamp_n" "$__swamp_c" >&4"#,
    "exit $__swamp_c",
];

/// Thirty-two hexadecimal digits nobody can guess.
pub(crate) fn nonce() -> String {
    let mut bytes = [0_u8; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    if filled != Ok(bytes.len()) {
        // Only very old systems have no random numbers. A clash harms nobody but the command.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        bytes = (now ^ u128::from(std::process::id()) << 96).to_le_bytes();
    }
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Everything to be written to the shell before the command runs.
pub(super) fn of(spec: &CommandSpec, nonce: &str) -> Result<Zeroizing<Vec<u8>>, DriverError> {
    crate::raw::check(spec)?;
    too_long("The command", spec.script.len())?;
    let reader = READER.join("; ");
    let mut text = Zeroizing::new(String::with_capacity(
        // Quoting may lengthen values; then the text moves once more.
        reader.len()
            + spec.script.len()
            + 4096
            + spec.all_env().map(|(_, v)| v.len() + 64).sum::<usize>(),
    ));
    for line in [&reader, nonce] {
        text.push_str(line);
        text.push('\n');
    }
    for (name, value) in spec.all_env() {
        if !is_shell_name(name) {
            return Err(DriverError::ShellName { name: name.to_owned() });
        }
        too_long(&format!("Environment variable {name}"), name.len() + value.len() + 1)?;
        text.push_str("export ");
        text.push_str(name);
        text.push('=');
        quote(value, &mut text);
        text.push('\n');
    }
    if let Some(dir) = &spec.working_dir {
        let dir = dir.to_string_lossy();
        text.push_str("CDPATH= cd -- ");
        // "-" alone would mean the directory before.
        quote(&if dir.starts_with('-') { format!("./{dir}") } else { dir.into_owned() }, &mut text);
        text.push('\n');
    }
    for piece in [nonce, "\n", &spec.script, "\n", nonce, "\n"] {
        text.push_str(piece);
    }
    Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}

fn too_long(what: &str, length: usize) -> Result<(), DriverError> {
    let limit = LONGEST_ARGUMENT - 2;
    if length <= limit {
        return Ok(());
    }
    Err(DriverError::TooLong { what: what.to_owned(), length, limit })
}

fn is_shell_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

/// Adds a value in single quotes.
fn quote(value: &str, text: &mut String) {
    text.push('\'');
    for (index, piece) in value.split('\'').enumerate() {
        if index > 0 {
            text.push_str(r"'\''");
        }
        text.push_str(piece);
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    /// Runs a specification through shells of this machine: standard output, standard error, code.
    fn run(shell: &str, spec: &CommandSpec) -> (Vec<u8>, String, Option<i32>) {
        let mut words = shell.split(' ');
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&of(spec, "n0nce").unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.stdout, stderr, output.status.code())
    }

    #[test]
    fn every_shell_understands_it() {
        for shell in ["sh", "bash", "busybox sh"] {
            let spec = CommandSpec {
                script: "printf '%s|' \"$A\" \"$0\" \"${__swamp_n-}\" \"${__swamp_p-}\"; pwd; cat; echo oops >&2; (exit 3)".into(),
                working_dir: Some("/usr".into()),
                env: vec![("A".into(), "it's\n$(a) \\ \"b\" ".into())],
                ..CommandSpec::default()
            };
            let (stdout, stderr, code) = run(shell, &spec);
            let stdout = String::from_utf8(stdout).unwrap();
            assert_eq!(stdout, "it's\n$(a) \\ \"b\" |sh|||/usr\n", "{shell}: {stderr}");
            assert_eq!(stderr, "n0nce:begin\noops\nn0nce:exit:3\n", "{shell}");
            assert_eq!(code, Some(3), "{shell}");

            let killed = CommandSpec { script: "kill -9 $$".into(), ..CommandSpec::default() };
            let (_, stderr, code) = run(shell, &killed);
            assert_eq!(
                (stderr.as_str(), code),
                ("n0nce:begin\nn0nce:exit:137\n", Some(137)),
                "{shell}"
            );

            let lost = CommandSpec { working_dir: Some("/nowhere".into()), ..spec };
            let (_, stderr, code) = run(shell, &lost);
            assert!(stderr.contains("/nowhere") && !stderr.contains(":begin"), "{shell}: {stderr}");
            assert!(stderr.contains("n0nce:exit:") && code != Some(0), "{shell}: {stderr}");
        }
    }

    #[test]
    fn what_no_shell_can_take_is_refused() {
        let named = |name: &str| CommandSpec {
            env: vec![(name.into(), "x".into())],
            ..CommandSpec::default()
        };
        for name in ["A-B", "1A", "a.b", "\u{fc}"] {
            assert!(matches!(of(&named(name), "n"), Err(DriverError::ShellName { .. })), "{name}");
        }
        assert!(matches!(of(&named("A=B"), "n"), Err(DriverError::Environment { .. })));
        let long = CommandSpec { script: "x".repeat(200_000), ..CommandSpec::default() };
        assert!(matches!(of(&long, "n"), Err(DriverError::TooLong { .. })));
    }

    #[test]
    fn the_program_can_stand_in_any_single_quotes() {
        assert!(!PROGRAM.contains(['\'', '\\', '!', '\n']));
        assert!(READER.iter().all(|line| !line.contains('\n')));
        assert_ne!(nonce(), nonce());
        assert_eq!(nonce().len(), 32);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever a value holds, the command gets exactly that.
        #[test]
        fn values_arrive_as_they_are(value in "[^\\x00]{0,40}", secret in "['\"\\\\$`\\n !-]{0,20}") {
            let spec = CommandSpec {
                script: "printf '%s\\t%s' \"$V\" \"$S\"".into(),
                env: vec![("V".into(), value.clone())],
                secret_env: vec![("S".into(), swamp_secret::Secret::new(secret.clone()))],
                ..CommandSpec::default()
            };
            let (stdout, stderr, _) = run("sh", &spec);
            prop_assert_eq!(String::from_utf8(stdout).unwrap(), format!("{value}\t{secret}"), "{}", stderr);
        }
    }
}
