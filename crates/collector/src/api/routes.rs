//! Which address leads where: one table, of which the router and the API's document are made.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde_json::Value;

use super::auth::{Observer, Reader, now};
use super::openapi::{Kind, Parameter};
use super::params::Params;
use super::{ApiError, App, export, ingest, metrics, openapi, questions, tail};
use crate::query::{DAY, Interval, TimeRange};

type Answer = Result<Response, ApiError>;

/// How an address is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// A document of this schema.
    Json(fn() -> Value),
    /// Something else, of one of these kinds.
    Other(&'static [&'static str]),
}

/// An address, what is behind it, and all that is said about it.
pub(super) struct Route {
    /// The address.
    pub path: &'static str,
    /// How it is asked.
    pub verb: Verb,
    /// What it is for.
    pub about: &'static str,
    /// Whether it takes a range of time and filters.
    pub is_question: bool,
    /// What it takes besides.
    pub parameters: &'static [Parameter],
    /// What it answers.
    pub answer: Content,
    /// With which statuses it may refuse, besides those of any address.
    pub refusals: &'static [u16],
    /// What is behind it.
    handler: fn() -> MethodRouter<Arc<App>>,
}

const fn parameter(name: &'static str, value: Kind, about: &'static str) -> Parameter {
    Parameter { name, value, is_required: false, about }
}

const fn required(name: &'static str, value: Kind, about: &'static str) -> Parameter {
    Parameter { name, value, is_required: true, about }
}

const fn limit(most: u32) -> Parameter {
    parameter("limit", Kind::UpTo(most), "How many at most")
}

const COMPARE: Parameter = parameter("compare", Kind::Switch, "Add the same for the period before");

/// How whoever asks about a project may be refused.
const ASKING: &[u16] = &[400, 401, 403, 404, 422, 503];

/// How whoever takes one of few places may be refused.
const TAKING_A_PLACE: &[u16] = &[400, 401, 403, 404, 422, 429, 503];

const PLAIN: Content = Content::Other(&["text/plain"]);

