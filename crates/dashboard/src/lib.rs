//! The pages of the collector's dashboard: figures in, HTML out.
//!
//! The collector asks its store, fills the types of [`page`] and [`figures`](Summary), and sends
//! what they render. Nothing here does I/O or knows a store, so that every page can be looked at
//! and tested with figures made up for the purpose.
//!
//! Rules that hold for every page:
//!
//! * It works without JavaScript (the live page then shows the latest calls as of now) and under
//!   [`CONTENT_SECURITY_POLICY`]: no inline script, no inline style.
//! * What others chose (names of steps, error messages) is shown through [`Name`].
//! * Period and filters stand in the address ([`View`]); all times are UTC and say so.
//! * A colour never says anything alone: outcomes also have a shape and a word ([`Outcome`]).
//! * A chart has a title, a description, and its numbers as a table.

mod address;
mod amount;
pub mod asset;
mod chart;
mod dimension;
mod figures;
mod outcome;
pub mod page;
mod shell;
mod table;
mod text;
mod time;
mod view;

pub use address::Page;
pub use asset::Asset;
pub use figures::{Bucket, Calls, Group, Series, Summary};
pub use outcome::Outcome;
pub use shell::{CONTENT_SECURITY_POLICY, Shell};
pub use swamp_ident::Dimension;
pub use text::Name;
pub use view::{Filter, Period, Span, View, ViewError};
