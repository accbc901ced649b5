//! What MCP requests and patterns give in addition to the action and the resource.

use access::{CedarRequestContext, NO_PRINCIPAL};
use manifest::test::McpSpec;
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

/// Reads a field `mcp` at this path. Nothing if it is invalid, which is a diagnostic.
pub(super) fn request_context(
    spec: &McpSpec,
    document: DocumentId,
    path: &Path,
    found: &mut Vec<Diagnostic>,
) -> Option<CedarRequestContext> {
    let McpSpec {
        server,
        attributes,
        args,
        principal,
        context,
    } = spec;
    if principal.is_some() {
        let place = Place::key(document, path.clone().key("principal"));
        let message = "an MCP request has no principal";
        let finding = Diagnostic::new(Code::RequestInvalid, message, place);
        found.push(finding.help(NO_PRINCIPAL));
        return None;
    }
    let mut given = CedarRequestContext::default();
    if let Some(server) = server {
        given = given.with_server(server);
    }
    if let Some(attributes) = attributes {
        given = given.with_attributes(attributes);
    }
    if let Some(arguments) = args {
        given = given.with_arguments(arguments);
    }
    let Some(json) = context else {
        return Some(given);
    };
    match given.with_context(json) {
        Ok(given) => Some(given),
        Err(error) => {
            let place = Place::value(document, path.clone().key("context"));
            let finding = Diagnostic::new(Code::RequestInvalid, error.to_string(), place);
            found.push(finding.help(FIELDS));
            None
        }
    }
}

/// Where the fields are documented.
pub(super) const FIELDS: &str = "see docs/reference/testing.md for the fields of `mcp`";
