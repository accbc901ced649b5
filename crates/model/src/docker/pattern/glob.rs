//! Path segments with wildcards.

use super::error::{FaultRange, PatternFault};

/// Maximum product of segment counts for comparing two paths, so that hostile paths with thousands
/// of segments do not take minutes.
const MOST_STEPS: usize = 1 << 16;

/// One segment of a path pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GlobSegment<'a> {
    Text(&'a str),
    /// A text in which each `*` matches any run of characters. A segment of only `*` matches any
    /// one segment.
    Glob(&'a str),
    /// `**`: any number of segments, including none.
    Deep,
}

impl<'a> GlobSegment<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            "**" => Self::Deep,
            text if text.contains('*') => Self::Glob(text),
            text => Self::Text(text),
        }
    }

    /// Whether this segment matches every single segment that `other` matches.
    fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text(this), Self::Text(that)) => this == that,
            (Self::Glob(glob), Self::Text(text)) => glob_matches(glob, text),
            (Self::Glob(this), Self::Glob(that)) => this == "*" || this == that,
            (Self::Text(_) | Self::Glob(_) | Self::Deep, _) => false,
        }
    }
}

/// Whether `glob`, in which each `*` matches any run of characters including an empty one, matches
/// `text`.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else {
        return glob == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

/// The segments of a path without its root. The root alone has none.
pub(super) fn segments(body: &str, separator: char) -> impl Iterator<Item = GlobSegment<'_>> {
    body.split(separator)
        .filter(|segment| !segment.is_empty())
        .map(GlobSegment::of)
}

/// Checks the segments of `body`, which starts at byte `at` of the text.
pub(super) fn read_segments(body: &str, separator: u8, at: usize) -> Result<(), FaultRange> {
    if body.is_empty() {
        return Ok(());
    }
    let mut start = 0;
    for segment in body.as_bytes().split(|byte| *byte == separator) {
        let end = start + segment.len();
        let range = at + start..at + end;
        match segment {
            [] if end == body.len() => {
                return Err(FaultRange::new(
                    PatternFault::TrailingSeparator,
                    at + start - 1..at + start,
                ));
            }
            [] => {
                return Err(FaultRange::new(
                    PatternFault::RepeatedSeparator,
                    at + start.saturating_sub(1)..at + start + 1,
                ));
            }
            b"." | b".." => return Err(FaultRange::new(PatternFault::DotSegment, range)),
            b"**" => {}
            text => read_stars(text).map_err(|fault| FaultRange::new(fault, range))?,
        }
        start = end + 1;
    }
    Ok(())
}

fn read_stars(segment: &[u8]) -> Result<(), PatternFault> {
    if segment.windows(3).any(|window| window == b"***") {
        return Err(PatternFault::TooManyStars);
    }
    if segment.windows(2).any(|window| window == b"**") {
        return Err(PatternFault::DeepGlued);
    }
    Ok(())
}

/// Whether `this` matches every path that `other` matches (inclusion of path globs).
///
/// `true` is always correct. `false` may also mean that the comparison would be too expensive. The
/// algorithm is dynamic programming over both segment lists, like matching with `*` as a wildcard
/// for segments: `/a/**` covers `/a/*/b`.
pub(super) fn covers(this: &[GlobSegment<'_>], other: &[GlobSegment<'_>]) -> bool {
    if this.len().saturating_mul(other.len()) > MOST_STEPS {
        return this == other;
    }
    // `row[j]`: whether the rest of `this` covers `other[j..]`, computed from the end of `this` to
    // its start.
    let mut row = vec![false; other.len() + 1];
    row[other.len()] = true;
    for segment in this.iter().rev() {
        let next = row.clone();
        for at in (0..=other.len()).rev() {
            row[at] = match segment {
                GlobSegment::Deep => next[at] || row.get(at + 1).copied().unwrap_or(false),
                segment => other.get(at).is_some_and(|that| segment.covers(*that)) && next[at + 1],
            };
        }
    }
    row[0]
}
