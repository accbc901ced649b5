use std::borrow::Cow;

/// Cuts a text after a number of characters and says how many characters were cut.
pub fn shorten(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((cut, _)) => Cow::Owned(format!(
            "{}… ({} characters more)",
            &text[..cut],
            text[cut..].chars().count()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_longer_texts_are_cut_and_whole_characters_are_kept() {
        assert_eq!(shorten("", 0), "");
        assert_eq!(shorten("éa", 2), "éa");
        assert_eq!(shorten("éaé", 2), "éa… (1 characters more)");
    }
}
