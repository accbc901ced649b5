//! Diagnostics in files.

use super::{Annotation, AnnotationLocation, AnnotationRule, LineRange, RelatedLocation};
use crate::render::text::neutral;
use model::diag::{Diagnostic, Label, Place, SourceMap};

impl Annotation {
    /// Adds lines and columns.
    pub fn of_file(sources: &SourceMap, diagnostic: &Diagnostic) -> Self {
        let Diagnostic {
            code,
            message,
            labels,
            help,
            suggestion: _,
        } = diagnostic;
        let rule = AnnotationRule::File(*code);
        let mut finding = Self::new(rule, rule.weight(), message.clone());
        finding.help = help.as_deref().map(|help| neutral(help).into_owned());
        finding.identity.push(message.clone());
        let mut spots = labels
            .iter()
            .map(|Label { place, text }| (annotation_location(sources, place), place, text));
        if let Some((spot, place, text)) = spots.next() {
            if !text.is_empty() {
                finding.message.push_str(&format!(" ({})", neutral(text)));
            }
            // The text at the place identifies the diagnostic, because lines and positions in lists
            // may move.
            finding
                .identity
                .extend([text.clone(), words(sources, place)]);
            finding.spot = Some(spot);
        }
        finding.related = spots
            .map(|(spot, _, text)| RelatedLocation {
                spot,
                text: neutral(text).into_owned(),
            })
            .collect::<Vec<_>>();
        finding
    }
}

fn annotation_location(sources: &SourceMap, place: &Place) -> AnnotationLocation {
    let file = sources.file(place.file()).name().to_owned();
    let location = sources.resolve(place);
    let columns = (location.column, location.end_column);
    let lines = LineRange {
        first: location.line,
        last: location.end_line,
        columns: Some(columns),
    };
    match place {
        Place::File(_) => AnnotationLocation { file, lines: None },
        Place::Bytes { .. } | Place::Node { .. } | Place::Text { .. } => AnnotationLocation {
            file,
            lines: Some(lines),
        },
    }
}

fn words(sources: &SourceMap, place: &Place) -> String {
    let range = sources.resolve(place).range;
    sources
        .file(place.file())
        .text()
        .get(range)
        .unwrap_or_default()
        .to_owned()
}
