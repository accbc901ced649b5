//! Replaces references to files by `embedded` and the content of the files.
//!
//! The digest of a document covers its bytes, so the result depends on nothing but the bytes of the
//! document and of the files. Everything else keeps its bytes: comments, order and quotes. For
//! example, `path: check.rego # note` becomes
//!
//! ```yaml
//! embedded: | # note
//!   package main
//! ```

use std::ops::Range;

use serde_json::Value;

use super::{find_mut, reference, split};
use crate::yaml;
use model::chainloop::DocumentBytes;
use model::diag::{Path, PathSegment, SourceMap, Spans};

/// Maximum size in bytes of a document with the content of its files: enough for a module of the size of
/// a manifest in base64.
pub const MAX_DOCUMENT_BYTES: usize = 3 << 19;

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InlineContent {
    /// A script: Rego, or a WebAssembly module in base64.
    Script(String),
    /// A policy.
    Policy(Value),
}

/// A reference with the content of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineFile {
    /// The path of the reference in the document.
    pub path: Path,
    pub content: InlineContent,
}

/// Why references cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InlineError {
    /// The document would exceed [`MAX_DOCUMENT_BYTES`].
    TooLarge,
    /// The reference is not a scalar of its own, for example because it has an anchor that is used
    /// elsewhere.
    Unsupported,
}

/// The bytes of a document with the content of files in place of references.
///
/// # Errors
/// The result is too large, or has another meaning than the document with these contents.
pub fn inline(
    document: &DocumentBytes,
    files: &[InlineFile],
) -> Result<DocumentBytes, InlineError> {
    let text = document.text().ok_or(InlineError::Unsupported)?;
    let mut expected = only_value(text).ok_or(InlineError::Unsupported)?;
    for file in files {
        replace_value(&mut expected, file).ok_or(InlineError::Unsupported)?;
    }
    let spans = Spans::of(text);
    let mut places = Vec::with_capacity(files.len());
    for file in files {
        let span = spans.find(0, &file.path);
        let key = span.key.ok_or(InlineError::Unsupported)?;
        places.push((key, span.value, &file.content));
    }
    places.sort_by_key(|(key, _, _)| key.start);
    // Block scalars are easier to read, but are not possible everywhere. The second attempt is
    // possible wherever a scalar is.
    for style in [ScriptStyle::BlockIfPossible, ScriptStyle::Quoted] {
        let mut result = String::with_capacity(text.len());
        let mut end = 0;
        for (key, value, content) in &places {
            if key.start < end || value.start < key.end {
                return Err(InlineError::Unsupported);
            }
            let edit = Edit::of(text, key, value, content, style);
            result.push_str(&text[end..key.start]);
            result.push_str("embedded");
            result.push_str(&text[key.end..value.start]);
            result.push_str(&edit.value);
            result.push_str(&text[value.end..edit.end]);
            result.push_str(&edit.lines);
            end = edit.end;
            if result.len() > MAX_DOCUMENT_BYTES {
                return Err(InlineError::TooLarge);
            }
        }
        result.push_str(&text[end..]);
        if result.len() > MAX_DOCUMENT_BYTES {
            return Err(InlineError::TooLarge);
        }
        let is_alone = split(&result).len() <= 1;
        if is_alone && only_value(&result).as_ref() == Some(&expected) {
            return Ok(result.into_bytes().into());
        }
    }
    Err(InlineError::Unsupported)
}

/// The references of a document to files of the repository.
pub fn references(native: super::NativeDocument<'_>) -> Vec<model::chainloop::LocalReference> {
    let targets = reference::of_document(native).into_iter();
    let local = targets.filter_map(|target| match target {
        reference::ReferenceTarget::Local(local) => Some(local),
        reference::ReferenceTarget::Service(_)
        | reference::ReferenceTarget::Web
        | reference::ReferenceTarget::Invalid(..) => None,
    });
    local.collect()
}

fn only_value(text: &str) -> Option<Value> {
    let file = SourceMap::default().add("", "");
    let yaml::RawFile {
        documents,
        diagnostics,
        ..
    } = yaml::read_up_to(file, text, MAX_DOCUMENT_BYTES);
    let mut documents = documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) if diagnostics.is_empty() => Some(only.value),
        _ => None,
    }
}

