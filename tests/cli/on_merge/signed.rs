//! `--require-signed`. The verification of signatures has unit tests; these tests show that it decides whether a plan is applied.

use git2::Oid;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use super::Site;

fn key(number: u8) -> PrivateKey {
    PrivateKey::new(
        KeypairData::Ed25519(Ed25519Keypair::from_seed(&[number; 32])),
        "",
    )
    .unwrap()
}

fn line(number: u8) -> String {
    format!(
        "ann@example.com {}\n",
        key(number).public_key().to_openssh().unwrap()
    )
}

/// Replaces the current commit with a signed one.
fn sign(site: &Site, number: u8) -> Oid {
    let head = site.repository.head().unwrap().peel_to_commit().unwrap();
    let parents: Vec<_> = head.parents().collect();
    let parents: Vec<_> = parents.iter().collect();
    let author = head.author();
    let content = site
        .repository
        .commit_create_buffer(&author, &author, "x", &head.tree().unwrap(), &parents)
        .unwrap();
    let content = std::str::from_utf8(&content).unwrap().to_owned();
    let signature = key(number)
        .sign("git", HashAlg::Sha512, content.as_bytes())
        .unwrap();
    let signature = signature.to_pem(LineEnding::LF).unwrap();
    let id = site
        .repository
        .commit_signed(&content, &signature, None)
        .unwrap();
    site.point("refs/heads/main", id);
    id
}

/// A site whose `main` allows the first key, with a further commit that is not signed.
fn site() -> Site {
    let site = Site::new("");
    site.sandbox.write("allowed_signers", line(1));
    site.commit();
    site.allow("b");
    site.commit();
    site
}

#[test]
fn only_what_a_signer_of_the_base_signed_is_applied() {
    let site = site();
    let said = site.refused(&["--require-signed"], "is not signed");
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("apply_unsigned", site.named(&said));
    });
    sign(&site, 2);
    site.refused(
        &["--require-signed"],
        "which `allowed_signers` does not allow at the base",
    );
    sign(&site, 1);
    let ran = site.apply(0, &["--require-signed"]);
    assert!(
        ran.out
            .contains("Signed by ann@example.com with the SSH key SHA256:"),
        "{}",
        ran.out
    );
    let journal = site.sandbox.expect(0, &["runs", "last"]);
    assert!(
        journal.out.contains("signed by ann@example.com"),
        "{}",
        journal.out
    );
}

#[test]
fn a_signer_that_the_change_adds_does_not_count() {
    let site = site();
    site.sandbox.write("allowed_signers", line(1) + &line(2));
    site.commit();
    sign(&site, 2);
    site.refused(
        &["--require-signed"],
        "which `allowed_signers` does not allow at the base",
    );
    site.allow("c");
    site.commit();
    sign(&site, 2);
    site.refused(
        &["--require-signed"],
        "were changed by a commit that does not count",
    );
    site.refused(
        &["--require-signed", "--base", "HEAD~2"],
        "does not allow at the base",
    );
    site.refused(
        &["--require-signed", "--base", "HEAD"],
        "is the commit to apply",
    );
    // A pipeline may trust the previous commit.
    site.apply(0, &["--require-signed", "--base", "HEAD~1"]);
}

#[test]
fn the_file_is_beside_the_configuration_or_where_it_is_said_to_be() {
    let site = site();
    sign(&site, 1);
    let named = ["--require-signed", "--allowed-signers", "absent"];
    site.refused(&named, "contains neither `absent` nor `absent.asc`");
    site.refused(
        &[
            "--require-signed",
            "--allowed-signers",
            "../allowed_signers",
        ],
        "is outside of the repository",
    );
    site.apply(1, &["--allowed-signers", "allowed_signers"]);
    // A configuration in a folder has its own; it may name that of the top.
    let files = ["polwarden.yaml", "policies/p.yaml"];
    for file in files {
        site.sandbox
            .write(&format!("folder/{file}"), site.sandbox.read(file));
    }
    site.commit();
    sign(&site, 1);
    site.refused(
        &["-C", "folder", "--require-signed"],
        "contains neither `folder/allowed_signers`",
    );
    site.apply(
        0,
        &[
            "-C",
            "folder",
            "--require-signed",
            "--allowed-signers",
            "../allowed_signers",
        ],
    );
}

#[test]
fn an_openpgp_signature_needs_gpg_which_is_said() {
    let site = site();
    site.sandbox.write("allowed_signers.asc", "x");
    site.commit();
    sign(&site, 1);
    site.allow("c");
    let id = site.commit();
    let content = site
        .repository
        .find_commit(id)
        .unwrap()
        .raw_header_bytes()
        .to_vec();
    let content = format!("{}\nx", String::from_utf8(content).unwrap());
    let signature = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----";
    let id = site
        .repository
        .commit_signed(&content, signature, None)
        .unwrap();
    site.point("refs/heads/main", id);
    // The environment of the sandbox names no place for programs.
    let mut site = site;
    site.sandbox.set("PATH", "/nowhere");
    site.refused(&["--require-signed"], "`gpg` cannot be started");
}

