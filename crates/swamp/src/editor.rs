//! Opening a file in the user's editor.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use crate::cx::Cx;
use crate::ending::CommandError;

/// Editors that are looked for when `EDITOR` is not set, and whether they use the terminal.
const KNOWN: [(&str, bool); 6] = [
    ("code", false),
    ("zed", false),
    ("nvim", true),
    ("vim", true),
    ("nano", true),
    ("emacs", true),
];

/// Opens a file. Waits for editors that use the terminal. Gives the editor's name.
pub(crate) fn open(cx: &Cx<'_>, file: &Path) -> Result<String, CommandError> {
    let (command, waits) = match cx.environment.get("EDITOR") {
        Some(editor) => {
            let program = editor.split_whitespace().next().unwrap_or_default().to_owned();
            let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
            let waits = !matches!(name.as_str(), "code" | "zed");
            (editor, waits)
        }
        None => KNOWN
            .iter()
            // An editor that uses the terminal would wait for ever where there is none.
            .filter(|(_, waits)| !waits || std::io::stdin().is_terminal())
            .find(|(name, _)| is_installed(cx, name))
            .map(|(name, waits)| ((*name).to_owned(), *waits))
            .ok_or_else(|| {
                CommandError::user("No editor found.").with_hint("Set EDITOR to the one to use.")
            })?,
    };
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let mut process = Command::new(program);
    process.args(words).arg(file);
    let started = if waits { process.status().map(drop) } else { process.spawn().map(drop) };
    started
        .map_err(|error| CommandError::user(format!("Cannot start editor {program}: {error}")))?;
    Ok(program.to_owned())
}

fn is_installed(cx: &Cx<'_>, program: &str) -> bool {
    let path: OsString = cx.environment.os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Standard input, if it is no terminal and holds more than white space.
pub(crate) fn piped_text() -> Result<Option<String>, CommandError> {
    use std::io::Read;
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| CommandError::user(format!("Cannot read standard input: {error}")))?;
    Ok((!text.trim().is_empty()).then_some(text))
}
