//! What would change, as a unified diff.

use camino::Utf8Path;
use similar::TextDiff;

use crate::render::paint::Painter;
use crate::render::text::{neutral, neutral_lines};

/// The difference between a file's text and its canonical form.
pub(super) fn diff(path: &Utf8Path, before: &str, after: &str, paint: Painter) -> String {
    let diff = TextDiff::from_lines(before, after);
    let path = neutral(path.as_str());
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        let line = neutral_lines(line);
        let painted = match line.as_bytes().first() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => paint.strong(&line),
            Some(b'-') => paint.bad(&line),
            Some(b'+') => paint.good(&line),
            Some(b'@') => paint.dim(&line),
            Some(_) | None => line.into_owned(),
        };
        shown.push_str(&painted);
        shown.push('\n');
    }
    shown
}
