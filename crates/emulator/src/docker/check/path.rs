//! Paths of files and of HTTP requests (schemas `RuleResources` and `HTTPResource`).

/// The error in a path of a filesystem rule. POSIX, Windows and WSL paths, the home directory and
/// variables are valid, although variables match nothing. Only paths that cannot be absolute are
/// refused.
pub(super) fn file_fault(text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        return Some("has a control character");
    }
    let is_absolute = text.starts_with(['/', '$', '%'])
        || text == "~"
        || text == "**"
        || ["~/", "~\\", "**/", "\\\\"]
            .iter()
            .any(|start| text.starts_with(start))
        || is_drive(text.as_bytes());
    (!is_absolute).then_some("is not an absolute path")
}

/// `C:\…`, `C:/…` or `*:\…`.
fn is_drive(bytes: &[u8]) -> bool {
    matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic() || *drive == b'*')
}

/// The error in the path of an HTTP resource, which must be canonical.
pub(super) fn http_fault(text: &str) -> Option<&'static str> {
    let Some(inside) = text.strip_prefix('/') else {
        return Some("does not begin with `/`");
    };
    if text.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if text.contains(['?', '#', '%']) {
        return Some("has a query, a fragment or percent-encoding");
    }
    if inside.is_empty() {
        return None;
    }
    inside.split('/').find_map(|segment| match segment {
        "" => Some("has a repeated or trailing slash"),
        "." | ".." => Some("has a `.` or `..` segment"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_paths() {
        for (text, good) in [
            ("/", true),
            ("/data", true),
            ("/data/**", true),
            ("~", true),
            ("~/src/*.rs", true),
            (r"C:\data\**", true),
            (r"*:\data\**", true),
            (r"\\wsl.localhost\Ubuntu\home", true),
            ("$HOME/x", true),
            ("%USERPROFILE%\\x", true),
            ("**", true),
            ("", false),
            ("data", false),
            ("./data", false),
            ("~user/x", false),
            ("example.com", false),
            ("*.example.com", false),
            ("/da\u{7}ta", false),
        ] {
            assert_eq!(file_fault(text).is_none(), good, "{text:?}");
        }
    }

    #[test]
    fn http_paths() {
        for (text, good) in [
            ("/", true),
            ("/**", true),
            ("/repos/*/issues", true),
            ("/repos/docker/**", true),
            ("", false),
            ("repos", false),
            ("/repos/", false),
            ("/repos//docker", false),
            ("//", false),
            ("/a/./b", false),
            ("/a/..", false),
            ("/a?b", false),
            ("/a#b", false),
            ("/a%20b", false),
            ("/a\nb", false),
        ] {
            assert_eq!(http_fault(text).is_none(), good, "{text:?}");
        }
    }
}
