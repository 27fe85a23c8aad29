//! The answers that say no.

use serde_json::{Map, Value, json};

/// What any address may answer: heads that are too large, and faults of the collector.
const ANYWHERE: [u16; 3] = [414, 431, 500];

/// What a status means here.
const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "A part of the request is not understood",
        401 => "No key, or one that opens nothing",
        403 => "The key is for something else",
        404 => "There is no such thing",
        408 => "The body took too long to arrive",
        413 => "The body is too large, or has too many events",
        414 => "The address is too long",
        415 => "The body is of a kind, or packed in a way, that is not accepted",
        422 => "Each part is understood, and together they make no sense",
        429 => "There is too much to do; come back later",
        431 => "The head of the request is too large",
        500 => "A fault of the collector",
        503 => "The store takes or gives nothing now; come back later",
        _ => "An error",
    }
}

/// The documents for these statuses and those of any address.
pub(super) fn responses(statuses: &[u16]) -> Map<String, Value> {
    let error = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
    let mut statuses: Vec<u16> = statuses.iter().copied().chain(ANYWHERE).collect();
    statuses.sort_unstable();
    statuses
        .into_iter()
        .map(|status| {
            let mut response = json!({"description": meaning(status), "content": error});
            match status {
                401 => {
                    let scheme = json!({"description": "How to show a key", "required": true,
                        "schema": {"type": "string"}});
                    response["headers"] = json!({"WWW-Authenticate": scheme});
                }
                429 | 503 => {
                    let seconds = json!({"description": "When to come back, in seconds",
                        "required": true, "schema": {"type": "integer", "minimum": 1}});
                    response["headers"] = json!({"Retry-After": seconds});
                }
                _ => {}
            }
            (status.to_string(), response)
        })
        .collect()
}
