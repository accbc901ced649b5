//! Signatures of plans.

use super::openssh::keygen;
use super::*;
use crate::signature::{SigningError, sign_plan};
use crate::skip::has;

const PLAN: &str = "{\"targets\": []}\n";
const NAMESPACE: &str = "polwarden-plan";

/// A repository with these signers and a commit on top of them, which is not signed.
fn applying(lines: &str) -> (Site, Oid) {
    let (site, base) = allowing(lines);
    let commit = site.commit(New {
        parents: &[base],
        files: &[("allowed_signers", lines)],
        time: MARCH,
        sign: None,
    });
    (site, commit)
}

/// The text of a private key.
fn private(key: &PrivateKey) -> String {
    key.to_openssh(LineEnding::LF).unwrap().to_string()
}

/// The error for the plan, signed by `key` in `namespace`.
#[track_caller]
fn refused(lines: &str, key: &PrivateKey, namespace: &str) -> String {
    let (site, commit) = applying(lines);
    let signature = sign(key, namespace, PLAN);
    let error = site.verify_plan(commit, None, PLAN, &signature);
    error.unwrap_err().to_string()
}

#[test]
fn a_signed_plan_is_verified_with_the_signers_of_the_base() {
    let own = format!(
        "ann@example.com namespaces=\"polwarden-plan\" {}\n",
        public(&key(1))
    );
    for lines in [line(&key(1)), own] {
        let (site, commit) = applying(&lines);
        let signature = sign_plan(&private(&key(1)), PLAN.as_bytes()).unwrap();
        let signed = site.verify_plan(commit, None, PLAN, &signature).unwrap();
        assert_eq!(signed.signer, "ann@example.com");
        assert_eq!(signed.key, key(1).fingerprint(HashAlg::Sha256).to_string());
        let error = site.verify_plan(commit, None, &PLAN.replace("[]", "[1]"), &signature);
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("the signature of the plan `plan.json` is wrong")
                && error.contains("or the plan was changed since"),
            "{error}"
        );
    }
}

#[test]
fn a_signer_that_the_applied_commit_adds_does_not_count() {
    let (site, base) = allowing(&line(&key(1)));
    let commit = site.commit(New {
        parents: &[base],
        files: &[("allowed_signers", &(line(&key(1)) + &line(&key(2))))],
        time: MARCH,
        sign: None,
    });
    let signature = sign_plan(&private(&key(2)), PLAN.as_bytes()).unwrap();
    assert!(matches!(
        site.verify_plan(commit, None, PLAN, &signature),
        Err(SignatureError::Unknown { .. })
    ));
    // The history of the signers counts as for commits.
    let next = site.commit(New {
        parents: &[commit],
        files: &[],
        time: MARCH,
        sign: None,
    });
    assert!(matches!(
        site.verify_plan(next, None, PLAN, &signature),
        Err(SignatureError::Signers(_))
    ));
    let base = commit.to_string();
    assert!(
        site.verify_plan(next, Some(&base), PLAN, &signature)
            .is_ok()
    );
}

#[test]
fn signatures_and_signers_of_another_kind_do_not_count() {
    let said = refused(&line(&key(1)), &key(2), NAMESPACE);
    assert!(
        said.contains("which `allowed_signers` does not allow at the base"),
        "{said}"
    );
    let said = refused(&line(&key(1)), &key(1), "git");
    assert!(
        said.starts_with(
            "the signature of the plan `plan.json` is for `git`, not for `polwarden-plan`"
        ) && said.ends_with("says nothing about a plan"),
        "{said}"
    );
    let commits = format!("ann namespaces=\"git\" {}\n", public(&key(1)));
    let said = refused(&commits, &key(1), NAMESPACE);
    assert!(
        said.ends_with("which `allowed_signers` allows for git only, not for `polwarden-plan`"),
        "{said}"
    );
    let ended = format!("ann valid-before=20260201 {}\n", public(&key(1)));
    let said = refused(&ended, &key(1), NAMESPACE);
    assert!(
        said.contains("of ann, which was not valid at the time of this run ("),
        "{said}"
    );
    // A line for plans alone allows no commit.
    let plans = format!("ann namespaces=\"polwarden-plan\" {}\n", public(&key(1)));
    let (site, base) = allowing(&plans);
    let signed = with(key(1));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&signed),
    });
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::OtherNamespace { .. })
    ));
}

