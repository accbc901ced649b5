//! Validates one document against the schema of its kind and creates readable diagnostics.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::{ManifestKind, expected, of_kind};
use model::diag::{
    Code, Diagnostic, DocumentId, Path, PathSegment, Place, Replacement, did_you_mean,
};

/// Maximum number of diagnostics created for one document, above the number that is ever shown.
const MAX_FINDINGS: usize = 200;

/// A schema with its validator. `None` only for an invalid schema, which a test excludes.
pub(super) struct CompiledSchema {
    pub(super) schema: Value,
    pub(super) validator: Option<Validator>,
}

impl CompiledSchema {
    fn new(kind: ManifestKind) -> Self {
        let schema = of_kind(kind);
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let validator = options.build(&schema).ok();
        Self { schema, validator }
    }
}

pub(super) fn compiled(kind: ManifestKind) -> &'static CompiledSchema {
    static POLICY: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::Policy));
    static RESOURCE_LIST: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::ResourceList));
    static POLICY_TEST: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::PolicyTest));
    static POLICY_PACK: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::PolicyPack));
    static POLICY_GROUP: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::PolicyGroup));
    static CHAINLOOP_POLICY: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::ChainloopPolicy));
    static CHAINLOOP_GROUP: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::ChainloopGroup));
    static LOCK: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::Lock));
    static CONFIG: LazyLock<CompiledSchema> =
        LazyLock::new(|| CompiledSchema::new(ManifestKind::Config));
    match kind {
        ManifestKind::Policy => &POLICY,
        ManifestKind::ResourceList => &RESOURCE_LIST,
        ManifestKind::PolicyTest => &POLICY_TEST,
        ManifestKind::PolicyPack => &POLICY_PACK,
        ManifestKind::PolicyGroup => &POLICY_GROUP,
        ManifestKind::ChainloopPolicy => &CHAINLOOP_POLICY,
        ManifestKind::ChainloopGroup => &CHAINLOOP_GROUP,
        ManifestKind::Config => &CONFIG,
        ManifestKind::Lock => &LOCK,
    }
}

/// Validates a document and returns its kind.
///
/// # Errors
/// One diagnostic for each mistake.
pub(crate) fn check(document: DocumentId, value: &Value) -> Result<ManifestKind, Vec<Diagnostic>> {
    let kind = kind_of(document, value)?;
    let CompiledSchema { schema, validator } = compiled(kind);
    let Some(validator) = validator else {
        return Ok(kind);
    };
    if validator.is_valid(value) {
        return Ok(kind);
    }
    let mut findings = SchemaDiagnostics {
        document,
        schema,
        found: Vec::new(),
    };
    for error in validator.iter_errors(value) {
        if findings.found.len() > MAX_FINDINGS {
            break;
        }
        findings.add(&error);
    }
    Err(findings
        .found
        .into_iter()
        .map(|(_, finding)| finding)
        .collect())
}

/// The kind is chosen first so that errors refer to that kind only.
pub(crate) fn kind_of(
    document: DocumentId,
    value: &Value,
) -> Result<ManifestKind, Vec<Diagnostic>> {
    let root = Place::value(document, Path::root());
    let Value::Object(map) = value else {
        let message = format!(
            "a manifest must be a mapping, not {}",
            expected::found_type(value)
        );
        let finding = Diagnostic::new(Code::WrongType, message, root);
        return Err(vec![finding.help("begin with `apiVersion:` and `kind:`")]);
    };
    let spelling = ["apiVersion", "api_version"]
        .into_iter()
        .find(|spelling| map.contains_key(*spelling));
    let spelling = spelling.unwrap_or("apiVersion");
    let version = map.get(spelling);
    let kind = map.get("kind");
    if let (Some(Value::String(version)), Some(Value::String(kind))) = (version, kind) {
        let known = ManifestKind::find(version, kind)
            .ok_or_else(|| vec![unknown_kind(document, version, kind)])?;
        if spelling != "apiVersion" && known.other_spelling() != Some(spelling) {
            return Err(vec![
                missing(document, &Path::root(), "apiVersion")
                    .help("write `apiVersion`")
                    .suggest_at(
                        Place::key(document, Path::root().key(spelling)),
                        Replacement::Text("apiVersion".to_owned()),
                    ),
            ]);
        }
        return Ok(known);
    }
    let fields = [(spelling, version), ("kind", kind)];
    let findings = fields.into_iter().filter_map(|(name, value)| match value {
        None => Some(
            missing(document, &Path::root(), name).help(format!("known kinds: {}", known_kinds())),
        ),
        Some(Value::String(_)) => None,
        Some(other) => {
            let message = format!(
                "`{name}`: expected a string, got {}",
                expected::found_type(other)
            );
            Some(Diagnostic::new(
                Code::WrongType,
                message,
                Place::value(document, Path::root().key(name)),
            ))
        }
    });
    Err(findings.collect())
}

