//! Parses YAML (and therefore JSON) text to documents as JSON values, in one pass, without
//! recursion and with limits.
//!
//! One parser (saphyr-parser, YAML 1.2) provides the values here and the spans in `diag`, so
//! validation and diagnostics cannot disagree about the meaning of a text.

pub(crate) mod scalar;
mod syntax;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use model::diag::line_index::LineIndex;
use model::diag::{Code, Diagnostic, FileId, Place, Replacement, Spans};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

use syntax::MAX_DEPTH;

/// Maximum size of a manifest in bytes. The largest policy that the service accepts is 400 KiB
/// (409,600 bytes).
pub const MAX_BYTES: usize = 1 << 20;

/// Maximum expansion by aliases in bytes of text, where a node counts as 16 ("billion laughs").
const MAX_EXPANSION: usize = 1 << 20;

/// A nonempty document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawDocument {
    /// Index in the file, including empty documents.
    pub(super) index: u32,
    pub(super) value: Value,
}

/// The documents of a text with its syntax errors.
#[derive(Debug, Default)]
pub(super) struct RawFile {
    pub(super) documents: Vec<RawDocument>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Number of documents, including empty ones.
    pub(super) count: u32,
    /// Indexes of the documents that are empty: a null value, a comment, or nothing.
    pub(super) empty: Vec<u32>,
}

/// Parses all documents of a text, including those before a syntax error.
pub(super) fn read(file: FileId, text: &str) -> RawFile {
    read_up_to(file, text, MAX_BYTES)
}

/// The only document of a text, with plain scalars as their source text instead of numbers and
/// truth values. `null` stays. Returns nothing for a text that [`read`] rejects.
pub(super) fn read_as_text(file: FileId, text: &str) -> Option<Value> {
    let RawFile {
        documents,
        diagnostics,
        ..
    } = read_all(file, text, PlainScalars::Text);
    let first = documents.into_iter().next()?;
    diagnostics.is_empty().then_some(first.value)
}

/// Like [`read`], with another size limit.
pub(super) fn read_up_to(file: FileId, text: &str, limit: usize) -> RawFile {
    if text.len() > limit {
        let message = format!(
            "the file has {} bytes; at most {limit} are read",
            text.len()
        );
        let finding = Diagnostic::new(Code::YamlLimit, message, Place::File(file));
        return RawFile {
            diagnostics: vec![finding.help("split it into several files")],
            ..RawFile::default()
        };
    }
    read_all(file, text, PlainScalars::Value)
}

/// What plain scalars become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainScalars {
    /// Their values in the core schema.
    Value,
    /// Their source text, except for `null`.
    Text,
}

/// Parses all documents, and reports all syntax that is not plain data.
fn read_all(file: FileId, text: &str, plain: PlainScalars) -> RawFile {
    let bom = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[bom..];
    if let Some(finding) = forbidden_character(file, text) {
        return RawFile {
            diagnostics: vec![finding],
            ..RawFile::default()
        };
    }
    let mut reader = YamlReader::new(file, body, bom, plain);
    let mut parser = Parser::new_from_str(body);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => reader.event(event, span),
            Err(error) => {
                let at = reader.lines().offset(error.marker());
                let finding = syntax::explain(file, body, at, error.info());
                Err(syntax::shift_diagnostic(finding, bom))
            }
        };
        if let Err(finding) = step {
            reader.raw.diagnostics.push(finding);
            break;
        }
    }
    reader.raw.count = reader.documents;
    if reader.duplicates {
        report_duplicates(file, text, &mut reader.raw.diagnostics);
    }
    reader.raw
}

