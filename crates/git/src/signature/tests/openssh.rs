//! Signatures created by ssh-keygen, which git itself uses: an oracle that shares no code with this
//! crate.

use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::skip::has;

pub(super) fn keygen(folder: &Path, arguments: &[&str]) {
    let ran = Command::new("ssh-keygen")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn what_ssh_keygen_signs_is_verified() {
    if !has("ssh-keygen") {
        return;
    }
    for (kind, bits) in [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        ("rsa", "2048"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        keygen(
            folder.path(),
            &["-q", "-t", kind, "-b", bits, "-N", "", "-f", "key"],
        );
        let public = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
        let sign = |content: &str| {
            std::fs::write(folder.path().join("content"), content).unwrap();
            let _ = std::fs::remove_file(folder.path().join("content.sig"));
            keygen(
                folder.path(),
                &["-q", "-Y", "sign", "-n", "git", "-f", "key", "content"],
            );
            std::fs::read_to_string(folder.path().join("content.sig")).unwrap()
        };
        let (site, base) = allowing(&format!("ann@example.com {public}"));
        let new = New {
            parents: &[base],
            files: &[("a", "1")],
            time: MARCH,
            sign: Some(&sign),
        };
        let commit = site.commit(new);
        assert_eq!(
            site.verify(commit, None).unwrap().signer,
            "ann@example.com",
            "{kind} {bits}"
        );
        let tampered = |content: &str| sign(&content.replace("ann@", "bob@"));
        let commit = site.commit(New {
            sign: Some(&tampered),
            ..new
        });
        assert!(
            matches!(site.verify(commit, None), Err(SignatureError::Wrong { .. })),
            "{kind} {bits}"
        );
    }
}

#[test]
fn a_key_on_the_curve_p521_is_verified() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    keygen(
        folder.path(),
        &["-q", "-t", "ecdsa", "-b", "521", "-N", "", "-f", "key"],
    );
    let public = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
    let sign = |content: &str| {
        std::fs::write(folder.path().join("content"), content).unwrap();
        keygen(
            folder.path(),
            &["-q", "-Y", "sign", "-n", "git", "-f", "key", "content"],
        );
        std::fs::read_to_string(folder.path().join("content.sig")).unwrap()
    };
    let (site, base) = allowing(&format!("ann {public}"));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&sign),
    });
    assert_eq!(site.verify(commit, None).unwrap().signer, "ann");
    // The same signature of another content.
    std::fs::remove_file(folder.path().join("content.sig")).unwrap();
    let signature = sign("another content");
    let moved = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&|_| signature.clone()),
    });
    let said = site.refused(moved, None, &BTreeMap::new());
    assert!(said.contains("is wrong"), "{said}");
}
