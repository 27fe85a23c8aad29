//! A run as log records on the console.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use swamp_events::{EventKind, RunEvent};
use swamp_secret::Redactor;

use super::narrate::{self, Narrator};
use crate::output::{Output, Stream, render_markdown};

/// Prints a record for every event worth one, and the reports people ask for.
pub(crate) struct Console {
    output: Output,
    narrator: Narrator,
}

impl Console {
    /// A console that prints to `output`.
    pub(crate) fn new(output: Output, redactor: Redactor) -> Self {
        Self { output, narrator: Narrator::new(redactor) }
    }

    /// Prints events until there are no more.
    pub(crate) fn run(mut self, events: Receiver<Arc<RunEvent>>) {
        for event in events {
            let lines = self.narrator.lines(&event);
            // The error of a method that was called directly is the error of the command, which says
            // it at its end.
            let is_direct = event.scope.run.is_none();
            if is_direct && matches!(event.kind, EventKind::StepFailed { .. }) {
                continue;
            }
            for line in lines {
                self.output.record_at(event.at.wall, line.level, &line.category, &line.message);
            }
            print_report(&self.output, &event);
        }
    }
}

/// Prints a report that was just made, if it is one to show.
pub(super) fn print_report(output: &Output, event: &RunEvent) {
    if let EventKind::ReportCompleted { name, scope, markdown, .. } = &event.kind
        && narrate::is_shown(*scope, event)
    {
        output.write(Stream::Out, &report(output, name, markdown));
    }
}

/// A report between two rules.
pub(crate) fn report(output: &Output, name: &str, markdown: &str) -> String {
    let paint = output.paint(Stream::Out);
    let mut text = format!("\n{}\n\n", paint.dim(&format!("── Report: {name} {}", "─".repeat(40))));
    for line in render_markdown(paint, markdown) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(&format!("\n{}\n", paint.dim(&"─".repeat(60))));
    text
}
