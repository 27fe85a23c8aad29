//! Reading a body in one go, as long as it is as our own senders write it.
//!
//! This way takes a third of the time of the thorough one (`scan` and serde), and knows one answer
//! besides success: "look again". It gives that for whatever is wrong or only unusual, so that all
//! decisions and messages about such bodies are made in one place. What it does read, it reads as
//! serde does, which a test with made-up events shows.

use std::borrow::Cow;
use std::ops::Range;

use super::Limits;
use super::wire::{
    Args, Entry, Invocation, Method, Outcome, Str, Surroundings, WireEvent, Workflow,
};

/// Reads the events of a body `{"events":[…]}`. `None` if it has to be looked at again; what was
/// shown until then does not count.
pub(super) fn events<'a>(
    text: &'a str,
    limits: &Limits,
    mut show: impl FnMut(Range<usize>, WireEvent<'a>),
) -> Option<()> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, depth: 0, limits };
    parser.open(b'{')?;
    if !parser.text()?.is("events") {
        return None;
    }
    parser.colon()?;
    let mut place = 0;
    let mut more = parser.open_list()?;
    // Depth counts within an event.
    parser.depth = 0;
    while more {
        parser.blanks();
        let start = parser.at;
        let event = parser.event()?;
        if place == limits.events || parser.at - start > limits.event_bytes {
            return None;
        }
        show(start..parser.at, event);
        place += 1;
        more = parser.more(b']')?;
    }
    parser.blanks();
    parser.expect(b'}')?;
    parser.blanks();
    (parser.at == text.len()).then_some(())
}

/// Reads a text that is one event.
pub(super) fn event<'a>(text: &'a str, limits: &Limits) -> Option<WireEvent<'a>> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, depth: 0, limits };
    let event = parser.event()?;
    (parser.at == text.len() && text.len() <= limits.event_bytes).then_some(event)
}

struct Parser<'a, 'l> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    limits: &'l Limits,
}

/// A text as it stands there, without its quotes.
#[derive(Clone, Copy)]
struct Found<'a> {
    text: &'a str,
    escaped: bool,
}

impl Found<'_> {
    fn is(self, text: &str) -> bool {
        !self.escaped && self.text == text
    }
}

