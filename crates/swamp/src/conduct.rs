//! What is the same for every run: it can be stopped, is watched and recorded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swamp_driver::Cancel;
use swamp_events::{Emitter, EventStream};
use swamp_ident::CancelCause;

use crate::cx::Cx;
use crate::ending::CommandError;
use crate::engine;
use crate::output::Level;
use crate::pins;
use crate::progress::{Console, LiveTree, RunLog, Watchers, can_show_tree};

/// How a run is shown while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// As log records.
    Log,
    /// As a live tree.
    Tree,
    /// Not at all: the result is one document.
    Nothing,
}

impl View {
    /// For a method that is called directly.
    pub(crate) fn of_method(cx: &Cx<'_>) -> Self {
        if cx.output.is_json() { Self::Nothing } else { Self::Log }
    }

    /// For a workflow: a tree on a terminal, unless the user wants less or more than it shows.
    pub(crate) fn of_workflow(cx: &Cx<'_>) -> Self {
        let plain = cx.global.log || !cx.output.shows(Level::Info);
        let term = cx.environment.get("TERM");
        match Self::of_method(cx) {
            Self::Log if !plain && can_show_tree(term.as_deref()) => Self::Tree,
            other => other,
        }
    }
}

/// A run about to begin: the switch that stops it, and the stream that tells about it.
pub(crate) struct Conduct {
    cancel: Cancel,
    stream: Arc<EventStream>,
    watchers: Watchers,
}

impl Conduct {
    /// Prepares a run. From now on signals throw the switch, and so does the deadline.
    pub(crate) fn prepare(
        cx: &Cx<'_>,
        view: View,
        timeout: Option<Duration>,
    ) -> Result<Self, CommandError> {
        let cancel = engine::cancel()?;
        let failed = |error| CommandError::internal(format!("Cannot watch for signals: {error}"));
        cx.signals.stop_run(&cancel).map_err(failed)?;
        if let Some(limit) = timeout {
            start_deadline(cancel.clone(), limit).map_err(failed)?;
        }
        let mut watchers = Watchers::default();
        // Telemetry first: it stamps nothing itself, but its journal line should be on disk before
        // anything is shown.
        if let Some(sink) = cx.recorder.sink() {
            watchers.add(sink);
        }
        let level = cx.output.level();
        if let Some(sink) = pins::PanickingSink::wanted(cx.environment) {
            watchers.add(sink);
        }
        let redactor = cx.redactor.clone();
        watchers.start("run-log", move |events| RunLog::new(level, redactor).run(&events));
        let output = cx.output.clone();
        match view {
            View::Log => {
                let environment = cx.environment;
                let redactor = cx.redactor.clone();
                watchers.start("console", move |events| {
                    pins::panic_if_wanted(environment, "console");
                    Console::new(output, redactor).run(events);
                });
            }
            View::Tree => {
                let clock = Arc::clone(&cx.clock);
                watchers.start("tree", move |events| LiveTree::new(output, clock).run(&events));
            }
            View::Nothing => {}
        }
        let stream = EventStream::new(Arc::clone(&cx.clock), watchers.sinks());
        Ok(Self { cancel, stream, watchers })
    }

    /// The switch that stops the run.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// What the run tells about itself with.
    pub(crate) fn emitter(&self) -> Emitter {
        self.stream.emitter()
    }

    /// Waits until everyone who watches has seen the end. Tells what stopped the run, if anything.
    pub(crate) fn finish(self) -> Option<CancelCause> {
        drop(self.stream);
        self.watchers.finish();
        self.cancel.cause()
    }
}

fn start_deadline(cancel: Cancel, limit: Duration) -> std::io::Result<()> {
    let deadline = Instant::now() + limit;
    std::thread::Builder::new().name("deadline".to_owned()).spawn(move || {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                cancel.cancel(CancelCause::Deadline);
                return;
            }
            // A signal may end the wait early.
            if cancel.wait(left).is_some() {
                return;
            }
        }
    })?;
    Ok(())
}
