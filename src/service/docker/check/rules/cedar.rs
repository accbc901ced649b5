//! `cedar-invalid` and `invalid-value`: Cedar text that the service rejects (contract:
//! `CedarV1Policy`).

use std::str::FromStr;

use cedar_policy::PolicySet;
use cedar_policy::ffi::DetailedError;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::size::LARGEST_POLICY;
use crate::service::docker::check::view::DockerPolicyView;
use access::cedar::nesting;
use manifest::docker::CedarSpec;
use manifest::hidden_in_prose;
use model::character_name;
use model::diag::{Code, Diagnostic, Path, Place};
use model::docker::pattern::{NetworkPattern, WildcardDepth};

pub(super) fn check(
    context: &DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(spec) = &policy.manifest.spec.cedar else {
        return;
    };
    if !is_https_url(&spec.schema_url) {
        let place = Place::value(
            policy.document,
            Path::root().key("spec").key("cedar").key("schemaUrl"),
        );
        found.push(
            Diagnostic::new(
                Code::InvalidValue,
                format!("`{}` is not an https URL", spec.schema_url),
                place,
            )
            .help("for MCP policies, write `https://schemas.docker.com/policy/cedar/v1/mcp/v0`"),
        );
    }
    let field = match (&spec.text, &spec.file) {
        (Some(_), None) => "text",
        (None, Some(_)) => "file",
        // Reported by `exactly-one`.
        (Some(_), Some(_)) | (None, None) => return,
    };
    let place = Place::value(
        policy.document,
        Path::root().key("spec").key("cedar").key(field),
    );
    match text(context, policy, spec) {
        Some(text) => {
            // The strings of manifests are checked when they are read.
            if spec.file.is_some() {
                check_invisible(text, &place, found);
            }
            check_text(text, &place, found);
        }
        None => found.push(
            Diagnostic::new(
                Code::FileUnreadable,
                "the Cedar file of this policy was not read",
                place,
            )
            .help("write a path relative to this manifest, inside the repository"),
        ),
    }
}

/// The Cedar text of a policy, from the manifest or from the file that it names.
pub(crate) fn text<'s>(
    context: &'s DockerRuleContext<'_>,
    policy: &DockerPolicyView<'_>,
    spec: &'s CedarSpec,
) -> Option<&'s str> {
    match (&spec.text, &spec.file) {
        (Some(text), _) => Some(text),
        (None, Some(_)) => context.cedar_files.get(&policy.document).map(AsRef::as_ref),
        (None, None) => None,
    }
}

fn check_invisible(text: &str, place: &Place, found: &mut Vec<Diagnostic>) {
    if let Some(hidden) = hidden_in_prose(text) {
        let message = format!(
            "the Cedar file contains the invisible character {}",
            character_name(hidden)
        );
        found.push(
            Diagnostic::new(Code::InvisibleCharacter, message, place.clone())
                .help("remove the character from the file"),
        );
    }
}

fn check_text(text: &str, place: &Place, found: &mut Vec<Diagnostic>) {
    let mut refuse = |message: String, label: String, help: &str| {
        found.push(
            Diagnostic::new(Code::CedarInvalid, message, place.clone())
                .label(label)
                .help(help),
        );
    };
    if text.len() > LARGEST_POLICY {
        let label = format!("{} of {LARGEST_POLICY} bytes", text.len());
        return refuse(
            "the Cedar text is larger than the service takes".to_owned(),
            label,
            "split the policy in two",
        );
    }
    let depth = nesting::depth(text);
    if depth > nesting::DEEPEST {
        let label = format!("{depth} of {} levels", nesting::DEEPEST);
        let help = "write several statements instead of one long condition: any `permit` that matches is enough";
        return refuse(
            "the Cedar text nests deeper than is accepted".to_owned(),
            label,
            help,
        );
    }
    match nesting::with_room(|| parsed(text, place)) {
        Some(findings) => found.extend(findings),
        None => refuse(
            "the Cedar text could not be parsed".to_owned(),
            String::new(),
            "run again with more memory",
        ),
    }
}

/// Parses the text and reports what the service rejects. The syntax tree must also be dropped in
/// here, because that needs as much stack as parsing.
fn parsed(text: &str, place: &Place) -> Vec<Diagnostic> {
    let set = match PolicySet::from_str(text) {
        Ok(set) => set,
        Err(errors) => {
            return errors
                .iter()
                .map(|error| parse_error(text, &DetailedError::from(error), place.clone()))
                .collect();
        }
    };
    let mut found = Vec::new();
    let mut invalid = |message: &str, label: &str, help: &str| {
        found.push(
            Diagnostic::new(Code::CedarInvalid, message, place.clone())
                .label(label)
                .help(help),
        );
    };
    if set.policies().next().is_none() && set.templates().next().is_none() {
        invalid(
            "the Cedar text holds no statement",
            "",
            "write at least one `permit` or `forbid` statement",
        );
    }
    if set.templates().next().is_some() {
        let help =
            "write the principal or resource itself in place of `?principal` and `?resource`";
        invalid(
            "a Cedar template is never in force, because nothing links it",
            "holds a template",
            help,
        );
    }
    let policies = set.policies().map(|policy| policy.annotation("id"));
    let templates = set.templates().map(|template| template.annotation("id"));
    if policies.chain(templates).any(|id| id.is_some()) {
        let at = text
            .find("@id")
            .map(|at| format!("at {}", position(text, at)))
            .unwrap_or_default();
        invalid(
            "a Cedar statement carries an `@id` annotation",
            &at,
            "remove the annotation: the server gives ids",
        );
    }
    found
}

fn parse_error(text: &str, error: &DetailedError, place: Place) -> Diagnostic {
    let location = error.source_locations.first();
    let at = location
        .map(|label| format!(" at {}", position(text, label.loc.start)))
        .unwrap_or_default();
    let message = format!("Cedar text does not parse{at}: {}", error.message);
    let label = location
        .and_then(|location| location.label.clone())
        .unwrap_or_default();
    let diagnostic = Diagnostic::new(Code::CedarInvalid, message, place).label(label);
    diagnostic.help(error.help.clone().unwrap_or_else(|| {
        "a statement reads `permit(principal, action == MCP::Action::\"call_tool\", resource);`"
            .to_owned()
    }))
}

/// Line and column of a byte offset, both counted from 1.
fn position(text: &str, offset: usize) -> String {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    format!("line {line}, column {column} of the Cedar text")
}

/// Whether this is `https://`, a host without wildcards and user, and a path.
fn is_https_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = NetworkPattern::parse(authority);
    let plain = host.as_ref().ok().and_then(|host| host.host());
    plain.is_some_and(|host| host.depth() == WildcardDepth::Exact && !host.has_inner_wildcard())
        && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}
