//! Validation of policies: the rules of the vendor's published schema, and rules that the schema
//! leaves out.

use serde_json::{Map, Value};

const API_VERSIONS: [&str; 2] = ["chainloop.dev/v1", "workflowcontract.chainloop.dev/v1"];

/// The material kinds that a script can have. ARTIFACT is a material kind, but policies cannot use
/// it.
const KINDS: &str = "STRING CONTAINER_IMAGE SBOM_CYCLONEDX_JSON SBOM_SPDX_JSON JUNIT_XML OPENVEX HELM_CHART SARIF \
    EVIDENCE ATTESTATION CSAF_VEX CSAF_INFORMATIONAL_ADVISORY CSAF_SECURITY_ADVISORY CSAF_SECURITY_INCIDENT_RESPONSE \
    GITLAB_SECURITY_REPORT ZAP_DAST_ZIP BLACKDUCK_SCA_JSON TWISTCLI_SCAN_JSON GHAS_CODE_SCAN GHAS_SECRET_SCAN \
    GHAS_DEPENDENCY_SCAN JACOCO_XML SLSA_PROVENANCE CHAINLOOP_RUNNER_CONTEXT CHAINLOOP_PR_INFO GITLEAKS_JSON \
    CHAINLOOP_AI_AGENT_CONFIG CHAINLOOP_AI_CODING_SESSION OPENAPI_SPEC ASYNCAPI_SPEC GRAPHQL_SPEC \
    YELP_DETECT_SECRETS_BASELINE SYSINTERNALS_SIGCHECK SYSINTERNALS_ACCESSCHK CERTCC_DRANZER OSSF_SCORECARD_JSON \
    RADAMSA_REPORT RADAMSA_CRASHES TRUFFLEHOG_JSON COBERTURA_XML CHECKMARX_JSON";

type ShapeResult = Result<(), String>;
type JsonObject = Map<String, Value>;

/// Validates a policy. Returns its name and the organization that it names.
pub(super) fn policy(value: &Value) -> Result<(String, Option<String>), String> {
    let members = object(value, "the policy")?;
    check_known_members(
        members,
        "the policy",
        &["apiVersion", "api_version", "kind", "metadata", "spec"],
    )?;
    let version = field_in_either_spelling(members, "apiVersion", "api_version")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !API_VERSIONS.contains(&version) {
        return Err(format!(
            "apiVersion: must be one of {}",
            API_VERSIONS.join(", ")
        ));
    }
    if members.get("kind").and_then(Value::as_str) != Some("Policy") {
        return Err("kind: must be Policy".to_owned());
    }
    let metadata = object(members.get("metadata").unwrap_or(&Value::Null), "metadata")?;
    let name = metadata_of(metadata)?;
    spec(object(members.get("spec").unwrap_or(&Value::Null), "spec")?)?;
    Ok((
        name,
        metadata
            .get("organization")
            .and_then(Value::as_str)
            .map(str::to_owned),
    ))
}

fn metadata_of(metadata: &JsonObject) -> Result<String, String> {
    let all = [
        "name",
        "description",
        "annotations",
        "organization",
        "findingType",
        "finding_type",
        "displayName",
        "display_name",
    ];
    check_known_members(metadata, "metadata", &all)?;
    let name = metadata
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(inner) || name.starts_with('-') || name.ends_with('-') {
        return Err("metadata.name: must be a DNS-1123 label".to_owned());
    }
    if let Some(annotations) = metadata.get("annotations") {
        let annotations = object(annotations, "metadata.annotations")?;
        if let Some((key, _)) = annotations.iter().find(|(_, value)| !value.is_string()) {
            return Err(format!("metadata.annotations.{key}: must be a string"));
        }
    }
    Ok(name.to_owned())
}

