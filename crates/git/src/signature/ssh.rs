//! Verifies SSH signatures (PROTOCOL.sshsig of OpenSSH). The crate ssh-key parses them and ring,
//! which TLS already requires, verifies them. The crate p521 verifies signatures on the curve P-521,
//! which ring does not support.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest as _, Sha256};
use signature::Verifier;
use ssh_key::public::{EcdsaPublicKey, KeyData, RsaPublicKey};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Mpint, Signature, SshSig};

use super::allowed::AllowedSigner;
use super::claim::{SignatureClaim, SignatureScheme, SignedBy};
use super::error::SignatureError;
use super::signers::Signers;

/// Flag of a security key: user presence was confirmed by touch.
const TOUCHED: u8 = 1;

enum SshSignatureError {
    Wrong,
    Unsupported(String),
}

pub(super) fn verify(
    claim: &SignatureClaim<'_>,
    signers: &Signers,
) -> Result<SignedBy, SignatureError> {
    let subject = || claim.subject.clone();
    let malformed = |why: String| SignatureError::Malformed {
        subject: subject(),
        why,
    };
    let signature =
        SshSig::from_pem(claim.signature).map_err(|error| malformed(error.to_string()))?;
    let key = signature.public_key();
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let namespace = claim.subject.namespace();
    if signature.namespace() != namespace {
        return Err(SignatureError::Namespace {
            subject: subject(),
            found: signature.namespace().to_owned(),
        });
    }
    let data = SshSig::signed_data(namespace, signature.hash_alg(), claim.payload);
    let data = data.map_err(|error| malformed(error.to_string()))?;
    let lines: Vec<&AllowedSigner> = signers.ssh.with_key(key).collect();
    if lines.is_empty() {
        let file = signers.file.clone();
        let base = signers.base.clone();
        return Err(SignatureError::Unknown {
            subject: subject(),
            key: fingerprint,
            file,
            base,
        });
    }
    // Verify first, so that an error names a signer only if the signature is theirs.
    match verify_signature(key, signature.signature(), &data) {
        Ok(()) => {}
        Err(SshSignatureError::Wrong) => {
            return Err(SignatureError::Wrong {
                subject: subject(),
                key: fingerprint,
            });
        }
        Err(SshSignatureError::Unsupported(what)) => {
            return Err(SignatureError::Unsupported {
                subject: subject(),
                what,
            });
        }
    }
    let signer = allowed(claim, &lines, &fingerprint, &signers.file)?;
    Ok(SignedBy {
        scheme: SignatureScheme::Ssh,
        key: fingerprint,
        signer,
        base: claim.base.clone(),
    })
}

/// The principals of the first line that allows the key for such signatures at that time.
fn allowed(
    claim: &SignatureClaim<'_>,
    lines: &[&AllowedSigner],
    key: &str,
    file: &str,
) -> Result<String, SignatureError> {
    let mut refused = None;
    for line in lines {
        let subject = claim.subject.clone();
        let key = key.to_owned();
        let signer = line.principals.clone();
        let error = if !line.is_for(claim.subject.namespace()) {
            let allowed = line.namespaces.join(", ");
            SignatureError::OtherNamespace {
                subject,
                key,
                signer,
                file: file.to_owned(),
                allowed,
            }
        } else if let Some(why) = line.invalid_at(claim.time) {
            SignatureError::Expired {
                subject,
                key,
                signer,
                time: claim.time,
                why,
            }
        } else {
            return Ok(signer);
        };
        refused.get_or_insert(error);
    }
    let subject = claim.subject.clone();
    let key = key.to_owned();
    Err(refused.unwrap_or(SignatureError::Unknown {
        subject,
        key,
        file: file.to_owned(),
        base: claim.base.clone(),
    }))
}

/// Verifies a signature of `data`.
fn verify_signature(
    key: &KeyData,
    signature: &Signature,
    data: &[u8],
) -> Result<(), SshSignatureError> {
    let bytes = signature.as_bytes();
    match key {
        KeyData::Ed25519(key) => {
            expect(signature, &Algorithm::Ed25519)?;
            check(&ED25519, key.as_ref(), data, bytes)
        }
        KeyData::Ecdsa(key) => {
            expect(signature, &key.algorithm())?;
            ecdsa(key, data, bytes)
        }
        KeyData::Rsa(key) => rsa(key, &signature.algorithm(), data, bytes),
        KeyData::SkEd25519(key) => {
            expect(signature, &Algorithm::SkEd25519)?;
            let (signed, bytes) = security_key_message(key.application(), data, bytes)?;
            check(&ED25519, key.public_key().as_ref(), &signed, bytes)
        }
        KeyData::SkEcdsaSha2NistP256(key) => {
            expect(signature, &Algorithm::SkEcdsaSha2NistP256)?;
            let (signed, bytes) = security_key_message(key.application(), data, bytes)?;
            ecdsa(&EcdsaPublicKey::NistP256(*key.ec_point()), &signed, bytes)
        }
        // Later versions of the crate may support more kinds.
        other => Err(SshSignatureError::Unsupported(format!(
            "a signature by a key of the type {}",
            other.algorithm()
        ))),
    }
}

