//! Real repositories with real signatures.

mod openpgp;
mod openssh;
mod plans;
mod refusals;
mod signers;

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use super::{SignatureError, SignatureRequest, SignedBy, SignedPlan, verify, verify_plan};

/// 2026-03-01.
const MARCH: i64 = 1_772_323_200;
const DAY: i64 = 86_400;

/// A function that signs the content of a commit.
type Sign<'a> = &'a dyn Fn(&str) -> String;

struct Site {
    folder: tempfile::TempDir,
    repository: Repository,
}

/// A commit to create.
#[derive(Clone, Copy)]
struct New<'a> {
    parents: &'a [Oid],
    files: &'a [(&'a str, &'a str)],
    time: i64,
    sign: Option<Sign<'a>>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        let repository =
            Repository::init_opts(folder.path(), options.initial_head("main").bare(true)).unwrap();
        Self { folder, repository }
    }

    /// Creates a commit and moves `main` to it.
    fn commit(&self, new: New<'_>) -> Oid {
        let content = self.content(new);
        let id = match new.sign {
            Some(sign) => self
                .repository
                .commit_signed(&content, &sign(&content), None)
                .unwrap(),
            None => self
                .repository
                .odb()
                .unwrap()
                .write(ObjectType::Commit, content.as_bytes())
                .unwrap(),
        };
        self.repository
            .reference("refs/heads/main", id, true, "")
            .unwrap();
        id
    }

    fn content(
        &self,
        New {
            parents,
            files,
            time,
            sign: _,
        }: New<'_>,
    ) -> String {
        let mut tree = self.repository.treebuilder(None).unwrap();
        for (name, text) in files {
            tree.insert(
                name,
                self.repository.blob(text.as_bytes()).unwrap(),
                0o100_644,
            )
            .unwrap();
        }
        let tree = self.repository.find_tree(tree.write().unwrap()).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| self.repository.find_commit(*id).unwrap())
            .collect();
        let author = Signature::new("Ann", "ann@example.com", &Time::new(time, 0)).unwrap();
        let parents: Vec<_> = parents.iter().collect();
        let buffer = self
            .repository
            .commit_create_buffer(&author, &author, "x", &tree, &parents)
            .unwrap();
        std::str::from_utf8(&buffer).unwrap().to_owned()
    }

    fn verify(&self, commit: Oid, base: Option<&str>) -> Result<SignedBy, SignatureError> {
        let directory = self.folder.path();
        let commit = commit.to_string();
        verify(&SignatureRequest {
            directory,
            commit: &commit,
            base,
            file: "allowed_signers",
        })
    }

    /// Verifies a plan that is applied with a commit.
    fn verify_plan(
        &self,
        commit: Oid,
        base: Option<&str>,
        content: &str,
        signature: &str,
    ) -> Result<SignedBy, SignatureError> {
        let request = SignatureRequest {
            directory: self.folder.path(),
            commit: &commit.to_string(),
            base,
            file: "allowed_signers",
        };
        let plan = SignedPlan {
            path: "plan.json",
            content: content.as_bytes(),
            signature,
        };
        verify_plan(&request, &plan)
    }

    /// The error for a commit, with ids replaced by the given names.
    #[track_caller]
    fn refused(&self, commit: Oid, base: Option<&str>, names: &BTreeMap<&str, Oid>) -> String {
        let mut text = self.verify(commit, base).unwrap_err().to_string();
        for (name, id) in names {
            text = text.replace(&id.to_string(), name);
        }
        text
    }
}

/// A distinct key for each number.
fn key(number: u8) -> PrivateKey {
    PrivateKey::new(
        KeypairData::Ed25519(Ed25519Keypair::from_seed(&[number; 32])),
        "",
    )
    .unwrap()
}

/// The public key in the format of the allowed signers file.
fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().unwrap().trim().to_owned()
}

/// A line of the file.
fn line(key: &PrivateKey) -> String {
    format!("ann@example.com {}\n", public(key))
}

fn sign(key: &PrivateKey, namespace: &str, content: &str) -> String {
    key.sign(namespace, HashAlg::Sha512, content.as_bytes())
        .unwrap()
        .to_pem(LineEnding::LF)
        .unwrap()
}

fn with(key: PrivateKey) -> impl Fn(&str) -> String {
    move |content| sign(&key, "git", content)
}

/// A repository whose first commit contains these lines, with that commit.
fn allowing(lines: &str) -> (Site, Oid) {
    let site = Site::new();
    let files = [("allowed_signers", lines)];
    let base = site.commit(New {
        parents: &[],
        files: &files,
        time: MARCH,
        sign: None,
    });
    (site, base)
}
