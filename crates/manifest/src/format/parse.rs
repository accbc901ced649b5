//! Builds the tree from tokens and assigns every comment to an entry.
//!
//! A comment at the end of a line belongs to that line. A comment on its own line belongs to the
//! entry below it. After the last entry of a block it belongs to the end of the innermost block
//! that is not indented more.

use std::collections::{HashSet, VecDeque};

use super::lex::{CommentToken, DocumentTokens, TokenKind, UnsupportedYaml, YamlToken};
use super::tree::{
    Child, Collection, CollectionKind, CommentLine, DocumentTree, MappingKey, Scalar, ScalarText,
    YamlNode,
};

type ParseResult<T> = std::result::Result<T, UnsupportedYaml>;

/// Parses a document whose root is a block mapping.
pub(super) fn document<'a>(tokens: DocumentTokens<'a>) -> ParseResult<DocumentTree<'a>> {
    let DocumentTokens { header, tokens } = tokens;
    let mut parser = Parser {
        tokens: tokens.into(),
        pending: header.into(),
        dashes_taken: 0,
    };
    let Some(TokenKind::Start {
        kind: CollectionKind::Mapping,
        flow: false,
    }) = parser.pop().map(|token| token.kind)
    else {
        return Err(UnsupportedYaml);
    };
    let header = parser.take_pending();
    let header_blank = parser.peek().is_some_and(|token| token.blank_before);
    let root = parser.block(CollectionKind::Mapping, None)?;
    if !parser.tokens.is_empty() || !parser.pending.is_empty() {
        return Err(UnsupportedYaml);
    }
    Ok(DocumentTree {
        header,
        header_blank,
        root,
    })
}

