//! Audit records (contract: docker/AUDIT, "Record"), from machines and from the Audit Logs API.

use jiff::Timestamp;
use model::docker::{Method, Transport};
use serde_json::{Map, Value};

use super::request::{Request, connection, http, mcp, mount, name, port};
use crate::aggregate::Observation;
use crate::kind::RecordedDecision;
use crate::skipped::SkipReason;

/// An audit record of a decision about a request.
pub(super) struct AuditRecord {
    /// The identifier of the event, if it is a UUID.
    pub(super) event: Option<u128>,
    pub(super) observation: Observation,
}

/// The fields of a record. Where the API does not place a field of the record, it may be in `payload`.
struct AuditFields<'v> {
    top: &'v Map<String, Value>,
    payload: Option<&'v Map<String, Value>>,
}

impl<'v> AuditFields<'v> {
    fn new(value: &'v Value) -> Result<Self, SkipReason> {
        let top = value.as_object().ok_or(SkipReason::InvalidRecord)?;
        let payload = match top.get("payload") {
            None | Some(Value::Null) => None,
            Some(Value::Object(payload)) => Some(payload),
            Some(_) => return Err(SkipReason::InvalidRecord),
        };
        Ok(Self { top, payload })
    }

    /// A string at the top level or in the payload. Empty strings count as missing.
    fn text(&self, field: &str) -> Result<Option<&'v str>, SkipReason> {
        let at_top = text_of(self.top.get(field))?;
        let in_payload = || text_of(self.payload.and_then(|payload| payload.get(field)));
        match at_top {
            Some(text) => Ok(Some(text)),
            None => in_payload(),
        }
    }

    fn payload_text(&self, field: &str) -> Result<Option<&'v str>, SkipReason> {
        text_of(self.payload.and_then(|payload| payload.get(field)))
    }
}

fn text_of(value: Option<&Value>) -> Result<Option<&str>, SkipReason> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(SkipReason::InvalidRecord),
    }
}

/// Reads a record.
///
/// # Errors
/// The reason why it is not part of the traffic.
pub(super) fn read(value: &Value) -> Result<AuditRecord, SkipReason> {
    let fields = AuditFields::new(value)?;
    let action = fields.text("action_type")?;
    let action = action.ok_or(SkipReason::UnknownActionType)?;
    if let Some(reason) = other_action(action) {
        return Err(reason);
    }
    match fields.text("category")? {
        None | Some("AUDIT_CATEGORY_EVALUATION") => {}
        Some(_) => return Err(SkipReason::OtherCategory),
    }
    let (kind, object) = request(&fields, action)?;
    let principal = match fields.text("username")? {
        Some(username) => Some(username),
        None => fields.text("user_email")?,
    };
    let time = match fields.text("timestamp")? {
        Some(text) => Some(text),
        None => fields.text("created_at")?,
    };
    let time = time
        .map(|text| text.parse::<Timestamp>())
        .transpose()
        .map_err(|_| SkipReason::InvalidRecord)?;
    let event = fields.text("audit_event_id")?.and_then(uuid);
    Ok(AuditRecord {
        event,
        observation: Observation {
            kind,
            object,
            principal: principal.map(name).transpose()?,
            agent: fields.text("agent")?.map(name).transpose()?,
            first_seen: time,
            last_seen: time,
            decision: fields
                .text("decision")?
                .map(RecordedDecision::of_audit)
                .unwrap_or_default(),
            count: 1,
        },
    })
}

/// Action types that are not decisions about requests.
fn other_action(action: &str) -> Option<SkipReason> {
    match action {
        "network_egress"
        | "http_request"
        | "filesystem_mount"
        | "tool_invocation"
        | "resource_read"
        | "server_registration"
        | "prompt" => None,
        "session" => Some(SkipReason::Session),
        "policy_sync" => Some(SkipReason::PolicySync),
        "policy_action" => Some(SkipReason::PolicyAction),
        "pii_detection" => Some(SkipReason::PiiDetection),
        "c_score_report" => Some(SkipReason::ScoreReport),
        other if other.ends_with("_execution") => Some(SkipReason::Execution),
        _ => Some(SkipReason::UnknownActionType),
    }
}

fn request(fields: &AuditFields<'_>, action: &str) -> Result<Request, SkipReason> {
    let resource = || fields.text("resource_id")?.ok_or(SkipReason::NoRequest);
    match action {
        "network_egress" => {
            let protocol = fields.text("protocol")?.ok_or(SkipReason::NoRequest)?;
            let transport = match protocol.to_ascii_lowercase().as_str() {
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                _ => return Err(SkipReason::NoRequest),
            };
            connection(transport, resource()?)
        }
        "http_request" => {
            let text = |field: &str| fields.payload_text(field)?.ok_or(SkipReason::NoRequest);
            let method = method(text("method")?)?;
            // The vendor writes the port as a string.
            let number = match fields.payload.and_then(|payload| payload.get("port")) {
                Some(Value::Number(number)) => port(&number.to_string())?,
                Some(Value::String(text)) => port(text)?,
                Some(_) => return Err(SkipReason::InvalidRecord),
                None => return Err(SkipReason::NoRequest),
            };
            http(method, text("host")?, number, text("path")?)
        }
        "filesystem_mount" => mount(resource()?),
        "tool_invocation" => mcp("invokeTool", "MCP::Tool", resource()?),
        "resource_read" => mcp("readResource", "MCP::Resource", resource()?),
        "server_registration" => mcp("register", "MCP::Server", resource()?),
        "prompt" => mcp("getPrompt", "MCP::Prompt", resource()?),
        _ => Err(SkipReason::UnknownActionType),
    }
}

/// `HTTP_METHOD_POST` or `POST`.
pub(super) fn method(text: &str) -> Result<Method, SkipReason> {
    let text = text.trim().to_ascii_uppercase();
    let name = text.strip_prefix("HTTP_METHOD_").unwrap_or(&text);
    let action = format!("request:{}", name.to_ascii_lowercase());
    let method = Method::ALL.iter().find(|method| method.as_str() == action);
    method.copied().ok_or(SkipReason::InvalidRequest)
}

fn uuid(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() == 32 {
        u128::from_str_radix(&digits, 16).ok()
    } else {
        None
    }
}
