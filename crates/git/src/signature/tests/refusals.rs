//! All ways in which a signature is not accepted, with their messages.

use super::*;

/// The error for a commit on top of a base with these lines, `days` later, signed by `sign`.
#[track_caller]
fn refused(lines: &str, days: i64, sign: Option<Sign<'_>>) -> String {
    let (site, base) = allowing(lines);
    let files = [("allowed_signers", lines), ("a", "1")];
    let commit = site.commit(New {
        parents: &[base],
        files: &files,
        time: MARCH + days * DAY,
        sign,
    });
    site.refused(
        commit,
        None,
        &BTreeMap::from([("BASE", base), ("COMMIT", commit)]),
    )
}

fn fingerprint(number: u8) -> String {
    key(number).fingerprint(HashAlg::Sha256).to_string()
}

#[test]
fn a_signer_whom_the_base_allows_is_named_with_key_and_base() {
    let (site, base) = allowing(&format!("# who may\n\n{}", line(&key(1))));
    let signed = with(key(1));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&signed),
    });
    let signed = site.verify(commit, None).unwrap();
    assert_eq!(
        (signed.signer.as_str(), signed.key),
        ("ann@example.com", fingerprint(1))
    );
    assert_eq!(
        (signed.scheme, signed.base.clone()),
        (super::super::SignatureScheme::Ssh, base.to_string())
    );
    assert_eq!(
        site.verify(commit, Some(&base.to_string())).unwrap().base,
        signed.base
    );
}

#[test]
fn no_signature_and_an_unknown_signer() {
    assert_eq!(
        refused(&line(&key(1)), 0, None),
        "the commit COMMIT is not signed; sign it with `git commit -S`, or merge it with a signed merge commit"
    );
    let stranger = with(key(2));
    assert_eq!(
        refused(&line(&key(1)), 0, Some(&stranger)),
        format!(
            "the commit COMMIT is signed with the key {}, which `allowed_signers` does not allow at the base BASE; add the signer \
             in a separate change that is signed by an allowed signer",
            fingerprint(2)
        )
    );
}

#[test]
fn a_signature_of_something_else_is_wrong() {
    // Signatures of other content, by another key that claims to be the allowed one, and with a
    // flipped bit.
    let tampered = |content: &str| sign(&key(1), "git", &content.replace("ann@", "bob@"));
    let passed_off = |content: &str| {
        use ssh_key::SshSig;
        let other = key(2)
            .sign("git", HashAlg::Sha512, content.as_bytes())
            .unwrap();
        let key_data = key(1).public_key().key_data().clone();
        let claimed =
            SshSig::new(key_data, "git", HashAlg::Sha512, other.signature().clone()).unwrap();
        claimed.to_pem(LineEnding::LF).unwrap()
    };
    for made in [&tampered as Sign<'_>, &passed_off] {
        let said = refused(&line(&key(1)), 0, Some(made));
        let expected = format!(
            "the signature of the commit COMMIT is wrong: the key {} signed something else, or the commit was changed since",
            fingerprint(1)
        );
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn a_signature_that_was_moved_to_another_commit_is_wrong() {
    let (site, base) = allowing(&line(&key(1)));
    let new = New {
        parents: &[base],
        files: &[("a", "reviewed")],
        time: MARCH,
        sign: None,
    };
    let signature = sign(&key(1), "git", &site.content(new));
    let content = site.content(New {
        files: &[("a", "something else")],
        ..new
    });
    let moved = site
        .repository
        .commit_signed(&content, &signature, None)
        .unwrap();
    assert!(matches!(
        site.verify(moved, None),
        Err(SignatureError::Wrong { .. })
    ));
    let good = site
        .repository
        .commit_signed(&site.content(new), &signature, None)
        .unwrap();
    assert!(site.verify(good, None).is_ok());
}

#[test]
fn what_a_key_was_not_made_for_does_not_count() {
    let file = |content: &str| sign(&key(1), "file", content);
    let said = refused(&line(&key(1)), 0, Some(&file));
    assert!(
        said.starts_with("the signature of the commit COMMIT is for `file`, not for `git`"),
        "{said}"
    );
    let signed = with(key(1));
    let mail = format!(
        "ann@example.com namespaces=\"file,email\" {}\n",
        public(&key(1))
    );
    let said = refused(&mail, 0, Some(&signed));
    assert!(
        said.ends_with("which `allowed_signers` allows for file, email only, not for `git`"),
        "{said}"
    );
    // One line that allows it is enough.
    let (site, base) = allowing(&format!(
        "{mail}bob namespaces=\"g?t\" {}\n",
        public(&key(1))
    ));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&signed),
    });
    assert_eq!(site.verify(commit, None).unwrap().signer, "bob");
}

#[test]
fn a_key_counts_only_while_it_is_valid_at_the_commits_date() {
    let signed = with(key(1));
    let from_to = format!(
        "ann valid-after=\"20260302\",valid-before=\"20260310120000Z\" {}\n",
        public(&key(1))
    );
    let said = refused(&from_to, 0, Some(&signed));
    assert!(said.contains("of ann, which was not valid at the commit's date (2026-03-01T00:00:00Z): it is valid only after 2026-03-02T00:00:00Z"), "{said}");
    let said = refused(&from_to, 10, Some(&signed));
    assert!(
        said.contains("it was valid only before 2026-03-10T12:00:00Z"),
        "{said}"
    );
    let (site, base) = allowing(&from_to);
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH + 2 * DAY,
        sign: Some(&signed),
    });
    assert!(site.verify(commit, None).is_ok());
}

#[test]
fn an_old_date_does_not_bring_an_ended_key_back() {
    let signed = with(key(1));
    let ended = format!("ann valid-before=20260201 {}\n", public(&key(1)));
    let said = refused(&ended, -60, Some(&signed));
    assert!(
        said.contains("at the commit's date (2026-03-01T00:00:00Z)"),
        "the base is younger: {said}"
    );
}

#[test]
fn what_cannot_be_read_or_is_of_another_kind() {
    let x509 =
        |_: &str| "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n".to_owned();
    assert!(
        refused(&line(&key(1)), 0, Some(&x509))
            .contains("has an X.509 signature, which is not verified here")
    );
    let torn =
        |content: &str| sign(&key(1), "git", content).replace("-----END SSH SIGNATURE-----", "");
    assert!(
        refused(&line(&key(1)), 0, Some(&torn))
            .contains("the signature of the commit COMMIT cannot be read")
    );
    let none = |_: &str| "hello".to_owned();
    assert!(refused(&line(&key(1)), 0, Some(&none)).contains("it begins as none does"));
}