fn known_kinds() -> String {
    let kinds: Vec<_> = ManifestKind::ALL
        .iter()
        .map(|kind| format!("`{} {}`", kind.api_version(), kind.name()))
        .collect();
    kinds.join(", ")
}

fn unknown_kind(document: DocumentId, version: &str, kind: &str) -> Diagnostic {
    let same_kind = ManifestKind::ALL.iter().find(|known| known.name() == kind);
    let same_version = ManifestKind::ALL
        .iter()
        .any(|known| known.api_versions().contains(&version));
    let (field, near) = match same_kind {
        Some(known) if !same_version => ("apiVersion", Some(known.api_version())),
        Some(_) | None if same_version => {
            let kinds = ManifestKind::ALL
                .iter()
                .filter(|known| known.api_versions().contains(&version));
            ("kind", did_you_mean(kinds.map(|known| known.name()), kind))
        }
        Some(_) | None => (
            "apiVersion",
            did_you_mean(
                ManifestKind::ALL.iter().map(|known| known.api_version()),
                version,
            ),
        ),
    };
    let place = Place::value(document, Path::root().key(field));
    let finding = Diagnostic::new(
        Code::UnknownKind,
        format!("unknown manifest kind `{version} {kind}`"),
        place,
    );
    match near {
        Some(near) => finding
            .help(format!(
                "did you mean `{field}: {near}`? Known kinds: {}",
                known_kinds()
            ))
            .suggest(Replacement::Similar(near.to_owned())),
        None => finding.help(format!("known kinds: {}", known_kinds())),
    }
}

fn missing(document: DocumentId, path: &Path, name: &str) -> Diagnostic {
    let message = match path.segments() {
        [] => format!("missing required field `{name}`"),
        _ => format!("`{path}`: missing required field `{name}`"),
    };
    Diagnostic::new(
        Code::MissingField,
        message,
        Place::key(document, path.clone()),
    )
}

/// Collects one diagnostic for each mistake.
struct SchemaDiagnostics<'a> {
    document: DocumentId,
    schema: &'a Value,
    /// The diagnostics by path. Further errors about a value that is already reported are
    /// consequences of the first.
    found: Vec<(Path, Diagnostic)>,
}