/// Puts a value into a field that must not have one yet.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = Some(value);
    Some(())
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        self.blanks();
        self.expect(bracket)?;
        self.depth += 1;
        (self.depth <= self.limits.depth).then(|| self.blanks())
    }

    /// Into an object. Whether there is anything in it.
    fn open_object(&mut self) -> Option<bool> {
        self.open(b'{')?;
        self.is_empty(b'}')
    }

    /// Into a list.
    fn open_list(&mut self) -> Option<bool> {
        self.open(b'[')?;
        self.is_empty(b']')
    }

    fn is_empty(&mut self, end: u8) -> Option<bool> {
        if self.peek()? == end {
            self.at += 1;
            self.depth = self.depth.saturating_sub(1);
            return Some(false);
        }
        Some(true)
    }

    /// Over what stands after an item. Whether another one follows.
    fn more(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        let byte = self.peek()?;
        self.at += 1;
        if byte == b',' {
            self.blanks();
            return Some(true);
        }
        self.depth = self.depth.saturating_sub(1);
        (byte == end).then_some(false)
    }

    fn colon(&mut self) -> Option<()> {
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Some(())
    }

    fn key(&mut self) -> Option<&'a str> {
        let key = self.text()?;
        if key.escaped {
            return None;
        }
        self.colon()?;
        Some(key.text)
    }

    fn text(&mut self) -> Option<Found<'a>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(self.bytes.get(self.at..)?);
            match self.peek()? {
                b'"' => break,
                b'\\' => escaped = true,
                // Control characters must not stand in a text.
                _ => return None,
            }
            // Numbers of characters may be halves of one; that is for others to judge.
            if !matches!(
                self.bytes.get(self.at + 1)?,
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'
            ) {
                return None;
            }
            self.at += 2;
        }
        let text = self.text.get(start..self.at)?;
        self.at += 1;
        (text.len() <= self.limits.text_bytes).then_some(Found { text, escaped })
    }

    fn value_text(&mut self) -> Option<Str<'a>> {
        let start = self.at;
        let found = self.text()?;
        if !found.escaped {
            return Some(Str(Cow::Borrowed(found.text)));
        }
        let meant: String = serde_json::from_str(self.text.get(start..self.at)?).ok()?;
        Some(Str(Cow::Owned(meant)))
    }

    /// Over a word. Whether it was there.
    fn word(&mut self, word: &[u8]) -> bool {
        let is_there = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    /// A text into a field.
    fn text_into(&mut self, field: &mut Option<Str<'a>>) -> Option<()> {
        set(field, self.value_text()?)
    }

    fn bool(&mut self) -> Option<bool> {
        if self.word(b"true") { Some(true) } else { self.word(b"false").then_some(false) }
    }

    /// A whole number that is not negative and that a double has exactly.
    fn whole(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number = 0_u64;
        while let Some(byte @ b'0'..=b'9') = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            self.at += 1;
        }
        let digits = self.at - start;
        let is_plain = (1..=15).contains(&digits) && (digits == 1 || self.bytes[start] != b'0');
        (is_plain && !matches!(self.peek(), Some(b'.' | b'e' | b'E'))).then_some(number)
    }

    /// Over a number of any form.
    fn number(&mut self) -> Option<()> {
        let digits = |parser: &mut Self| {
            let start = parser.at;
            while matches!(parser.peek(), Some(b'0'..=b'9')) {
                parser.at += 1;
            }
            parser.at - start
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let start = self.at;
        let whole = digits(self);
        if whole == 0 || (whole > 1 && self.bytes[start] == b'0') {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if digits(self) == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if digits(self) == 0 {
                return None;
            }
        }
        Some(())
    }

    /// Over a value that does not matter.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.text().map(|_| ()),
            b'{' => {
                let mut more = self.open_object()?;
                while more {
                    self.text()?;
                    self.colon()?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                Some(())
            }
            b'[' => {
                let mut more = self.open_list()?;
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                Some(())
            }
            b'n' => self.word(b"null").then_some(()),
            b't' | b'f' => self.bool().map(|_| ()),
            _ => self.number(),
        }
    }

    fn event(&mut self) -> Option<WireEvent<'a>> {
        let (mut event, mut insert_id, mut properties) = (None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "event" => set(&mut event, self.value_text()?)?,
                "insert_id" => self.text_into(&mut insert_id)?,
                "properties" => set(&mut properties, self.entry()?)?,
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(WireEvent { event: event?, insert_id, properties: properties? })
    }

    fn entry(&mut self) -> Option<Entry<'a>> {
        let (mut id, mut invocation, mut result, mut started_at) = (None, None, None, None);
        let (mut duration_ms, mut platform, mut parent, mut run_id) = (None, None, None, None);
        let (mut surroundings, mut workflow, mut method) = (None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "id" => self.text_into(&mut id)?,
                "invocation" => set(&mut invocation, self.invocation()?)?,
                "result" => set(&mut result, self.outcome()?)?,
                "startedAt" => set(&mut started_at, self.value_text()?)?,
                "durationMs" => set(&mut duration_ms, self.whole()?)?,
                "platform" => self.text_into(&mut platform)?,
                "parentInvocationId" => self.text_into(&mut parent)?,
                "runId" => self.text_into(&mut run_id)?,
                "invocationContext" => {
                    set(&mut surroundings, self.surroundings()?)?;
                }
                "workflowContext" => {
                    set(&mut workflow, self.workflow()?)?;
                }
                "methodContext" => {
                    set(&mut method, self.method()?)?;
                }
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        #[expect(clippy::cast_precision_loss, reason = "it has at most 15 digits")]
        let duration_ms = duration_ms? as f64;
        Some(Entry {
            id,
            invocation: invocation?,
            result: result?,
            started_at: started_at?,
            duration_ms,
            platform,
            invocation_context: surroundings,
            parent_invocation_id: parent,
            workflow_context: workflow,
            method_context: method,
            run_id,
        })
    }

    fn invocation(&mut self) -> Option<Invocation<'a>> {
        let (mut command, mut subcommand, mut args) = (None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "command" => set(&mut command, self.value_text()?)?,
                "subcommand" => self.text_into(&mut subcommand)?,
                "args" => set(&mut args, self.args()?)?,
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(Invocation { command: command?, subcommand, args: args.unwrap_or_default() })
    }

    fn args(&mut self) -> Option<Args<'a>> {
        let (mut args, mut place) = (Args::default(), 0);
        let mut more = self.open_list()?;
        while more {
            args.put(place, self.value_text()?);
            place += 1;
            more = self.more(b']')?;
        }
        Some(args)
    }

    fn outcome(&mut self) -> Option<Outcome<'a>> {
        let (mut status, mut category, mut message) = (None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "status" => set(&mut status, self.value_text()?)?,
                "errorCategory" => self.text_into(&mut category)?,
                "errorMessage" => self.text_into(&mut message)?,
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(Outcome { status: status?, error_category: category, error_message: message })
    }

    fn surroundings(&mut self) -> Option<Surroundings<'a>> {
        let (mut agent, mut tool) = (None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "agentSessionDetected" => {
                    set(&mut agent, self.bool()?)?;
                }
                "detectedAiTool" => self.text_into(&mut tool)?,
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(Surroundings { agent_session_detected: agent, detected_ai_tool: tool })
    }

    fn workflow(&mut self) -> Option<Workflow<'a>> {
        let (mut name, mut run_id, mut root_run_id, mut root_name) = (None, None, None, None);
        let (mut job, mut step, mut template) = (None, None, None);
        let (mut model_type, mut driver, mut phase, mut depth) = (None, None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "workflowName" => self.text_into(&mut name)?,
                "runId" => self.text_into(&mut run_id)?,
                "rootRunId" => self.text_into(&mut root_run_id)?,
                "rootWorkflowName" => self.text_into(&mut root_name)?,
                "jobName" => self.text_into(&mut job)?,
                "stepName" => self.text_into(&mut step)?,
                "stepTemplate" => self.text_into(&mut template)?,
                "modelType" => self.text_into(&mut model_type)?,
                "driver" => self.text_into(&mut driver)?,
                "phase" => self.text_into(&mut phase)?,
                "depth" => {
                    set(&mut depth, u32::try_from(self.whole()?).ok()?)?;
                }
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(Workflow {
            name,
            run_id,
            root_run_id,
            root_workflow_name: root_name,
            job_name: job,
            step_name: step,
            step_template: template,
            model_type,
            driver,
            phase,
            depth,
        })
    }

    fn method(&mut self) -> Option<Method<'a>> {
        let (mut model_type, mut driver, mut phase) = (None, None, None);
        let mut more = self.open_object()?;
        while more {
            match self.key()? {
                "modelType" => self.text_into(&mut model_type)?,
                "driver" => self.text_into(&mut driver)?,
                "phase" => self.text_into(&mut phase)?,
                _ => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(Method { model_type, driver, phase })
    }
}

/// How many bytes there are before a quote, a backslash or a control character; eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
        // Borrows may set bits above a true one, never below: the lowest is always true.
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quotes | backslashes | controls) & HIGHS;
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    bytes.len() - rest.len() + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
