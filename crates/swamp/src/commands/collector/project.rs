//! `swamp collector project`: projects, whose events never meet

use crate::commands::command_group;
use serde_json::json;

use super::{StoreArgs, now};
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Table;

command_group! { "collector" "project" => {
    /// Make a project
    Create(Create),
    /// List the projects
    List(List),
} }

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// Its name: a-z, 0-9, - and _
    name: String,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    store: StoreArgs,
}

impl Create {
    fn run(self, cx: &Cx<'_>) -> CommandResult {
        let directory = self.store.open_directory(cx)?;
        let project = directory.create_project(&self.name, now(cx))?;
        if cx.output.is_json() {
            cx.output.document(&project);
        } else {
            cx.output.line(format!("Made project {}", project.name));
        }
        Ok(Ending::SUCCESS)
    }
}

impl List {
    fn run(self, cx: &Cx<'_>) -> CommandResult {
        let projects = self.store.open_directory(cx)?.projects()?;
        if cx.output.is_json() {
            cx.output.document(&json!({ "projects": projects }));
        } else {
            let mut table = Table::new(&["PROJECT", "MADE"]);
            for project in projects {
                table.row([project.name, project.created_at.to_string()]);
            }
            table.lines().into_iter().for_each(|line| cx.output.line(line));
        }
        Ok(Ending::SUCCESS)
    }
}
