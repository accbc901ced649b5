//! Literal and folded scalars (YAML 1.2, section 8.1).

/// A block scalar with its position.
#[derive(Debug)]
pub(super) struct BlockScalarToken<'a> {
    pub(super) indicator: char,
    pub(super) explicit_indent: bool,
    pub(super) chomping: Option<char>,
    /// The lines of the content without indentation.
    pub(super) lines: Vec<&'a str>,
    pub(super) comment: Option<&'a str>,
    /// End of the last line.
    pub(super) end: usize,
}

/// Reads the block scalar whose header starts at `start`. `parent` is the column of its key or
/// dash.
pub(super) fn read(text: &str, start: usize, parent: usize) -> Option<BlockScalarToken<'_>> {
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
    Some(BlockScalarToken {
        indicator,
        explicit_indent: digit.is_some(),
        chomping,
        comment,
        // The last line break belongs to the next token.
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

/// The indentation of the first nonempty line, or `None` if all are empty.
fn detect(body: &str, parent: usize) -> Option<usize> {
    let first = body
        .lines()
        .find(|line| !line.trim_start_matches(' ').is_empty())?;
    Some(leading_spaces(first)).filter(|indent| *indent > parent)
}

/// The lines of the content with their indentation. Trailing empty lines are part of it only with
/// `+`.
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
