//! Names and tokens that nobody can guess and that do not collide after a restart.

use data_encoding::BASE64URL_NOPAD;

/// Crockford's base 32 in lower case: the digits of the ids in the published examples.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `length` random base 32 digits, five bits each.
pub(super) fn base32(length: usize) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect())
}

/// 32 random bytes as base 64 for URLs, without padding.
pub(super) fn base64url() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_has_the_length_and_the_digits_and_does_not_repeat() {
        let (first, second) = (base32(28).unwrap(), base32(28).unwrap());
        assert_eq!(first.len(), 28);
        assert!(first.bytes().all(|digit| DIGITS.contains(&digit)), "{first}");
        assert_ne!(first, second);
    }
}