fn spec(spec: &JsonObject) -> ShapeResult {
    check_known_members(
        spec,
        "spec",
        &[
            "path",
            "embedded",
            "type",
            "policies",
            "inputs",
            "autoMatch",
            "auto_match",
        ],
    )?;
    let old = ["path", "embedded"]
        .iter()
        .filter(|key| spec.contains_key(**key))
        .count();
    let scripts = match spec.get("policies") {
        None => &[][..],
        Some(value) => value.as_array().ok_or("spec.policies: must be a list")?,
    };
    if old + usize::from(spec.contains_key("policies")) != 1 || (old == 0 && scripts.is_empty()) {
        return Err(
            "spec: exactly one of path, embedded and policies is required, and policies must not be empty".to_owned()
        );
    }
    for (index, script) in scripts.iter().enumerate() {
        let place = format!("spec.policies[{index}]");
        let script = object(script, &place)?;
        check_known_members(
            script,
            &place,
            &[
                "path",
                "embedded",
                "ref",
                "kind",
                "attestationPhases",
                "attestation_phases",
            ],
        )?;
        sources(script, &place)?;
        kind(script.get("kind"), &place)?;
    }
    if old == 1 {
        sources(spec, "spec")?;
        kind(spec.get("type").or(Some(&Value::from("SARIF"))), "spec")?;
    }
    if let Some(auto) = field_in_either_spelling(spec, "autoMatch", "auto_match") {
        sources(object(auto, "spec.autoMatch")?, "spec.autoMatch")?;
    }
    inputs(spec.get("inputs"))
}

/// A script is embedded or at a URL that the service can fetch. A path on the client's machine is
/// invalid.
fn sources(script: &JsonObject, place: &str) -> ShapeResult {
    let named: Vec<&str> = ["path", "embedded", "ref"]
        .into_iter()
        .filter(|key| script.contains_key(*key))
        .collect();
    let [source] = named.as_slice() else {
        return Err(format!(
            "{place}: exactly one of path, embedded and ref is required"
        ));
    };
    let text = script
        .get(*source)
        .and_then(Value::as_str)
        .unwrap_or_default();
    if text.is_empty() {
        return Err(format!("{place}.{source}: must be a string"));
    }
    let is_remote = text.starts_with("https://") || text.starts_with("http://");
    if *source != "embedded" && !is_remote {
        return Err(format!(
            "{place}.{source}: `{text}` cannot be read by the server; embed the script"
        ));
    }
    Ok(())
}

fn kind(kind: Option<&Value>, place: &str) -> ShapeResult {
    match kind.and_then(Value::as_str) {
        Some(kind) if KINDS.split_whitespace().any(|known| known == kind) => Ok(()),
        Some(kind) => Err(format!("{place}.kind: unknown material kind `{kind}`")),
        None => Err(format!("{place}.kind: is required")),
    }
}

fn inputs(inputs: Option<&Value>) -> ShapeResult {
    let Some(inputs) = inputs else { return Ok(()) };
    for (index, input) in inputs
        .as_array()
        .ok_or("spec.inputs: must be a list")?
        .iter()
        .enumerate()
    {
        let place = format!("spec.inputs[{index}]");
        let input = object(input, &place)?;
        check_known_members(
            input,
            &place,
            &["name", "description", "required", "default"],
        )?;
        let name = input
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fits = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fits {
            return Err(format!(
                "{place}.name: must be letters, digits and underscores, a letter first"
            ));
        }
        if input.get("required") == Some(&Value::Bool(true)) && input.contains_key("default") {
            return Err(format!("{place}: a required input has no default"));
        }
    }
    Ok(())
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v JsonObject, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{place}: must be an object"))
}

fn field_in_either_spelling<'v>(
    members: &'v JsonObject,
    camel: &str,
    snake: &str,
) -> Option<&'v Value> {
    members.get(camel).or_else(|| members.get(snake))
}

fn check_known_members(members: &JsonObject, place: &str, all: &[&str]) -> ShapeResult {
    match members.keys().find(|key| !all.contains(&key.as_str())) {
        Some(key) => Err(format!("{place}: unknown field `{key}`")),
        None => Ok(()),
    }
}
