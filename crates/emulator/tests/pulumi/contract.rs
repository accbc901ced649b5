//! Checks answers of Pulumi Cloud against the contract.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::shared::contract::{compile, path_matches};

/// Statuses that every operation may answer with, even if undocumented.
const GENERAL: [u16; 8] = [400, 401, 403, 404, 413, 415, 429, 500];

struct Contract {
    operations: Vec<Operation>,
    /// By schema name.
    validators: HashMap<String, Validator>,
}

struct Operation {
    name: String,
    method: String,
    /// Segments in braces match anything.
    path: Vec<String>,
    /// The schema of each status's answer; none if it has no body.
    responses: HashMap<u16, Option<String>>,
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let document: Value =
            serde_json::from_str(include_str!("../shared/contract/schemas/pulumi.json")).unwrap();
        let operations = document["operations"].as_object().unwrap().iter();
        let operations = operations.map(|(name, facts)| Operation {
            name: name.clone(),
            method: facts["method"].as_str().unwrap().to_owned(),
            path: facts["path"]
                .as_str()
                .unwrap()
                .split('/')
                .map(str::to_owned)
                .collect(),
            responses: facts["responses"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(status, schema)| {
                    (status.parse().unwrap(), schema.as_str().map(str::to_owned))
                })
                .collect(),
        });
        Contract {
            operations: operations.collect(),
            validators: compile(&document["$defs"], |_| true),
        }
    })
}

pub(crate) fn operations() -> Vec<&'static str> {
    contract()
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect()
}

/// The operation of a request. The registry's paths may contain the reference page's `preview`.
fn operation(method: &str, path: &str) -> Option<&'static Operation> {
    let path = path
        .split('?')
        .next()
        .unwrap_or_default()
        .replace("/api/preview/registry/", "/api/registry/");
    let found: Vec<&Operation> = contract()
        .operations
        .iter()
        .filter(|operation| operation.method == method && path_matches(&operation.path, &path))
        .collect();
    // `metadata` takes precedence over the name of a group.
    found.into_iter().min_by_key(|operation| {
        operation
            .path
            .iter()
            .filter(|part| part.starts_with('{'))
            .count()
    })
}

/// Checks an answer against the contract; `text` is its body.
pub(crate) fn check(method: &str, path: &str, status: u16, text: &str) -> Result<(), String> {
    let Some(operation) = operation(method, path) else {
        let plain = serde_json::from_str::<Value>(text).is_err();
        return if status == 404 && plain {
            Ok(())
        } else {
            Err(format!("{method} {path} is in no contract: {status}"))
        };
    };
    let name = &operation.name;
    // For some operations of the registry, only the errors are documented.
    let is_told = operation.responses.keys().any(|status| *status < 300);
    let schema = match operation.responses.get(&status) {
        Some(schema) if status < 300 => schema.as_deref(),
        Some(_) => Some("Error"),
        None if !is_told && status < 300 => return Ok(()),
        None if !is_told || GENERAL.contains(&status) => Some("Error"),
        None => return Err(format!("{name} documents no {status}: {text}")),
    };
    match schema {
        None if text.is_empty() => Ok(()),
        None => Err(format!("{name} answers {status} with a body: {text}")),
        Some(schema) => {
            let body: Value =
                serde_json::from_str(text).map_err(|error| format!("{name} {status}: {error}"))?;
            let wrong = contract().validators[schema]
                .iter_errors(&body)
                .map(|error| {
                    format!(
                        "{name} {status} does not match {schema} at `{}`: {error}",
                        error.instance_path()
                    )
                });
            let wrong: Vec<String> = wrong.collect();
            if wrong.is_empty() {
                Ok(())
            } else {
                Err(wrong.join("; "))
            }
        }
    }
}

#[test]
fn the_check_tells_answers_of_the_contract_from_others() {
    let groups = "/api/orgs/o/policygroups";
    let group = r#"{"name":"g","isOrgDefault":false,"entityType":"stacks","mode":"audit","stacks":[],"accounts":[],
                    "appliedPolicyPacks":[]}"#;
    for (method, path, status, text, good) in [
        ("GET", &*format!("{groups}/g"), 200, group, true),
        (
            "GET",
            &format!("{groups}/g"),
            200,
            &group.replace("audit", "strict"),
            false,
        ),
        (
            "GET",
            &format!("{groups}/g"),
            200,
            &group.replace("accounts", "acounts"),
            false,
        ),
        ("GET", &format!("{groups}/metadata"), 200, group, false),
        (
            "GET",
            &format!("{groups}/g"),
            404,
            r#"{"code":404,"message":"m"}"#,
            true,
        ),
        (
            "GET",
            &format!("{groups}/g"),
            404,
            r#"{"error":"m"}"#,
            false,
        ),
        (
            "GET",
            &format!("{groups}/g"),
            409,
            r#"{"code":409,"message":"m"}"#,
            false,
        ),
        ("POST", groups, 409, r#"{"code":409,"message":"m"}"#, true),
        ("POST", groups, 204, "", true),
        ("POST", groups, 204, "{}", false),
        ("POST", groups, 201, "", false),
        (
            "DELETE",
            "/api/preview/registry/policypacks/private/o/p",
            204,
            "",
            true,
        ),
        (
            "DELETE",
            "/api/registry/policypacks/private/o/p",
            404,
            "no",
            false,
        ),
        ("GET", "/api/nothing", 404, "404 page not found", true),
        (
            "GET",
            "/api/nothing",
            404,
            r#"{"code":404,"message":"m"}"#,
            false,
        ),
    ] {
        let result = check(method, path, status, text);
        assert_eq!(
            result.is_ok(),
            good,
            "{method} {path} {status} {text}: {result:?}"
        );
    }
}
