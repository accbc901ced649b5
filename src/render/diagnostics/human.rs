//! Renders diagnostics like rustc: message, place, the marked line, help.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::limit::{DiagnosticAmount, HiddenWarnings, select, sorted};
use crate::render::text::{count_of, neutral, neutral_hosts, neutral_lines, neutral_lines_before};
use model::diag::{Diagnostic, Label, Place, Severity, SourceMap, TextRange};

/// Places that are further apart in the text are shown separately.
const MAX_WINDOW: usize = 16 * 1024;

/// Maximum length of a line, in bytes.
const MAX_LINE: usize = 512;

/// The diagnostics by file, line and column, each followed by an empty line, and the number of
/// omitted warnings.
pub fn human(
    sources: &SourceMap,
    diagnostics: &[Diagnostic],
    amount: DiagnosticAmount,
    color: bool,
) -> String {
    let (diagnostics, more) = select(sources, diagnostics, amount);
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .decor_style(DecorStyle::Ascii)
        .hyperlink(false)
        .term_width(120);
    let mut output = String::new();
    for (finding, location) in sorted(sources, diagnostics) {
        output.push_str(&renderer.render(&[group(sources, finding, &location)]));
        output.push_str("\n\n");
    }
    for HiddenWarnings {
        code,
        findings,
        files,
    } in more
    {
        let warnings = count_of(findings, "more warning");
        let files = count_of(files, "file");
        let title = format!(
            "{warnings} like these in {files}; `polwarden lint --all-warnings` shows them all"
        );
        output.push_str(&renderer.render(&[Group::with_title(
            Level::WARNING.primary_title(title).id(code.as_str()),
        )]));
        output.push_str("\n\n");
    }
    output
}

/// The command that explains a code, once for all diagnostics; empty if there are none.
pub fn explain_hint(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let sorted = sorted(sources, diagnostics);
    // An error is what stops the user, so it is the example if there is one.
    let error = sorted
        .iter()
        .find(|(diagnostic, _)| diagnostic.severity() == Severity::Error);
    let Some((example, _)) = error.or(sorted.first()) else {
        return String::new();
    };
    let code = example.code;
    format!("For more about a code, run: polwarden explain {code}\n\n")
}

fn group<'a>(sources: &'a SourceMap, finding: &'a Diagnostic, primary: &TextRange) -> Group<'a> {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(
        level
            .primary_title(neutral_hosts(&finding.message))
            .id(finding.code.as_str()),
    );
    for window in windows(sources, finding, primary) {
        group = match window.snippet() {
            SnippetElement::Origin(origin) => group.element(origin),
            SnippetElement::Snippet(snippet) => group.element(snippet),
        };
    }
    match &finding.help {
        Some(help) => group.element(Level::HELP.message(neutral(help))),
        None => group,
    }
}

/// Lines of one file with the places to mark.
struct SourceWindow<'a> {
    name: &'a str,
    text: &'a str,
    /// The bytes of these lines.
    range: Range<usize>,
    /// The number of the first line.
    line: u32,
    marks: Vec<SourceMark<'a>>,
}

struct SourceMark<'a> {
    range: Range<usize>,
    text: &'a str,
    primary: bool,
}

enum SnippetElement<'a> {
    Origin(Origin<'a>),
    Snippet(Snippet<'a, annotate_snippets::Annotation<'a>>),
}

/// One window for the primary place and the nearby places of the same file, and one for each other
/// place.
fn windows<'a>(
    sources: &'a SourceMap,
    finding: &'a Diagnostic,
    primary: &TextRange,
) -> Vec<SourceWindow<'a>> {
    let mut windows: Vec<SourceWindow<'a>> = Vec::new();
    for (position, Label { place, text }) in finding.labels.iter().enumerate() {
        let location = if position == 0 {
            primary.clone()
        } else {
            sources.resolve(place)
        };
        let window = window(sources, place, text, &location, position == 0);
        match windows.first_mut().filter(|first| first.joins(&window)) {
            Some(first) => first.join(window),
            None => windows.push(window),
        }
    }
    windows
}

/// The first line of a place. A multi-line place is marked to the end of its first line.
fn window<'a>(
    sources: &'a SourceMap,
    place: &Place,
    text: &'a str,
    location: &TextRange,
    primary: bool,
) -> SourceWindow<'a> {
    let file = sources.file(place.file());
    let source = &**file.text();
    if matches!(place, Place::File(_)) {
        return SourceWindow {
            name: file.name(),
            text: "",
            range: 0..0,
            line: 1,
            marks: Vec::new(),
        };
    }
    let start = location.range.start;
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[start..]
        .find('\n')
        .map_or(source.len(), |at| start + at);
    let end = location.range.end.min(line_end).max(start);
    let range = floor_char_boundary(source, line_start.max(start.saturating_sub(MAX_LINE)))
        ..floor_char_boundary(source, line_end.min(start + MAX_LINE));
    let end = end.min(range.end);
    let marks = vec![SourceMark {
        range: start..end,
        text,
        primary,
    }];
    SourceWindow {
        name: file.name(),
        text: source,
        range,
        line: location.line,
        marks,
    }
}

fn floor_char_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl<'a> SourceWindow<'a> {
    fn joins(&self, other: &Self) -> bool {
        let whole = self.range.start.min(other.range.start)..self.range.end.max(other.range.end);
        self.name == other.name
            && !self.marks.is_empty()
            && !other.marks.is_empty()
            && whole.len() <= MAX_WINDOW
    }

    fn join(&mut self, other: Self) {
        self.range = self.range.start.min(other.range.start)..self.range.end.max(other.range.end);
        self.line = self.line.min(other.line);
        self.marks.extend(other.marks);
    }

    fn snippet(self) -> SnippetElement<'a> {
        let Self {
            name,
            text,
            range,
            line,
            marks,
        } = self;
        let name = neutral(name);
        if marks.is_empty() {
            return SnippetElement::Origin(Origin::path(name));
        }
        // Escapes make the text longer and move the places.
        let shown = text[range.clone()].replace("\r\n", "\n");
        let moved = |offset: usize| {
            let before = text[range.start..offset].replace("\r\n", "\n");
            neutral_lines_before(&shown, before.len()).len()
        };
        let annotations = marks.iter().map(|mark| {
            let kind = if mark.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let annotation = kind.span(moved(mark.range.start)..moved(mark.range.end));
            if mark.text.is_empty() {
                annotation
            } else {
                annotation.label(neutral(mark.text))
            }
        });
        let annotations: Vec<_> = annotations.collect();
        let snippet = Snippet::source(neutral_lines(&shown).into_owned())
            .line_start(line as usize)
            .path(name)
            .fold(true);
        SnippetElement::Snippet(snippet.annotations(annotations))
    }
}
