//! Where links may lead.

use camino::Utf8Path;

/// Whether a link at `path` leads to something inside the source. Steps up come first and stay below the top: they climb
/// real folders, since no other folders are walked. What follows goes down, and a link on that way is looked at by
/// itself.
pub(super) fn stays_inside(path: &Utf8Path, target: &str) -> bool {
    if target.is_empty()
        || target.starts_with('/')
        || target.contains(['\\', '\0'])
        || target.as_bytes().get(1) == Some(&b':')
    {
        return false;
    }
    let mut depth = path.components().count().saturating_sub(1);
    let mut is_down = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if is_down || depth == 0 => return false,
            ".." => depth -= 1,
            _ => is_down = true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_into_the_source_only() {
        for (path, target, wanted) in [
            ("a", "b", true),
            ("a", "./lib/b", true),
            ("lib/a", "../b", true),
            ("lib/deep/a", "../../b/c", true),
            ("lib/a", "..", true),
            ("a", "..", false),
            ("a", "../b", false),
            ("lib/a", "../../b", false),
            // `x` could be a link to a deeper folder.
            ("lib/a", "x/../../../b", false),
            ("a", "x/..", false),
            ("a", "/etc/passwd", false),
            ("a", "C:\\x", false),
            ("a", "..\\x", false),
            ("a", "", false),
        ] {
            assert_eq!(
                stays_inside(Utf8Path::new(path), target),
                wanted,
                "{path} -> {target}"
            );
        }
    }
}
