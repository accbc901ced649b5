//! "Did you mean": the known name that is most similar to a misspelled one.

/// Longer texts are not misspelled names, so comparing them would waste time.
const LONGEST: usize = 128;

/// The candidate most similar to `given`: equal except for case and separators, or within an edit
/// distance of a third of its length (one for short names). Of equally similar candidates the
/// alphabetically first is returned, independent of their order.
pub fn did_you_mean<'a>(
    candidates: impl IntoIterator<Item = &'a str>,
    given: &str,
) -> Option<&'a str> {
    let length = given.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let most = (length / 3).max(1);
    let folded = fold(given);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != given && candidate.len() <= LONGEST * 4)
        .filter_map(|candidate| {
            distance(candidate, given, &folded, length, most).map(|far| (far, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

fn distance(
    candidate: &str,
    given: &str,
    folded: &str,
    length: usize,
    most: usize,
) -> Option<usize> {
    if fold(candidate) == folded {
        return Some(0);
    }
    let other = candidate.chars().count();
    // A name in which every character changes is not similar, even if it is short.
    if other.abs_diff(length) > most || length == 1 {
        return None;
    }
    Some(strsim::damerau_levenshtein(candidate, given)).filter(|far| *far <= most)
}

/// Case and separators are easily forgotten.
fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn finds_the_nearest_name_or_none() {
        let teams = ["security", "platform", "data-science", "ops"];
        let cases = [
            ("securty", Some("security")),
            ("Security", Some("security")),
            ("data science", Some("data-science")),
            ("dataScience", Some("data-science")),
            ("platfrom", Some("platform")),
            ("opps", Some("ops")),
            ("marketing", None),
            ("x", None),
            ("", None),
            ("security", None),
        ];
        for (given, expected) in cases {
            assert_eq!(did_you_mean(teams, given), expected, "{given}");
        }
    }

    #[test]
    fn does_not_depend_on_the_order_of_candidates() {
        assert_eq!(did_you_mean(["host-b", "host-a"], "host-c"), Some("host-a"));
        assert_eq!(did_you_mean(["host-a", "host-b"], "host-c"), Some("host-a"));
    }

    #[test]
    fn long_texts_are_left_alone() {
        let long = "a".repeat(129);
        assert_eq!(did_you_mean([long[1..].as_ref()], &long), None);
    }
}
