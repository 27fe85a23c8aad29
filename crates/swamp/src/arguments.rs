//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;

/// Which repository.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RepoArgs {
    /// The repository; otherwise $`SWAMP_REPO_DIR`, otherwise the working directory
    #[arg(long, value_name = "dir")]
    pub(crate) repo_dir: Option<PathBuf>,
}

/// Where inputs come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InputArgs {
    /// An input: key=value, key:json=JSON, key=@file, or one JSON object; may be repeated
    #[arg(long = "input", value_name = "value", allow_hyphen_values = true)]
    pub(crate) inputs: Vec<String>,
    /// A YAML or JSON file of inputs; --input wins over it
    #[arg(long, value_name = "file")]
    pub(crate) input_file: Option<PathBuf>,
    /// Read inputs as YAML or JSON from standard input; --input-file and --input win over it
    #[arg(long)]
    pub(crate) stdin: bool,
}

/// Tags of what a run stores.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TagArgs {
    /// A tag for everything this run stores; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) tags: Vec<String>,
}

/// Which pre-flight checks run.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CheckArgs {
    /// Run only the checks that definitions require
    #[arg(long)]
    pub(crate) skip_checks: bool,
    /// Leave out a check; may be repeated
    #[arg(long, value_name = "name")]
    pub(crate) skip_check: Vec<String>,
    /// Leave out the checks with this label; may be repeated
    #[arg(long, value_name = "label")]
    pub(crate) skip_check_label: Vec<String>,
}

/// Which reports are made.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReportArgs {
    /// Make no reports
    #[arg(long)]
    pub(crate) skip_reports: bool,
    /// Leave out a report; may be repeated
    #[arg(long, value_name = "name")]
    pub(crate) skip_report: Vec<String>,
    /// Leave out the reports with this label; may be repeated
    #[arg(long, value_name = "label")]
    pub(crate) skip_report_label: Vec<String>,
    /// Make only this report; may be repeated
    #[arg(long, value_name = "name")]
    pub(crate) report: Vec<String>,
    /// Make only the reports with this label; may be repeated
    #[arg(long, value_name = "label")]
    pub(crate) report_label: Vec<String>,
}

/// How a run is executed.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ExecutionArgs {
    /// Run from what was evaluated last instead of evaluating anew
    #[arg(long)]
    pub(crate) last_evaluated: bool,
    /// The execution driver, stronger than every file
    #[arg(long, value_name = "name", allow_hyphen_values = true)]
    pub(crate) driver: Option<String>,
    /// Stop after this time: 30, 30s, 5m, 1h, 7d
    #[arg(long, value_name = "duration", allow_hyphen_values = true)]
    pub(crate) timeout: Option<String>,
}