/// Every address of the API: the router and the document about it are made of this.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/ingest",
        verb: Verb::Post,
        about: "Takes events; answers when they are durable",
        is_question: false,
        parameters: &[],
        answer: Content::Json(openapi::results),
        refusals: &[400, 401, 403, 404, 408, 413, 415, 429, 503],
        handler: || post(ingest::ingest),
    },
    Route {
        path: "/healthz",
        verb: Verb::Get,
        about: "Whether the collector runs",
        is_question: false,
        parameters: &[],
        answer: PLAIN,
        refusals: &[],
        handler: || get(async || "ok\n"),
    },
    Route {
        path: "/readyz",
        verb: Verb::Get,
        about: "Whether the store takes events",
        is_question: false,
        parameters: &[],
        answer: PLAIN,
        refusals: &[503],
        handler: || get(ready),
    },
    Route {
        path: "/metrics",
        verb: Verb::Get,
        about: "What the collector does, for Prometheus",
        is_question: false,
        parameters: &[],
        answer: PLAIN,
        refusals: &[400, 401, 403, 404, 503],
        handler: || get(metrics),
    },
    Route {
        path: "/api/v1/summary",
        verb: Verb::Get,
        about: "How much happened, and how it went",
        is_question: true,
        parameters: &[COMPARE],
        answer: Content::Json(openapi::summary),
        refusals: ASKING,
        handler: || get(summary),
    },
    Route {
        path: "/api/v1/breakdown",
        verb: Verb::Get,
        about: "Method calls by the values of dimensions, those with the most time first",
        is_question: true,
        parameters: &[
            required("by", Kind::Dimensions, "What to group by"),
            limit(100_000),
            COMPARE,
        ],
        answer: Content::Json(openapi::breakdown),
        refusals: ASKING,
        handler: || get(breakdown),
    },
    Route {
        path: "/api/v1/timeseries",
        verb: Verb::Get,
        about: "Method calls over time",
        is_question: true,
        parameters: &[
            parameter("interval", Kind::Words(&["hour", "day"]), "How long the stretches are"),
            parameter("by", Kind::Dimensions, "What to group by"),
        ],
        answer: Content::Json(openapi::timeseries),
        refusals: ASKING,
        handler: || get(timeseries),
    },
    Route {
        path: "/api/v1/runs",
        verb: Verb::Get,
        about: "Runs, latest first, a page at a time",
        is_question: true,
        parameters: &[
            limit(1000),
            parameter("after", Kind::Cursor, "What the page before gave as next"),
        ],
        answer: Content::Json(openapi::runs),
        refusals: ASKING,
        handler: || get(runs),
    },
    Route {
        path: "/api/v1/runs/{id}",
        verb: Verb::Get,
        about: "One run with everything that happened in it",
        is_question: false,
        parameters: &[],
        answer: Content::Json(openapi::run),
        refusals: ASKING,
        handler: || get(run),
    },
    Route {
        path: "/api/v1/errors",
        verb: Verb::Get,
        about: "Failures by category and message",
        is_question: true,
        parameters: &[limit(10_000)],
        answer: Content::Json(openapi::errors),
        refusals: ASKING,
        handler: || get(errors),
    },
    Route {
        path: "/api/v1/slowest",
        verb: Verb::Get,
        about: "The slowest calls",
        is_question: true,
        parameters: &[limit(1000)],
        answer: Content::Json(openapi::slowest),
        refusals: ASKING,
        handler: || get(slowest),
    },
    Route {
        path: "/api/v1/regressions",
        verb: Verb::Get,
        about: "Which method on which driver got slower or fails more",
        is_question: true,
        parameters: &[
            parameter("baseline", Kind::Time, "The beginning of what to compare with"),
            limit(1000),
        ],
        answer: Content::Json(openapi::regressions),
        refusals: ASKING,
        handler: || get(regressions),
    },
    Route {
        path: "/api/v1/values",
        verb: Verb::Get,
        about: "The values of a dimension",
        is_question: false,
        parameters: &[required("by", Kind::Dimension, "The dimension")],
        answer: Content::Json(openapi::values),
        refusals: ASKING,
        handler: || get(values),
    },
    Route {
        path: "/api/v1/export",
        verb: Verb::Get,
        about: "Every event as it was sent, or its values as a table",
        is_question: true,
        parameters: &[parameter("format", Kind::Words(&["ndjson", "csv"]), "How it is written")],
        answer: Content::Other(&["application/x-ndjson", "text/csv"]),
        refusals: TAKING_A_PLACE,
        handler: || get(export),
    },
    Route {
        path: "/api/v1/tail",
        verb: Verb::Get,
        about: "Events as they arrive",
        is_question: true,
        parameters: &[],
        answer: Content::Other(&["text/event-stream"]),
        refusals: TAKING_A_PLACE,
        handler: || get(tail),
    },
    Route {
        path: "/api/v1/openapi.json",
        verb: Verb::Get,
        about: "This document",
        is_question: false,
        parameters: &[],
        answer: Content::Json(openapi::openapi),
        refusals: &[],
        handler: || get(document),
    },
];

pub(super) fn router() -> Router<Arc<App>> {
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
}

fn params(query: RawQuery) -> Params {
    Params::parse(&query.0.unwrap_or_default())
}

async fn document(State(app): State<Arc<App>>) -> Json<Value> {
    Json(openapi::document(app.access))
}

async fn ready(State(app): State<Arc<App>>) -> Answer {
    app.ask(|store| store.ready()).await.map_err(|_| ApiError::not_ready())?;
    Ok("ready\n".into_response())
}

async fn summary(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let (params, now) = (params(query), now());
    let (query, compare) = (params.query(reader.project, now)?, params.switch("compare")?);
    let answer = app.ask(move |store| questions::summary(store, &query, compare, now)).await?;
    Ok(Json(answer).into_response())
}

async fn breakdown(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let (params, now) = (params(query), now());
    let (query, compare) = (params.query(reader.project, now)?, params.switch("compare")?);
    let (by, limit) = (params.by()?, params.limit("limit", 1000, 100_000)?);
    if by.is_empty() {
        return Err(ApiError::bad_request("Say by what: by=driver,method"));
    }
    let answer =
        app.ask(move |store| questions::breakdown(store, &query, &by, limit, compare, now)).await?;
    Ok(Json(answer).into_response())
}

