//! Random names and tokens. They cannot be guessed and do not collide after a restart.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// Crockford's base 32 in lower case, as in the ids of the published examples.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `length` random base 32 digits of five bits each.
pub(super) fn base32(length: usize) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(DIGITS[usize::from(byte & 31)]))
        .collect())
}

/// 32 random bytes in URL-safe base64 without padding.
pub(super) fn base64url() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// A random UUID (version 4).
pub(super) fn uuid() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    let (first, rest) = hex.split_at(8);
    let (second, rest) = rest.split_at(4);
    let (third, rest) = rest.split_at(4);
    let (fourth, fifth) = rest.split_at(4);
    Ok([first, second, third, fourth, fifth].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_has_the_length_and_the_digits_and_does_not_repeat() {
        let first = base32(28).unwrap();
        let second = base32(28).unwrap();
        assert_eq!(first.len(), 28);
        assert!(
            first.bytes().all(|digit| DIGITS.contains(&digit)),
            "{first}"
        );
        assert_ne!(first, second);
    }

    #[test]
    fn uuids_are_of_version_4() {
        let uuid = uuid().unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(
            (lengths, &uuid[14..15]),
            (vec![8, 4, 4, 4, 12], "4"),
            "{uuid}"
        );
    }
}
