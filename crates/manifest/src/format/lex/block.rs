//! Literal and folded scalars (YAML 1.2, section 8.1).

/// A block scalar in the text.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) indicator: char,
    pub(super) explicit_indent: bool,
    pub(super) chomping: Option<char>,
    /// The lines of the content, without the indentation.
    pub(super) lines: Vec<&'a str>,
    /// The comment on the line of the header.
    pub(super) comment: Option<&'a str>,
    /// Where its last line ends.
    pub(super) end: usize,
}

/// Reads the block scalar whose header begins at `start`. `parent` is the column of the key or dash that holds it.
pub(super) fn read(text: &str, start: usize, parent: usize) -> Option<Found<'_>> {
    let (header, _) = text.get(start..)?.split_once('\n')?;
    let (indicators, comment) = match header.split_once('#') {
        Some((indicators, _)) => (indicators, Some(header[indicators.len()..].trim_end())),
        None => (header, None),
    };
    let mut indicators = indicators.trim_end().chars();
    let indicator = indicators.next().filter(|c| matches!(c, '|' | '>'))?;
    let mut chomping = None;
    let mut digit = None;
    for c in indicators {
        match c {
            '+' | '-' if chomping.is_none() => chomping = Some(c),
            '1'..='9' if digit.is_none() => {
                digit = c.to_digit(10).and_then(|digit| usize::try_from(digit).ok())
            }
            _ => return None,
        }
    }
    let body = start + header.len() + 1;
    let indent = digit.map_or_else(
        || detect(&text[body..], parent),
        |digit| Some(parent + digit),
    );
    let lines = content(&text[body..], indent, chomping == Some('+'));
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    let strip = |line: &&'_ str| -> usize { indent.unwrap_or(line.len()).min(line.len()) };
    Some(Found {
        indicator,
        explicit_indent: digit.is_some(),
        chomping,
        comment,
        // Without its last line break, which belongs to what follows.
        end: body + length - 1,
        lines: lines
            .into_iter()
            .map(|line| &line[strip(&line)..])
            .collect(),
    })
}

fn leading_spaces(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The indentation of the first line that is not empty; nothing if the content is.
fn detect(body: &str, parent: usize) -> Option<usize> {
    let first = body
        .lines()
        .find(|line| !line.trim_start_matches(' ').is_empty())?;
    Some(leading_spaces(first)).filter(|indent| *indent > parent)
}

/// The lines of the content, indented as in the text. Empty lines at the end belong to it only if they are kept.
fn content(body: &str, indent: Option<usize>, keep: bool) -> Vec<&str> {
    let is_blank = |line: &str| {
        let spaces = leading_spaces(line);
        spaces == line.len() && indent.is_none_or(|indent| spaces <= indent)
    };
    let is_inside =
        |line: &&str| is_blank(line) || indent.is_some_and(|indent| leading_spaces(line) >= indent);
    let mut lines: Vec<_> = body.lines().take_while(is_inside).collect();
    if !keep {
        let filled = lines
            .iter()
            .rposition(|line| !is_blank(line))
            .map_or(0, |last| last + 1);
        lines.truncate(filled);
    }
    lines
}
