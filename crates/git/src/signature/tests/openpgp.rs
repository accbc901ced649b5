//! Signatures created by GnuPG.

use std::process::{Command, Stdio};

use super::*;
use crate::skip::has;

const KEYS: &str = "allowed_signers.asc";

/// A user with a key created on 2026-01-01.
struct Owner {
    home: tempfile::TempDir,
}

impl Owner {
    /// Creates a key; `expires` is in the format of GnuPG.
    fn new(name: &str, expires: &str) -> Self {
        let owner = Self {
            home: tempfile::tempdir().unwrap(),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(owner.home.path(), std::fs::Permissions::from_mode(0o700))
                .unwrap();
        }
        owner.gpg(&[
            "--faked-system-time",
            "20260101T000000",
            "--quick-gen-key",
            name,
            "ed25519",
            "sign",
            expires,
        ]);
        owner
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("gpg");
        command
            .arg("--homedir")
            .arg(self.home.path())
            .current_dir(self.home.path());
        command.args([
            "--batch",
            "--no-tty",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]);
        let ran = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).unwrap()
    }

    fn public(&self) -> String {
        self.gpg(&["--armor", "--export"])
    }

    fn sign(&self, content: &str) -> String {
        std::fs::write(self.home.path().join("content"), content).unwrap();
        // The signature is created some seconds after the commit.
        let time = ["--faked-system-time", "20260301T000005", "--output", "-"];
        self.gpg(&[&time[..], &["--armor", "--detach-sign", "content"]].concat())
    }

    /// The public key with its revocation certificate, which GnuPG created with the key. The
    /// owner's home does not contain it, like the home of a thief.
    fn revoked(&self) -> String {
        let folder = self.home.path().join("openpgp-revocs.d");
        let certificate = std::fs::read_dir(folder)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let certificate = std::fs::read_to_string(certificate)
            .unwrap()
            .replace(":-----BEGIN", "-----BEGIN");
        let elsewhere = Self {
            home: tempfile::tempdir().unwrap(),
        };
        for (name, text) in [("public", self.public()), ("certificate", certificate)] {
            std::fs::write(elsewhere.home.path().join(name), text).unwrap();
            elsewhere.gpg(&["--import", name]);
        }
        elsewhere.public()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Stops the agent that GnuPG started for the secret key.
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "gpg-agent"])
            .status();
    }
}

/// A repository whose base contains these keys, with a commit on top, `days` later.
fn signed(keys: &str, days: i64, sign: Sign<'_>) -> (Site, Oid) {
    let site = Site::new();
    let files = [(KEYS, keys)];
    let base = site.commit(New {
        parents: &[],
        files: &files,
        time: MARCH - DAY,
        sign: None,
    });
    let time = MARCH + days * DAY;
    let commit = site.commit(New {
        parents: &[base],
        files: &files,
        time,
        sign: Some(sign),
    });
    (site, commit)
}

#[test]
fn a_key_of_the_base_counts_and_another_does_not() {
    if !has("gpg") {
        return;
    }
    let ann = Owner::new("Ann <ann@example.com>", "never");
    let bob = Owner::new("Bob <bob@example.com>", "never");
    let (site, commit) = signed(&ann.public(), 0, &|content| ann.sign(content));
    let by = site.verify(commit, None).unwrap();
    assert_eq!(
        (by.scheme, by.signer.as_str()),
        (
            super::super::SignatureScheme::Openpgp,
            "Ann <ann@example.com>"
        )
    );
    assert_eq!(by.key.len(), 40, "{by:?}");

    let (site, commit) = signed(&ann.public(), 0, &|content| bob.sign(content));
    let said = site.refused(commit, None, &BTreeMap::new());
    assert!(
        said.contains("which `allowed_signers.asc` does not allow at the base"),
        "{said}"
    );
    // A key that the change itself adds is unknown too.
    let site = Site::new();
    let base = site.commit(New {
        parents: &[],
        files: &[(KEYS, &ann.public())],
        time: MARCH,
        sign: None,
    });
    let own = ann.public() + &bob.public();
    let sign = |content: &str| bob.sign(content);
    let commit = site.commit(New {
        parents: &[base],
        files: &[(KEYS, &own)],
        time: MARCH,
        sign: Some(&sign),
    });
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::Unknown { .. })
    ));
    // No OpenPGP key is allowed if there are only SSH keys.
    let (site, base) = allowing(&line(&key(1)));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&sign),
    });
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::Unknown { .. })
    ));

    let tampered = |content: &str| ann.sign(&content.replace("ann@", "bob@"));
    let (site, commit) = signed(&ann.public(), 0, &tampered);
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::Wrong { .. })
    ));
    let torn = |content: &str| {
        ann.sign(content)
            .lines()
            .take(3)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (site, commit) = signed(&ann.public(), 0, &torn);
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::Malformed { .. })
    ));
}

#[test]
fn an_expired_key_and_a_revoked_one_are_refused() {
    if !has("gpg") {
        return;
    }
    let ann = Owner::new("Ann <ann@example.com>", "20260401T000000");
    let sign = |content: &str| ann.sign(content);
    // A signature within the validity stays valid: the date of the commit counts.
    let (site, commit) = signed(&ann.public(), 0, &sign);
    assert!(site.verify(commit, None).is_ok());
    let (site, commit) = signed(&ann.public(), 60, &sign);
    let said = site.refused(commit, None, &BTreeMap::new());
    assert!(
        said.contains("of Ann <ann@example.com>, which was not valid at the commit's date"),
        "{said}"
    );
    assert!(said.contains("the key had expired"), "{said}");

    let bob = Owner::new("Bob <bob@example.com>", "never");
    let sign = |content: &str| bob.sign(content);
    let (site, commit) = signed(&bob.public(), 0, &sign);
    assert!(site.verify(commit, None).is_ok());
    let (site, commit) = signed(&bob.revoked(), 0, &sign);
    let said = site.refused(commit, None, &BTreeMap::new());
    assert!(
        said.contains("of Bob <bob@example.com>, which was revoked"),
        "{said}"
    );
}
