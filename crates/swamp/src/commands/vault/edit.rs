//! `swamp vault edit`

use serde_json::json;
use swamp_vault::VaultConfig;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::editor;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name_or_id")]
    vault: Option<String>,
    /// Its type
    #[arg(short = 't', long = "type", value_name = "type")]
    type_name: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let vaults = vaults(cx, &self.repo)?;
        let Some(name) = self.vault else {
            return Err(CommandError::user("Which vault? Give its name or id."));
        };
        let vault = vaults.find_of_type(&name, self.type_name.as_deref())?;
        let editor = match editor::piped_text()? {
            None => Some(editor::open(cx, &vault.path)?),
            Some(text) => {
                let new = VaultConfig::parse(&text, &vault.path)?;
                let mut notice = |notice| cx.tell_lock(&notice);
                let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
                vaults.update(&vault, new)?;
                None
            }
        };
        let status = if editor.is_some() { "opened" } else { "updated" };
        if cx.output.is_json() {
            let mut document = json!({"path": vault.path});
            if let Some(editor) = editor {
                document["editor"] = json!(editor);
            }
            document["status"] = json!(status);
            document["name"] = json!(vault.name);
            document["type"] = json!(vault.type_name);
            cx.output.document(&document);
        } else {
            let what = match editor {
                Some(editor) => format!("Opened in {editor}"),
                None => "Updated from standard input".to_owned(),
            };
            let (name, path) = (&vault.name, vault.path.display());
            let message = format!("{what}: \"{name}\" ({}) at {path}", vault.type_name);
            cx.output.record(Level::Info, "vault·edit", message);
        }
        Ok(Ending::SUCCESS)
    }
}