fn replace_value(document: &mut Value, file: &InlineFile) -> Option<()> {
    let Some(PathSegment::Key(name)) = file.path.segments().last() else {
        return None;
    };
    let mapping = find_mut(document, &file.path.parent())?.as_object_mut()?;
    let _: Value = mapping.shift_remove(name)?;
    let value = match &file.content {
        InlineContent::Script(text) => Value::from(text.as_str()),
        InlineContent::Policy(policy) => policy.clone(),
    };
    mapping
        .insert("embedded".to_owned(), value)
        .is_none()
        .then_some(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScriptStyle {
    BlockIfPossible,
    Quoted,
}

/// The replacement of one value.
struct Edit {
    /// What replaces the value.
    value: String,
    /// The lines after the line of the value.
    lines: String,
    /// The end of the text that is edited: the end of the value, or of its line.
    end: usize,
}

impl Edit {
    fn of(
        text: &str,
        key: &Range<usize>,
        value: &Range<usize>,
        content: &InlineContent,
        style: ScriptStyle,
    ) -> Self {
        let script = match content {
            InlineContent::Script(script) => script,
            InlineContent::Policy(policy) => {
                return Self {
                    value: printable(&policy.to_string()),
                    lines: String::new(),
                    end: value.end,
                };
            }
        };
        let block = (style == ScriptStyle::BlockIfPossible)
            .then(|| Self::block(text, key, value, script))
            .flatten();
        block.unwrap_or_else(|| Self {
            value: printable(&Value::from(script.as_str()).to_string()),
            lines: String::new(),
            end: value.end,
        })
    }

    /// A literal block scalar, if the value is the rest of a line and the script allows it.
    fn block(text: &str, key: &Range<usize>, value: &Range<usize>, script: &str) -> Option<Self> {
        let start = text[..key.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let before = text[start..key.start].trim_start_matches('\u{feff}');
        let is_block = before.chars().all(|c| matches!(c, ' ' | '-'));
        if !is_block || text[key.start..value.end].contains('\n') || !fits_block(script) {
            return None;
        }
        let rest = &text[value.end..];
        let line = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        let newline = if rest[..line].ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let mut lines = String::new();
        if !rest[..line].ends_with('\n') {
            lines.push_str(newline);
        }
        let indent = " ".repeat(before.len() + 2);
        for line in script.lines() {
            if !line.is_empty() {
                lines.push_str(&indent);
                lines.push_str(line);
            }
            lines.push_str(newline);
        }
        let header = if script.ends_with('\n') { "|" } else { "|-" };
        Some(Self {
            value: header.to_owned(),
            lines,
            end: value.end + line,
        })
    }
}

/// Whether a script can be a literal block scalar without an indentation indicator.
fn fits_block(script: &str) -> bool {
    let first = script.lines().find(|line| !line.is_empty());
    let is_indented = |line: &str| line.starts_with([' ', '\t']);
    script.contains('\n')
        && !script.ends_with("\n\n")
        && first.is_some_and(|line| !is_indented(line))
        && script
            .chars()
            .all(|c| matches!(c, '\n' | '\t') || is_printable(c))
}

/// Whether YAML allows a character outside of double quotes (1.2.2, section 5.1), and no program
/// takes it for a newline.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// JSON as YAML: characters that YAML does not allow are escaped. They occur only in strings.
fn printable(json: &str) -> String {
    use std::fmt::Write as _;
    let mut result = String::with_capacity(json.len());
    for c in json.chars() {
        if is_printable(c) {
            result.push(c);
        } else {
            let _ = write!(result, "\\u{:04x}", u32::from(c));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn script(path: &str, text: &str) -> InlineFile {
        let segments = path.split('.').map(|name| match name.parse() {
            Ok(index) => PathSegment::Index(index),
            Err(_) => PathSegment::Key(name.to_owned()),
        });
        InlineFile {
            path: segments.collect(),
            content: InlineContent::Script(text.to_owned()),
        }
    }

    fn inlined(text: &str, files: &[InlineFile]) -> Result<String, InlineError> {
        let bytes = inline(&text.as_bytes().into(), files)?;
        Ok(bytes.text().unwrap().to_owned())
    }

    #[test]
    fn a_script_becomes_a_block_and_everything_else_keeps_its_bytes() {
        let files = [
            script("spec.policies.0.path", "package a\n\n\tx := 1\n"),
            script("spec.policies.1.ref", "package b\n  y"),
        ];
        let text = "# head\nspec:\n  policies:\n    - path: a.rego # note\n      kind: SARIF\n    - kind: SARIF\n      'ref' : \"file://b.rego\"\n# end\n";
        let wanted = "# head\nspec:\n  policies:\n    - embedded: | # note\n        package a\n\n        \tx := 1\n      kind: SARIF\n    - kind: SARIF\n      embedded : |-\n        package b\n          y\n# end\n";
        assert_eq!(inlined(text, &files).as_deref(), Ok(wanted));
        let windows = text.replace('\n', "\r\n");
        assert_eq!(
            inlined(&windows, &files).as_deref(),
            Ok(wanted.replace('\n', "\r\n").as_str())
        );
    }

    #[test]
    fn where_no_block_fits_a_script_is_quoted() {
        let quoted = "embedded: \"package a\\n\"";
        for (text, wanted) in [
            ("spec: {path: a.rego}\n", format!("spec: {{{quoted}}}\n")),
            (
                "spec:\n  path:\n    a.rego\n",
                format!("spec:\n  embedded:\n    {}\n", &quoted[10..]),
            ),
            (
                "{\"spec\": {\n  \"path\": \"a.rego\"\n}}",
                "{\"spec\": {\n  embedded: \"package a\\n\"\n}}".to_owned(),
            ),
        ] {
            let found = inlined(text, &[script("spec.path", "package a\n")]);
            assert_eq!(found, Ok(wanted), "{text}");
        }
        for text in [
            "one line",
            "",
            " first\nx",
            "a\r\nb\n",
            "a\n\n",
            "a\n\u{85}\u{feff}\u{0}b\n",
        ] {
            let found = inlined("spec:\n  path: a.rego", &[script("spec.path", text)]).unwrap();
            assert!(found.starts_with("spec:\n  embedded: \""), "{found:?}");
            assert_eq!(
                only_value(&found),
                Some(json!({"spec": {"embedded": text}}))
            );
        }
    }

    #[test]
    fn a_reference_that_means_more_than_itself_is_refused() {
        let file = [script("spec.path", "package a\n")];
        for text in [
            "spec: &s {path: a.rego}\nother: *s\n",
            "spec: {path: &s a.rego}\nother: *s\n",
            "spec: {path: a.rego, embedded: x}\n",
            "spec: {}\n",
            "other: &s {path: a.rego}\nspec: *s\n",
        ] {
            assert_eq!(
                inlined(text, &file),
                Err(InlineError::Unsupported),
                "{text}"
            );
        }
        let large = [script("spec.path", &"x".repeat(MAX_DOCUMENT_BYTES))];
        assert_eq!(
            inlined("spec: {path: a}", &large),
            Err(InlineError::TooLarge)
        );
    }

    #[test]
    fn a_policy_is_embedded_as_a_value() {
        let value = json!({"kind": "Policy", "spec": {"embedded": "a: \u{85}\n\"b\""}});
        let file = InlineFile {
            path: Path::root().key("ref"),
            content: InlineContent::Policy(value.clone()),
        };
        let found = inlined("ref: file://p.yaml # pinned\n", &[file]).unwrap();
        assert!(found.ends_with(" # pinned\n"));
        assert_eq!(only_value(&found), Some(json!({"embedded": value})));
    }

    proptest! {
        /// The value is the text of the file, whatever it contains and wherever it is put.
        #[test]
        fn a_script_keeps_every_byte(
            text in "(package a|\n|\r|\t| |[a-z#:|>'\"-]|é|\u{feff}|\u{2028}|\u{0}|---|\\.\\.\\.|\\\\){0,12}",
            form in 0..5_usize,
        ) {
            let document = [
                "spec:\n  path: x\n",
                "spec: {path: x}",
                "spec:\r\n  path: x # c\r\n  other: 1\r\n",
                "---\nspec:\n  other: 1\n  path: 'x'",
                "spec:\n  path: x\n\n# c\n...\n",
            ][form];
            let found = inlined(document, &[script("spec.path", &text)]).unwrap();
            let value = only_value(&found).unwrap();
            prop_assert_eq!(&value["spec"]["embedded"], &Value::from(text));
        }
    }
}
