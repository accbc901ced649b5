//! Signs plans with an OpenSSH key (PROTOCOL.sshsig of OpenSSH). The crate ssh-key parses the key and
//! ring signs, as for verification; the crate p521 signs with the curve P-521, which ring does not support.

use num_bigint::BigUint;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA512,
};
use signature::Signer;
use ssh_key::private::{EcdsaKeypair, KeypairData, RsaKeypair};
use ssh_key::{Algorithm, HashAlg, LineEnding, Mpint, PrivateKey, Signature, SshSig};
use thiserror::Error;

use super::claim::PLAN_NAMESPACE;
use super::padded_key::padded;

/// A plan cannot be signed.
#[derive(Debug, Error)]
pub enum SigningError {
    /// The key is not a private key of OpenSSH.
    #[error(
        "invalid private key: {0}; expected an OpenSSH private key, as `ssh-keygen -t ed25519` writes it"
    )]
    Invalid(#[from] ssh_key::Error),
    /// The key is protected by a passphrase.
    #[error(
        "the key is encrypted; use a key without a passphrase, or sign with `ssh-keygen -Y sign -n {PLAN_NAMESPACE} -f KEY PLAN`"
    )]
    Encrypted,
    /// Keys of this type are not supported.
    #[error(
        "unsupported type of key {0}: expected Ed25519, ECDSA or RSA; others sign with `ssh-keygen -Y sign -n {PLAN_NAMESPACE} -f KEY PLAN`"
    )]
    Unsupported(String),
    /// The key does not sign.
    #[error(
        "invalid private key: its parts do not match, or it is an RSA key of less than 2048 bits"
    )]
    Rejected,
}

/// Signs a plan. Returns the signature in the armored format of OpenSSH.
///
/// # Errors
/// The key is invalid, encrypted or of an unsupported type.
pub fn sign_plan(key: &str, content: &[u8]) -> Result<String, SigningError> {
    let key = match (PrivateKey::from_openssh(key.trim()), padded(key.trim())) {
        (Err(_), Some(padded)) => PrivateKey::from_bytes(&padded)?,
        (key, _) => key?,
    };
    if key.is_encrypted() {
        return Err(SigningError::Encrypted);
    }
    let data = SshSig::signed_data(PLAN_NAMESPACE, HashAlg::Sha512, content)?;
    let signature = sign(&key, &data)?;
    let public = key.public_key().key_data().clone();
    let signed = SshSig::new(public, PLAN_NAMESPACE, HashAlg::Sha512, signature)?;
    Ok(signed.to_pem(LineEnding::LF)?)
}

fn sign(key: &PrivateKey, data: &[u8]) -> Result<Signature, SigningError> {
    match key.key_data() {
        KeypairData::Ed25519(pair) => {
            let private = &pair.private.to_bytes();
            let pair = Ed25519KeyPair::from_seed_and_public_key(private, pair.public.as_ref())
                .map_err(|_| SigningError::Rejected)?;
            Ok(Signature::new(
                Algorithm::Ed25519,
                pair.sign(data).as_ref(),
            )?)
        }
        KeypairData::Ecdsa(pair) => {
            let bytes = match pair {
                EcdsaKeypair::NistP256 { public, private } => {
                    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                    ecdsa(algorithm, private.as_slice(), public.as_bytes(), data)?
                }
                EcdsaKeypair::NistP384 { public, private } => {
                    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
                    ecdsa(algorithm, private.as_slice(), public.as_bytes(), data)?
                }
                // ring does not support this curve.
                EcdsaKeypair::NistP521 { .. } => {
                    return pair.try_sign(data).map_err(|_| SigningError::Rejected);
                }
            };
            Ok(Signature::new(pair.algorithm(), bytes)?)
        }
        KeypairData::Rsa(pair) => rsa(pair, data),
        // Encrypted keys are refused before, and later versions of the crate may support more types.
        _ => Err(unsupported(key)),
    }
}

fn unsupported(key: &PrivateKey) -> SigningError {
    SigningError::Unsupported(key.algorithm().to_string())
}

/// Signs with RSA and SHA-512. The format of OpenSSH leaves out two numbers that ring expects: the private
/// exponent modulo each prime minus one.
fn rsa(pair: &RsaKeypair, data: &[u8]) -> Result<Signature, SigningError> {
    let RsaKeypair { public, private } = pair;
    let bytes = |number: &Mpint| {
        let bytes = number.as_positive_bytes().map(<[u8]>::to_vec);
        bytes.ok_or(SigningError::Rejected)
    };
    let d = bytes(&private.d)?;
    let p = bytes(&private.p)?;
    let q = bytes(&private.q)?;
    let reduced = |prime: &[u8]| {
        let one = BigUint::from(1_u8);
        let prime = BigUint::from_bytes_be(prime);
        if prime <= one {
            return Err(SigningError::Rejected);
        }
        Ok((BigUint::from_bytes_be(&d) % (prime - one)).to_bytes_be())
    };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: bytes(&public.n)?,
            e: bytes(&public.e)?,
        },
        dP: reduced(&p)?,
        dQ: reduced(&q)?,
        qInv: bytes(&private.iqmp)?,
        d: d.clone(),
        p,
        q,
    };
    let pair = KeyPair::from_components(&components).map_err(|_| SigningError::Rejected)?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA512,
        &SystemRandom::new(),
        data,
        &mut signature,
    )
    .map_err(|_| SigningError::Rejected)?;
    let hash = Some(HashAlg::Sha512);
    Ok(Signature::new(Algorithm::Rsa { hash }, signature)?)
}

/// Signs with ECDSA. ring returns the two integers with fixed length; the format expects each with
/// its length.
fn ecdsa(
    algorithm: &'static EcdsaSigningAlgorithm,
    private: &[u8],
    public: &[u8],
    data: &[u8],
) -> Result<Vec<u8>, SigningError> {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random)
        .map_err(|_| SigningError::Rejected)?;
    let signed = pair
        .sign(&random, data)
        .map_err(|_| SigningError::Rejected)?;
    let (r, s) = signed.as_ref().split_at(signed.as_ref().len() / 2);
    let mut bytes = Vec::new();
    for number in [r, s] {
        let number = Mpint::from_positive_bytes(number)?;
        let size = u32::try_from(number.as_bytes().len()).map_err(|_| SigningError::Rejected)?;
        bytes.extend(size.to_be_bytes());
        bytes.extend(number.as_bytes());
    }
    Ok(bytes)
}