/// Writes a plan that is signed with the key of this number.
fn plan_signed(site: &Site, number: u8) {
    let text = key(number).to_openssh(LineEnding::LF).unwrap();
    site.sandbox.write("key.ignored.txt", text.as_bytes());
    site.sandbox.expect(
        0,
        &[
            "plan",
            "--endpoint=docker=embedded",
            "--out",
            "plan.json",
            "--sign",
            "key.ignored.txt",
        ],
    );
}

#[test]
fn a_signed_plan_is_applied_and_another_one_is_5() {
    let site = site();
    let verify = ["plan.json", "--verify"];
    plan_signed(&site, 1);
    let signed = site.sandbox.read("plan.json");
    let signature = site.sandbox.read("plan.json.sig");
    // A plan with another content, even if its digest matches.
    site.sandbox.write("plan.json", signed.clone() + "\n");
    site.refused(&verify, "the signature of the plan `plan.json` is wrong");
    site.sandbox.write("plan.json", "{}");
    site.refused(&verify, "the signature of the plan `plan.json` is wrong");
    site.sandbox.write("plan.json", &signed);
    for (other, says) in [
        ("hello".to_owned(), "cannot be read"),
        (
            "x".repeat(64 * 1024 + 1),
            "the signature `plan.json.sig` is larger than 64 KiB",
        ),
        (
            key(1)
                .sign("git", HashAlg::Sha512, signed.as_bytes())
                .unwrap()
                .to_pem(LineEnding::LF)
                .unwrap(),
            "is for `git`, not for `polwarden-plan`",
        ),
    ] {
        site.sandbox.write("plan.json.sig", other);
        site.refused(&verify, says);
    }
    std::fs::remove_file(site.sandbox.path("plan.json.sig")).unwrap();
    site.refused(
        &verify,
        "the plan `plan.json` is not signed: missing `plan.json.sig`",
    );
    site.sandbox.write("plan.json.sig", signature);
    site.refused(
        &["plan.json", "--verify", "--allowed-signers", "absent"],
        "contains neither `absent` nor `absent.asc`",
    );
    let ran = site.apply(0, &verify);
    assert!(
        ran.err
            .contains("The plan is signed by ann@example.com with the SSH key SHA256:"),
        "{}",
        ran.err
    );
    assert!(
        ran.out
            .contains("Plan signed by ann@example.com with the SSH key SHA256:"),
        "{}",
        ran.out
    );
    let runs = site
        .sandbox
        .expect(0, &["runs", "last", "--format", "json"]);
    assert!(runs.out.contains("\"planSignedBy\""), "{}", runs.out);
}

#[test]
fn a_plan_signer_that_the_change_adds_does_not_count() {
    let site = site();
    site.sandbox.write("allowed_signers", line(1) + &line(2));
    site.commit();
    plan_signed(&site, 2);
    site.refused(
        &["plan.json", "--verify"],
        "which `allowed_signers` does not allow at the base",
    );
    site.allow("c");
    site.commit();
    plan_signed(&site, 2);
    site.refused(
        &["plan.json", "--verify", "--base", "HEAD~2"],
        "which `allowed_signers` does not allow at the base",
    );
    site.apply(0, &["plan.json", "--verify", "--base", "HEAD~1"]);
}

#[test]
fn a_plan_that_cannot_be_signed_is_not_written() {
    let site = site();
    let plan = ["plan", "--endpoint=docker=embedded", "--sign", "absent"];
    site.sandbox.expect(1, &plan);
    let out = [&plan[..], &["--out", "plan.json"]].concat();
    let ran = site.sandbox.expect(1, &out);
    assert!(
        ran.err.contains("cannot read the key `absent`"),
        "{}",
        ran.err
    );
    site.sandbox.write("absent", "hello");
    let ran = site.sandbox.expect(1, &out);
    assert!(ran.err.contains("invalid private key"), "{}", ran.err);
    // A key is read up to a limit.
    #[cfg(unix)]
    {
        let endless = ["--sign", "/dev/zero", "--out", "plan.json"];
        let ran = site.sandbox.expect(1, &[&plan[..2], &endless].concat());
        assert!(ran.err.contains("cannot sign the plan"), "{}", ran.err);
    }
    assert!(!site.sandbox.path("plan.json").exists());
    // `--verify` is about a saved plan.
    let ran = site.apply(1, &["--verify"]);
    assert!(ran.err.contains("PLAN"), "{}", ran.err);
    let ran = site.apply(1, &[".", "--verify"]);
    assert!(
        ran.err.contains("--verify requires a saved plan"),
        "{}",
        ran.err
    );
}

#[cfg(unix)]
#[test]
fn a_signature_is_private_and_not_written_through_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = site();
    plan_signed(&site, 1);
    let mode = site.sandbox.path("plan.json.sig").metadata().unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    site.sandbox.write("target.ignored.txt", "keep");
    std::fs::remove_file(site.sandbox.path("plan.json.sig")).unwrap();
    std::os::unix::fs::symlink(
        site.sandbox.path("target.ignored.txt"),
        site.sandbox.path("plan.json.sig"),
    )
    .unwrap();
    let arguments = ["plan", "--endpoint=docker=embedded", "--out", "plan.json"];
    let ran = site.sandbox.expect(
        1,
        &[&arguments[..], &["--sign", "key.ignored.txt"]].concat(),
    );
    assert!(
        ran.err.contains("cannot write the signature"),
        "{}",
        ran.err
    );
    assert_eq!(site.sandbox.read("target.ignored.txt"), "keep");
}
