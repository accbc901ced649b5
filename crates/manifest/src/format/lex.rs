//! Tokens: the parser's events with the comments, empty lines and dashes between them.

mod block;

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::tree::{BlockScalar, CollectionKind, Scalar, ScalarText};
use crate::yaml::scalar;
use model::diag::line_index::{LineIndex, quoted};

/// The document contains syntax that the formatter does not support, so it is kept unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnsupportedYaml;

#[derive(Debug)]
pub(super) struct DocumentTokens<'a> {
    pub(super) header: Vec<CommentToken<'a>>,
    pub(super) tokens: Vec<YamlToken<'a>>,
}

impl DocumentTokens<'_> {
    pub(super) fn into_comments(self) -> Vec<String> {
        let Self { header, tokens } = self;
        let mut comments: Vec<String> = header.iter().map(|found| found.text.to_owned()).collect();
        for token in tokens {
            comments.extend(token.after.iter().map(|found| found.text.to_owned()));
            if let TokenKind::Scalar {
                comment: Some(comment),
                ..
            } = token.kind
            {
                comments.push(comment.to_owned());
            }
        }
        comments
    }
}

#[derive(Debug, Clone)]
pub(super) struct CommentToken<'a> {
    pub(super) text: &'a str,
    /// Column in bytes. After a dash it is the column of the dash.
    pub(super) column: usize,
    pub(super) blank_before: bool,
    /// Whether it is on the line where the previous token ends.
    pub(super) trailing: bool,
}

#[derive(Debug)]
pub(super) struct YamlToken<'a> {
    pub(super) kind: TokenKind<'a>,
    /// Column in bytes.
    pub(super) column: usize,
    /// The columns of the dashes in front of the token.
    pub(super) dashes: Vec<usize>,
    pub(super) blank_before: bool,
    /// The comments between this token and the next one with text.
    pub(super) after: Vec<CommentToken<'a>>,
}

#[derive(Debug)]
pub(super) enum TokenKind<'a> {
    Start {
        kind: CollectionKind,
        flow: bool,
    },
    End {
        flow: bool,
    },
    Scalar {
        source: &'a str,
        scalar: Scalar<'a>,
        comment: Option<&'a str>,
    },
    Null,
}

impl TokenKind<'_> {
    /// Whether the token has text. Block collections and missing values have none.
    pub(super) fn has_text(&self) -> bool {
        match self {
            Self::Start { flow, .. } | Self::End { flow } => *flow,
            Self::Scalar { .. } => true,
            Self::Null => false,
        }
    }
}

/// Reads one document. It must end with a line break and contain no `---`.
pub(super) fn tokens(text: &str) -> Result<DocumentTokens<'_>, UnsupportedYaml> {
    let mut lexer = Lexer {
        text,
        lines: LineIndex::of(text),
        at: 0,
        flow: Vec::new(),
        last: None,
        result: DocumentTokens {
            header: Vec::new(),
            tokens: Vec::new(),
        },
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|_| UnsupportedYaml)?;
        lexer.event(event, span)?;
    }
    let gap = lexer.gap(text.len())?;
    match gap.stop {
        Some(_) => Err(UnsupportedYaml),
        None => {
            lexer.comments(gap.comments);
            Ok(lexer.result)
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    lines: LineIndex<'a>,
    /// End of the last token with text.
    at: usize,
    /// For each open collection, whether it is a flow collection.
    flow: Vec<bool>,
    /// The index of the last token with text.
    last: Option<usize>,
    result: DocumentTokens<'a>,
}

/// The comments and dashes between two tokens.
#[derive(Debug, Default)]
struct TokenGap<'a> {
    comments: Vec<CommentToken<'a>>,
    dashes: Vec<usize>,
    blank_before: bool,
    /// Start of other content.
    stop: Option<usize>,
}

