//! What the collector looks at in an event as it is sent. Everything else in it is kept and not
//! looked at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// A text, borrowed where it stands without escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Str<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// An event as it is sent.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct WireEvent<'a> {
    #[serde(borrow)]
    pub(super) event: Str<'a>,
    #[serde(borrow)]
    pub(super) insert_id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) properties: Entry<'a>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) invocation: Invocation<'a>,
    #[serde(borrow)]
    pub(super) result: Outcome<'a>,
    #[serde(borrow)]
    pub(super) started_at: Str<'a>,
    pub(super) duration_ms: f64,
    #[serde(borrow)]
    pub(super) platform: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) invocation_context: Option<Surroundings<'a>>,
    #[serde(borrow)]
    pub(super) parent_invocation_id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) workflow_context: Option<Workflow<'a>>,
    #[serde(borrow)]
    pub(super) method_context: Option<Method<'a>>,
    #[serde(borrow)]
    pub(super) run_id: Option<Str<'a>>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct Invocation<'a> {
    #[serde(borrow)]
    pub(super) command: Str<'a>,
    #[serde(borrow)]
    pub(super) subcommand: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) args: Args<'a>,
}

/// The arguments of a command, of which only some say anything: in `run <model> <method>` the first
/// and the third.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Args<'a> {
    pub(super) first: Option<Str<'a>>,
    pub(super) third: Option<Str<'a>>,
}

impl<'a> Args<'a> {
    pub(super) fn put(&mut self, place: usize, text: Str<'a>) {
        match place {
            0 => self.first = Some(text),
            2 => self.third = Some(text),
            _ => {}
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Args<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArgsVisitor;

        impl<'de> Visitor<'de> for ArgsVisitor {
            type Value = Args<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Args<'de>, A::Error> {
                let mut args = Args::default();
                let mut place = 0;
                while let Some(text) = list.next_element()? {
                    args.put(place, text);
                    place += 1;
                }
                Ok(args)
            }
        }

        deserializer.deserialize_seq(ArgsVisitor)
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Outcome<'a> {
    #[serde(borrow)]
    pub(super) status: Str<'a>,
    #[serde(borrow)]
    pub(super) error_category: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) error_message: Option<Str<'a>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Surroundings<'a> {
    pub(super) agent_session_detected: Option<bool>,
    #[serde(borrow)]
    pub(super) detected_ai_tool: Option<Str<'a>>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Workflow<'a> {
    #[serde(borrow, rename = "workflowName")]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) run_id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) root_run_id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) root_workflow_name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) job_name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) step_name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) step_template: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) model_type: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) driver: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) phase: Option<Str<'a>>,
    pub(super) depth: Option<u32>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct Method<'a> {
    #[serde(borrow)]
    pub(super) model_type: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) driver: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) phase: Option<Str<'a>>,
}
