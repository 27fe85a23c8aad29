//! What stands around every page: head, navigation, period and filters, foot.

use maud::{DOCTYPE, Markup, html};
use swamp_ident::Timestamp;

use crate::asset;
use crate::dimension::label;
use crate::text::{Name, plain};
use crate::view::{Period, Span};
use crate::{Dimension, Page, View, outcome, time};

/// The policy every page is made for; the collector sends it with each.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
     script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

/// What every page knows.
#[derive(Clone, Debug)]
pub struct Shell {
    /// What the page looks at.
    pub view: View,
    /// When the page was made.
    pub now: Timestamp,
    /// Where this collector is reached, for the commands that pages name: `http://127.0.0.1:7070`.
    pub origin: String,
    /// The project whose events are shown, where there are several.
    pub project: Option<String>,
    /// Whether somebody is signed in and can sign out.
    pub signed_in: bool,
    /// Whether the project has any event at all, so that an empty page can say what is missing.
    pub has_events: bool,
}

const TABS: [(Page<'static>, &str); 8] = [
    (Page::Overview, "Overview"),
    (Page::Breakdown, "Breakdown"),
    (Page::Methods, "Methods"),
    (Page::Workflows, "Workflows"),
    (Page::Runs, "Runs"),
    (Page::Errors, "Errors"),
    (Page::Slowest, "Slowest"),
    (Page::Live, "Live"),
];

impl Shell {
    /// A whole page with the bar of period and filters. `keep` is what else stands in the address
    /// and should stay when they change.
    pub(crate) fn viewing(
        &self,
        page: Page<'_>,
        title: &str,
        keep: &[(&str, String)],
        main: &Markup,
    ) -> String {
        self.page(page, title, &html! { (self.bar(page, keep)) }, main)
    }

    /// A whole page without that bar.
    pub(crate) fn plain(&self, page: Page<'_>, title: &str, main: &Markup) -> String {
        self.page(page, title, &html! {}, main)
    }

    fn page(&self, page: Page<'_>, title: &str, bar: &Markup, main: &Markup) -> String {
        let tab = match page {
            Page::Run(_) => Page::Runs,
            page => page,
        };
        let body = html! {
            a.skip href="#main" { "Skip to content" }
            (outcome::sprite())
            header.top {
                a.brand href=(self.view.link(Page::Overview)) {
                    img src=(asset::ICON.link()) alt="" width="20" height="20";
                    "swamp"
                }
                nav aria-label="Pages" {
                    ul {
                        @for (to, label) in TABS {
                            li {
                                a href=(self.view.link(to)) aria-current=[(to == tab).then_some("page")] {
                                    (label)
                                }
                            }
                        }
                    }
                }
                div.account {
                    @if let Some(project) = &self.project {
                        span.project { span.away { "Project " } (Name::up_to(project, 40)) }
                    }
                    @if self.signed_in {
                        form method="post" action="/logout" { button.quiet { "Sign out" } }
                    }
                }
            }
            (bar)
            main id="main" tabindex="-1" { (main) }
            (self.foot())
        };
        document(title, &body, page == Page::Live)
    }

    fn foot(&self) -> Markup {
        html! {
            footer {
                p {
                    "All times are UTC. Made " (time::moment(self.now)) " by swamp "
                    (env!("CARGO_PKG_VERSION")) ". The same numbers for programs: "
                    a href="/api/v1/openapi.json" { "query API" } "."
                }
            }
        }
    }

    fn bar(&self, page: Page<'_>, keep: &[(&str, String)]) -> Markup {
        let (since, until) = self.view.period.bounds(self.now);
        let link = |view: &View| view.link_with(page, keep.iter().cloned());
        let hidden = |view: &View| {
            html! {
                @for (key, value) in view.pairs().into_iter().chain(keep.iter().cloned()) {
                    input type="hidden" name=(key) value=(value);
                }
            }
        };
        let timeless = View { period: Period::Last(Span::Day), ..self.view.clone() };
        html! {
            section.bar aria-label="Period and filters" {
                div.period {
                    ul.segments aria-label="Period" {
                        @for span in Span::ALL {
                            @let period = Period::Last(span);
                            li {
                                a href=(link(&self.view.during(period)))
                                    aria-current=[(period == self.view.period).then_some("true")] {
                                    span.away { "Last " } (span.as_str())
                                }
                            }
                        }
                    }
                    details.pop {
                        summary {
                            (time::stretch(since, until, self.now)) " UTC"
                        }
                        form.panel method="get" action=(page.path()) {
                            (hidden(&timeless))
                            label { "From (UTC)"
                                input type="datetime-local" name="since" value=(time::field(since));
                            }
                            label { "To (UTC)"
                                input type="datetime-local" name="until" value=(time::field(until));
                            }
                            button { "Show" }
                        }
                    }
                }
                ul.chips aria-label="Filters" {
                    @for filter in &self.view.filters {
                        li.chip {
                            span.chip-key { (label(filter.dimension)) }
                            @if filter.value.is_empty() { span.none { "none" } }
                            @else { (Name::up_to(&filter.value, 48)) }
                            a.chip-x href=(link(&self.view.dropping(filter)))
                                aria-label={ "Remove filter " (label(filter.dimension)) " "
                                    (plain(&filter.value, 48)) } { "×" }
                        }
                    }
                    li {
                        details.pop {
                            summary { "+ Filter" }
                            form.panel method="get" action=(page.path()) {
                                (hidden(&self.view))
                                label { "Where"
                                    select name="filter" {
                                        @for dimension in Dimension::ALL {
                                            option value=(dimension.as_str()) { (label(dimension)) }
                                        }
                                    }
                                }
                                label { "is (empty for none)"
                                    input type="text" name="is" autocomplete="off" spellcheck="false";
                                }
                                button { "Add" }
                            }
                        }
                    }
                    @if self.view.filters.len() > 1 {
                        li {
                            a.quiet href=(link(&View { filters: Vec::new(), ..self.view.clone() })) {
                                "Clear filters"
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A document; `live` ones bring their script.
pub(crate) fn document(title: &str, body: &Markup, live: bool) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { (plain(title, 80)) " · swamp" }
                link rel="icon" href=(asset::ICON.link());
                link rel="stylesheet" href=(asset::STYLE.link());
                @if live { script src=(asset::LIVE.link()) defer {} }
            }
            body { (body) }
        }
    }
    .into_string()
}