fn expect(signature: &Signature, algorithm: &Algorithm) -> Result<(), SshSignatureError> {
    if signature.algorithm() == *algorithm {
        Ok(())
    } else {
        Err(SshSignatureError::Wrong)
    }
}

fn check(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    data: &[u8],
    bytes: &[u8],
) -> Result<(), SshSignatureError> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(data, bytes)
        .map_err(|_| SshSignatureError::Wrong)
}

/// Verifies ECDSA. The format contains two integers; ring expects them concatenated with fixed
/// length.
fn ecdsa(key: &EcdsaPublicKey, data: &[u8], mut bytes: &[u8]) -> Result<(), SshSignatureError> {
    let (algorithm, length): (&'static dyn VerificationAlgorithm, usize) = match key {
        EcdsaPublicKey::NistP256(_) => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaPublicKey::NistP384(_) => (&ECDSA_P384_SHA384_FIXED, 48),
        // ring does not support this curve.
        EcdsaPublicKey::NistP521(_) => return p521(key, data, bytes),
    };
    let mut fixed = Vec::with_capacity(2 * length);
    for _ in 0..2 {
        let (size, rest) = bytes.split_first_chunk().ok_or(SshSignatureError::Wrong)?;
        let size = u32::from_be_bytes(*size) as usize;
        let (number, rest) = rest
            .split_at_checked(size)
            .ok_or(SshSignatureError::Wrong)?;
        bytes = rest;
        let number = Mpint::from_bytes(number).map_err(|_| SshSignatureError::Wrong)?;
        let number = number
            .as_positive_bytes()
            .filter(|number| number.len() <= length)
            .ok_or(SshSignatureError::Wrong)?;
        fixed.resize(fixed.len() + length - number.len(), 0);
        fixed.extend_from_slice(number);
    }
    check(algorithm, key.as_ref(), data, &fixed)
}

fn p521(key: &EcdsaPublicKey, data: &[u8], bytes: &[u8]) -> Result<(), SshSignatureError> {
    let curve = EcdsaCurve::NistP521;
    let signature = Signature::new(Algorithm::Ecdsa { curve }, bytes);
    let signature = signature.map_err(|_| SshSignatureError::Wrong)?;
    Verifier::verify(key, data, &signature).map_err(|_| SshSignatureError::Wrong)
}

fn rsa(
    key: &RsaPublicKey,
    algorithm: &Algorithm,
    data: &[u8],
    bytes: &[u8],
) -> Result<(), SshSignatureError> {
    let parameters = match algorithm {
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        } => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        } => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Rsa { .. } => {
            return Err(SshSignatureError::Unsupported(
                "an RSA signature with SHA-1".to_owned(),
            ));
        }
        // Another algorithm than RSA.
        _ => return Err(SshSignatureError::Wrong),
    };
    let n = key.n.as_positive_bytes().ok_or(SshSignatureError::Wrong)?;
    let e = key.e.as_positive_bytes().ok_or(SshSignatureError::Wrong)?;
    RsaPublicKeyComponents { n, e }
        .verify(parameters, data, bytes)
        .map_err(|_| SshSignatureError::Wrong)
}

/// The data signed by a security key (PROTOCOL.u2f), and the raw signature.
fn security_key_message<'a>(
    application: &str,
    data: &[u8],
    bytes: &'a [u8],
) -> Result<(Vec<u8>, &'a [u8]), SshSignatureError> {
    let (signature, trailer) = bytes
        .split_last_chunk::<5>()
        .ok_or(SshSignatureError::Wrong)?;
    if trailer[0] & TOUCHED == 0 {
        return Err(SshSignatureError::Unsupported(
            "a signature by a security key without touch".to_owned(),
        ));
    }
    let signed = [
        Sha256::digest(application).as_slice(),
        trailer,
        Sha256::digest(data).as_slice(),
    ]
    .concat();
    Ok((signed, signature))
}
