//! "Did you mean": the known word that a wrong one is closest to.

/// The candidate that `text` was probably meant to be, if any is near enough: letters swapped, left out, added or in
/// the other case.
pub fn closest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    let limit = (text.chars().count() / 3).clamp(1, 4);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
    let near = candidates.into_iter().filter(|candidate| candidate.len().abs_diff(text.len()) <= 4 * limit);
    let ranked = near.map(|candidate| (distance(candidate), candidate)).filter(|(distance, _)| *distance <= limit);
    ranked.min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["resources", "httpResources", "resourcesFrom", "name", "decision"];
        let cases = [
            ("resource", Some("resources")),
            ("httpresources", Some("httpResources")),
            ("http_resources", Some("httpResources")),
            ("nmae", Some("name")),
            ("decsion", Some("decision")),
            ("colour", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(closest(text, known), expected, "{text}");
        }
    }
}
