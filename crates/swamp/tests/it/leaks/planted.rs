//! Secrets of many shapes, and the search for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::environment::Ran;

/// The word in a secret that is looked for. One is short; the others are long enough to be told by
/// either half, so that what is split over two lines is found.
pub fn token(number: usize) -> String {
    if number == 0 { "k00Zq7Xv".to_owned() } else { format!("k{number:02}Zq7Xj{number:02}Rw2N") }
}

/// Makes a secret of a token.
type Shape = Box<dyn Fn(&str) -> String>;

/// Twenty-two secrets, no two of one shape.
pub fn secrets() -> Vec<String> {
    let shapes: Vec<Shape> = vec![
        Box::new(str::to_owned),
        Box::new(|t| format!("it's \"{t}\" quoted")),
        Box::new(|t| format!("line one {t}\nline two {t}\n\nend")),
        Box::new(|t| format!("gr\u{fc}n\u{1f511}{t}\u{65e5}\u{672c}")),
        Box::new(|t| format!("{t}-").repeat(500)[..4000].to_owned()),
        Box::new(|t| format!("{{\"user\": \"u\", \"pass\": \"{t}\\n\"}}")),
        Box::new(|t| format!("{t}Zm9vYmFy+/==")),
        Box::new(|t| format!("$(touch pwned) `touch pwned`; touch pwned && {t} | > < \"$HOME\"")),
        Box::new(|t| format!("C:\\{t}\\new\\table")),
        Box::new(|t| format!("%41{t}%zz&a=b c+d")),
        Box::new(|t| {
            format!("-----BEGIN KEY-----\nMIIEvQIBADANBgk{t}\nqhkiG9w0BAQ{t}EF\n-----END KEY-----")
        }),
        Box::new(|t| format!("  {t}  ")),
        Box::new(|t| format!("\t{t}\tx\r")),
        Box::new(|t| format!("-n {t}")),
        Box::new(|t| format!("${{{{ env.HOME }}}} {t} }}}}")),
        Box::new(|t| format!("***{t}***")),
        Box::new(|t| format!("postgres://u:{t}@h/db?x=y%20z")),
        Box::new(|t| format!("{t}\\")),
        Box::new(|t| format!("''{t}''")),
        Box::new(|t| format!(".*{t}[a-z]+$^\\d")),
        Box::new(|t| format!("<a b=\"{t}\">&amp;</a>")),
        Box::new(|t| format!("first: {t}\n- second: '{t}'\n# {t}\n")),
    ];
    shapes.iter().enumerate().map(|(number, shape)| shape(&token(number))).collect()
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// What to search for because of a token, or of each of its halves: itself, in hexadecimal, and the
/// characters of its base64 forms that only it decides.
fn forms(token: &str) -> Vec<String> {
    let halves = if token.len() < 14 { vec![token] } else { vec![&token[..7], &token[7..]] };
    let mut forms = Vec::new();
    for half in halves {
        let hex = hexadecimal(half);
        forms.extend([half.to_owned(), hex.to_uppercase(), hex]);
        for engine in [&STANDARD, &URL_SAFE] {
            for before in 0..3 {
                let mut bytes = vec![0; before];
                bytes.extend(half.bytes());
                let encoded = engine.encode(&bytes);
                forms.push(encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned());
            }
        }
    }
    forms
}

/// Everything that somebody else could get to see.
#[derive(Default)]
pub struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    pub fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn ran(&mut self, what: &str, ran: &Ran) {
        self.add(format!("stdout of {what}"), ran.stdout.as_bytes());
        self.add(format!("stderr of {what}"), ran.stderr.as_bytes());
    }

    /// All files below a directory, except the program in images of containers, which would take most
    /// of the time. What vanishes meanwhile is not there.
    pub fn directory(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            self.add("a file name", path.display().to_string());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.directory(&path);
            } else if kind.is_file() && entry.file_name() != "busybox" {
                let content = fs::read(&path).unwrap_or_default();
                self.add(path.display().to_string(), content);
            }
        }
    }

    /// The places where one of the tokens is.
    pub fn leaks(&self, tokens: &[String]) -> BTreeSet<String> {
        let searched: Vec<(usize, String)> = tokens
            .iter()
            .enumerate()
            .flat_map(|(number, token)| forms(token).into_iter().map(move |form| (number, form)))
            .collect();
        let any = AhoCorasick::new(searched.iter().map(|(_, form)| form)).expect("an automaton");
        let mut found = BTreeMap::new();
        for (place, bytes) in &self.0 {
            for part in any.find_iter(bytes) {
                let number = searched[part.pattern().as_usize()].0;
                let near = part.start().saturating_sub(40)..(part.end() + 40).min(bytes.len());
                let near = String::from_utf8_lossy(&bytes[near]).into_owned();
                found.insert((number, place), near);
            }
        }
        let told = |((number, place), near)| format!("secret {number} in {place}: {near:?}");
        found.into_iter().map(told).collect()
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let mut seen = Seen::default();
    let token = token(3);
    seen.add("raw", format!("a{token}b"));
    for before in 0..3 {
        let text = format!("{}{token}:", "u".repeat(before));
        seen.add(format!("base64 {before}"), STANDARD.encode(text));
    }
    seen.add("hexadecimal", hexadecimal(&token).to_uppercase());
    let wrapped = STANDARD.encode(format!("and so {token} is split"));
    for at in 10..30 {
        seen.add(
            format!("split {at}"),
            format!("log: {}\nlog: {}", &wrapped[..at], &wrapped[at..]),
        );
    }
    seen.add("clean", "nothing");
    assert_eq!(seen.leaks(&[token]).len(), 1 + 3 + 1 + 20);
}
