//! Private ECDSA keys with short numbers.
//!
//! OpenSSH writes the private number without leading zeros, so every second key on P-521 has less than 66
//! bytes. The crate ssh-key expects all bytes of a number. Here the zeros are added before it reads the key.

use data_encoding::BASE64;

/// The beginning of the binary form (PROTOCOL.key of OpenSSH).
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The size to which the private part of an unencrypted key is padded.
const BLOCK: usize = 8;

/// The binary form of an unencrypted ECDSA key with all bytes of its private number. `None` for other keys.
pub(super) fn padded(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.lines().map(str::trim);
    let base64: String = lines.filter(|line| !line.starts_with("-----")).collect();
    let blob = BASE64.decode(base64.as_bytes()).ok()?;
    let mut rest = blob.strip_prefix(MAGIC)?;
    let cipher = string(&mut rest)?;
    let derivation = string(&mut rest)?;
    let options = string(&mut rest)?;
    let count = take(&mut rest, 4)?;
    let public = string(&mut rest)?;
    let mut private = string(&mut rest)?;
    if cipher != b"none" || count != [0, 0, 0, 1] {
        return None;
    }
    let checks = take(&mut private, 8)?;
    let kind = string(&mut private)?;
    let curve = string(&mut private)?;
    let point = string(&mut private)?;
    let number = string(&mut private)?;
    let comment = string(&mut private)?;
    let size = match kind {
        b"ecdsa-sha2-nistp256" => 32,
        b"ecdsa-sha2-nistp384" => 48,
        b"ecdsa-sha2-nistp521" => 66,
        _ => return None,
    };
    let mut padded = vec![0; size - number.len().min(size)];
    padded.extend_from_slice(number);
    let mut inner = checks.to_vec();
    for part in [kind, curve, point, &padded, comment] {
        write(&mut inner, part)?;
    }
    inner.extend((1_u8..).take((BLOCK - inner.len() % BLOCK) % BLOCK));
    let mut whole = MAGIC.to_vec();
    for part in [cipher, derivation, options] {
        write(&mut whole, part)?;
    }
    whole.extend_from_slice(count);
    write(&mut whole, public)?;
    write(&mut whole, &inner)?;
    Some(whole)
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken)
}

/// A string with its length in front of it (RFC 4251, section 5).
fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    take(bytes, usize::try_from(u32::from_be_bytes(*size)).ok()?)
}

fn write(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(part);
    Some(())
}