/// Control characters that YAML does not allow anywhere (1.2.2, section 5.1), and a carriage return
/// without a newline. The parser accepts some of them and explains others wrongly. YAML ends a line at a
/// single carriage return, but most viewers do not, so it can hide text from a reviewer.
fn forbidden_character(file: FileId, text: &str) -> Option<Diagnostic> {
    let is_forbidden = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let bytes = text.as_bytes();
    // Nearly no text contains any of them, and this loop is faster than the search.
    let is_suspicious = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n');
    if !bytes
        .iter()
        .fold(false, |any, byte| any | is_suspicious(byte))
    {
        return None;
    }
    let is_alone = |at: usize| bytes.get(at + 1) != Some(&b'\n');
    let at = (0..)
        .zip(bytes)
        .find(|(at, byte)| is_forbidden(byte) || (**byte == b'\r' && is_alone(*at)));
    let (at, byte) = at?;
    if *byte == b'\r' {
        let place = Place::Bytes {
            file,
            range: at..at + 1,
        };
        let message = "a carriage return without a newline ends a line only for some programs";
        return Some(Diagnostic::new(Code::YamlSyntax, message, place).help(
            "end each line with LF or CR LF; write `\\r` in double quotes for the character",
        ));
    }
    let character = model::character_name(char::from(*byte));
    let message = format!("YAML does not allow the control character {character}");
    let place = Place::Bytes {
        file,
        range: at..at + 1,
    };
    Some(
        Diagnostic::new(Code::YamlSyntax, message, place)
            .help("remove it, or write it as an escape in double quotes, for example \"\\u001B\""),
    )
}

/// Maximum number of reported duplicate keys, above the number that is ever shown.
const MAX_DUPLICATES: usize = 200;

fn report_duplicates(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    for duplicate in Spans::of(text).duplicates().iter().take(MAX_DUPLICATES) {
        let key = text.get(duplicate.second.clone()).unwrap_or_default();
        let message = format!("duplicate key `{key}`");
        let finding = Diagnostic::new(Code::DuplicateKey, message, bytes(file, &duplicate.second))
            .label("duplicate key")
            .also(bytes(file, &duplicate.first), "first occurrence")
            .help("remove or rename one of them");
        diagnostics.push(finding);
    }
}

fn bytes(file: FileId, range: &Range<usize>) -> Place {
    Place::Bytes {
        file,
        range: range.clone(),
    }
}

enum YamlFrameContent {
    Sequence(Vec<Value>),
    Mapping {
        map: Map<String, Value>,
        key: Option<String>,
    },
}

struct YamlFrame {
    content: YamlFrameContent,
    anchor: usize,
    /// Weight of the document at its start.
    weight: usize,
}

struct YamlReader<'a> {
    file: FileId,
    plain: PlainScalars,
    text: &'a str,
    /// Created for the first diagnostic; most files have none.
    lines: OnceCell<LineIndex<'a>>,
    /// Length of the byte order mark before the parsed text.
    bom: usize,
    open: Vec<YamlFrame>,
    /// Completed anchored values of this document with their weight.
    anchors: HashMap<usize, (Value, usize)>,
    /// Anchors of earlier documents. The parser knows them still, but an anchor belongs to its
    /// document (YAML 1.2.2, section 3.2.2.2).
    earlier_anchors: HashSet<usize>,
    /// Weight of all nodes so far (see [`MAX_EXPANSION`]).
    weight: usize,
    /// Weight copied by anchors and aliases.
    copied: usize,
    documents: u32,
    /// The diagnostics of this document make further checks meaningless.
    unfit: bool,
    duplicates: bool,
    raw: RawFile,
}

type YamlResult = Result<(), Diagnostic>;

impl<'a> YamlReader<'a> {
    fn new(file: FileId, text: &'a str, bom: usize, plain: PlainScalars) -> Self {
        Self {
            file,
            plain,
            text,
            lines: OnceCell::new(),
            bom,
            open: Vec::new(),
            anchors: HashMap::new(),
            earlier_anchors: HashSet::new(),
            weight: 0,
            copied: 0,
            documents: 0,
            unfit: false,
            duplicates: false,
            raw: RawFile::default(),
        }
    }