impl SchemaDiagnostics<'_> {
    fn add(&mut self, error: &ValidationError<'_>) {
        let path: Path = error.instance_path().iter().map(segment).collect();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for name in unexpected.iter().take(MAX_FINDINGS) {
                    self.unknown_field(&path, name, error);
                }
            }
            ValidationErrorKind::Required {
                property: Value::String(name),
            } => self.missing_field(&path, name),
            _ => {
                if !self.found.iter().any(|(known, _)| *known == path) {
                    let finding = self.value(&path, error);
                    self.found.push((path, finding));
                }
            }
        }
    }

    fn unknown_field(&mut self, path: &Path, name: &str, error: &ValidationError<'_>) {
        let at = path.clone().key(name);
        let known = expected::fields(self.schema, error.schema_path().as_str());
        let near = did_you_mean(known.iter().copied(), name);
        if let Some(near) = near {
            // The field is misspelled, not missing.
            let message = missing(self.document, path, near).message;
            self.found.retain(|(_, finding)| finding.message != message);
        }
        let finding = Diagnostic::new(
            Code::UnknownField,
            format!("unknown field `{name}`"),
            Place::key(self.document, at.clone()),
        );
        let finding = match near {
            Some(near) => finding
                .help(format!("did you mean `{near}`?"))
                .suggest(Replacement::Similar(near.to_owned())),
            None => finding.help(format!("known here: {}", known.join(", "))),
        };
        self.found.push((at, finding));
    }

    fn missing_field(&mut self, path: &Path, name: &str) {
        let misspelt = self.found.iter().any(|(at, finding)| {
            finding.code == Code::UnknownField
                && at.parent() == *path
                && finding.help.as_deref() == Some(&format!("did you mean `{name}`?"))
        });
        if !misspelt {
            let finding = missing(self.document, path, name);
            let finding = match expected::field_description(self.schema, path, name) {
                Some(text) => finding.help(format!("add `{name}:` {text}")),
                None => finding.help(format!("add `{name}:`")),
            };
            self.found.push((path.clone().key(name), finding));
        }
    }

    /// A diagnostic about the value itself.
    fn value(&self, path: &Path, error: &ValidationError<'_>) -> Diagnostic {
        let value = error.instance();
        let name = if path.segments().is_empty() {
            "the manifest".to_owned()
        } else {
            format!("`{path}`")
        };
        let place = Place::value(self.document, path.clone());
        let invalid = |message: String| Diagnostic::new(Code::InvalidValue, message, place.clone());
        match error.kind() {
            ValidationErrorKind::Type { kind } => {
                let wanted =
                    expected::expected_type(kind, self.schema, error.schema_path().as_str());
                let message = format!(
                    "{name}: expected {wanted}, got {}",
                    expected::found_type(value)
                );
                let finding = Diagnostic::new(Code::WrongType, message, place.clone());
                let finding = match expected::help(kind, path, value) {
                    Some(help) => finding.help(help),
                    None => finding,
                };
                if expected::is_restricted(self.schema, error.schema_path().as_str(), value) {
                    return Diagnostic {
                        help: None,
                        ..finding
                    };
                }
                match expected::replacement(kind, path, value) {
                    Some(replacement) => finding.suggest(replacement),
                    None => finding,
                }
            }
            ValidationErrorKind::Enum { options } => {
                choice(invalid(unknown_value(&name, value)), value, options)
            }
            ValidationErrorKind::AnyOf { .. } => {
                match expected::allowed_names(self.schema, error.schema_path().as_str())
                    .filter(|_| value.is_string())
                {
                    Some(options) => choice(invalid(unknown_value(&name, value)), value, options),
                    None => invalid(format!(
                        "{name} does not fit the schema: {}",
                        error.masked()
                    )),
                }
            }
            ValidationErrorKind::Constant { expected_value } => {
                let finding =
                    invalid(unknown_value(&name, value)).help(format!("write {expected_value}"));
                match expected_value.as_str() {
                    Some(text) => finding.suggest(Replacement::Similar(text.to_owned())),
                    None => finding,
                }
            }
            ValidationErrorKind::MinItems { .. } | ValidationErrorKind::MinProperties { .. } => {
                Diagnostic::new(
                    Code::EmptyList,
                    format!("{name} must not be empty"),
                    place.clone(),
                )
                .help("write at least one entry, or remove the field where it is optional")
            }
            ValidationErrorKind::MinLength { .. } => {
                invalid(format!("{name} must not be empty")).help("write a text that is not empty")
            }
            ValidationErrorKind::Pattern { pattern } => {
                let finding = invalid(format!("{name} has not the form that is wanted"))
                    .help(expected::pattern_help(pattern));
                match value.as_str() {
                    Some(text) if pattern == "^/" => {
                        finding.suggest(Replacement::Text(format!("/{text}")))
                    }
                    Some(text) if pattern == crate::NAME_PATTERN && !text.trim().is_empty() => {
                        finding.suggest(Replacement::Text(text.trim().to_owned()))
                    }
                    _ => finding,
                }
            }
            ValidationErrorKind::Minimum { limit } => {
                // The type of a port has no lower limit than 0, but 0 is not a port.
                let limit = match name.ends_with(".port`") {
                    true => Value::from(1),
                    false => limit.clone(),
                };
                invalid(format!("{name} is too small")).help(format!("write at least {limit}"))
            }
            ValidationErrorKind::Maximum { limit } => {
                invalid(format!("{name} is too large")).help(format!("write at most {limit}"))
            }
            ValidationErrorKind::FalseSchema => {
                let condition = expected::condition(self.schema, error.schema_path().as_str());
                let message = format!("{name} does not go with {condition}");
                Diagnostic::new(
                    Code::UnknownField,
                    message,
                    Place::key(self.document, path.clone()),
                )
                .help(format!("remove it, or take it to what is not {condition}"))
            }
            _ => invalid(format!(
                "{name} does not fit the schema: {}",
                error.masked()
            )),
        }
    }
}

fn unknown_value(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{name} cannot be `{text}`"),
        other => format!("{name} cannot be {}", expected::found_type(other)),
    }
}

fn choice(finding: Diagnostic, value: &Value, options: &Value) -> Diagnostic {
    let known: Vec<_> = options
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let near = value
        .as_str()
        .and_then(|text| did_you_mean(known.iter().copied(), text));
    match near {
        Some(near) => finding
            .help(format!(
                "did you mean `{near}`? Known values: {}",
                known.join(", ")
            ))
            .suggest(Replacement::Similar(near.to_owned())),
        None => finding.help(format!("known values: {}", known.join(", "))),
    }
}

pub(super) fn segment(segment: LocationSegment<'_>) -> PathSegment {
    match segment {
        LocationSegment::Property(key) => PathSegment::Key(key.into_owned()),
        LocationSegment::Index(index) => PathSegment::Index(index),
    }
}
