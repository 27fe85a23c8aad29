//! A single word of an error text: ordinary, or somebody's own.

/// Words that contain a slash and are none the less ordinary.
const ORDINARY: &[&str] = &["and/or", "n/a", "i/o", "tcp/ip", ".swamp.yaml"];

/// Shortest word that may be a key, a hash or an id.
const SHORTEST_OPAQUE: usize = 16;

/// How words are looked at.
pub(super) struct Words<'a> {
    /// Whether words that look like identifiers of code are names as well.
    pub(super) strict: bool,
    /// Words that may stand whatever they look like.
    pub(super) public: &'a [&'a str],
}

impl Words<'_> {
    /// Appends a text with every word masked that is not ordinary.
    pub(super) fn mask(&self, text: &str, masked: &mut String) {
        let mut rest = text;
        while !rest.is_empty() {
            let space = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
            masked.push_str(&rest[..space]);
            rest = &rest[space..];
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.mask_word(&rest[..end], masked);
            rest = &rest[end..];
        }
    }

    fn mask_word(&self, word: &str, masked: &mut String) {
        // A place that was replaced before takes the path below it along.
        for place in ["<repo>", "<home>"] {
            if let Some(at) = word.find(place) {
                let (before, after) = (&word[..at], &word[at + place.len()..]);
                masked.push_str(
                    &before[..before.len() - before.trim_start_matches(is_punctuation).len()],
                );
                masked.push_str(place);
                masked.push_str(&after[after.trim_end_matches(is_punctuation).len()..]);
                return;
            }
        }
        // So does what is called take along what it is called with.
        if let Some(at) = word.find("(<text>") {
            let head = &word[..at];
            masked.push_str(self.kind(head.trim_matches(is_punctuation)).unwrap_or(head));
            masked.push_str(&word[at..]);
            return;
        }
        let core = word.trim_matches(is_punctuation);
        if core.is_empty() {
            masked.push_str(word);
            return;
        }
        let start = word.find(core).unwrap_or(0);
        let (leading, trailing) = (&word[..start], &word[start + core.len()..]);
        masked.push_str(leading);
        masked.push_str(self.kind(core).unwrap_or(core));
        masked.push_str(trailing);
    }

    /// What stands in place of a word; `None` for an ordinary one. A word that is not ordinary in
    /// one of its parts is not ordinary.
    fn kind(&self, core: &str) -> Option<&'static str> {
        self.kind_of_whole(core).or_else(|| {
            // A colon also stands inside addresses, so it parts words last.
            let marks: [fn(char) -> bool; 2] = [|c| !is_word(c) && c != ':', |c| !is_word(c)];
            marks.into_iter().find_map(|is_mark| {
                let parts = core.split(is_mark).filter(|part| part.len() < core.len());
                parts
                    .map(|part| part.trim_matches(is_punctuation))
                    .filter(|part| !part.is_empty() && !is_inside_of_placeholder(core, part))
                    .find_map(|part| self.kind_of_whole(part))
            })
        })
    }

    fn kind_of_whole(&self, core: &str) -> Option<&'static str> {
        // "argument(s)", whose last mark is punctuation and cut off already.
        let core = core.strip_suffix("(s").unwrap_or(core);
        if self.public.contains(&core)
            || ORDINARY.iter().any(|word| word.eq_ignore_ascii_case(core))
            || is_placeholder(core)
        {
            return None;
        }
        if core.contains("://") {
            return Some("<url>");
        }
        if let Some((user, host)) = core.split_once('@') {
            let is_address = !user.is_empty() && !host.is_empty();
            return Some(if is_address { "<address>" } else { "<name>" });
        }
        if core.starts_with('-') && core.chars().any(char::is_alphabetic) {
            return Some("<option>");
        }
        if core.contains('=') {
            return Some("<value>");
        }
        if core.contains(['/', '\\']) || core.starts_with('~') {
            let is_ratio = core.chars().all(|c| c.is_ascii_digit() || c == '/');
            return if is_ratio { None } else { Some("<path>") };
        }
        if is_host(core) {
            // Where names are expected, a dotted word is a path into data.
            return Some(if self.strict { "<name>" } else { "<host>" });
        }
        if is_opaque(core) {
            return Some("<id>");
        }
        if core.contains(['$', '{', '}', '(', '[']) || self.strict && is_code(core) {
            return Some("<name>");
        }
        None
    }
}

/// Whether a mark may stand inside a word without parting it.
fn is_word(character: char) -> bool {
    character.is_alphanumeric()
        || matches!(character, '.' | '-' | '_' | '@' | '/' | '\\' | '~' | '+' | '%' | '\'' | '=')
}

/// Whether a part of a word is what an earlier stage left in it.
fn is_inside_of_placeholder(core: &str, part: &str) -> bool {
    part.chars().all(|c| c.is_ascii_lowercase()) && core.contains(&format!("<{part}>"))
}

fn is_punctuation(character: char) -> bool {
    matches!(character, '(' | ')' | '[' | ']' | '{' | '}' | '.' | ',' | ';' | ':' | '!' | '?')
}

/// Whether the word is what an earlier stage left.
fn is_placeholder(core: &str) -> bool {
    core.strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .is_some_and(|inner| inner.chars().all(|c| c.is_ascii_lowercase()))
}

/// Whether the word looks like a host name, an address, or one of them with a port.
fn is_host(core: &str) -> bool {
    let (name, port) = match core.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (core, None),
    };
    if port.is_some_and(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
        && name.chars().any(|c| c.is_alphabetic() || c == '.')
    {
        return true;
    }
    // Also where something else goes on after it without a blank.
    let mut addresses = core.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'));
    if addresses
        .any(|part| part.matches(':').count() >= 2 && part.chars().any(|c| c.is_ascii_digit()))
    {
        return true;
    }
    let labels: Vec<&str> = name.split('.').collect();
    let Some(last) = labels.last().filter(|_| labels.len() > 1) else {
        return false;
    };
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    let is_domain = last.chars().count() > 1 && last.chars().all(char::is_alphabetic);
    let is_octet =
        |label: &&str| label.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u8>().is_ok();
    let is_address = labels.windows(4).any(|four| four.iter().all(is_octet));
    (is_domain && labels.iter().all(is_label)) || is_address
}

/// Whether the word looks like a key, a hash or an id: long, with letters and digits.
fn is_opaque(core: &str) -> bool {
    core.chars().count() >= SHORTEST_OPAQUE
        && core.chars().any(|c| c.is_ascii_digit())
        && core.chars().any(char::is_alphabetic)
}

/// Whether the word looks like an identifier of code: capitals or digits inside, underscores.
fn is_code(core: &str) -> bool {
    let starts_plain = core.chars().skip(1).all(|c| c.is_lowercase() || c == '-' || c == '\'');
    let is_number_with_unit = core.starts_with(|first: char| first.is_ascii_digit());
    let is_abbreviation = matches!(core, "YAML" | "JSON" | "CEL" | "ID" | "URL" | "UUID" | "UTF-8");
    !(starts_plain || is_number_with_unit || is_abbreviation || core.starts_with('-'))
}
