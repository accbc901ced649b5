//! Renders diagnostics as SARIF 2.1.0, the format of code scanning.

mod log;

use std::collections::BTreeMap;

use super::annotations::{
    Annotation, AnnotationFix, AnnotationLevel, AnnotationLocation, AnnotationRule, LineRange,
    PackDiagnostics, RelatedLocation, RepositoryPrefix,
};
use super::rules;
use super::text::neutral_json;
use log::{
    ArtifactChange, ArtifactLocation, PhysicalLocation, SarifConfiguration, SarifContent,
    SarifDriver, SarifFix, SarifHelp, SarifInvocation, SarifLocation, SarifLog, SarifMessage,
    SarifProperties, SarifRegion, SarifReplacement, SarifResult as Found, SarifRule,
    SarifRuleProperties, SarifRun, SarifTool, SarifUriBase,
};

/// The name of our fingerprints. Another algorithm needs another name.
const FINGERPRINT: &str = "polwarden/v1";

/// All URIs are relative to the root of the repository.
const ROOT: &str = "%SRCROOT%";

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A log with one run.
///
/// # Errors
/// The log cannot be serialized, which does not happen for plain data.
pub fn sarif(findings: &PackDiagnostics, prefix: &RepositoryPrefix) -> serde_json::Result<String> {
    let mut rules: Vec<AnnotationRule> =
        findings.list().iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| rule.as_str());
    rules.dedup();
    let index = |rule: AnnotationRule| {
        rules
            .iter()
            .position(|other| *other == rule)
            .unwrap_or_default()
    };
    let results = findings
        .fingerprinted()
        .into_iter()
        .map(|(finding, fingerprint)| result(finding, index(finding.rule), fingerprint, prefix))
        .collect();
    let driver = SarifDriver {
        name: "polwarden",
        version: env!("CARGO_PKG_VERSION"),
        semantic_version: env!("CARGO_PKG_VERSION"),
        rules: rules.iter().copied().map(rule).collect(),
    };
    let description = text("The top of the repository");
    let run = SarifRun {
        tool: SarifTool { driver },
        invocations: [SarifInvocation {
            execution_successful: true,
        }],
        original_uri_base_ids: BTreeMap::from([(ROOT, SarifUriBase { description })]),
        column_kind: "unicodeCodePoints",
        results,
    };
    let mut json = serde_json::to_string_pretty(&SarifLog {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [run],
    })?;
    json.push('\n');
    Ok(neutral_json(&json).into_owned())
}

fn rule(rule: AnnotationRule) -> SarifRule {
    let id = rule.as_str();
    let name = id.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    let help = rules::of_annotation(rule).help();
    SarifRule {
        id,
        name: name.collect(),
        short_description: text(rule.description()),
        help: SarifHelp {
            // Backticks mark code in both.
            markdown: help.clone(),
            text: text(&help).text,
        },
        default_configuration: SarifConfiguration {
            level: level(rule.weight()),
        },
        properties: SarifRuleProperties {
            tags: match rule {
                AnnotationRule::File(_) => ["policy-as-code", "manifest"],
                AnnotationRule::Plan(_) => ["policy-as-code", "plan"],
            },
        },
    }
}

fn level(weight: AnnotationLevel) -> &'static str {
    match weight {
        AnnotationLevel::Error => "error",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "note",
    }
}

fn result(
    finding: &Annotation,
    index: usize,
    fingerprint: String,
    prefix: &RepositoryPrefix,
) -> Found {
    let Annotation {
        rule,
        weight,
        message,
        help,
        spot,
        related,
        fix,
        target,
        ..
    } = finding;
    let fixes = fix
        .iter()
        .filter_map(|change| sarif_fix(change, help.as_deref(), prefix))
        .collect();
    let help = help
        .as_ref()
        .map(|help| format!(". Help: {help}"))
        .unwrap_or_default();
    Found {
        rule_id: rule.as_str(),
        rule_index: index,
        level: level(*weight),
        message: text(&format!("{message}{help}")),
        locations: spot
            .iter()
            .map(|spot| location(spot, None, None, prefix))
            .collect(),
        related_locations: related
            .iter()
            .enumerate()
            .map(|(number, RelatedLocation { spot, text })| {
                location(spot, Some(number), Some(text), prefix)
            })
            .collect(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
        fixes,
        properties: target.clone().map(|target| SarifProperties { target }),
    }
}

fn location(
    spot: &AnnotationLocation,
    id: Option<usize>,
    said: Option<&str>,
    prefix: &RepositoryPrefix,
) -> SarifLocation {
    let AnnotationLocation { file, lines } = spot;
    let region = lines.map(region);
    let artifact_location = artifact_location(file, prefix);
    let message = said.filter(|said| !said.is_empty()).map(text);
    SarifLocation {
        id,
        physical_location: PhysicalLocation {
            artifact_location,
            region,
        },
        message,
    }
}

fn artifact_location(file: &str, prefix: &RepositoryPrefix) -> ArtifactLocation {
    ArtifactLocation {
        uri: uri(&prefix.file(file)),
        uri_base_id: ROOT,
    }
}

fn region(lines: LineRange) -> SarifRegion {
    SarifRegion {
        start_line: lines.first,
        start_column: lines.columns.map(|(start, _)| start),
        end_line: lines.last,
        end_column: lines.columns.map(|(_, end)| end),
    }
}

/// The change that a help line proposes. The inserted text is exact.
fn sarif_fix(
    fix: &AnnotationFix,
    help: Option<&str>,
    prefix: &RepositoryPrefix,
) -> Option<SarifFix> {
    let AnnotationFix {
        spot: AnnotationLocation { file, lines },
        text: new,
    } = fix;
    let replacement = SarifReplacement {
        deleted_region: region((*lines)?),
        inserted_content: SarifContent { text: new.clone() },
    };
    Some(SarifFix {
        description: text(help.unwrap_or("replace the text")),
        artifact_changes: [ArtifactChange {
            artifact_location: artifact_location(file, prefix),
            replacements: [replacement],
        }],
    })
}

/// A message. `[text](target)` would be a link (SARIF 2.1.0, section 3.11.6), so it is escaped.
fn text(text: &str) -> SarifMessage {
    SarifMessage {
        text: text.replace("](", "] ("),
    }
}

/// A path as a relative URI. Everything special is encoded, including colons, which could form a
/// scheme.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
