//! Names and tags: 1 to 100 letters, digits, `_`, `.` or `-`. Some words are reserved.

use crate::pulumi::refusal::PulumiRefusal;

/// The word for all versions or all policies.
pub(crate) const ALL: &str = "all";
/// The word for the newest version.
pub(crate) const LATEST: &str = "latest";

/// Checks a name of `resource` in the field `attribute`.
pub(crate) fn check_name(
    resource: &'static str,
    attribute: &str,
    name: &str,
) -> Result<(), PulumiRefusal> {
    let fits = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if fits && (1..=100).contains(&name.len()) {
        return Ok(());
    }
    Err(PulumiRefusal::invalid(
        resource,
        attribute,
        format!("{name:?} is not 1 to 100 letters, digits, `_`, `.` or `-`"),
    ))
}

/// Checks the tag of a version.
pub(crate) fn check_tag(tag: &str) -> Result<(), PulumiRefusal> {
    check_name("PolicyPack", "versionTag", tag)?;
    if tag == ALL || tag == LATEST {
        return Err(PulumiRefusal::invalid(
            "PolicyPack",
            "versionTag",
            format!("`{tag}` is a reserved word"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_few_characters_and_tags_no_reserved_words() {
        let long = "a".repeat(100);
        for (text, name, tag) in [
            ("a", true, true),
            ("1.0.0-rc.1_x", true, true),
            (&long, true, true),
            (&format!("{long}a"), false, false),
            ("", false, false),
            ("1.0.0+build", false, false),
            ("a/b", false, false),
            ("é", false, false),
            ("latest", true, false),
            ("all", true, false),
            ("Latest", true, true),
        ] {
            assert_eq!(
                check_name("PolicyPack", "name", text).is_ok(),
                name,
                "{text}"
            );
            assert_eq!(check_tag(text).is_ok(), tag, "{text}");
        }
    }
}
