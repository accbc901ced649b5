//! Verifies OpenPGP signatures with GnuPG, like git itself, because there is no small library.
//! GnuPG runs with a temporary home that contains only the allowed keys, without agent, network or
//! configuration of the user.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::claim::{SignatureClaim, SignatureScheme, SignedBy};
use super::error::SignatureError;
use super::signers::Signers;

/// Timeout of GnuPG.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn verify(
    claim: &SignatureClaim<'_>,
    signers: &Signers,
) -> Result<SignedBy, SignatureError> {
    let keys_file = format!("{}.asc", signers.file);
    let Some(keys) = &signers.keys else {
        let subject = claim.subject.clone();
        let base = signers.base.clone();
        return Err(SignatureError::Unknown {
            subject,
            key: "of OpenPGP".to_owned(),
            file: keys_file,
            base,
        });
    };
    let status = status(claim, keys).map_err(|why| SignatureError::NoGpg {
        subject: claim.subject.clone(),
        why,
    })?;
    evaluate_status(claim, &status, keys_file)
}

/// The machine-readable status of GnuPG for a signature.
fn status(claim: &SignatureClaim<'_>, keys: &[u8]) -> Result<String, String> {
    let said = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(said)?;
    let path = |name: &str| folder.path().join(name);
    // Without this file, GnuPG creates one that enables a daemon.
    fs::write(path("common.conf"), "").map_err(said)?;
    fs::write(path("keys"), keys).map_err(said)?;
    fs::write(path("signature"), claim.signature).map_err(said)?;
    fs::write(path("payload"), claim.payload).map_err(said)?;
    run(folder.path(), &["--import", "keys"])?;
    // Keys and signatures must be valid at the date of the commit.
    let time = format!("{}!", claim.time.as_second().max(0));
    run(
        folder.path(),
        &[
            "--faked-system-time",
            &time,
            "--status-file",
            "status",
            "--verify",
            "signature",
            "payload",
        ],
    )?;
    fs::read_to_string(path("status")).map_err(said)
}

/// Runs GnuPG. The exit status is ignored because the status file is more exact.
fn run(home: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("gpg");
    command
        .env_clear()
        .current_dir(home)
        .env("GNUPGHOME", home)
        .env("HOME", home)
        .env("LC_ALL", "C");
    // The location of programs, and variables that Windows requires.
    for name in ["PATH", "SystemRoot", "TEMP", "TMP"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.arg("--homedir").arg(home);
    command.args([
        "--no-options",
        "--batch",
        "--no-tty",
        "--quiet",
        "--no-autostart",
        "--disable-dirmngr",
    ]);
    command.args([
        "--no-auto-key-retrieve",
        "--no-auto-check-trustdb",
        "--trust-model",
        "always",
    ]);
    command.args(["--weak-digest", "SHA1"]).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command
        .spawn()
        .map_err(|error| format!("`gpg` cannot be started: {error}"))?;
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                // The result is the same if the process has ended already.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "`gpg` did not end within {} seconds",
                    PATIENCE.as_secs()
                ));
            }
        }
    }
}

/// Interprets the status lines (doc/DETAILS of GnuPG). A commit must have exactly one signature, as
/// git creates it.
fn evaluate_status(
    claim: &SignatureClaim<'_>,
    status: &str,
    file: String,
) -> Result<SignedBy, SignatureError> {
    let subject = || claim.subject.clone();
    let lines = || {
        status
            .lines()
            .filter_map(|line| line.strip_prefix("[GNUPG:] "))
    };
    // A keyword with its arguments: key id and user id.
    let find = |word: &str| {
        let rest = lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))?;
        let (key, signer) = rest.split_once(' ').unwrap_or((rest, ""));
        Some((key.to_owned(), signer.to_owned()))
    };
    if let Some((key, _)) = find("BADSIG") {
        return Err(SignatureError::Wrong {
            subject: subject(),
            key,
        });
    }
    if let Some((key, signer)) = find("REVKEYSIG") {
        return Err(SignatureError::Revoked {
            subject: subject(),
            key,
            signer,
        });
    }
    for (word, why) in [
        ("EXPKEYSIG", "the key had expired"),
        ("EXPSIG", "the signature had expired"),
    ] {
        if let Some((key, signer)) = find(word) {
            let why = why.to_owned();
            return Err(SignatureError::Expired {
                subject: subject(),
                key,
                signer,
                time: claim.time,
                why,
            });
        }
    }
    if let Some((key, _)) = find("NO_PUBKEY") {
        return Err(SignatureError::Unknown {
            subject: subject(),
            key,
            file,
            base: claim.base.clone(),
        });
    }
    if let Some((key, _)) = find("ERRSIG") {
        let what = format!("a signature by the key {key} that GnuPG cannot verify");
        return Err(SignatureError::Unsupported {
            subject: subject(),
            what,
        });
    }
    let signatures = lines().filter(|line| line.starts_with("NEWSIG")).count();
    let found = find("GOODSIG").zip(find("VALIDSIG"));
    let Some(((_, signer), (key, more))) = found.filter(|_| signatures == 1) else {
        return Err(SignatureError::Malformed {
            subject: subject(),
            why: "GnuPG finds no signature in it".to_owned(),
        });
    };
    // The last word is the fingerprint of the primary key, which users know.
    let key = more
        .rsplit(' ')
        .next()
        .filter(|primary| !primary.is_empty())
        .map_or(key, str::to_owned);
    Ok(SignedBy {
        scheme: SignatureScheme::Openpgp,
        key,
        signer,
        base: claim.base.clone(),
    })
}
