//! Prints a tree.

use super::tree::{
    BlockScalar, Child, Collection, CollectionKind, CommentLine, DocumentTree, Scalar, ScalarText,
    YamlNode,
};

/// Maximum length of a line with a flow collection, in characters.
const MAX_WIDTH: usize = 120;

const INDENT: usize = 2;

/// The canonical text of a document, with a final line break.
pub(super) fn document(document: &DocumentTree<'_>) -> String {
    let DocumentTree {
        header,
        header_blank,
        root,
    } = document;
    let mut printer = Printer {
        out: String::new(),
        no_blank: true,
    };
    printer.comments(header, 0);
    if *header_blank && !header.is_empty() {
        printer.blank();
    }
    printer.block(root, 0, false);
    printer.out
}

struct Printer {
    out: String,
    /// Whether an empty line is not allowed next: at the start of a block, or if it would be
    /// content.
    no_blank: bool,
}

impl Printer {
    fn blank(&mut self) {
        if !self.no_blank && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Ends a line with its comment.
    fn end(&mut self, trailing: Option<&str>) {
        if let Some(comment) = trailing {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.out.push('\n');
        self.no_blank = false;
    }

    fn comments(&mut self, comments: &[CommentLine<'_>], indent: usize) {
        for CommentLine { text, blank_before } in comments {
            if *blank_before {
                self.blank();
            }
            self.indent(indent);
            self.out.push_str(text);
            self.end(None);
        }
    }

    /// Prints the children of a block. `inline` means that the first follows a dash.
    fn block(&mut self, collection: &Collection<'_>, indent: usize, inline: bool) {
        let Collection {
            kind,
            flow: _,
            children,
            tail,
        } = collection;
        for (index, child) in children.iter().enumerate() {
            if index > 0 || !inline {
                self.comments_above(child, indent);
                self.indent(indent);
            }
            match (kind, &child.key) {
                (CollectionKind::Mapping, Some(key)) => {
                    self.out.push_str(key.text);
                    self.out.push(':');
                }
                (CollectionKind::Mapping, None) | (CollectionKind::Sequence, _) => {
                    self.out.push('-')
                }
            }
            self.value(child, indent);
        }
        self.comments(tail, indent);
    }

    /// Prints the comments above a child, including those of the nested child on the same line.
    fn comments_above(&mut self, child: &Child<'_>, indent: usize) {
        let mut column = indent;
        let mut next = Some(child);
        while let Some(child) = next {
            self.comments(&child.leading, indent);
            if child.blank_before {
                self.blank();
            }
            next = match as_block(child, column) {
                Some(inner) if child.key.is_none() => {
                    // The first child shares the line of the dash, so its end is not free for this
                    // comment.
                    if let Some(text) = child.trailing {
                        self.comments(
                            &[CommentLine {
                                text,
                                blank_before: false,
                            }],
                            indent,
                        );
                    }
                    column += INDENT;
                    inner.children.first()
                }
                Some(_) | None => None,
            };
        }
    }

    fn value(&mut self, child: &Child<'_>, indent: usize) {
        let trailing = child.trailing;
        match &child.value {
            YamlNode::Null(body) => {
                self.end(trailing);
                self.no_blank = true;
                self.comments(body, indent + INDENT);
            }
            YamlNode::Scalar(scalar) => self.scalar(scalar, trailing, indent),
            YamlNode::Collection(collection) => match as_block(child, indent) {
                None => {
                    self.out.push(' ');
                    self.out
                        .push_str(&flow_text(collection).unwrap_or_default());
                    self.end(trailing);
                }
                Some(_) if child.key.is_none() => {
                    self.out.push(' ');
                    self.block(collection, indent + INDENT, true);
                }
                Some(_) => {
                    self.end(trailing);
                    self.no_blank = true;
                    self.block(collection, indent + INDENT, false);
                }
            },
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, trailing: Option<&str>, indent: usize) {
        self.out.push(' ');
        match &scalar.text {
            ScalarText::Flow(lines) => {
                for (index, line) in lines.iter().enumerate() {
                    if index > 0 {
                        self.out.push('\n');
                    }
                    if index > 0 && !line.is_empty() {
                        self.indent(indent + INDENT);
                    }
                    self.out.push_str(line);
                }
                self.end(trailing);
            }
            ScalarText::Block(block) => self.block_scalar(block, trailing, indent),
        }
    }

    fn block_scalar(&mut self, block: &BlockScalar<'_>, trailing: Option<&str>, indent: usize) {
        let BlockScalar {
            indicator,
            explicit_indent,
            chomping,
            lines,
        } = block;
        self.out.push(*indicator);
        if *explicit_indent {
            self.out.push_str(&INDENT.to_string());
        }
        self.out.extend(*chomping);
        self.end(trailing);
        for line in lines {
            if !line.is_empty() {
                self.indent(indent + INDENT);
            }
            self.out.push_str(line);
            self.out.push('\n');
        }
        // A following empty line would be content.
        self.no_blank = *chomping == Some('+');
    }
}

/// The collection of a child, if it is printed as a block. `indent` is the column of the child.
fn as_block<'n, 'a>(child: &'n Child<'a>, indent: usize) -> Option<&'n Collection<'a>> {
    let YamlNode::Collection(collection) = &child.value else {
        return None;
    };
    // The key with `: `, or `- `.
    let before = child
        .key
        .as_ref()
        .map_or(0, |key| key.text.chars().count() + 1)
        + 1;
    let before = indent + before.max(INDENT);
    let fits =
        |text: String| collection.children.is_empty() || before + text.chars().count() <= MAX_WIDTH;
    if flow_text(collection).is_some_and(fits) {
        None
    } else {
        Some(collection)
    }
}

/// A flow collection on one line, or `None` for a block, or for a collection with comments or
/// multi-line scalars.
fn flow_text(collection: &Collection<'_>) -> Option<String> {
    let Collection {
        kind,
        flow,
        children,
        tail,
    } = collection;
    if !flow || !tail.is_empty() {
        return None;
    }
    let children: Option<Vec<String>> = children.iter().map(flow_child).collect();
    let children = children?.join(", ");
    Some(match kind {
        CollectionKind::Mapping => format!("{{{children}}}"),
        CollectionKind::Sequence => format!("[{children}]"),
    })
}

fn flow_child(child: &Child<'_>) -> Option<String> {
    let Child {
        leading,
        blank_before: _,
        key,
        value,
        trailing,
    } = child;
    if !leading.is_empty() || trailing.is_some() {
        return None;
    }
    let value = match value {
        YamlNode::Collection(inner) => flow_text(inner)?,
        YamlNode::Scalar(Scalar {
            text: ScalarText::Flow(lines),
            ..
        }) => match lines.as_slice() {
            [line] => (*line).to_owned(),
            _ => return None,
        },
        YamlNode::Null(_) | YamlNode::Scalar(_) => return None,
    };
    Some(
        key.as_ref()
            .map_or_else(|| value.clone(), |key| format!("{}: {value}", key.text)),
    )
}
