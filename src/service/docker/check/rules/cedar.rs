//! `cedar-invalid` and `invalid-value`: Cedar text that the service rejects (contract:
//! `CedarV1Policy`).

use std::ops::Range;
use std::str::FromStr;

use cedar_policy::PolicySet;
use cedar_policy::ffi::DetailedError;

use crate::service::docker::check::context::DockerRuleContext;
use crate::service::docker::check::size::LARGEST_POLICY;
use crate::service::docker::check::view::DockerPolicyView;
use access::cedar::{CedarFinding, CedarFindingKind, lint, nesting};
use manifest::docker::CedarSpec;
use manifest::hidden_in_prose;
use model::character_name;
use model::diag::{Code, Diagnostic, FileId, Path, Place};
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
            let file = context.cedar_files.get(&policy.document);
            let file = file.filter(|_| spec.text.is_none());
            let places = TextPlaces {
                manifest: place,
                file: file.map(|file| file.file),
            };
            // The strings of manifests are checked when they are read.
            if spec.file.is_some() {
                check_invisible(text, &places.manifest, found);
            }
            check_text(text, &places, found);
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
        (None, Some(_)) => context
            .cedar_files
            .get(&policy.document)
            .map(|file| file.text.as_ref()),
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

/// Finds the places of parts of a Cedar text.
struct TextPlaces {
    /// The text in the manifest, or the name of the file there.
    manifest: Place,
    /// The file that contains the text.
    file: Option<FileId>,
}

impl TextPlaces {
    /// The place of some bytes of the text.
    fn at(&self, range: Range<usize>) -> Place {
        match (self.file, &self.manifest) {
            (Some(file), _) => Place::Bytes { file, range },
            (None, Place::Node { document, path, .. }) => Place::Text {
                document: *document,
                path: path.clone(),
                range,
            },
            (None, place) => place.clone(),
        }
    }

    /// A diagnostic about some bytes of the text. It also belongs to the manifest.
    fn diagnostic(
        &self,
        code: Code,
        message: impl Into<String>,
        range: Range<usize>,
    ) -> Diagnostic {
        let diagnostic = Diagnostic::new(code, message, self.at(range));
        match self.file {
            Some(_) => diagnostic.also(self.manifest.clone(), "the policy of this text"),
            None => diagnostic,
        }
    }
}

fn check_text(text: &str, places: &TextPlaces, found: &mut Vec<Diagnostic>) {
    let place = &places.manifest;
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
            "the Cedar text exceeds the limit of the service".to_owned(),
            label,
            "split the policy in two",
        );
    }
    let depth = nesting::depth(text);
    if depth > nesting::DEEPEST {
        let label = format!("{depth} of {} levels", nesting::DEEPEST);
        let help = "write several statements instead of one long condition: one matching `permit` is sufficient";
        return refuse(
            "the Cedar text is nested too deeply".to_owned(),
            label,
            help,
        );
    }
    match nesting::with_room(|| parsed(text, places)) {
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
fn parsed(text: &str, places: &TextPlaces) -> Vec<Diagnostic> {
    let place = &places.manifest;
    let set = match PolicySet::from_str(text) {
        Ok(set) => set,
        Err(errors) => {
            return errors
                .iter()
                .map(|error| parse_error(text, &DetailedError::from(error), places))
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
            "the Cedar text contains no statement",
            "",
            "write at least one `permit` or `forbid` statement",
        );
    }
    if set.templates().next().is_some() {
        let help =
            "write the principal or resource itself in place of `?principal` and `?resource`";
        invalid(
            "a Cedar template has no effect, because nothing links it",
            "contains a template",
            help,
        );
    }
    let policies = set.policies().map(|policy| policy.annotation("id"));
    let templates = set.templates().map(|template| template.annotation("id"));
    if policies.chain(templates).any(|id| id.is_some()) {
        let at = text.find("@id").unwrap_or_default();
        let message = "a Cedar statement contains an `@id` annotation";
        found.push(
            places
                .diagnostic(Code::CedarInvalid, message, at..at + "@id".len())
                .help("remove the annotation: the server assigns ids"),
        );
    }
    found.extend(
        lint(text)
            .into_iter()
            .map(|finding| probable(finding, places)),
    );
    found
}

/// A probable mistake, with the name that is probably meant as a suggestion.
fn probable(finding: CedarFinding, places: &TextPlaces) -> Diagnostic {
    let CedarFinding {
        kind,
        range,
        message,
        help,
        similar,
    } = finding;
    let code = match kind {
        CedarFindingKind::UnknownName => Code::CedarUnknownName,
        CedarFindingKind::WithoutEffect => Code::CedarWithoutEffect,
    };
    places
        .diagnostic(code, message, range)
        .help(help)
        .suggest_similar(similar.as_deref())
}

fn parse_error(text: &str, error: &DetailedError, places: &TextPlaces) -> Diagnostic {
    let location = error.source_locations.first();
    let message = format!("invalid Cedar text: {}", error.message);
    let label = location
        .and_then(|location| location.label.clone())
        .unwrap_or_default();
    // The end of the text is the place of what is missing there.
    let end = text.trim_end().len();
    let range = location.map_or(0..end, |label| {
        let start = text.floor_char_boundary(label.loc.start.min(end));
        start..text.ceil_char_boundary(label.loc.end.min(end)).max(start)
    });
    let diagnostic = places
        .diagnostic(Code::CedarInvalid, message, range)
        .label(label);
    diagnostic.help(error.help.clone().unwrap_or_else(|| {
        "a statement reads `permit(principal, action == MCP::Action::\"invokeTool\", resource);`"
            .to_owned()
    }))
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
