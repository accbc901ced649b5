//! Requests in the spelling of `explain`, from their parts.

use access::{AccessQuestion, AccessRequest, CedarRequestContext};
use model::docker::{FileMode, Method, Transport};

use crate::aggregate::Observation;
use crate::file::TrafficRow;
use crate::kind::TrafficKind;
use crate::skipped::SkipReason;

/// The maximum length of the name of a user or an agent in bytes.
const MAX_NAME: usize = 320;

/// A kind and an object.
pub(super) type Request = (TrafficKind, String);

/// A connection. The port may be missing.
pub(super) fn connection(transport: Transport, object: &str) -> Result<Request, SkipReason> {
    let kind = TrafficKind::Connect(transport);
    if let Ok(request) = parse(kind, object) {
        return Ok((kind, object_of(&request)));
    }
    // Any port: it is removed again.
    let with_port = parse(kind, &format!("{object}:1"))?;
    let object = object_of(&with_port);
    let host = object.strip_suffix(":1").unwrap_or(&object);
    Ok((kind, host.to_owned()))
}

/// An HTTP request.
pub(super) fn http(
    method: Method,
    host: &str,
    port: u16,
    path: &str,
) -> Result<Request, SkipReason> {
    if host.contains(['/', '?', '#', '@']) || !path.starts_with('/') {
        return Err(SkipReason::InvalidRequest);
    }
    let kind = TrafficKind::Http(method);
    let request = parse(kind, &format!("https://{host}:{port}{path}"))?;
    Ok((kind, object_of(&request)))
}

/// A mounted path. Its mode is not recorded.
pub(super) fn mount(path: &str) -> Result<Request, SkipReason> {
    let request = parse(TrafficKind::File(FileMode::Read), path)?;
    Ok((TrafficKind::Mount, object_of(&request)))
}

/// A file access.
pub(super) fn file(mode: FileMode, path: &str) -> Result<Request, SkipReason> {
    let kind = TrafficKind::File(mode);
    let request = parse(kind, path)?;
    Ok((kind, object_of(&request)))
}

/// An MCP request: an action, and the name of a resource of a type.
pub(super) fn mcp(action: &str, entity: &str, name: &str) -> Result<Request, SkipReason> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(SkipReason::InvalidRequest);
    }
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    mcp_question(&format!("{action} {entity}::\"{name}\""))
}

fn mcp_question(object: &str) -> Result<Request, SkipReason> {
    let question = AccessQuestion::parse(&format!("mcp {object}"), &CedarRequestContext::default());
    let text = question
        .map_err(|_| SkipReason::InvalidRequest)?
        .to_string();
    let object = text.strip_prefix("mcp ").unwrap_or(&text);
    Ok((TrafficKind::Mcp, object.to_owned()))
}

/// A request of any kind, from a kind and an object of a traffic file.
pub(super) fn of_kind(kind: TrafficKind, object: &str) -> Result<Request, SkipReason> {
    match kind {
        TrafficKind::Connect(transport) => connection(transport, object),
        TrafficKind::Http(_) | TrafficKind::File(_) => Ok((kind, object_of(&parse(kind, object)?))),
        TrafficKind::Mount => mount(object),
        TrafficKind::Mcp => mcp_question(object),
    }
}

/// A row of a traffic file, checked like a record.
pub(super) fn of_row(row: TrafficRow) -> Result<Observation, SkipReason> {
    let TrafficRow {
        kind,
        object,
        principal,
        agent,
        day: _,
        decision,
        count,
        first_seen,
        last_seen,
    } = row;
    let (kind, object) = of_kind(kind, &object)?;
    Ok(Observation {
        kind,
        object,
        principal: principal.map(|text| name(&text)).transpose()?,
        agent: agent.map(|text| name(&text)).transpose()?,
        first_seen,
        last_seen,
        decision,
        count,
    })
}

/// The name of a user or an agent.
pub(super) fn name(text: &str) -> Result<String, SkipReason> {
    let text = text.trim();
    if text.len() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(SkipReason::InvalidRecord);
    }
    Ok(text.to_owned())
}

/// A port. 0 is not a port.
pub(super) fn port(text: &str) -> Result<u16, SkipReason> {
    let port = text.trim().parse().ok().filter(|port| *port > 0);
    port.ok_or(SkipReason::InvalidRequest)
}

fn parse(kind: TrafficKind, object: &str) -> Result<AccessRequest, SkipReason> {
    let verb = kind.to_string();
    if object.len() > access::LONGEST_QUESTION || object.chars().any(char::is_control) {
        return Err(SkipReason::InvalidRequest);
    }
    AccessRequest::parse(&verb, object.trim()).map_err(|_| SkipReason::InvalidRequest)
}

/// The object of a request, without its verb.
fn object_of(request: &AccessRequest) -> String {
    let text = request.to_string();
    text.split_once(' ')
        .map_or_else(String::new, |(_, object)| object.to_owned())
}
