//! One file for each page: the figures it shows, and how.

mod breakdown;
mod errors;
mod live;
mod login;
mod message;
mod overview;
mod run;
mod runs;
mod slowest;
mod subject;

pub use crate::table::Column;
pub use breakdown::Breakdown;
pub use errors::{CategoryCount, Errors, Failures};
pub use live::{Arrival, Live};
pub use login::{Login, Refusal};
pub use message::Message;
pub use overview::{Overview, Regression};
pub use run::{Call, NestedRun, Run};
pub use runs::{RunLine, Runs};
pub use slowest::{SlowCall, Slowest};
pub use subject::{Subject, SubjectKind};

use maud::{Markup, html};

use crate::view::{Period, Span};
use crate::{Page, Shell, View};

/// What a page says when there is nothing to show: the next thing to do.
fn nothing(shell: &Shell, page: Page<'_>) -> Markup {
    html! {
        div.empty {
            @if shell.has_events {
                h2 { "Nothing in this view" }
                p { "No method call " (shell.view.period.words())
                    @if !shell.view.filters.is_empty() { " that all filters fit" } "." }
                ul.actions {
                    @if shell.view.period != Period::Last(Span::Month) {
                        li { a.button href=(shell.view.during(Period::Last(Span::Month)).link(page)) {
                            "Look at the last 30 days"
                        } }
                    }
                    @if !shell.view.filters.is_empty() {
                        @let bare = View { filters: Vec::new(), ..shell.view.clone() };
                        li { a.button href=(bare.link(page)) { "Clear the filters" } }
                    }
                }
            } @else {
                h2 { "No telemetry has arrived yet" }
                p { "Tell a swamp where this collector is; what it runs from then on shows up here:" }
                pre { code { "swamp telemetry connect " (shell.origin) } }
                p { "Or fill the collector with a made-up month, to see what the pages look like:" }
                pre { code { "swamp collector demo" } }
            }
        }
    }
}
