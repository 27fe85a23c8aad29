//! `GET /api/v1/openapi.json`: the API described for programs (OpenAPI 3.1), made of the same table as
//! the router.

mod answers;
mod refusals;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub(super) use answers::{
    breakdown, errors, openapi, regressions, results, run, runs, slowest, summary, timeseries,
    values,
};

use super::auth::Access;
use super::routes::{Content, ROUTES, Route, Verb};
use crate::dimension::Dimension;

/// A parameter in the query of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub value: Kind,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it does.
    pub about: &'static str,
}

/// What may stand in a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number from 1 to this one.
    UpTo(u32),
    /// `true` or `false`.
    Switch,
    /// Dimensions, separated by commas.
    Dimensions,
    /// One dimension.
    Dimension,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A time, a day, or a distance from now.
    Time,
    /// The place of a run in the list of all.
    Cursor,
    /// Any text.
    Text,
}

impl Kind {
    fn schema(self) -> Value {
        let names = || Dimension::ALL.map(Dimension::as_str);
        match self {
            Self::UpTo(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
            Self::Switch => json!({"anyOf": [{"type": "boolean"},
                {"enum": ["1", "0", ""], "description": "1, or no value, is as good as true"}]}),
            Self::Dimensions => {
                json!({"type": "array", "minItems": 1,
                    "items": {"type": "string", "enum": names()}})
            }
            Self::Dimension => json!({"type": "string", "enum": names()}),
            Self::Words(words) => json!({"type": "string", "enum": words}),
            Self::Time => json!({"anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "format": "date", "description": "The beginning of a day, in UTC"},
                {"type": "string", "pattern": "^([0-9]{1,6}[smhdw])?$",
                    "description": "A distance from now: 15m, 24h, 7d; nothing is as good as absent"},
            ]}),
            Self::Cursor => json!({"type": "string", "pattern": "^([0-9]{1,15}~.+)?$"}),
            Self::Text => json!({"type": "string"}),
        }
    }
}

/// What every question takes besides a filter for each dimension.
const RANGE: [Parameter; 3] = [
    Parameter { name: "since", value: Kind::Time, is_required: false, about: "The beginning" },
    Parameter { name: "until", value: Kind::Time, is_required: false, about: "The end" },
    Parameter {
        name: "project",
        value: Kind::Text,
        is_required: false,
        about: "The project, for callers without a key",
    },
];

/// The document of a collector that lets these in.
pub(super) fn document(access: Access) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let verb = match route.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[verb] = operation(route);
    }
    let mut security = vec![json!({"key": []}), json!({"bearer": []})];
    if access == Access::Loopback {
        // No key is as good as one.
        security.push(json!({}));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "swamp collector",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Telemetry of method calls. Durations are milliseconds, times are UTC.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Error": answers::error(), "Event": answers::event()},
        },
        "security": security,
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if let Some((_, rest)) = route.path.split_once('{') {
        let name = rest.trim_end_matches('}');
        let schema = json!({"type": "string", "minLength": 1});
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    let mut add = |parameter: &Parameter| {
        let mut value = json!({
            "name": parameter.name, "in": "query", "required": parameter.is_required,
            "description": parameter.about, "schema": parameter.value.schema(),
        });
        if parameter.value == Kind::Dimensions {
            (value["style"], value["explode"]) = (json!("form"), json!(false));
        }
        parameters.push(value);
    };
    if route.is_question {
        for parameter in &RANGE {
            add(parameter);
        }
    }
    for parameter in route.parameters {
        add(parameter);
    }
    if route.is_question {
        for dimension in Dimension::ALL {
            parameters.push(json!({
                "name": dimension.as_str(), "in": "query", "required": false,
                "description": "Any of these values; an empty one means \"has none\"",
                "schema": {"type": "array", "items": {"type": "string"}},
            }));
        }
    }
    let content = match route.answer {
        Content::Json(schema) => json!({"application/json": {"schema": schema()}}),
        Content::Other(kinds) => {
            kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>().into()
        }
    };
    let status = if route.verb == Verb::Post { "202" } else { "200" };
    let mut responses = refusals::responses(route.refusals);
    responses.insert(status.to_owned(), json!({"description": "The answer", "content": content}));
    responses.sort_keys();
    let mut operation =
        json!({"summary": route.about, "parameters": parameters, "responses": responses});
    if !route.refusals.contains(&401) {
        operation["security"] = json!([]);
    }
    if route.verb == Verb::Post {
        operation["requestBody"] = json!({
            "required": true, "content": {"application/json": {"schema": answers::events()}},
        });
    }
    operation
}
