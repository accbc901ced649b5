//! "Did you mean": the known name that a mistyped one is most like.

/// Longer texts are not names that somebody mistyped; comparing them would only cost time.
const LONGEST: usize = 128;

/// The candidate that `given` was most likely meant to be: the same but for case and separators, or at most a third
/// of its characters away (one for short names). Of equally near ones the first in order, whatever order they come in.
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
    // A name that is all change is no likeness, however short it is.
    if other.abs_diff(length) > most || length == 1 {
        return None;
    }
    Some(strsim::damerau_levenshtein(candidate, given)).filter(|far| *far <= most)
}

/// Case and separators are what people remember last.
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
