//! From shared arguments to what the engine is asked for.

use std::io::Read;

use serde_json::{Map, Value};
use swamp_model::CheckFilter;
use swamp_model::inputs::grammar::{self, RawInputs};
use swamp_model::reports::ReportFilter;

use crate::arguments::{CheckArgs, InputArgs, ReportArgs, TagArgs};
use crate::cx::Cx;
use crate::ending::CommandError;
use crate::input_files::InputFiles;

impl InputArgs {
    /// The inputs, merged.
    pub(crate) fn read(&self, cx: &Cx<'_>) -> Result<Map<String, Value>, CommandError> {
        let file = self.input_file.as_ref().map(|path| path.to_string_lossy());
        let mut stdin = None;
        if self.stdin {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).map_err(|error| {
                CommandError::user(format!("Cannot read inputs from standard input: {error}"))
            })?;
            stdin = Some(text);
        }
        let raw =
            RawInputs { inputs: &self.inputs, file: file.as_deref(), stdin: stdin.as_deref() };
        grammar::parse(&raw, &InputFiles::new(cx.environment))
            .map_err(|error| CommandError::user(error.to_string()))
    }
}

impl TagArgs {
    /// The tags in order; an empty text is none.
    pub(crate) fn read(&self) -> Result<Vec<(String, String)>, CommandError> {
        let given = self.tags.iter().filter(|tag| !tag.is_empty());
        given
            .map(|tag| match tag.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
                _ => Err(CommandError::user(format!(
                    "Invalid tag format: \"{tag}\". Expected KEY=VALUE"
                ))),
            })
            .collect()
    }
}

impl From<CheckArgs> for CheckFilter {
    fn from(args: CheckArgs) -> Self {
        Self {
            skip_all: args.skip_checks,
            skip: args.skip_check,
            skip_labels: args.skip_check_label,
        }
    }
}

impl From<ReportArgs> for ReportFilter {
    fn from(args: ReportArgs) -> Self {
        Self {
            skip_all: args.skip_reports,
            skip: args.skip_report,
            skip_labels: args.skip_report_label,
            only: args.report,
            only_labels: args.report_label,
        }
    }
}