#[test]
fn a_file_that_is_not_a_signature_is_refused() {
    let (site, commit) = applying(&line(&key(1)));
    let signature = sign_plan(&private(&key(1)), PLAN.as_bytes()).unwrap();
    let openpgp = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
    for other in ["", "hello", openpgp, &signature[..80]] {
        let error = site.verify_plan(commit, None, PLAN, other).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the signature of the plan `plan.json` cannot be read"),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_signers_is_read_up_to_a_limit() {
    let lines = format!("{}#{}\n", line(&key(1)), "x".repeat(1024 * 1024));
    let said = refused(&lines, &key(1), NAMESPACE);
    assert!(
        said.ends_with("cannot be used: it is larger than 1 MiB"),
        "{said}"
    );
}

#[test]
fn a_key_that_cannot_sign_is_an_error() {
    let error = sign_plan("hello", PLAN.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("invalid private key: "), "{error}");
    let public = public(&key(1));
    assert!(matches!(
        sign_plan(&public, PLAN.as_bytes()),
        Err(SigningError::Invalid(_))
    ));
}

#[test]
fn ssh_keygen_and_polwarden_verify_each_other() {
    if !has("ssh-keygen") {
        return;
    }
    for (kind, bits) in [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        // Every second key begins with a zero byte, which OpenSSH leaves out.
        ("ecdsa", "521"),
        ("ecdsa", "521"),
        ("ecdsa", "521"),
        ("ecdsa", "521"),
        ("rsa", "2048"),
        ("rsa", "3072"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let run = |arguments: &[&str]| keygen(folder.path(), arguments);
        run(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", "key"]);
        let public = std::fs::read_to_string(path("key.pub")).unwrap();
        let lines = format!("ann@example.com {public}");
        let (site, commit) = applying(&lines);
        std::fs::write(path("plan.json"), PLAN).unwrap();
        run(&[
            "-q",
            "-Y",
            "sign",
            "-n",
            NAMESPACE,
            "-f",
            "key",
            "plan.json",
        ]);
        let theirs = std::fs::read_to_string(path("plan.json.sig")).unwrap();
        let signed = site.verify_plan(commit, None, PLAN, &theirs).unwrap();
        assert_eq!(signed.signer, "ann@example.com", "{kind} {bits}");

        let private = std::fs::read_to_string(path("key")).unwrap();
        let ours = sign_plan(&private, PLAN.as_bytes()).unwrap();
        assert!(site.verify_plan(commit, None, PLAN, &ours).is_ok());
        std::fs::write(path("ours.sig"), ours).unwrap();
        std::fs::write(path("signers"), lines).unwrap();
        let plan = std::fs::File::open(path("plan.json")).unwrap();
        let verified = std::process::Command::new("ssh-keygen")
            .current_dir(folder.path())
            .args(["-Y", "verify", "-f", "signers", "-I", "ann@example.com"])
            .args(["-n", NAMESPACE, "-s", "ours.sig"])
            .stdin(plan)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{kind} {bits}: {verified:?}");
    }
}

#[test]
fn an_encrypted_key_is_an_error_that_says_what_to_do() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    keygen(
        folder.path(),
        &["-q", "-t", "ed25519", "-N", "a passphrase", "-f", "key"],
    );
    let private = std::fs::read_to_string(folder.path().join("key")).unwrap();
    let error = sign_plan(&private, PLAN.as_bytes()).unwrap_err();
    assert!(matches!(error, SigningError::Encrypted));
    assert!(
        error
            .to_string()
            .contains("ssh-keygen -Y sign -n polwarden-plan -f KEY PLAN"),
        "{error}"
    );
}
