//! A part of somebody else's file that is ours: between two marks, replaced as a whole, with
//! everything around it left as it is.

use std::fs;
use std::io;
use std::path::Path;

use swamp_yaml::Position;

use crate::atomic;
use crate::error::{Result, StoreError};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAction {
    /// It is new.
    Created,
    /// It was there and has changed.
    Updated,
    /// It was there and is as it has to be.
    Unchanged,
    /// It is not ours to touch.
    Skipped,
}

impl FileAction {
    /// The word in JSON output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
        }
    }

    /// Whether something was written.
    pub const fn wrote(self) -> bool {
        matches!(self, Self::Created | Self::Updated)
    }
}

/// The lines that begin and end a section, and where a new one goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    begin: &'static str,
    end: &'static str,
    at_top: bool,
}

/// Sections in Markdown files; new ones go to the top, where a reader begins.
pub(crate) const MARKDOWN: Style = Style {
    begin: "<!-- BEGIN swamp managed section - DO NOT EDIT -->",
    end: "<!-- END swamp managed section -->",
    at_top: true,
};

/// Sections in `.gitignore`; new ones go to the end, where they win.
pub(crate) const GITIGNORE: Style = Style {
    begin: "# BEGIN swamp managed section - DO NOT EDIT",
    end: "# END swamp managed section",
    at_top: false,
};

/// Makes `body` the section of the file at `path`.
pub(crate) fn put(path: &Path, style: Style, body: &str) -> Result<FileAction> {
    let old = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    let new = with_section(old.as_deref().unwrap_or_default(), style, body).map_err(
        |(line, message)| {
            let position = Position { line, column: 1 };
            StoreError::invalid(path, Some(position), message)
        },
    )?;
    if old.as_deref() == Some(&new) {
        return Ok(FileAction::Unchanged);
    }
    atomic::write_durable(path, new.as_bytes())?;
    Ok(if old.is_some() { FileAction::Updated } else { FileAction::Created })
}

/// The text with the section in it. An error is a line, counted from 1, and what is wrong there.
fn with_section(text: &str, style: Style, body: &str) -> Result<String, (usize, &'static str)> {
    let section = format!("{}\n{body}{}\n", style.begin, style.end);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let with = |mark: &str| {
        let found = lines.iter().enumerate().filter(|(_, line)| line.trim() == mark);
        found.map(|(index, _)| index).collect::<Vec<usize>>()
    };
    match (with(style.begin).as_slice(), with(style.end).as_slice()) {
        ([], []) if text.trim().is_empty() => Ok(section),
        ([], []) if style.at_top => Ok(format!("{section}\n{text}")),
        ([], []) => {
            let end = if text.ends_with('\n') { "" } else { "\n" };
            Ok(format!("{text}{end}\n{section}"))
        }
        ([begin], [end]) if begin < end => {
            Ok(lines[..*begin].concat() + &section + &lines[end + 1..].concat())
        }
        ([_, second, ..], _) => Err((
            second + 1,
            "a second managed section begins here; remove one of the two and try again",
        )),
        ([begin], _) => Err((
            begin + 1,
            "the managed section that begins here has no proper end; remove it and try again",
        )),
        ([], [end, ..]) => Err((
            end + 1,
            "a managed section ends here that does not begin; remove this line and try again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { begin: "<", end: ">", at_top: true };
    const LAST: Style = Style { at_top: false, ..STYLE };

    #[test]
    fn everything_around_the_section_stays() {
        for (style, text, want) in [
            (STYLE, "", "<\nnew\n>\n"),
            (LAST, "\n", "<\nnew\n>\n"),
            (STYLE, "# Mine\n", "<\nnew\n>\n\n# Mine\n"),
            (LAST, "*.bak\n", "*.bak\n\n<\nnew\n>\n"),
            (LAST, "*.bak", "*.bak\n\n<\nnew\n>\n"),
            (LAST, "a\n<\nold\n>\nb\n", "a\n<\nnew\n>\nb\n"),
            (STYLE, "a\r\n<\r\nold\r\n>\r\nb", "a\r\n<\nnew\n>\nb"),
        ] {
            assert_eq!(with_section(text, style, "new\n").as_deref(), Ok(want), "{text:?}");
        }
        for (text, line) in
            [("<\n>\n<\n>\n", 3), ("a\n<\n", 2), (">\n<\n", 2), ("a\n>\n", 2), ("<\n>\n>\n", 1)]
        {
            assert_eq!(with_section(text, STYLE, "").unwrap_err().0, line, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_written_only_when_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/file");
        assert_eq!(put(&path, LAST, "x\n").unwrap(), FileAction::Created);
        assert_eq!(put(&path, LAST, "x\n").unwrap(), FileAction::Unchanged);
        assert_eq!(put(&path, LAST, "y\n").unwrap(), FileAction::Updated);
        fs::write(&path, "a\n<\n").unwrap();
        let error = put(&path, LAST, "y\n").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:2:1: ", path.display())), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\n<\n");
    }
}
