//! Diagnostics in files.

use super::{
    Annotation, AnnotationFix, AnnotationLocation, AnnotationRule, LineRange, RelatedLocation,
};
use crate::render::text::neutral;
use model::diag::{Diagnostic, Edit, Label, Place, SourceMap, Suggestion};

impl Annotation {
    /// Adds lines and columns.
    pub fn of_file(sources: &SourceMap, diagnostic: &Diagnostic) -> Self {
        let Diagnostic {
            code,
            message,
            labels,
            help,
            suggestion,
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
        finding.fix = suggestion
            .as_deref()
            .and_then(|suggestion| fix(sources, suggestion));
        finding.related = spots
            .map(|(spot, _, text)| RelatedLocation {
                spot,
                text: neutral(text).into_owned(),
            })
            .collect::<Vec<_>>();
        finding
    }
}

/// Nothing if the place is not a simple value, for example an alias.
fn fix(sources: &SourceMap, suggestion: &Suggestion) -> Option<AnnotationFix> {
    let Edit { range, text } = sources.edit(suggestion)?;
    let file = suggestion.place.file();
    let place = Place::Bytes { file, range };
    Some(AnnotationFix {
        spot: annotation_location(sources, &place),
        text,
    })
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
