//! What the service brings along: a few policies and a group, which nobody can write.

use super::seed::{DocumentSeed, VersionSeed};

const LICENSES: &str = r#"apiVersion: chainloop.dev/v1
kind: Policy
metadata:
  name: builtin-licenses
  description: No component has one of the licenses that are not wanted.
spec:
  policies:
    - kind: SBOM_CYCLONEDX_JSON
      embedded: |
        package main

        import rego.v1

        result := {"skipped": false, "violations": violations, "skip_reason": ""}

        unwanted := split(input.args.licenses, ",")

        violations contains msg if {
          some component in input.components
          some license in component.licenses
          license.license.id in unwanted
          msg := sprintf("%s has the license %s", [component.name, license.license.id])
        }
  inputs:
    - name: licenses
      description: the licenses, with commas between them
      required: true
"#;

const LICENSES_BEFORE: &str = r#"apiVersion: workflowcontract.chainloop.dev/v1
kind: Policy
metadata:
  name: builtin-licenses
spec:
  policies:
    - kind: SBOM_CYCLONEDX_JSON
      embedded: |
        package main

        import rego.v1

        result := {"skipped": true, "violations": [], "skip_reason": "nothing is looked at"}
"#;

const COMMIT: &str = r#"apiVersion: chainloop.dev/v1
kind: Policy
metadata:
  name: builtin-commit
  description: An attestation says which commit it is of.
spec:
  policies:
    - kind: ATTESTATION
      embedded: |
        package main

        import rego.v1

        result := {"skipped": false, "violations": violations, "skip_reason": ""}

        violations contains "the attestation names no commit" if {
          not input.subject[0].digest.sha1
        }
"#;

const QUALITY: &str = r"apiVersion: chainloop.dev/v1
kind: PolicyGroup
metadata:
  name: builtin-quality
  description: What every build should pass.
spec:
  policies:
    attestation:
      - ref: builtin-commit
    materials:
      - type: SBOM_CYCLONEDX_JSON
        policies:
          - ref: builtin-licenses
            with:
              licenses: '{{ inputs.licenses }}'
  inputs:
    - name: licenses
      description: the licenses that are not wanted
      default: AGPL-3.0-only
";

fn seed(name: &str, texts: &[(&str, &str)]) -> DocumentSeed {
    let version = |(text, at): &(&str, &str)| VersionSeed {
        text: (*text).to_owned(),
        created_at: Some((*at).to_owned()),
        digest: None,
        format: None,
    };
    DocumentSeed {
        name: name.to_owned(),
        versions: texts.iter().map(version).collect(),
    }
}

/// The policies.
pub(super) fn policies() -> Vec<DocumentSeed> {
    vec![
        seed(
            "builtin-licenses",
            &[
                (LICENSES_BEFORE, "2025-03-01T09:00:00Z"),
                (LICENSES, "2026-02-01T09:00:00Z"),
            ],
        ),
        seed("builtin-commit", &[(COMMIT, "2025-03-01T09:00:00Z")]),
    ]
}

/// The groups.
pub(super) fn groups() -> Vec<DocumentSeed> {
    vec![seed(
        "builtin-quality",
        &[(QUALITY, "2025-06-01T09:00:00Z")],
    )]
}

#[cfg(test)]
mod tests {
    use super::super::{check, document};
    use super::*;

    #[test]
    fn what_is_brought_along_is_what_the_service_would_take() {
        assert!(!policies().is_empty());
        for document in policies() {
            for version in document.versions {
                let fields = document::fields(version.text.as_bytes()).unwrap();
                assert_eq!(check::policy(&fields).unwrap().0, document.name);
            }
        }
        let group = document::fields(QUALITY.as_bytes()).unwrap();
        assert_eq!(group["metadata"]["name"], "builtin-quality");
    }
}
