//! Splits Rust text into code, comments and string literals, with line numbers.
//!
//! `syn` drops comments, so the texts that people read are found here.

/// What a piece of a Rust file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// A `//` or `/* */` comment.
    Comment,
    /// A doc comment.
    Doc,
    /// The contents of a string literal, without its quotes.
    Literal,
}

/// A comment or a string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPiece {
    /// The kind of the piece.
    pub kind: PieceKind,
    /// Number of its first line, from 1.
    pub line: usize,
    /// As in the file, without markers and quotes.
    pub text: String,
}

/// Number of lines of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// All lines.
    pub total: usize,
    /// LineCounts with code, including all lines of a string literal.
    pub code: usize,
    /// LineCounts with only a `//` or `/* */` comment.
    pub comment: usize,
    /// LineCounts with only a doc comment.
    pub doc: usize,
}

/// Returns the comments and literals of a Rust file, and the number of its lines of each sort.
pub fn lex(text: &str) -> (Vec<TextPiece>, LineCounts) {
    let mut lexer = RustLexer {
        text,
        at: 0,
        line: 1,
        pieces: Vec::new(),
        marks: vec![LineSort::Blank; text.lines().count() + 2],
    };
    lexer.run();
    let count = |mark| lexer.marks.iter().filter(|it| **it == mark).count();
    let lines = LineCounts {
        total: text.lines().count(),
        code: count(LineSort::Code),
        comment: count(LineSort::Comment),
        doc: count(LineSort::Doc),
    };
    (lexer.pieces, lines)
}

/// What a line counts as. Code wins over comments on the same line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LineSort {
    Blank,
    Comment,
    Doc,
    Code,
}

struct RustLexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    pieces: Vec<TextPiece>,
    marks: Vec<LineSort>,
}

impl<'a> RustLexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves on by a number of bytes, and counts lines.
    fn skip(&mut self, bytes: usize, mark: LineSort) -> &'a str {
        let skipped = &self.text[self.at..self.at + bytes];
        for (index, part) in skipped.split('\n').enumerate() {
            self.line += usize::from(index > 0);
            if !part.trim().is_empty() {
                self.marks[self.line] = self.marks[self.line].max(mark);
            }
        }
        self.at += bytes;
        skipped
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.line_comment();
            } else if rest.starts_with("/*") {
                self.block_comment();
            } else if c == '"' {
                self.literal();
            } else if c == '\'' {
                let length = char_literal(rest);
                self.skip(length, LineSort::Code);
            } else if c.is_alphabetic() || c == '_' {
                self.word();
            } else {
                self.skip(c.len_utf8(), LineSort::Code);
            }
        }
    }

    fn line_comment(&mut self) {
        let comment = self.rest().lines().next().unwrap_or_default();
        let is_doc = comment.starts_with("//!")
            || (comment.starts_with("///") && !comment.starts_with("////"));
        let line = self.line;
        self.skip(
            comment.len(),
            if is_doc {
                LineSort::Doc
            } else {
                LineSort::Comment
            },
        );
        let text = comment.trim_start_matches('/').trim_start_matches('!');
        self.push(is_doc, line, text);
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        let mut depth = 0;
        let mut end = rest.len();
        for (at, _) in rest.match_indices(['/', '*']) {
            if rest[at..].starts_with("/*") {
                depth += 1;
            } else if rest[at..].starts_with("*/") {
                depth -= 1;
                if depth == 0 {
                    end = at + 2;
                    break;
                }
            }
        }
        let is_doc = rest.starts_with("/**") || rest.starts_with("/*!");
        let line = self.line;
        let comment = self.skip(
            end,
            if is_doc {
                LineSort::Doc
            } else {
                LineSort::Comment
            },
        );
        let text = comment.trim_matches(['/', '*', '!']);
        self.push(is_doc, line, text);
    }

    fn push(&mut self, is_doc: bool, line: usize, text: &str) {
        self.pieces.push(TextPiece {
            kind: if is_doc {
                PieceKind::Doc
            } else {
                PieceKind::Comment
            },
            line,
            text: text.to_owned(),
        });
    }

    /// A word, which may be the prefix of a raw string (`r#"…"#`) or of a raw identifier.
    fn word(&mut self) {
        let rest = self.rest();
        let end = |c: char| !(c.is_alphanumeric() || c == '_');
        let word = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.skip(word.len(), LineSort::Code);
        if !matches!(word, "r" | "br" | "cr") {
            return;
        }
        let rest = self.rest();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if !rest[hashes..].starts_with('"') {
            return;
        }
        self.skip(hashes + 1, LineSort::Code);
        let close = format!("\"{}", "#".repeat(hashes));
        let length = self.rest().find(&close).unwrap_or(self.rest().len());
        self.take_literal(length);
        self.skip(close.len().min(self.rest().len()), LineSort::Code);
    }

    fn literal(&mut self) {
        self.skip(1, LineSort::Code);
        let mut escaped = false;
        let length = self
            .rest()
            .find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .unwrap_or(self.rest().len());
        self.take_literal(length);
        self.skip(1.min(self.rest().len()), LineSort::Code);
    }

    fn take_literal(&mut self, length: usize) {
        let line = self.line;
        let text = self.skip(length, LineSort::Code).to_owned();
        let kind = PieceKind::Literal;
        self.pieces.push(TextPiece { kind, line, text });
    }
}

/// Length of a character literal, or 1 for the quote of a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(1, |at| at + 4),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(PieceKind, usize, String)> {
        lex(text)
            .0
            .into_iter()
            .map(|piece| (piece.kind, piece.line, piece.text))
            .collect()
    }

    #[test]
    fn comments_and_literals_are_found_with_their_lines() {
        let text = "/// Doc.\nfn a() { // why\n    b(\"x // y\\\"\", 'c', '\\'', r#\"raw \"q\" \"#);\n}\n\
                    /* block /* nested */ */\n//! inner\nfn l<'a>(x: &'a str) -> &'a str { \"z\" }\n";
        let owned = |kind, line, text: &str| (kind, line, text.to_owned());
        assert_eq!(
            texts(text),
            [
                owned(PieceKind::Doc, 1, " Doc."),
                owned(PieceKind::Comment, 2, " why"),
                owned(PieceKind::Literal, 3, "x // y\\\""),
                owned(PieceKind::Literal, 3, "raw \"q\" "),
                owned(PieceKind::Comment, 5, " block /* nested */ "),
                owned(PieceKind::Doc, 6, " inner"),
                owned(PieceKind::Literal, 7, "z"),
            ]
        );
    }

    #[test]
    fn lines_are_counted_by_sort() {
        let text = "// a\n\n/// b\nfn c() {} // d\nconst E: &str = \"f\n\n  // g\n\";\n";
        let lines = lex(text).1;
        let expected = LineCounts {
            total: 8,
            code: 4,
            comment: 1,
            doc: 1,
        };
        assert_eq!(lines, expected);
    }
}
