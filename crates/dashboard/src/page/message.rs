//! A page that says one thing: not found, not understood, not possible now.

use maud::html;

use crate::text::Name;
use crate::{Page, Shell};

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is the matter, in a few words.
    pub title: String,
    /// What that means, in a sentence.
    pub text: String,
    /// What can be done about it, in a sentence.
    pub remedy: Option<String>,
}

impl Message {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let main = html! {
            div.empty {
                h1 { (Name::up_to(&self.title, 120)) }
                p { (Name::up_to(&self.text, 600)) }
                @if let Some(remedy) = &self.remedy { p { (Name::up_to(remedy, 300)) } }
                ul.actions { li { a.button href=(shell.view.link(Page::Overview)) { "To the overview" } } }
            }
        };
        shell.plain(Page::Overview, &self.title, &main)
    }
}
