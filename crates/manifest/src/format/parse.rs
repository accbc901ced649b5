//! Builds the tree from tokens and assigns every comment to an entry.
//!
//! A comment at the end of a line belongs to that line. A comment on its own line belongs to the
//! entry below it. After the last entry of a block it belongs to the end of the innermost block
//! that is not indented more.

use std::collections::VecDeque;

use super::lex::{Found, NotUnderstood, Token, TokenKind, Tokens};
use super::tree::{
    Child, Collection, CollectionKind, Comment, Document, Key, Node, Scalar, ScalarText,
};

type Result<T> = std::result::Result<T, NotUnderstood>;

/// Parses a document whose root is a block mapping.
pub(super) fn document<'a>(tokens: Tokens<'a>) -> Result<Document<'a>> {
    let Tokens { header, tokens } = tokens;
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
        return Err(NotUnderstood);
    };
    let header = parser.take_pending();
    let header_blank = parser.peek().is_some_and(|token| token.blank_before);
    let root = parser.block(CollectionKind::Mapping, None)?;
    if !parser.tokens.is_empty() || !parser.pending.is_empty() {
        return Err(NotUnderstood);
    }
    Ok(Document {
        header,
        header_blank,
        root,
    })
}

struct Parser<'a> {
    tokens: VecDeque<Token<'a>>,
    /// Comments since the last token with text that are not assigned yet.
    pending: VecDeque<Found<'a>>,
    /// The number of dashes of the next token with text that belong to open items.
    dashes_taken: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.front()
    }

    /// Consumes the next token and adds its comments to `pending`.
    fn pop(&mut self) -> Option<Token<'a>> {
        let mut token = self.tokens.pop_front()?;
        if token.kind.has_text() {
            self.pending.extend(std::mem::take(&mut token.after));
            self.dashes_taken = 0;
        }
        Some(token)
    }

    fn next_with_text(&self) -> Option<&Token<'a>> {
        self.tokens.iter().find(|token| token.kind.has_text())
    }

    fn take_pending(&mut self) -> Vec<Comment<'a>> {
        self.pending.drain(..).map(own).collect()
    }

    fn take_pending_while(&mut self, fits: impl Fn(&Found<'a>) -> bool) -> Vec<Comment<'a>> {
        let count = self.pending.iter().take_while(|found| fits(found)).count();
        self.pending.drain(..count).map(own).collect()
    }

    /// Takes the comment at the end of the last token's line.
    fn take_trailing(&mut self) -> Option<&'a str> {
        self.pending
            .pop_front_if(|found| found.trailing)
            .map(|found| found.text)
    }

    /// Parses a block collection after its start. `parent` is the column of the surrounding
    /// mapping.
    fn block(&mut self, kind: CollectionKind, parent: Option<usize>) -> Result<Collection<'a>> {
        let first = self.next_with_text().ok_or(NotUnderstood)?;
        let column = match kind {
            CollectionKind::Mapping => first.column,
            CollectionKind::Sequence => {
                *first.dashes.get(self.dashes_taken).ok_or(NotUnderstood)?
            }
        };
        let mut children = Vec::new();
        while !matches!(
            self.peek().ok_or(NotUnderstood)?.kind,
            TokenKind::End { .. }
        ) {
            let mut child = self.child(kind, Some(column))?;
            refuse_repeated(&children, &child)?;
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
    fn flow(&mut self, kind: CollectionKind) -> Result<Collection<'a>> {
        let mut children = Vec::new();
        while !matches!(
            self.peek().ok_or(NotUnderstood)?.kind,
            TokenKind::End { .. }
        ) {
            let child = self.child(kind, None)?;
            refuse_repeated(&children, &child)?;
            children.push(child);
        }
        let tail = self.take_pending();
        // An empty collection has no other form, and this one cannot contain comments.
        if children.is_empty() && !tail.is_empty() {
            return Err(NotUnderstood);
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
    fn child(&mut self, kind: CollectionKind, column: Option<usize>) -> Result<Child<'a>> {
        let leading = self.take_pending();
        let next = self.next_with_text().ok_or(NotUnderstood)?;
        let blank_before = next.blank_before && column.is_some();
        let mut child = Child {
            leading,
            blank_before,
            key: None,
            value: Node::Null(Vec::new()),
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

    fn key(&mut self) -> Result<(Key<'a>, Option<&'a str>)> {
        let Some(Token {
            kind:
                TokenKind::Scalar {
                    source,
                    scalar,
                    comment: None,
                },
            ..
        }) = self.pop()
        else {
            return Err(NotUnderstood);
        };
        let Scalar {
            text: ScalarText::Flow(lines),
            value,
            is_text: true,
        } = scalar
        else {
            return Err(NotUnderstood);
        };
        if lines.len() != 1 || value == "<<" {
            return Err(NotUnderstood);
        }
        Ok((
            Key {
                text: source,
                name: value,
            },
            self.take_trailing(),
        ))
    }

    fn value(&mut self, child: &mut Child<'a>, column: Option<usize>) -> Result<()> {
        match &self.peek().ok_or(NotUnderstood)?.kind {
            TokenKind::End { .. } => return Err(NotUnderstood),
            TokenKind::Null => {
                // An empty item has no text, so its comments are ambiguous.
                let column = column
                    .filter(|_| child.key.is_some())
                    .ok_or(NotUnderstood)?;
                self.pop();
                child.value = Node::Null(self.take_pending_while(|found| found.column > column));
                return Ok(());
            }
            TokenKind::Start { kind, flow: false } => {
                let kind = *kind;
                self.pop();
                let parent = column.filter(|_| child.key.is_some());
                child.value = Node::Collection(self.block(kind, parent)?);
                return Ok(());
            }
            TokenKind::Start { flow: true, .. } | TokenKind::Scalar { .. } => {}
        }
        // The canonical form has no line for comments between key and value.
        if let Some(text) = child.trailing.take() {
            child.promote(Comment {
                text,
                blank_before: false,
            });
        }
        for comment in self.take_pending() {
            child.promote(comment);
        }
        match self.pop().ok_or(NotUnderstood)?.kind {
            TokenKind::Start { kind, .. } => child.value = Node::Collection(self.flow(kind)?),
            TokenKind::Scalar {
                scalar, comment, ..
            } => {
                child.value = Node::Scalar(scalar);
                child.trailing = comment;
            }
            TokenKind::End { .. } | TokenKind::Null => return Err(NotUnderstood),
        }
        if child.trailing.is_none() {
            child.trailing = self.take_trailing();
        }
        Ok(())
    }
}

/// Duplicate keys are rejected because only the first one would count.
fn refuse_repeated(children: &[Child<'_>], child: &Child<'_>) -> Result<()> {
    let repeated = |key: &Key<'_>| children.iter().any(|other| other.is_named(&key.name));
    if child.key.as_ref().is_some_and(repeated) {
        Err(NotUnderstood)
    } else {
        Ok(())
    }
}

/// Removes the empty line at the start of a block.
fn open_without_blank(child: &mut Child<'_>) {
    match child.leading.first_mut() {
        Some(comment) => comment.blank_before = false,
        None => child.blank_before = false,
    }
}

fn own(found: Found<'_>) -> Comment<'_> {
    let Found {
        text,
        column: _,
        blank_before,
        trailing: _,
    } = found;
    Comment { text, blank_before }
}
