//! `age`: files encrypted with age, one per secret.
//!
//! The user's own `age` (or `rage`) program does the encryption, as the user's own `ssh` makes
//! connections: identities on hardware tokens and SSH keys work, and no second implementation of the
//! format has to be trusted. Secrets pass through pipes, never through arguments or files.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use swamp_secret::Secret;

use super::{Provider, Settings, check_file_key, no_key_to_rotate, read_only, without_line_feed};
use crate::error::{Result, VaultError};
use crate::files;
use crate::program::Program;
use crate::surroundings::real;
use crate::{Surroundings, VaultConfig};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Programs that may be asked. Anything else would be an `exec` vault in disguise.
const PROGRAMS: [&str; 2] = ["age", "rage"];

const DEFAULT_IDENTITY: &str = "~/.config/age/keys.txt";

const WHY: &str = "it has no 'recipients' to encrypt to";

/// Key `K` is the file `<directory>/K.age`.
pub(super) struct Age {
    vault: String,
    program: String,
    directory: PathBuf,
    identities: Vec<PathBuf>,
    recipients: Vec<String>,
    around: Surroundings,
}

impl Age {
    pub(super) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Self> {
        let settings = Settings(vault);
        let program = settings.text("program")?.unwrap_or(PROGRAMS[0]);
        if !PROGRAMS.contains(&program) {
            return Err(settings.bad("'program' must be age or rage"));
        }
        let directory = match settings.text("directory")? {
            Some(directory) => around.path(directory),
            None => around.root.join("secrets").join(&vault.name),
        };
        around.check(vault, "directory", &directory)?;
        let identities = match settings.value("identities") {
            None => vec![DEFAULT_IDENTITY],
            Some(serde_json::Value::String(one)) => vec![one.as_str()],
            Some(_) => settings.texts("identities")?,
        };
        let recipients = settings.texts("recipients")?.into_iter().map(str::to_owned).collect();
        Ok(Self {
            vault: vault.name.clone(),
            program: program.to_owned(),
            directory,
            identities: identities.into_iter().map(|identity| around.path(identity)).collect(),
            recipients,
            around: around.clone(),
        })
    }

    fn missing(&self, key: &str) -> VaultError {
        let path = self.directory.join(format!("{key}.age"));
        VaultError::NoSecret {
            vault: self.vault.clone(),
            key: key.to_owned(),
            place: format!("there is no file {}", path.display()),
        }
    }

    /// The file of a key, which is no link out of the directory.
    fn file(&self, key: &str) -> Result<PathBuf> {
        check_file_key(key)?;
        let path = self.directory.join(format!("{key}.age"));
        if path.symlink_metadata().is_ok() && !real(&path).starts_with(real(&self.directory)) {
            return Err(VaultError::Damaged {
                vault: self.vault.clone(),
                key: key.to_owned(),
                reason: "it is a link out of the vault's directory".to_owned(),
            });
        }
        Ok(path)
    }

    fn run(&self, key: &str, arguments: Vec<String>, stdin: Option<Secret>) -> Result<Vec<u8>> {
        let command: Vec<String> = std::iter::once(self.program.clone()).chain(arguments).collect();
        let program =
            Program { command: &command, directory: &self.around.root, stdin, timeout: TIMEOUT };
        program.run(&self.around).map_err(|reason| VaultError::Program {
            vault: self.vault.clone(),
            key: key.to_owned(),
            reason,
        })
    }
}

impl Provider for Age {
    fn get(&self, key: &str) -> Result<Secret> {
        let path = self.file(key)?;
        if !path.is_file() {
            return Err(self.missing(key));
        }
        let mut arguments = vec!["--decrypt".to_owned()];
        for identity in &self.identities {
            arguments.extend(["--identity".to_owned(), identity.display().to_string()]);
        }
        arguments.extend(["--".to_owned(), path.display().to_string()]);
        let printed = self.run(key, arguments, None)?;
        without_line_feed(printed).map_err(|reason| VaultError::Damaged {
            vault: self.vault.clone(),
            key: key.to_owned(),
            reason: reason.to_owned(),
        })
    }

    fn list(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(VaultError::io("read", &self.directory)(error)),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let name = entry.map_err(VaultError::io("read", &self.directory))?.file_name();
            if let Some(key) = name.to_str().and_then(|name| name.strip_suffix(".age"))
                && !key.is_empty()
                && !key.starts_with('.')
            {
                keys.push(key.to_owned());
            }
        }
        keys.sort();
        Ok(keys)
    }

    fn read_only(&self) -> Option<&'static str> {
        self.recipients.is_empty().then_some(WHY)
    }

    fn put(&self, key: &str, value: &Secret) -> Result<()> {
        if let Some(why) = self.read_only() {
            return read_only(&self.vault, why);
        }
        let path = self.file(key)?;
        let mut arguments = vec!["--encrypt".to_owned()];
        for recipient in &self.recipients {
            arguments.extend(["--recipient".to_owned(), recipient.clone()]);
        }
        let encrypted = self.run(key, arguments, Some(value.clone()))?;
        fs::create_dir_all(&self.directory)
            .map_err(VaultError::io("create directory", &self.directory))?;
        files::write_private(&path, &encrypted)
    }

    fn delete(&self, key: &str) -> Result<()> {
        let path = self.file(key)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.missing(key)),
            Err(error) => Err(VaultError::io("remove", &path)(error)),
        }
    }

    fn rotate(&self) -> Result<usize> {
        no_key_to_rotate(&self.vault)
    }
}
