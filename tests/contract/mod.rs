//! The contract as closed JSON Schemas, one file a profile, and a proxy that holds both sides of a conversation to it.
//!
//! The schemas state the facts of the three OpenAPI texts and are stricter where those are open: a member that the
//! contract does not name is an error in requests and answers alike. `pulumi` holds the answers of Pulumi Cloud to its
//! contract, `chainloop` those of Chainloop.

pub(crate) mod chainloop;
mod proxy;
pub(crate) mod pulumi;
mod schemas;
mod through_the_proxy;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

pub(crate) use proxy::Recorder;

/// Which half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// How an operation is called.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    /// Segments in braces stand for anything.
    path: Vec<String>,
    pub(crate) query: Vec<String>,
    /// None: the request has no body.
    pub(crate) request_media_type: Option<String>,
    pub(crate) authenticated: bool,
}

/// A profile's contract.
pub(crate) struct Contract {
    pub(crate) operations: Vec<Operation>,
    /// By `<operation>.request` and `<operation>.response.<status>`.
    validators: HashMap<String, Validator>,
}

/// Checks one body against a profile's contract; `status` matters for responses only.
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

/// The contract of a profile.
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
        other => panic!("there is no profile {other}"),
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
        let definitions = document["$defs"].as_object().unwrap();
        let bodies = definitions
            .keys()
            .filter(|name| name.contains(".request") || name.contains(".response."));
        let validators = bodies.map(|name| {
            let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": definitions});
            (name.clone(), jsonschema::draft202012::new(&schema).unwrap())
        });
        Self {
            operations: operations.collect(),
            validators: validators.collect(),
        }
    }

    /// The operation that a request calls.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.method == method && operation.is_at(path))
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

    fn is_at(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        segments.len() == self.path.len()
            && self.path.iter().zip(segments).all(|(expected, found)| {
                if expected.starts_with('{') {
                    !found.is_empty()
                } else {
                    expected == found
                }
            })
    }
}
