//! Something the doctor found.

use serde_json::{Value, json};

/// What was looked at, how it is, and how to put it right.
pub(super) struct Finding {
    /// What kind of thing was looked at.
    pub(super) check: &'static str,
    /// The thing and how it is, in one line.
    pub(super) what: String,
    pub(super) state: State,
    pub(super) cure: Cure,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Fine,
    /// Worth a line, but nothing to be done.
    Note,
    Problem,
    /// Was a problem.
    Fixed,
}

/// How a problem goes away.
pub(super) enum Cure {
    None,
    /// By what a person does.
    Advice(String),
    /// By what we do. The text says what that is.
    Fix(String, Box<dyn Fn() -> Result<(), String>>),
}

impl Clone for Finding {
    /// A copy without a fix of ours.
    fn clone(&self) -> Self {
        let cure = match &self.cure {
            Cure::Advice(advice) => Cure::Advice(advice.clone()),
            Cure::None | Cure::Fix(..) => Cure::None,
        };
        Self { check: self.check, what: self.what.clone(), state: self.state, cure }
    }
}

impl Finding {
    pub(super) fn fine(check: &'static str, what: String) -> Self {
        Self { check, what, state: State::Fine, cure: Cure::None }
    }

    pub(super) fn note(check: &'static str, what: String) -> Self {
        Self { check, what, state: State::Note, cure: Cure::None }
    }

    pub(super) fn problem(check: &'static str, what: String, cure: Cure) -> Self {
        Self { check, what, state: State::Problem, cure }
    }

    pub(super) fn is_problem(&self) -> bool {
        self.state == State::Problem
    }

    pub(super) const fn can_be_fixed(&self) -> bool {
        matches!((&self.state, &self.cure), (State::Problem, Cure::Fix(..)))
    }

    /// Puts it right, if it is wrong and can be.
    pub(super) fn fix(&mut self) {
        if self.state != State::Problem {
            return;
        }
        if let Cure::Fix(_, fix) = &self.cure {
            match fix() {
                Ok(()) => self.state = State::Fixed,
                Err(error) => self.cure = Cure::Advice(error),
            }
        }
    }

    pub(super) const fn sign(&self) -> &'static str {
        match self.state {
            State::Fine => "✓",
            State::Note => "·",
            State::Problem => "✗",
            State::Fixed => "✓ (put right)",
        }
    }

    /// What to do, or what is to be done.
    pub(super) fn remedy(&self) -> Option<&str> {
        match (&self.cure, self.state) {
            (Cure::Advice(remedy) | Cure::Fix(remedy, _), State::Problem) => Some(remedy),
            _ => None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let state = match self.state {
            State::Fine => "fine",
            State::Note => "note",
            State::Problem => "problem",
            State::Fixed => "fixed",
        };
        let mut document = json!({
            "check": self.check,
            "state": state,
            "what": self.what,
            "fixable": self.can_be_fixed(),
        });
        if let Some(remedy) = self.remedy() {
            document["remedy"] = json!(remedy);
        }
        document
    }
}
