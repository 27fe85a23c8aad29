//! Which address leads where.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::auth::{Reader, now};
use super::params::Params;
use super::{ApiError, App, export, ingest, metrics, questions, tail};
use crate::query::{DAY, Interval, TimeRange};

type Answer = Result<Response, ApiError>;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/ingest", post(ingest::ingest))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/breakdown", get(breakdown))
        .route("/api/v1/timeseries", get(timeseries))
        .route("/api/v1/runs", get(runs))
        .route("/api/v1/runs/{id}", get(run))
        .route("/api/v1/errors", get(errors))
        .route("/api/v1/slowest", get(slowest))
        .route("/api/v1/regressions", get(regressions))
        .route("/api/v1/values", get(values))
        .route("/api/v1/export", get(export))
        .route("/api/v1/tail", get(tail))
        .route("/metrics", get(metrics))
}

fn params(query: RawQuery) -> Params {
    Params::parse(&query.0.unwrap_or_default())
}

async fn ready(State(app): State<Arc<App>>) -> Answer {
    app.ask(|store| store.ready()).await?;
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
    let interval = match params.get("interval") {
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
        match params.get("after") {
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
    Path(id): Path<String>,
    query: RawQuery,
) -> Answer {
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
        Some(_) => return Err(ApiError::bad_request("baseline must be before since")),
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
    export::export(&app, query, export::Format::parse(params.get("format"))?, now)
}

async fn tail(State(app): State<Arc<App>>, reader: Reader, query: RawQuery) -> Answer {
    let query = params(query).query(reader.project, now())?;
    tail::stream(&app, query, tail::as_sent)
}

async fn metrics(State(app): State<Arc<App>>, reader: Reader) -> Answer {
    let rollups = app.rollup_metrics;
    let (size, calls) = app
        .ask(move |store| {
            let calls =
                if rollups { metrics::calls(store, reader.project)? } else { String::new() };
            Ok((store.size()?, calls))
        })
        .await?;
    let text = metrics::own(&app, size) + &calls;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}
