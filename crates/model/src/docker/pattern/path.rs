//! Resources of filesystem rules: paths of four formats.

use std::fmt;

use super::error::{FaultRange, PatternError, PatternFault, PatternKind, read_common};
use super::glob::{self, GlobSegment};
use super::repair;

/// The server name of a WSL path.
const WSL: &str = "wsl.localhost";

/// The root of a path. A rule matches only paths of its own format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathRoot {
    /// `/`
    Posix,
    /// `~`: the home directory, on every system.
    Home,
    /// `C:\`: a Windows drive as written.
    Drive(char),
    /// `*:\`: any Windows drive.
    AnyDrive,
    /// `\\wsl.localhost\`: the file systems of WSL. The first segment is the distribution.
    Wsl,
    /// `**` alone: every path of every format. Only patterns have this root.
    Any,
}

impl PathRoot {
    /// The character between segments.
    pub fn separator(self) -> char {
        match self {
            Self::Posix | Self::Home | Self::Any => '/',
            Self::Drive(_) | Self::AnyDrive | Self::Wsl => '\\',
        }
    }
}

/// A path glob of a filesystem rule as written (contract: `RuleResources`, filesystem domain).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    root: PathRoot,
    text: Box<str>,
    body: usize,
}

impl PathPattern {
    /// Parses a resource of a filesystem rule.
    ///
    /// # Errors
    /// Returns the invalid bytes.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        repair::parse(text, PatternKind::Path, Self::read)
    }

    pub(super) fn read(text: &str) -> Result<Self, FaultRange> {
        read_common(text)?;
        reject_variables(text)?;
        let (root, body) = read_root(text)?;
        let rest = &text[body..];
        let wrong = if root.separator() == '/' { '\\' } else { '/' };
        if let Some(at) = rest.find(wrong) {
            return Err(FaultRange::new(
                PatternFault::MixedSeparators,
                body + at..body + at + 1,
            ));
        }
        if root.separator() == '\\'
            && let Some(at) = rest.find(['<', '>', ':', '"', '|', '?'])
        {
            let bad = char::from(rest.as_bytes()[at]);
            return Err(FaultRange::new(
                PatternFault::PathCharacter(bad),
                body + at..body + at + 1,
            ));
        }
        if text == "~/" {
            return Err(FaultRange::new(PatternFault::TrailingSeparator, 1..2));
        }
        glob::read_segments(rest, if wrong == '/' { b'\\' } else { b'/' }, body)?;
        Ok(Self {
            root,
            text: text.into(),
            body,
        })
    }

    pub fn root(&self) -> PathRoot {
        self.root
    }

    /// Whether the pattern matches every path of every format.
    pub fn matches_all(&self) -> bool {
        self.root == PathRoot::Any
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments after the root; none for the root alone.
    pub fn segments(&self) -> impl Iterator<Item = GlobSegment<'_>> {
        glob::segments(&self.text[self.body..], self.root.separator())
    }

    /// The pattern with its segments in lowercase, for comparisons that ignore case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        let root = &self.text[..self.body];
        let segments = self.text[self.body..].to_lowercase();
        Self {
            text: format!("{root}{segments}").into(),
            ..self.clone()
        }
    }

    /// Whether this pattern matches every path that `other` matches. `true` is always correct;
    /// `false` may also mean that the comparison would be too expensive.
    pub fn covers(&self, other: &Self) -> bool {
        let same_root = self.root == other.root
            || self.matches_all()
            || (self.root == PathRoot::AnyDrive && matches!(other.root, PathRoot::Drive(_)));
        same_root
            && glob::covers(
                &self.segments().collect::<Vec<_>>(),
                &other.segments().collect::<Vec<_>>(),
            )
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The root, and the byte offset of the segments.
fn read_root(text: &str) -> Result<(PathRoot, usize), FaultRange> {
    let bytes = text.as_bytes();
    match bytes {
        b"**" => Ok((PathRoot::Any, 0)),
        [b'/', ..] => Ok((PathRoot::Posix, 1)),
        [b'~'] => Ok((PathRoot::Home, 1)),
        [b'~', b'/', ..] => Ok((PathRoot::Home, 2)),
        [b'~', b'\\', ..] => Err(FaultRange::new(PatternFault::MixedSeparators, 1..2)),
        [b'~', ..] => Err(FaultRange::new(
            PatternFault::HomeOfUser,
            0..text.find(['/', '\\']).unwrap_or(text.len()),
        )),
        [b'\\', b'\\', ..] => read_share(text),
        [letter, b':', rest @ ..] if letter.is_ascii_alphabetic() || *letter == b'*' => {
            match rest {
                [b'\\', ..] if *letter == b'*' => Ok((PathRoot::AnyDrive, 3)),
                [b'\\', ..] => Ok((PathRoot::Drive(char::from(*letter)), 3)),
                [b'/', b'/', ..] => Err(FaultRange::new(PatternFault::Relative, 0..text.len())),
                [b'/', ..] => Err(FaultRange::new(PatternFault::MixedSeparators, 2..3)),
                _ => Err(FaultRange::new(PatternFault::DriveRelative, 2..2)),
            }
        }
        _ => match text.find("://") {
            Some(at) => Err(FaultRange::new(PatternFault::Scheme, 0..at + 3)),
            None => Err(FaultRange::new(PatternFault::Relative, 0..text.len())),
        },
    }
}

/// The root of a text that starts with two backslashes.
fn read_share(text: &str) -> Result<(PathRoot, usize), FaultRange> {
    let end = text[2..].find(['\\', '/']).map_or(text.len(), |at| at + 2);
    if !text[2..end].eq_ignore_ascii_case(WSL) {
        return Err(FaultRange::new(PatternFault::UnknownShare, 0..end));
    }
    match text.as_bytes().get(end) {
        Some(b'/') => Err(FaultRange::new(PatternFault::MixedSeparators, end..end + 1)),
        Some(_) if end + 1 < text.len() => Ok((PathRoot::Wsl, end + 1)),
        _ => Err(FaultRange::new(
            PatternFault::NoDistribution,
            end..text.len(),
        )),
    }
}

/// Rejects `$NAME` and `${NAME}` at the start of a segment, and `%NAME%` anywhere. `$Recycle.Bin`
/// on a Windows drive is a real name and accepted.
fn reject_variables(text: &str) -> Result<(), FaultRange> {
    if !text.bytes().any(|byte| matches!(byte, b'$' | b'%')) {
        return Ok(());
    }
    let windows = text.as_bytes().get(1) == Some(&b':') || text.starts_with("\\\\");
    for (at, _) in text.match_indices('$') {
        let front = at == 0 || matches!(text.as_bytes()[at - 1], b'/' | b'\\');
        let rest = &text[at + 1..];
        let name = rest.find(['/', '\\']).map_or(rest, |end| &rest[..end]);
        if front && is_variable(name, windows) {
            return Err(FaultRange::new(
                PatternFault::Variable,
                at..at + 1 + name.len(),
            ));
        }
    }
    let mut marks = text.match_indices('%').map(|(at, _)| at);
    while let (Some(open), Some(close)) = (marks.next(), marks.clone().next()) {
        let name = &text[open + 1..close];
        if !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'(' | b')'))
        {
            return Err(FaultRange::new(PatternFault::Variable, open..close + 1));
        }
    }
    Ok(())
}

/// Whether the text after `$` is the name of a variable. Windows shells use `$env:NAME`.
fn is_variable(name: &str, windows: bool) -> bool {
    let plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let braced = name
        .strip_prefix('{')
        .and_then(|name| name.strip_suffix('}'));
    let shell = name.strip_prefix("env:").or(braced);
    shell.is_some_and(plain) || (!windows && plain(name))
}
