//! Names and messages that others chose, as safe and readable text.
//!
//! Escaping is maud's work; here is what escaping does not do. A name may hold characters that
//! are not seen or that turn the text around them ("trojan source"): these are shown by their
//! number. It may be ten thousand characters long: it is cut, and says so.

use std::fmt::Write as _;

use maud::{Markup, Render, html};

/// How many characters of a name or message a page shows.
const SHOWN: usize = 160;

/// How many characters a tooltip holds.
const IN_TITLE: usize = 600;

/// Whether a character would be invisible, or change how its neighbours are shown.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with deceptive characters written as `\u{202e}` and cut after `limit` characters: for
/// places that hold text only, such as tooltips and titles. Not escaped.
pub(crate) fn plain(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    for (position, character) in text.chars().enumerate() {
        if position == limit {
            shown.push('…');
            break;
        }
        if is_deceptive(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A text that somebody else chose.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    text: &'a str,
    limit: usize,
}

impl<'a> Name<'a> {
    /// Shows up to 160 characters.
    pub const fn new(text: &'a str) -> Self {
        Self { text, limit: SHOWN }
    }

    /// Shows up to `limit` characters.
    pub const fn up_to(text: &'a str, limit: usize) -> Self {
        Self { text, limit }
    }
}

impl Render for Name<'_> {
    fn render(&self) -> Markup {
        let cut = self.text.char_indices().nth(self.limit).map(|(end, _)| end);
        let shown = &self.text[..cut.unwrap_or(self.text.len())];
        html! {
            @if self.text.is_empty() {
                span.none { "(empty)" }
            } @else {
                // `bdi` keeps right-to-left names from reordering what stands beside them.
                bdi.name title=[cut.map(|_| plain(self.text, IN_TITLE))] {
                    (Pieces(shown))
                    @if cut.is_some() {
                        "…"
                        span.cut { " " (self.text.chars().count()) " characters" }
                    }
                }
            }
        }
    }
}

/// A name, or the word for having none.
pub(crate) fn optional(name: Option<&str>) -> Markup {
    match name {
        Some(name) if !name.is_empty() => Name::new(name).render(),
        _ => html! { span.none { "none" } },
    }
}

/// Text whose deceptive characters stand in boxes of their own.
struct Pieces<'a>(&'a str);

impl Render for Pieces<'_> {
    fn render_to(&self, buffer: &mut String) {
        let mut rest = self.0;
        while let Some(start) = rest.find(is_deceptive) {
            rest[..start].render_to(buffer);
            let mut characters = rest[start..].chars();
            if let Some(character) = characters.next() {
                let _ = write!(
                    buffer,
                    r#"<span class="hidden-char">U+{:04X}</span>"#,
                    u32::from(character)
                );
            }
            rest = characters.as_str();
        }
        rest.render_to(buffer);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Name::new(text).render().into_string()
    }

    #[test]
    fn hostile_names_are_text() {
        for (name, want) in [
            ("deploy", r#"<bdi class="name">deploy</bdi>"#),
            (
                "<img src=x onerror=alert(1)>",
                r#"<bdi class="name">&lt;img src=x onerror=alert(1)&gt;</bdi>"#,
            ),
            (r#""' onclick=x"#, r#"<bdi class="name">&quot;' onclick=x</bdi>"#),
            ("a&lt;b", r#"<bdi class="name">a&amp;lt;b</bdi>"#),
            (
                "a\u{202e}gpj.exe",
                r#"<bdi class="name">a<span class="hidden-char">U+202E</span>gpj.exe</bdi>"#,
            ),
            ("a\nb", r#"<bdi class="name">a<span class="hidden-char">U+000A</span>b</bdi>"#),
            (
                "\u{1b}[31m",
                r#"<bdi class="name"><span class="hidden-char">U+001B</span>[31m</bdi>"#,
            ),
            ("", r#"<span class="none">(empty)</span>"#),
            ("日本 👩‍🚀", r#"<bdi class="name">日本 👩‍🚀</bdi>"#),
        ] {
            assert_eq!(shown(name), want, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_say_so() {
        let long = "é".repeat(10_240);
        let text = shown(&long);
        assert!(text.len() < 2_000, "{}", text.len());
        assert!(text.contains("10240 characters"), "{text}");
        assert_eq!(plain(&long, 3), "ééé…");
        assert_eq!(plain("a\u{202e}b", 9), r"a\u{202e}b");
    }

    proptest! {
        #[test]
        fn no_name_makes_markup(name in any::<String>()) {
            let text = shown(&name);
            let ours = text
                .replace(r#"<span class="hidden-char">"#, "")
                .replace(r#"<span class="none">"#, "")
                .replace("</span>", "")
                .replace(r#"<bdi class="name">"#, "")
                .replace("</bdi>", "");
            prop_assert!(!ours.contains(['<', '>', '"']), "{}", ours);
            prop_assert!(!ours.contains(is_deceptive), "{}", ours);
        }
    }
}
