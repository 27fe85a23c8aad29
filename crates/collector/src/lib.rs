//! The collector: accepts telemetry events, keeps them safely, and answers questions about them.
//!
//! The way of an event: [`ingest`] takes a request body apart, checks it against [`Limits`] and makes
//! an [`Event`] of each part that is one; [`commit`] gathers the events of many requests into one
//! batch and hands it to the [`Store`], which gives back only when the batch is durable; only then
//! do the requests get their answer. What is acknowledged is in every answer from then on.
//!
//! The way of a question: [`api`] makes a [`Query`] of a request, asks the store for groups of
//! [`Totals`], and turns them into one of the documents in [`answer`].
//!
//! This crate knows the shapes in `swamp-wire` and nothing else of the engine. It is the only one
//! that starts an async runtime.

pub mod answer;
pub mod api;
pub mod commit;
mod dashboard;
pub mod demo;
mod dimension;
mod error;
mod event;
pub mod import;
pub mod ingest;
pub mod keys;
mod patience;
mod query;
pub mod serve;
pub mod sketch;
pub mod store;

pub use dimension::{Dimension, OTHER, most_values};
pub use error::CollectorError;
pub use event::{Event, EventKey, Kind, ProjectId};
pub use ingest::Limits;
pub use query::{DAY, Filter, HOUR, Interval, Query, TimeRange};
pub use store::{Outcome, SqliteStore, Store, Totals};