    fn lines(&self) -> &LineIndex<'a> {
        self.lines.get_or_init(|| LineIndex::of(self.text))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> YamlResult {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                self.unfit = false;
                let anchors = self.anchors.drain().map(|(anchor, _)| anchor);
                self.earlier_anchors.extend(anchors);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag {
                    self.tag(&tag.to_string(), span);
                }
                self.scalar(&text, style, anchor, span)
            }
            Event::SequenceStart(anchor, tag) => {
                if let Some(tag) = tag {
                    self.tag(&tag.to_string(), span);
                }
                self.start(YamlFrameContent::Sequence(Vec::new()), anchor, span)
            }
            Event::MappingStart(anchor, tag) => {
                if let Some(tag) = tag {
                    self.tag(&tag.to_string(), span);
                }
                self.start(
                    YamlFrameContent::Mapping {
                        map: Map::new(),
                        key: None,
                    },
                    anchor,
                    span,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(YamlFrame {
                    content,
                    anchor,
                    weight,
                }) = self.open.pop()
                else {
                    return Ok(());
                };
                let value = match content {
                    YamlFrameContent::Sequence(items) => Value::Array(items),
                    YamlFrameContent::Mapping { map, key: _ } => Value::Object(map),
                };
                self.value(value, anchor, weight, span)
            }
        }
    }

    fn start(&mut self, content: YamlFrameContent, anchor: usize, span: Span) -> YamlResult {
        if self.key_is_next() {
            self.unsupported(
                "a key must be a string",
                "write the key as one word, or quote it",
                span,
            );
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("collections nest deeper than {MAX_DEPTH} levels");
            let finding = Diagnostic::new(Code::YamlLimit, message, self.place(span));
            return Err(
                finding.help("manifests need six levels; look for brackets that are not closed")
            );
        }
        let weight = self.weight;
        self.weight += 16;
        self.open.push(YamlFrame {
            content,
            anchor,
            weight,
        });
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, span: Span) -> YamlResult {
        let weight = self.weight;
        self.weight += 16 + text.len();
        if self.key_is_next() {
            self.key(text, style, span);
            return self.record_anchor(anchor, || Value::String(text.to_owned()), weight, span);
        }
        let value = match scalar::plain(text) {
            _ if style != ScalarStyle::Plain => Some(Value::String(text.to_owned())),
            Some(Value::Null) => Some(Value::Null),
            _ if self.plain == PlainScalars::Text => Some(Value::String(text.to_owned())),
            None if self.is_argument() => Some(Value::String(text.to_owned())),
            value => value,
        };
        let value = value.unwrap_or_else(|| {
            self.unsupported(
                "JSON has no infinite numbers",
                "write a finite number, or quote the text",
                span,
            );
            Value::Null
        });
        self.value(value, anchor, weight, span)
    }

    /// Whether the next value is an entry of a mapping `with`. Chainloop takes the arguments of
    /// policies as their source text, so that they may be infinite.
    fn is_argument(&self) -> bool {
        let mut around = self.open.iter().rev().map(|frame| &frame.content);
        matches!(
            (around.next(), around.next()),
            (
                Some(YamlFrameContent::Mapping { .. }),
                Some(YamlFrameContent::Mapping { key: Some(key), .. })
            ) if key == "with"
        )
    }

    fn key(&mut self, text: &str, style: ScalarStyle, span: Span) {
        if style == ScalarStyle::Plain && text == "<<" {
            self.unsupported(
                "merge keys are not part of YAML 1.2",
                "write the entries out",
                span,
            );
        } else if style == ScalarStyle::Plain && !scalar::is_text(text) {
            let help = format!("quote it: {}", Value::from(text));
            self.unsupported("a key must be a string", &help, span);
            if let Some(finding) = self.raw.diagnostics.pop() {
                let finding = finding.suggest(Replacement::Text(text.to_owned()));
                self.raw.diagnostics.push(finding);
            }
        }
        self.set_key(text.to_owned());
    }

    fn alias(&mut self, anchor: usize, span: Span) -> YamlResult {
        if self.key_is_next() {
            self.unsupported("an alias cannot be a key", "write the key itself", span);
        }
        if self.earlier_anchors.contains(&anchor) {
            self.unsupported(
                "the anchor of this alias is in an earlier document",
                "repeat the anchor in this document, write the value out, or use a ResourceList",
                span,
            );
            return self.value(Value::Null, 0, self.weight, span);
        }
        let Some((value, weight)) = self.anchors.get(&anchor) else {
            let finding = Diagnostic::new(
                Code::YamlSyntax,
                "an alias refers to the anchor that contains it",
                self.place(span),
            );
            return Err(finding.help("a value cannot contain itself; write the value out"));
        };
        let weight = *weight;
        if self.copied + weight > MAX_EXPANSION {
            return Err(self.too_large(span));
        }
        let value = value.clone();
        let before = self.weight;
        self.copied += weight;
        self.weight += weight;
        self.value(value, 0, before, span)
    }

    /// Adds a completed value to its parent. `before` is the weight of the document before it.
    fn value(&mut self, value: Value, anchor: usize, before: usize, span: Span) -> YamlResult {
        self.record_anchor(anchor, || value.clone(), before, span)?;
        match self.open.last_mut().map(|open| &mut open.content) {
            None if self.unfit => {}
            None if value.is_null() => self.raw.empty.push(self.documents.saturating_sub(1)),
            None => {
                self.raw.documents.push(RawDocument {
                    index: self.documents.saturating_sub(1),
                    value,
                });
            }
            Some(YamlFrameContent::Sequence(items)) => items.push(value),
            Some(YamlFrameContent::Mapping { map, key }) => match key.take() {
                // A collection as a key, which was reported at its start.
                None => *key = Some(String::new()),
                Some(name) if map.contains_key(&name) => self.duplicates = true,
                Some(name) => {
                    map.insert(name, value);
                }
            },
        }
        Ok(())
    }

    fn record_anchor(
        &mut self,
        anchor: usize,
        value: impl FnOnce() -> Value,
        before: usize,
        span: Span,
    ) -> YamlResult {
        if anchor == 0 {
            return Ok(());
        }
        let weight = self.weight - before;
        self.copied += weight;
        if self.copied > MAX_EXPANSION {
            return Err(self.too_large(span));
        }
        self.anchors.insert(anchor, (value(), weight));
        Ok(())
    }

    fn key_is_next(&self) -> bool {
        matches!(
            self.open.last(),
            Some(YamlFrame {
                content: YamlFrameContent::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn set_key(&mut self, text: String) {
        if let Some(YamlFrame {
            content: YamlFrameContent::Mapping { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some(text);
        }
    }

    fn tag(&mut self, tag: &str, span: Span) {
        let message = format!("the tag `{tag}` is not supported");
        self.unsupported(&message, "leave the tag out", span);
    }

    fn unsupported(&mut self, message: &str, help: &str, span: Span) {
        self.unfit = true;
        let finding = Diagnostic::new(Code::YamlUnsupported, message, self.place(span));
        self.raw.diagnostics.push(finding.help(help));
    }

    fn too_large(&self, span: Span) -> Diagnostic {
        let message = format!("anchors and aliases copy more than {MAX_EXPANSION} bytes");
        Diagnostic::new(Code::YamlLimit, message, self.place(span))
            .help("write the values out, or use a ResourceList and `resourcesFrom`")
    }

    /// The bytes of an event. Spans of block collections are empty and are extended to the nearest
    /// character.
    fn place(&self, span: Span) -> Place {
        let start = self.lines().offset(&span.start);
        let end = self.lines().offset(&span.end).max(start);
        Place::Bytes {
            file: self.file,
            range: start + self.bom..end + self.bom,
        }
    }
}