struct Parser<'a> {
    tokens: VecDeque<YamlToken<'a>>,
    /// Comments since the last token with text that are not assigned yet.
    pending: VecDeque<CommentToken<'a>>,
    /// The number of dashes of the next token with text that belong to open items.
    dashes_taken: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&YamlToken<'a>> {
        self.tokens.front()
    }

    /// Consumes the next token and adds its comments to `pending`.
    fn pop(&mut self) -> Option<YamlToken<'a>> {
        let mut token = self.tokens.pop_front()?;
        if token.kind.has_text() {
            self.pending.extend(std::mem::take(&mut token.after));
            self.dashes_taken = 0;
        }
        Some(token)
    }

    fn next_with_text(&self) -> Option<&YamlToken<'a>> {
        self.tokens.iter().find(|token| token.kind.has_text())
    }

    fn take_pending(&mut self) -> Vec<CommentLine<'a>> {
        self.pending.drain(..).map(comment_line).collect()
    }

    fn take_pending_while(
        &mut self,
        fits: impl Fn(&CommentToken<'a>) -> bool,
    ) -> Vec<CommentLine<'a>> {
        let count = self.pending.iter().take_while(|found| fits(found)).count();
        self.pending.drain(..count).map(comment_line).collect()
    }

    /// Takes the comment at the end of the last token's line.
    fn take_trailing(&mut self) -> Option<&'a str> {
        self.pending
            .pop_front_if(|found| found.trailing)
            .map(|found| found.text)
    }

    /// Parses a block collection after its start. `parent` is the column of the surrounding
    /// mapping.
    fn block(
        &mut self,
        kind: CollectionKind,
        parent: Option<usize>,
    ) -> ParseResult<Collection<'a>> {
        let first = self.next_with_text().ok_or(UnsupportedYaml)?;
        let column = match kind {
            CollectionKind::Mapping => first.column,
            CollectionKind::Sequence => {
                *first.dashes.get(self.dashes_taken).ok_or(UnsupportedYaml)?
            }
        };
        let mut keys = MappingKeys::default();
        let mut children = Vec::new();
        while !matches!(
            self.peek().ok_or(UnsupportedYaml)?.kind,
            TokenKind::End { .. }
        ) {
            let mut child = self.child(kind, Some(column))?;
            keys.add(&child)?;
            if children.is_empty() {
                open_without_blank(&mut child);
            }
            children.push(child);
        }
        self.pop();
        // A comment in the column of a list without indentation belongs to the next key.
        let indented = parent != Some(column);
        let tail = self.take_pending_while(|found| {
            found.column > column || (indented && found.column == column)
        });
        Ok(Collection {
            kind,
            flow: false,
            children,
            tail,
        })
    }

    /// Parses a flow collection after its opening bracket.
    fn flow(&mut self, kind: CollectionKind) -> ParseResult<Collection<'a>> {
        let mut keys = MappingKeys::default();
        let mut children = Vec::new();
        while !matches!(
            self.peek().ok_or(UnsupportedYaml)?.kind,
            TokenKind::End { .. }
        ) {
            let child = self.child(kind, None)?;
            keys.add(&child)?;
            children.push(child);
        }
        let tail = self.take_pending();
        // An empty collection has no other form, and this one cannot contain comments.
        if children.is_empty() && !tail.is_empty() {
            return Err(UnsupportedYaml);
        }
        self.pop();
        Ok(Collection {
            kind,
            flow: true,
            children,
            tail,
        })
    }

    /// Parses one entry or item. `column` is that of its block.
    fn child(&mut self, kind: CollectionKind, column: Option<usize>) -> ParseResult<Child<'a>> {
        let leading = self.take_pending();
        let next = self.next_with_text().ok_or(UnsupportedYaml)?;
        let blank_before = next.blank_before && column.is_some();
        let mut child = Child {
            leading,
            blank_before,
            key: None,
            value: YamlNode::Null(Vec::new()),
            trailing: None,
        };
        if kind == CollectionKind::Mapping {
            let (key, trailing) = self.key()?;
            child.key = Some(key);
            child.trailing = trailing;
        } else if column.is_some() {
            self.dashes_taken += 1;
        }
        self.value(&mut child, column)?;
        Ok(child)
    }

    fn key(&mut self) -> ParseResult<(MappingKey<'a>, Option<&'a str>)> {
        let Some(YamlToken {
            kind:
                TokenKind::Scalar {
                    source,
                    scalar,
                    comment: None,
                },
            ..
        }) = self.pop()
        else {
            return Err(UnsupportedYaml);
        };
        let Scalar {
            text: ScalarText::Flow(lines),
            value,
            is_text: true,
        } = scalar
        else {
            return Err(UnsupportedYaml);
        };
        if lines.len() != 1 || value == "<<" {
            return Err(UnsupportedYaml);
        }
        Ok((
            MappingKey {
                text: source,
                name: value,
            },
            self.take_trailing(),
        ))
    }

    fn value(&mut self, child: &mut Child<'a>, column: Option<usize>) -> ParseResult<()> {
        match &self.peek().ok_or(UnsupportedYaml)?.kind {
            TokenKind::End { .. } => return Err(UnsupportedYaml),
            TokenKind::Null => {
                // An empty item has no text, so its comments are ambiguous.
                let column = column
                    .filter(|_| child.key.is_some())
                    .ok_or(UnsupportedYaml)?;
                self.pop();
                child.value =
                    YamlNode::Null(self.take_pending_while(|found| found.column > column));
                return Ok(());
            }
            TokenKind::Start { kind, flow: false } => {
                let kind = *kind;
                self.pop();
                let parent = column.filter(|_| child.key.is_some());
                child.value = YamlNode::Collection(self.block(kind, parent)?);
                return Ok(());
            }
            TokenKind::Start { flow: true, .. } | TokenKind::Scalar { .. } => {}
        }
        // The canonical form has no line for comments between key and value.
        if let Some(text) = child.trailing.take() {
            child.hoist_comment(CommentLine {
                text,
                blank_before: false,
            });
        }
        for comment in self.take_pending() {
            child.hoist_comment(comment);
        }
        match self.pop().ok_or(UnsupportedYaml)?.kind {
            TokenKind::Start { kind, .. } => child.value = YamlNode::Collection(self.flow(kind)?),
            TokenKind::Scalar {
                scalar, comment, ..
            } => {
                child.value = YamlNode::Scalar(scalar);
                child.trailing = comment;
            }
            TokenKind::End { .. } | TokenKind::Null => return Err(UnsupportedYaml),
        }
        if child.trailing.is_none() {
            child.trailing = self.take_trailing();
        }
        Ok(())
    }
}

/// The keys of one mapping.
#[derive(Default)]
struct MappingKeys(HashSet<String>);

impl MappingKeys {
    /// Duplicate keys are rejected because only the first one would count.
    fn add(&mut self, child: &Child<'_>) -> ParseResult<()> {
        match &child.key {
            Some(key) if !self.0.insert(key.name.clone()) => Err(UnsupportedYaml),
            Some(_) | None => Ok(()),
        }
    }
}

/// Removes the empty line at the start of a block.
fn open_without_blank(child: &mut Child<'_>) {
    match child.leading.first_mut() {
        Some(comment) => comment.blank_before = false,
        None => child.blank_before = false,
    }
}

fn comment_line(found: CommentToken<'_>) -> CommentLine<'_> {
    let CommentToken {
        text,
        column: _,
        blank_before,
        trailing: _,
    } = found;
    CommentLine { text, blank_before }
}
