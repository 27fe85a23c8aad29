//! Cutting a body into events without understanding them.
//!
//! The scanner knows texts, brackets and commas. It finds where each event begins and ends, and on
//! its way how deep it is and how long its longest text is; everything else about an event is the
//! reader's business. A body whose brackets do not fit has no events at all.

use memchr::memchr2;

use super::{Limits, Refusal};

/// An event's place in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Why it is none.
    pub(super) fault: Option<String>,
}

/// The events of a body: the items of `events`, or the body itself.
pub(super) fn pieces(body: &[u8], limits: &Limits) -> Result<Vec<Piece>, Refusal> {
    let mut scan = Scan { body, at: 0 };
    scan.blanks();
    let start = scan.at;
    scan.expect(b'{')?;
    let mut events = None;
    scan.blanks();
    if scan.peek() == Some(b'}') {
        scan.at += 1;
    } else {
        loop {
            scan.blanks();
            let key = scan.at;
            scan.expect(b'"')?;
            scan.rest_of_text()?;
            let is_events = &body[key..scan.at] == b"\"events\"";
            scan.blanks();
            scan.expect(b':')?;
            scan.blanks();
            if is_events {
                events = Some(scan.items(limits)?);
            } else {
                scan.value()?;
            }
            scan.blanks();
            match scan.next()? {
                b',' => {}
                b'}' => break,
                _ => return Err(scan.unexpected()),
            }
        }
    }
    let end = scan.at;
    scan.blanks();
    if scan.at != body.len() {
        return Err(scan.unexpected());
    }
    if let Some(events) = events {
        return Ok(events);
    }
    let mut whole = Scan { body, at: start };
    let extent = whole.value()?;
    Ok(vec![piece(start, end, extent, limits)])
}

fn piece(start: usize, end: usize, extent: Extent, limits: &Limits) -> Piece {
    let fault = if end - start > limits.event_bytes {
        Some(format!("It has more than {} bytes", limits.event_bytes))
    } else if extent.depth > limits.depth {
        Some(format!("It is nested more than {} levels deep", limits.depth))
    } else if extent.longest > limits.text_bytes {
        Some(format!("It has a text of more than {} bytes", limits.text_bytes))
    } else {
        None
    };
    Piece { start, end, fault }
}

/// How much there is of a value.
#[derive(Clone, Copy, Default)]
struct Extent {
    depth: usize,
    longest: usize,
}

struct Scan<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Refusal> {
        let byte = self.peek().ok_or_else(ends_early)?;
        self.at += 1;
        Ok(byte)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.next()? == byte { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Refusal {
        Refusal::NotEvents(format!("unexpected character at byte {}", self.at.saturating_sub(1)))
    }

    /// From after the opening quote to after the closing one. Gives the length between them.
    fn rest_of_text(&mut self) -> Result<usize, Refusal> {
        let start = self.at;
        loop {
            let rest = self.body.get(self.at..).unwrap_or_default();
            let found = memchr2(b'"', b'\\', rest).ok_or_else(ends_early)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                return Ok(self.at - start - 1);
            }
            self.at += 1;
        }
    }

    /// Over a value of any kind.
    fn value(&mut self) -> Result<Extent, Refusal> {
        let mut extent = Extent::default();
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                b'"' => extent.longest = extent.longest.max(self.rest_of_text()?),
                b'{' | b'[' => {
                    depth += 1;
                    extent.depth = extent.depth.max(depth);
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or_else(|| self.unexpected())?;
                }
                b',' if depth == 0 => return Err(self.unexpected()),
                _ if depth > 0 => continue,
                _ => {
                    while !matches!(
                        self.peek(),
                        None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
                    ) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Ok(extent);
            }
        }
    }

    /// Over a list, taking note of its items.
    fn items(&mut self, limits: &Limits) -> Result<Vec<Piece>, Refusal> {
        let mut items = Vec::new();
        self.expect(b'[')?;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            self.blanks();
            let start = self.at;
            let extent = self.value()?;
            if items.len() == limits.events {
                return Err(Refusal::TooMany(limits.events));
            }
            items.push(piece(start, self.at, extent, limits));
            self.blanks();
            match self.next()? {
                b',' => {}
                b']' => return Ok(items),
                _ => return Err(self.unexpected()),
            }
        }
    }
}

fn ends_early() -> Refusal {
    Refusal::NotEvents("it ends early".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn cut(body: &str) -> Result<Vec<&str>, Refusal> {
        let pieces = pieces(body.as_bytes(), &Limits::default())?;
        Ok(pieces.into_iter().map(|piece| &body[piece.start..piece.end]).collect())
    }

    #[test]
    fn events_are_found_whatever_is_in_them() {
        for (body, want) in [
            (r#"{"a":1}"#, vec![r#"{"a":1}"#]),
            (r" {} ", vec!["{}"]),
            (r#"{"events":[]}"#, vec![]),
            (
                r#"{"x":[{"events":1}],"events" : [ {"a":"]}\"\\"} , 5,"t",[[1]]]}"#,
                vec![r#"{"a":"]}\"\\"}"#, "5", "\"t\"", "[[1]]"],
            ),
            (r#"{"events":[{"broken":},{"b":2}]}"#, vec![r#"{"broken":}"#, r#"{"b":2}"#]),
        ] {
            assert_eq!(cut(body).unwrap(), want, "{body}");
        }
    }

    #[test]
    fn what_is_no_body_is_refused() {
        for body in [
            "",
            "[]",
            "null",
            "{",
            r#"{"events":[}"#,
            r#"{"events":[{}"#,
            r#"{"events":{}}"#,
            "{}x",
            r#"{"events":[,]}"#,
            r#"{"a""#,
            r#"{"a":"\"#,
            r#"{"a" 1}"#,
            r#"{"events":[1 2]}"#,
        ] {
            assert!(matches!(cut(body), Err(Refusal::NotEvents(_))), "{body}");
        }
    }

    #[test]
    fn limits_mark_one_event_and_not_the_others() {
        let limits =
            Limits { events: 4, event_bytes: 40, depth: 3, text_bytes: 10, ..Limits::default() };
        let body = format!(
            r#"{{"events":[{{"a":[[1]]}},{{"a":[[[1]]]}},{{"a":"{}"}},{{"a":1{}}}]}}"#,
            "x".repeat(11),
            " ".repeat(40)
        );
        let faults: Vec<bool> =
            pieces(body.as_bytes(), &limits).unwrap().iter().map(|p| p.fault.is_some()).collect();
        assert_eq!(faults, [false, true, true, true]);
        let five = r#"{"events":[1,1,1,1,1]}"#;
        assert_eq!(pieces(five.as_bytes(), &limits), Err(Refusal::TooMany(4)));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_parser_finds(events in prop::collection::vec(json(), 0..6), pretty in any::<bool>()) {
            let body = serde_json::json!({"before": events, "events": events, "after": events});
            let text = if pretty { format!("{body:#}") } else { body.to_string() };
            let found: Vec<Value> =
                cut(&text).unwrap().into_iter().map(|piece| serde_json::from_str(piece).unwrap()).collect();
            prop_assert_eq!(found, events);
        }

        #[test]
        fn never_panics(body in prop::collection::vec(prop_oneof![
            prop::sample::select(b"{}[],:\"\\ e".to_vec()), any::<u8>()
        ], 0..200)) {
            let _ = pieces(&body, &Limits::default());
        }
    }
}