async fn timeseries(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let (params, now) = (params(query), now());
    let (query, by) = (params.query(reader.project, now)?, params.by()?);
    let interval = match params.one("interval")? {
        Some("hour") => Interval::Hour,
        Some("day") => Interval::Day,
        None => {
            let since = query.range.since.map_or(i64::MIN, swamp_ident::Timestamp::as_millis);
            let short = now.as_millis().saturating_sub(since) <= 3 * DAY;
            if short { Interval::Hour } else { Interval::Day }
        }
        Some(other) => {
            let message = format!("interval is hour or day, not {other:?}");
            return Err(ApiError::bad_request(message));
        }
    };
    let answer = app.ask(move |store| questions::timeseries(store, &query, interval, &by)).await?;
    Ok(Json(answer).into_response())
}

async fn runs(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let params = params(query);
    let query = params.query(reader.project, now())?;
    let limit = params.limit("limit", 50, 1000)?;
    let after =
        match params.one("after")? {
            None | Some("") => None,
            Some(text) => Some(questions::read_cursor(text).ok_or_else(|| {
                ApiError::bad_request("after is what the page before gave as next")
            })?),
        };
    let answer =
        app.ask(move |store| questions::runs(store, &query, after.as_ref(), limit)).await?;
    Ok(Json(answer).into_response())
}

async fn run(
    State(app): State<Arc<App>>,
    reader: Reader,
    id: Result<Path<String>, PathRejection>,
    query: RawQuery,
) -> Answer {
    let not_text = |_| ApiError::bad_request("The id in the address is not UTF-8");
    let Path(id) = id.map_err(not_text)?;
    let query = params(query).query(reader.project, now())?;
    let answer = app.ask(move |store| questions::run(store, &query, &id)).await?;
    Ok(Json(answer).into_response())
}

async fn errors(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let params = params(query);
    let query = params.query(reader.project, now())?;
    let limit = params.limit("limit", 100, 10_000)?;
    let answer = app.ask(move |store| questions::errors(store, &query, limit)).await?;
    Ok(Json(answer).into_response())
}

async fn slowest(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let params = params(query);
    let query = params.query(reader.project, now())?;
    let limit = params.limit("limit", 50, 1000)?;
    let answer = app.ask(move |store| questions::slowest(store, &query, limit)).await?;
    Ok(Json(answer).into_response())
}

async fn regressions(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let (params, now) = (params(query), now());
    let mut query = params.query(reader.project, now)?;
    let limit = params.limit("limit", 50, 1000)?;
    // The last day against the week before, unless told otherwise.
    let since = query.range.since.unwrap_or_else(|| now.plus_millis(-DAY));
    query.range.since = Some(since);
    let baseline = match params.time("baseline", now)? {
        Some(from) if from < since => from,
        Some(_) => return Err(ApiError::contradiction("baseline must be before since")),
        None => since.plus_millis(-7 * DAY),
    };
    let baseline = TimeRange { since: Some(baseline), until: query.range.to_hours().since };
    let answer =
        app.ask(move |store| questions::regressions(store, &query, baseline, limit)).await?;
    Ok(Json(answer).into_response())
}

async fn values(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let params = params(query);
    let by = params.by()?;
    let [dimension] = by[..] else {
        return Err(ApiError::bad_request("Say of what: by=driver"));
    };
    let project = reader.project;
    let (values, cardinality) = app
        .ask(move |store| Ok((store.values(project, dimension)?, store.cardinality(project)?)))
        .await?;
    let cardinality = cardinality.into_iter().find(|found| found.dimension == dimension.as_str());
    Ok(Json(serde_json::json!({"values": values, "cardinality": cardinality})).into_response())
}

async fn export(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let (params, now) = (params(query), now());
    let query = params.query(reader.project, now)?;
    export::export(&app, query, export::Format::parse(params.one("format")?)?, now)
}

async fn tail(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let query = params(query).query(reader.project, now())?;
    tail::stream(&app, query, tail::as_sent)
}

async fn metrics(State(app): State<Arc<App>>, observer: Observer) -> Answer {
    let rollups = app.rollup_metrics;
    let (size, calls) = app
        .ask(move |store| {
            let size = observer.sees_all.then(|| store.size()).transpose()?;
            let calls = rollups.then(|| metrics::calls(store, observer.project)).transpose()?;
            Ok((size, calls.unwrap_or_default()))
        })
        .await?;
    let own = size.map(|size| metrics::own(&app, size)).unwrap_or_default();
    let text = metrics::version() + &own + &calls;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}