impl<'a> Lexer<'a> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), UnsupportedYaml> {
        let range = self.lines.offset(&span.start)..self.lines.offset(&span.end);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(false) => Ok(()),
            Event::DocumentStart(true) | Event::Alias(_) => Err(UnsupportedYaml),
            Event::Scalar(value, style, 0, None) => self.scalar(value.into_owned(), style, range),
            Event::SequenceStart(0, None) => self.start(CollectionKind::Sequence, range),
            Event::MappingStart(0, None) => self.start(CollectionKind::Mapping, range),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                Err(UnsupportedYaml)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.flow.pop() {
                // The span may include a comment after the bracket.
                Some(true) => {
                    self.with_text(TokenKind::End { flow: true }, range.start..range.start + 1)
                }
                Some(false) => self.without_text(TokenKind::End { flow: false }),
                None => Err(UnsupportedYaml),
            },
        }
    }

    fn start(&mut self, kind: CollectionKind, range: Range<usize>) -> Result<(), UnsupportedYaml> {
        // The span of a flow collection is its bracket, perhaps with the following space. That of a
        // block collection is empty or a dash.
        let first = self
            .text
            .get(range.clone())
            .and_then(|text| text.bytes().next());
        let flow = matches!(
            (kind, first),
            (CollectionKind::Mapping, Some(b'{')) | (CollectionKind::Sequence, Some(b'['))
        );
        // A pair without braces in a flow sequence.
        if !flow && self.flow.last() == Some(&true) {
            return Err(UnsupportedYaml);
        }
        self.flow.push(flow);
        let token = TokenKind::Start { kind, flow };
        if flow {
            self.with_text(token, range.start..range.start + 1)
        } else {
            self.without_text(token)
        }
    }

    fn scalar(
        &mut self,
        value: String,
        style: ScalarStyle,
        range: Range<usize>,
    ) -> Result<(), UnsupportedYaml> {
        match style {
            ScalarStyle::Plain if value.is_empty() => match self.flow.last() {
                Some(false) => self.without_text(TokenKind::Null),
                Some(true) | None => Err(UnsupportedYaml),
            },
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let source = source(self.text.get(range.clone()).ok_or(UnsupportedYaml)?, style)?;
                let is_text = style != ScalarStyle::Plain || scalar::is_text(&value);
                let text = ScalarText::Flow(flow_lines(source, style == ScalarStyle::DoubleQuoted));
                let range = range.start..range.start + source.len();
                let scalar = Scalar {
                    text,
                    value,
                    is_text,
                };
                self.with_text(
                    TokenKind::Scalar {
                        source,
                        scalar,
                        comment: None,
                    },
                    range,
                )
            }
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_scalar(value),
        }
    }

    fn block_scalar(&mut self, value: String) -> Result<(), UnsupportedYaml> {
        // The event starts at the content; the header comes before it.
        let gap = self.gap(self.text.len())?;
        let start = gap.stop.ok_or(UnsupportedYaml)?;
        let key = self.last.and_then(|last| self.result.tokens.get(last));
        let parent = gap
            .dashes
            .last()
            .copied()
            .or(key.map(|key| key.column))
            .ok_or(UnsupportedYaml)?;
        let found = block::read(self.text, start, parent).ok_or(UnsupportedYaml)?;
        let source = &self.text[start..found.end];
        let block::BlockScalarToken {
            indicator,
            explicit_indent,
            chomping,
            lines,
            comment,
            end,
        } = found;
        let block = BlockScalar {
            indicator,
            explicit_indent,
            chomping,
            lines,
        };
        let scalar = Scalar {
            text: ScalarText::Block(block),
            value,
            is_text: true,
        };
        self.push(
            TokenKind::Scalar {
                source,
                scalar,
                comment,
            },
            start,
            gap,
        );
        self.at = end;
        Ok(())
    }

    fn with_text(
        &mut self,
        kind: TokenKind<'a>,
        range: Range<usize>,
    ) -> Result<(), UnsupportedYaml> {
        let gap = self.gap(range.start)?;
        if gap.stop.is_some() {
            return Err(UnsupportedYaml);
        }
        self.push(kind, range.start, gap);
        self.at = range.end;
        Ok(())
    }

    fn without_text(&mut self, kind: TokenKind<'a>) -> Result<(), UnsupportedYaml> {
        let token = YamlToken {
            kind,
            column: 0,
            dashes: Vec::new(),
            blank_before: false,
            after: Vec::new(),
        };
        self.result.tokens.push(token);
        Ok(())
    }

    fn push(&mut self, kind: TokenKind<'a>, start: usize, gap: TokenGap<'a>) {
        let TokenGap {
            comments,
            dashes,
            blank_before,
            stop: _,
        } = gap;
        self.comments(comments);
        self.last = Some(self.result.tokens.len());
        let column = self.column(start);
        self.result.tokens.push(YamlToken {
            kind,
            column,
            dashes,
            blank_before,
            after: Vec::new(),
        });
    }

    fn comments(&mut self, comments: Vec<CommentToken<'a>>) {
        match self.last.and_then(|last| self.result.tokens.get_mut(last)) {
            Some(token) => token.after = comments,
            None => self.result.header = comments,
        }
    }

    fn column(&self, at: usize) -> usize {
        at - self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Reads from the end of the last token to `end`, or to the first text that is not a space,
    /// comment or indicator.
    fn gap(&self, end: usize) -> Result<TokenGap<'a>, UnsupportedYaml> {
        let bytes = self
            .text
            .as_bytes()
            .get(self.at..end)
            .ok_or(UnsupportedYaml)?;
        let mut gap = TokenGap::default();
        // The line breaks since the last token or comment, and the column of the first dash on this
        // line.
        let mut breaks = 0;
        let mut same_line = self.last.is_some();
        let mut dash = None;
        let mut skip_to = 0;
        for (offset, byte) in bytes.iter().enumerate() {
            if offset < skip_to {
                continue;
            }
            let at = self.at + offset;
            match byte {
                b'\n' => (breaks, same_line, dash) = (breaks + 1, false, None),
                b' ' | b'\t' | b':' | b',' => {}
                b'-' => {
                    gap.blank_before |= breaks > 1;
                    gap.dashes.push(self.column(at));
                    dash = dash.or(Some(self.column(at)));
                    breaks = 0;
                }
                b'#' => {
                    let length = self.text[at..].find('\n').unwrap_or(self.text.len() - at);
                    let blank_before = std::mem::take(&mut gap.blank_before) || breaks > 1;
                    let column = dash.unwrap_or_else(|| self.column(at));
                    let text = self.text[at..at + length].trim_end();
                    gap.comments.push(CommentToken {
                        text,
                        column,
                        blank_before,
                        trailing: same_line,
                    });
                    (breaks, skip_to) = (0, offset + length);
                }
                _ => {
                    gap.stop = Some(at);
                    break;
                }
            }
        }
        gap.blank_before |= breaks > 1;
        Ok(gap)
    }
}

fn source(text: &str, style: ScalarStyle) -> Result<&str, UnsupportedYaml> {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            quoted(text).ok_or(UnsupportedYaml)
        }
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => Ok(text.trim_end()),
    }
}

/// The lines of a plain or quoted scalar, without white space that folding removes (YAML 1.2,
/// section 6.5).
fn flow_lines(source: &str, escapes: bool) -> Vec<&str> {
    let is_space = |c: char| c == ' ' || c == '\t';
    let last = source.split('\n').count() - 1;
    let lines = source.split('\n').enumerate().map(|(index, line)| {
        let line = if index == 0 {
            line
        } else {
            line.trim_start_matches(is_space)
        };
        let trimmed = line.trim_end_matches(is_space);
        // An escaped space is content.
        if index == last || (escapes && trimmed.ends_with('\\')) {
            line
        } else {
            trimmed
        }
    });
    lines.collect()
}
