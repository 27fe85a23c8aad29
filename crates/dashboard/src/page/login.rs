//! The form for the read key.

use maud::html;

use crate::shell::document;
use crate::{asset, outcome};

/// Why somebody is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is unknown, revoked, or may only send.
    WrongKey,
    /// The session has ended.
    Expired,
}

/// The page to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Why again, if so.
    pub refusal: Option<Refusal>,
    /// The page to go to afterwards, as a path of this site.
    pub next: String,
}

impl Login {
    /// The page.
    pub fn render(&self) -> String {
        let body = html! {
            a.skip href="#main" { "Skip to content" }
            (outcome::sprite())
            main.login id="main" {
                h1 { img src=(asset::ICON.link()) alt="" width="28" height="28"; "swamp" }
                @match self.refusal {
                    Some(Refusal::WrongKey) => p.notice.bad role="alert" id="refusal" {
                        "This key does not open the dashboard: it is mistyped, revoked, or one for sending only."
                    },
                    Some(Refusal::Expired) => p.notice role="alert" id="refusal" {
                        "The session has ended. Sign in again."
                    },
                    None => {},
                }
                form.panel method="post" action="/login" {
                    input type="hidden" name="next" value=(self.next);
                    label for="key" { "Read key" }
                    input type="password" id="key" name="key" required autofocus autocomplete="current-password"
                        spellcheck="false" aria-describedby=[self.refusal.map(|_| "refusal")];
                    button { "Sign in" }
                }
                p.soft { "No key yet? Make one where the collector runs:" }
                pre { code { "swamp collector key create --scope read" } }
            }
        };
        document("Sign in", &body, false)
    }
}
