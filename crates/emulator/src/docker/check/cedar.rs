//! Cedar policies (schema `CedarV1Policy`).

use std::str::FromStr;

use cedar_policy::PolicySet;

use crate::docker::refusal::DockerRefusal;

/// Checks the text and the schema's URL. The text needs at least one statement, valid syntax, and
/// no `@id`.
pub(crate) fn check(text: &str, schema_url: &str) -> Result<(), DockerRefusal> {
    let set = PolicySet::from_str(text)
        .map_err(|error| DockerRefusal::invalid(format!("cedar_v1.text: {error}")))?;
    if set.is_empty() {
        return Err(DockerRefusal::invalid(
            "cedar_v1.text holds no permit or forbid statement",
        ));
    }
    let has_id = set
        .policies()
        .any(|policy| policy.annotation("id").is_some())
        || set
            .templates()
            .any(|template| template.annotation("id").is_some());
    if has_id {
        return Err(DockerRefusal::invalid(
            "cedar_v1.text must not carry @id: the service assigns ids",
        ));
    }
    if schema_url.trim().is_empty() {
        return Err(DockerRefusal::invalid("cedar_v1.schema_url is required"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, good) in [
            (
                r#"permit(principal, action == MCP::Action::"call_tool", resource is MCP::Tool);"#,
                true,
            ),
            (
                "permit(principal, action, resource); forbid(principal, action, resource);",
                true,
            ),
            ("@reason(\"x\") permit(principal, action, resource);", true),
            ("", false),
            ("// nothing", false),
            ("permit(principal, action);", false),
            ("@id(\"a\") permit(principal, action, resource);", false),
            (
                "@id(\"a\") permit(principal == ?principal, action, resource);",
                false,
            ),
        ] {
            assert_eq!(
                check(text, "https://schemas.example.com/v0").is_ok(),
                good,
                "{text}"
            );
        }
        assert!(check("permit(principal, action, resource);", " ").is_err());
    }
}
