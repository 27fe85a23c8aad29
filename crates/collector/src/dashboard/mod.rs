//! The web pages: addresses in, pages of `swamp-dashboard` out.
//!
//! A page is made on a thread that may block: it asks the store the questions of the API and fills
//! the figures of the page. What can go wrong ends in a page too, and who is not signed in is led
//! to the login.

mod fill;
mod live;
mod pages;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use swamp_dashboard::page::Message;
use swamp_dashboard::{Page, Shell, View, asset};

use crate::api::auth::{Reader, now};
use crate::api::params::Params;
use crate::api::{ApiError, App};
use crate::error::CollectorError;
use crate::query::Query;
use crate::store::Store;

pub(crate) fn router() -> Router<Arc<App>> {
    let mut router = Router::new()
        .route("/", page(pages::overview))
        .route("/breakdown", page(pages::breakdown))
        .route("/methods", page(pages::methods))
        .route("/workflows", page(pages::workflows))
        .route("/runs", page(pages::runs))
        .route("/runs/{id}", get(run))
        .route("/errors", page(pages::errors))
        .route("/slowest", page(pages::slowest))
        .route("/live", page(live::page))
        .route("/live/events", get(live::events))
        .merge(session::router());
    for file in asset::ALL {
        router = router.route(
            file.path,
            get(async move || {
                let headers = [
                    (header::CONTENT_TYPE, file.media_type),
                    // Its address in the pages changes with its content.
                    (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                ];
                (headers, file.content)
            }),
        );
    }
    router
}

/// What a page is made of, besides the store.
struct Request {
    shell: Shell,
    query: Query,
    params: Params,
}

/// How a page is made.
type Make = fn(&dyn Store, &Request) -> Result<String, CollectorError>;

fn page(make: Make) -> axum::routing::MethodRouter<Arc<App>> {
    get(async move |State(app): State<Arc<App>>, visitor: Visitor, query: RawQuery| {
        render(&app, visitor, query, make).await
    })
}

async fn run(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    id: Result<Path<String>, PathRejection>,
    query: RawQuery,
) -> Response {
    let Ok(Path(id)) = id else {
        let error = ApiError::bad_request("The id in the address is not UTF-8");
        return problem(&error, &visitor.shell());
    };
    render(&app, visitor, query, move |store, request| pages::run(store, request, &id)).await
}

async fn render(
    app: &Arc<App>,
    visitor: Visitor,
    query: RawQuery,
    make: impl FnOnce(&dyn Store, &Request) -> Result<String, CollectorError> + Send + 'static,
) -> Response {
    let params = Params::parse(&query.0.unwrap_or_default());
    let mut shell = visitor.shell();
    match View::read(params.pairs(), shell.now) {
        Ok(view) => shell.view = view,
        Err(error) => {
            let message = Message {
                title: "This address is not understood".to_owned(),
                text: error.to_string(),
                remedy: None,
            };
            return (StatusCode::BAD_REQUEST, Html(message.render(&shell))).into_response();
        }
    }
    let query = fill::query(&shell.view, visitor.reader.project, shell.now);
    let (plain, key) = (shell.clone(), visitor.reader.key.clone());
    let answer = app
        .ask(move |store| {
            let project = query.project;
            shell.has_events =
                !store.values(project, crate::dimension::Dimension::Platform)?.is_empty();
            // Who has no key sees one project of possibly many; it says which if it is asked for.
            if key.is_some() {
                let projects = store.projects()?;
                shell.project = projects
                    .into_iter()
                    .find(|found| found.number == project)
                    .map(|found| found.name);
            } else {
                shell.project.clone_from(&shell.view.project);
            }
            make(store, &Request { shell, query, params })
        })
        .await;
    match answer {
        Ok(page) => Html(page).into_response(),
        Err(error) => problem(&error, &plain),
    }
}

/// An error as a page.
fn problem(error: &ApiError, shell: &Shell) -> Response {
    let (title, remedy) = match error.status {
        StatusCode::NOT_FOUND => (
            "Not found",
            "It may be older than what the collector keeps, or belong to another project.",
        ),
        StatusCode::FORBIDDEN => ("Not allowed", ""),
        StatusCode::TOO_MANY_REQUESTS => ("Too busy", "Load the page again in a few seconds."),
        status if status.is_client_error() => ("This address is not understood", ""),
        _ => (
            "The page could not be made",
            "Load it again; if that does not help, look at the log of the collector.",
        ),
    };
    let message = Message {
        title: title.to_owned(),
        text: format!("{}.", error.message.trim_end_matches('.')),
        remedy: (!remedy.is_empty()).then(|| remedy.to_owned()),
    };
    (error.status, Html(message.render(shell))).into_response()
}

/// The page for an address that leads nowhere. It shows nothing of the store, so that it is the same
/// for those who may not look.
pub(crate) fn nothing_here(app: &App, headers: &HeaderMap, error: &ApiError) -> Response {
    let message = Message {
        title: "Not found".to_owned(),
        text: format!("{}.", error.message),
        remedy: Some("It may be mistyped, or from a link to another version.".to_owned()),
    };
    (error.status, Html(message.render(&shell(&origin(app, headers), false)))).into_response()
}

/// Somebody who may look, and where they reached us.
struct Visitor {
    reader: Reader,
    origin: String,
}

impl Visitor {
    fn shell(&self) -> Shell {
        shell(&self.origin, self.reader.key.is_some())
    }
}

fn shell(origin: &str, signed_in: bool) -> Shell {
    Shell {
        view: View::default(),
        now: now(),
        origin: origin.to_owned(),
        project: None,
        signed_in,
        has_events: true,
    }
}

/// Where a request reached this collector, as far as it says.
fn origin(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if app.secure { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let origin = origin(app, &parts.headers);
        match Reader::from_request_parts(parts, app).await {
            Ok(reader) => Ok(Self { reader, origin }),
            Err(error) if error.status == StatusCode::UNAUTHORIZED => {
                let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
                let expired = crate::api::auth::has_session(&parts.headers);
                Err(see_other(&session::address(asked, expired)))
            }
            Err(error) => Err(problem(&error, &shell(&origin, false))),
        }
    }
}

/// Leads a browser elsewhere.
fn see_other(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// The address of the overview.
fn home() -> String {
    View::default().link(Page::Overview)
}
