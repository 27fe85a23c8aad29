//! Who sends: a random id in `identity.json`, made when there is somewhere to send to.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use swamp_ident::{IdSource, Timestamp};

use crate::private_file;

/// Name of the file, shared with the original.
const FILE: &str = "identity.json";

/// The id of the user, if there is one already.
pub(crate) fn read(config: &Path) -> Option<String> {
    match look(config) {
        Found::Id(id) => Some(id),
        _ => None,
    }
}

/// The id of the user; made when there is none. `None` when what is there cannot be understood: it
/// is left alone, and the repository's id stands in.
pub(crate) fn ensure(
    config: &Path,
    ids: &dyn IdSource,
    now: Timestamp,
) -> io::Result<Option<String>> {
    let is_there = match look(config) {
        Found::Id(id) => return Ok(Some(id)),
        Found::Strange => return Ok(None),
        Found::NoId => true,
        Found::Nothing => false,
    };
    let id = ids.uuid().to_string();
    let text = json!({"userId": id, "createdAt": now.to_string()});
    let text = format!("{}\n", serde_json::to_string_pretty(&text)?);
    let path = config.join(FILE);
    if is_there {
        private_file::replace(&path, text.as_bytes())?;
    } else {
        // Another process may be quicker; then its id counts.
        private_file::create(&path, text.as_bytes())?;
    }
    Ok(read(config))
}

enum Found {
    Id(String),
    /// An object without one.
    NoId,
    /// No JSON object, or no file.
    Strange,
    Nothing,
}

fn look(config: &Path) -> Found {
    let text = match private_file::read(&config.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(_) => return Found::Strange,
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(keys)) => match keys.get("userId").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => Found::Id(id.to_owned()),
            _ => Found::NoId,
        },
        _ => Found::Strange,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use swamp_ident::RandomIds;

    use super::*;

    #[test]
    fn an_identity_is_made_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("swamp");
        let now = Timestamp::from_millis(0);
        assert_eq!(read(&config), None);
        let id = ensure(&config, &RandomIds, now).unwrap().unwrap();
        assert_eq!(ensure(&config, &RandomIds, now).unwrap().as_ref(), Some(&id));
        assert_eq!(read(&config), Some(id.clone()));
        let file = config.join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\n  \"userId\": \"{id}\",\n  \"createdAt\": \"1970-01-01T00:00:00.000Z\"\n}}\n"
            )
        );
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_identity_is_replaced_only_if_it_is_an_object() {
        let now = Timestamp::from_millis(0);
        for (text, replaced) in
            [(r#"{"userId": ""}"#, true), ("{}", true), ("not json", false), ("[]", false)]
        {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(FILE), text).unwrap();
            let id = ensure(home.path(), &RandomIds, now).unwrap();
            assert_eq!(id.is_some(), replaced, "{text}");
            let after = fs::read_to_string(home.path().join(FILE)).unwrap();
            assert_eq!(after != text, replaced, "{text}");
        }
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(FILE)).unwrap();
        assert_eq!(ensure(home.path(), &RandomIds, now).unwrap(), None);
    }
}
