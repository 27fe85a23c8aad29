use std::path::Path;

use serde_json::json;
use swamp_ident::{MethodName, TypeName};

use super::Definition;

const FULL: &str = "\
type: COMMAND::shell
typeVersion: 2026.02.09.1
id: 55555555-5555-4555-8555-555555555555
name: greeter
version: 3
tags: {team: infra}
globalArguments: {since: 2026-11-22, list: [1]}
inputs:
  properties:
    who: {type: string, default: world}
  required: [count]
methods:
  execute:
    arguments:
      run: echo ${{ inputs.who }}
    unknown: dropped
checks: {require: [a], skip: [], other: 1}
reports:
  require: ['@swamp/x', {name: y, methods: [execute], z: 1}]
driver: raw
driverConfig: {a: 1}
unknownKey: dropped
";

fn parse(text: &str) -> Result<Definition, String> {
    Definition::parse(text, Path::new("/r/models/x.yaml"), None).map_err(|error| error.to_string())
}

#[test]
fn a_definition_with_every_key_is_read_and_written_back() {
    let definition = parse(FULL).unwrap();
    assert_eq!(definition.type_name.as_str(), "command/shell");
    assert_eq!(definition.type_version.as_deref(), Some("2026.02.09.1"));
    let run = definition.method_arguments(&MethodName::new("execute")).unwrap();
    assert_eq!(run["run"], json!("echo ${{ inputs.who }}"));
    assert_eq!(definition.method_arguments(&MethodName::new("other")), None);
    let value = definition.to_value();
    assert_eq!(
        value,
        json!({
            "type": "command/shell",
            "typeVersion": "2026.02.09.1",
            "id": "55555555-5555-4555-8555-555555555555",
            "name": "greeter",
            "version": 3,
            "tags": {"team": "infra"},
            "globalArguments": {"since": "2026-11-22", "list": [1]},
            "methods": {"execute": {"arguments": {"run": "echo ${{ inputs.who }}"}}},
            "inputs": {"properties": {"who": {"type": "string", "default": "world"}}, "required": ["count"]},
            "checks": {"require": ["a"], "skip": []},
            "reports": {"require": ["@swamp/x", {"name": "y", "methods": ["execute"]}]},
            "driver": "raw",
            "driverConfig": {"a": 1},
        })
    );
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "type",
            "typeVersion",
            "id",
            "name",
            "version",
            "tags",
            "globalArguments",
            "methods",
            "inputs",
            "checks",
            "reports",
            "driver",
            "driverConfig"
        ]
    );
    assert_eq!(parse(&swamp_yaml::to_string(&value)), Ok(definition));
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let head = "id: 55555555-5555-4555-8555-555555555555\nname: x\nversion: 1\ntype: a\n";
    let with = |line: &str| format!("{head}{line}\n");
    for (text, want) in [
        (String::new(), "1:1: a definition must be a mapping, not empty"),
        ("- x\n".to_owned(), "1:1: a definition must be a mapping, not a list"),
        (head.replace("type: a\n", ""), "1:1: 'type' is missing"),
        (head.replace("type: a", "type: '..'"), "4:7: 'type' is not a usable"),
        (
            head.replace("type: a", "type: 1"),
            "4:7: 'type' must be a text, not a number; put quotes",
        ),
        (head.replace("name: x\n", ""), "1:1: 'name' is missing"),
        (head.replace("name: x", "name: ''"), "2:7: a name must have"),
        (head.replace("name: x", "name: a/b"), "2:7: a name must not contain"),
        (
            head.replace("name: x", "name: 2026-11-22"),
            "2:7: 'name' must be a text; put quotes around this date",
        ),
        (head.replace("5555-5555-", ""), "1:5: 'id' is"),
        (head.replace("version: 1", "version: 0"), "3:10: 'version' must be"),
        (head.replace("version: 1", "version: '1'"), "3:10: 'version' must be"),
        (head.replace("version: 1\n", ""), "1:1: 'version' is missing"),
        (with("tags: {tier: 1}"), "5:14: 'tags.tier' must be a text, not a number"),
        (with("tags: {at: 2026-11-22}"), "5:12: 'tags.at' must be a text; put quotes"),
        (with("globalArguments:"), "'globalArguments' must be a mapping, not empty; write '{}'"),
        (with("methods: [x]"), "5:10: 'methods' must be a mapping, not a list"),
        (with("methods: {execute: x}"), "5:20: 'methods.execute' must be a mapping"),
        (
            with("methods: {execute: {arguments: }}"),
            "'methods.execute.arguments' must be a mapping, not empty",
        ),
        (with("inputs: 1"), "5:9: 'inputs' must be a mapping"),
        (with("checks: {skip: x}"), "5:16: 'checks.skip' must be a list, not a text"),
        (
            with("checks: {require: [{name: x}]}"),
            "5:20: 'checks.require[0]' must be a text, not a mapping",
        ),
        (with("reports: {require: [{}]}"), "5:21: a required report must have a 'name'"),
        (
            with("reports: {require: [{name: x, methods: [1]}]}"),
            "5:41: 'reports.require[0].methods[0]' must be a text",
        ),
        (with("driver: 1"), "5:9: 'driver' must be a text"),
        (with("name: y"), "5:1: duplicated key"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.starts_with("/r/models/x.yaml:"), "{error}");
        assert!(error.contains(want), "{text}\n{error}\n{want}");
    }
}

#[test]
fn the_type_can_come_from_the_directory_and_a_bare_version_counts_as_absent() {
    let text = "id: 55555555-5555-4555-8555-555555555555\nname: x\nversion: 1\ntypeVersion: 2026\n";
    let shell = TypeName::normalised("command/shell");
    let definition = Definition::parse(text, Path::new("x"), Some(&shell)).unwrap();
    assert_eq!(definition.type_name, shell);
    assert_eq!(definition.type_version, None);
}

#[test]
fn the_hash_covers_the_stored_definition_without_its_type() {
    // The values were computed by the other implementation.
    for (text, want) in [
        (
            "type: command/shell\nid: 27a88a91-3bfe-4c56-8d55-ac6753817ad3\nname: hashed\nversion: 1\ntags: {b: \"2\", a: \"1\"}\nglobalArguments: {list: [1, 2.5, true, null], umlaut: grün}\nmethods: {execute: {arguments: {run: echo hashed}}}\n",
            "fa8beed38e0551e5218214c0ba3162d1b0665f60b8cecfdae70609e2a5456712",
        ),
        (
            "type: command/shell\nid: a3f4f127-6cc6-4963-8803-ed45b79cae38\nname: hashed-expr\nversion: 1\nmethods: {execute: {arguments: {run: \"echo ${{ self.name }} x\"}}}\n",
            "6337bc58d84b039c85412b9aa6397bc1e8899d23a4d81a91d40ef99dea3719b3",
        ),
    ] {
        let mut definition = parse(text).unwrap();
        assert_eq!(definition.hash(), want);
        definition.type_version = Some("2026.02.09.1".to_owned());
        assert_eq!(definition.hash(), want);
    }
}
