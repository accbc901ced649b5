//! The contracts as closed JSON Schemas, and a proxy that checks both sides of a conversation.
//!
//! The schemas state the facts of the vendors' documents and are stricter where those are open: a
//! member that the contract does not name is an error in requests and in answers. This crate's
//! tests and the tests of the root package share these files; the root package includes them by
//! path.

pub(crate) mod chainloop;
mod proxy;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

pub(crate) use proxy::Recorder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    /// Segments in braces match anything.
    path: Vec<String>,
    pub(crate) query: Vec<String>,
    /// None if the request has no body.
    pub(crate) request_media_type: Option<String>,
    pub(crate) authenticated: bool,
}

pub(crate) struct Contract {
    pub(crate) operations: Vec<Operation>,
    /// By `<operation>.request` and `<operation>.response.<status>`.
    validators: HashMap<String, Validator>,
}

/// Checks a body against a profile's contract. `status` only matters for responses.
pub(crate) fn check(
    profile: &str,
    operation: &str,
    direction: Direction,
    status: u16,
    body: &Value,
) -> Result<(), String> {
    let name = match direction {
        Direction::Request => format!("{operation}.request"),
        Direction::Response => format!("{operation}.response.{status}"),
    };
    let validator = contract(profile)
        .validators
        .get(&name)
        .ok_or_else(|| format!("profile {profile} documents no {name}"))?;
    let faults: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{name} at `{}`: {error}", error.instance_path()))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

pub(crate) fn contract(profile: &str) -> &'static Contract {
    static SEED: OnceLock<Contract> = OnceLock::new();
    static INTERMEDIATE: OnceLock<Contract> = OnceLock::new();
    static CURRENT: OnceLock<Contract> = OnceLock::new();
    match profile {
        "seed" => SEED.get_or_init(|| Contract::read(include_str!("schemas/seed.json"))),
        "intermediate" => {
            INTERMEDIATE.get_or_init(|| Contract::read(include_str!("schemas/intermediate.json")))
        }
        "current" => CURRENT.get_or_init(|| Contract::read(include_str!("schemas/current.json"))),
        other => panic!("unknown profile {other}"),
    }
}

impl Contract {
    fn read(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).unwrap();
        let operations = document["operations"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, facts)| Operation::read(name, facts));
        Self {
            operations: operations.collect(),
            validators: compile(&document["$defs"], |name| {
                name.contains(".request") || name.contains(".response.")
            }),
        }
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.method == method && path_matches(&operation.path, path))
    }
}

impl Operation {
    fn read(name: &str, facts: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            name: name.to_owned(),
            method: text(&facts["method"]),
            path: text(&facts["path"]).split('/').map(str::to_owned).collect(),
            query: facts["query"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect(),
            request_media_type: facts["requestMediaType"].as_str().map(str::to_owned),
            authenticated: facts["authenticated"].as_bool().unwrap(),
        }
    }
}

/// One validator for each definition whose name is `wanted`.
pub(crate) fn compile(
    definitions: &Value,
    wanted: impl Fn(&str) -> bool,
) -> HashMap<String, Validator> {
    let names = definitions.as_object().unwrap().keys();
    let validators = names.filter(|name| wanted(name)).map(|name| {
        let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": definitions});
        (name.clone(), jsonschema::draft202012::new(&schema).unwrap())
    });
    validators.collect()
}

/// Whether a path matches a template; a segment in braces matches anything but an empty segment.
pub(crate) fn path_matches(template: &[String], path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    segments.len() == template.len()
        && template.iter().zip(segments).all(|(expected, found)| {
            if expected.starts_with('{') {
                !found.is_empty()
            } else {
                expected == found
            }
        })
}
