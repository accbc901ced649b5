use std::collections::BTreeMap;

use git2::{ObjectType, RepositoryInitOptions, Signature, Time};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::limits::SourceLimits;
use crate::mutated_bytes::{CASES, mutated_bytes};
use crate::pack::PackRules;
use crate::{FileProblem, PullRequest};

const FILE: i32 = 0o100_644;
const LINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;
const FOLDER: i32 = 0o040_000;

/// Path, mode and content of an entry of a tree.
type Entry<'a> = (&'a [u8], i32, &'a [u8]);

fn file<'a>(path: &'a str, content: &'a str) -> Entry<'a> {
    (path.as_bytes(), FILE, content.as_bytes())
}

fn link<'a>(path: &'a str, target: &'a str) -> Entry<'a> {
    (path.as_bytes(), LINK, target.as_bytes())
}

/// Writes a tree with these entries, without a work tree or index.
fn tree(repository: &Repository, entries: &[Entry<'_>]) -> Oid {
    let mut below: BTreeMap<&[u8], Vec<Entry<'_>>> = BTreeMap::new();
    let mut builder = repository.treebuilder(None).unwrap();
    for (path, mode, content) in entries {
        match path.iter().position(|byte| *byte == b'/') {
            Some(at) => {
                below
                    .entry(&path[..at])
                    .or_default()
                    .push((&path[at + 1..], *mode, content))
            }
            None if *mode == SUBMODULE => {
                let id = Oid::from_str("00112233445566778899aabbccddeeff00112233").unwrap();
                builder.insert(*path, id, *mode).unwrap();
            }
            None => drop(
                builder
                    .insert(*path, repository.blob(content).unwrap(), *mode)
                    .unwrap(),
            ),
        }
    }
    for (name, entries) in below {
        builder
            .insert(name, tree(repository, &entries), FOLDER)
            .unwrap();
    }
    builder.write().unwrap()
}

/// Commits a tree on top of `HEAD`, or as the first commit, without a checkout.
fn commit(repository: &Repository, root: Oid) -> Oid {
    let author = Signature::new("A", "a@example.com", &Time::new(0, 0)).unwrap();
    let parent = repository
        .head()
        .ok()
        .map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(
            Some("HEAD"),
            &author,
            &author,
            "x",
            &repository.find_tree(root).unwrap(),
            &parents,
        )
        .unwrap()
}

fn repository(bare: bool) -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(folder.path(), options.initial_head("main").bare(bare)).unwrap();
    (folder, repository)
}

fn committed(entries: &[Entry<'_>]) -> (tempfile::TempDir, Repository) {
    let (folder, repository) = repository(false);
    commit(&repository, tree(&repository, entries));
    (folder, repository)
}

fn listed(revision: &Revision, path: &str) -> (Vec<String>, Vec<FileProblem>) {
    let Listing {
        files, problems, ..
    } = revision.list(path.into()).unwrap();
    (
        files.into_iter().map(|file| file.to_string()).collect(),
        problems,
    )
}

/// The commit of a revision, and whether its content differs.
fn stand(revision: &Revision) -> Option<(String, bool)> {
    revision.commit().map(|head| (head.id, head.dirty))
}

fn refused(directory: &Path, revision: &str) -> String {
    Revision::open(directory, &revision.into())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_revision_is_named_as_git_names_it() {
    let (folder, repository) = committed(&[file("p/a.yaml", "one")]);
    let first = repository.head().unwrap().target().unwrap();
    let second = commit(&repository, tree(&repository, &[file("p/a.yaml", "two")]));
    repository
        .tag_lightweight("v1", &repository.find_object(first, None).unwrap(), false)
        .unwrap();
    repository
        .reference("refs/remotes/origin/main", first, false, "")
        .unwrap();
    let cases = [
        ("HEAD", second, "two"),
        ("main", second, "two"),
        ("HEAD~1", first, "one"),
        ("v1", first, "one"),
        ("origin/main", first, "one"),
        (&first.to_string(), first, "one"),
        (&first.to_string()[..10], first, "one"),
    ];
    for (name, id, text) in cases {
        let revision = Revision::open(folder.path(), &name.into()).unwrap();
        assert_eq!(stand(&revision), Some((id.to_string(), false)), "{name}");
        assert_eq!(
            &*revision.read("p/a.yaml".into(), 10).unwrap(),
            text,
            "{name}"
        );
        assert_eq!(
            listed(&revision, "p"),
            (vec!["p/a.yaml".to_owned()], Vec::new()),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_revision_is_explained() {
    let (folder, repository) = committed(&[file("a.yaml", "x")]);
    assert_eq!(
        refused(folder.path(), "mian"),
        "unknown revision `mian`; did you mean `main`?"
    );
    assert_eq!(
        refused(folder.path(), "release"),
        "unknown revision `release`; known revisions: main"
    );
    assert_eq!(
        refused(folder.path(), "HEAD~7"),
        "unknown revision `HEAD~7`; known revisions: main"
    );
    let blob = repository.blob(b"x").unwrap().to_string();
    assert!(refused(folder.path(), &blob).contains("is a blob, not a commit"));
    for text in ["", ":", "@{", "--help", "\u{0}"] {
        assert!(
            Revision::open(folder.path(), &text.into()).is_err(),
            "{text:?}"
        );
    }
    let plain = tempfile::tempdir().unwrap();
    assert!(refused(plain.path(), "main").contains("is in no git repository"));
    let (unborn, _) = self::repository(false);
    assert_eq!(
        refused(unborn.path(), "HEAD"),
        "unknown revision `HEAD`; the repository has no commit yet"
    );
}

#[test]
fn the_folder_of_the_configuration_is_looked_at() {
    let (folder, repository) = committed(&[
        file("team/polwarden.yaml", "x"),
        file("team/p/a.yaml", "a"),
        file("lists/b.yaml", "b"),
        file("old/p/c.yaml", "c"),
    ]);
    std::fs::create_dir_all(folder.path().join("team/p")).unwrap();
    std::fs::create_dir_all(folder.path().join("later")).unwrap();
    let here = Revision::open(&folder.path().join("team"), &"HEAD".into()).unwrap();
    assert!(here.contains_file("polwarden.yaml") && !here.contains_file("x.yaml"));
    assert_eq!(listed(&here, "p").0, ["p/a.yaml"]);
    assert_eq!(listed(&here, "../lists").0, ["../lists/b.yaml"]);
    assert_eq!(here.list("../../x".into()), Err(FileProblemKind::Outside));
    assert_eq!(here.list("/etc".into()), Err(FileProblemKind::Outside));
    assert_eq!(here.list("q".into()), Err(FileProblemKind::Missing));
    assert_eq!(
        refused(&folder.path().join("later"), "HEAD"),
        "the folder `later` does not exist at `HEAD`; name the folder at that revision with REV:FOLDER"
    );
    let named = Revision::open(&folder.path().join("later"), &"HEAD:old".into()).unwrap();
    assert_eq!(&*named.read("p/c.yaml".into(), 9).unwrap(), "c");
    assert!(refused(folder.path(), "HEAD:../x").contains("does not exist"));
    drop(repository);
}

#[test]
fn a_bare_repository_a_worktree_and_a_detached_head_are_read() {
    let (bare, repository) = repository(true);
    let id = commit(
        &repository,
        tree(
            &repository,
            &[file("polwarden.yaml", "x"), file("sub/a.yaml", "a")],
        ),
    );
    let read = |directory: &Path, name: &str| {
        Revision::open(directory, &name.into())
            .unwrap()
            .read("sub/a.yaml".into(), 9)
            .unwrap()
            .to_string()
    };
    assert_eq!(read(bare.path(), "main"), "a");
    let below = Revision::open(bare.path(), &"main:sub".into()).unwrap();
    assert_eq!(listed(&below, ".").0, ["a.yaml"]);

    let places = tempfile::tempdir().unwrap();
    let worktree = places.path().join("w");
    repository.worktree("w", &worktree, None).unwrap();
    assert_eq!(read(&worktree, "HEAD"), "a");
    // The folder of a worktree is also used in the revision.
    let inner = Revision::open(&worktree.join("sub"), &"HEAD".into()).unwrap();
    assert_eq!(listed(&inner, ".").0, ["a.yaml"]);

    let detached = Repository::open(&worktree).unwrap();
    detached.set_head_detached(id).unwrap();
    assert_eq!(read(&worktree, "HEAD"), "a");
}

/// A clone without history, like after `git clone --depth 1`.
fn shallow() -> (tempfile::TempDir, Repository) {
    let (folder, repository) = committed(&[file("a.yaml", "1")]);
    let first = repository.head().unwrap().target().unwrap();
    let second = commit(&repository, tree(&repository, &[file("a.yaml", "2")]));
    std::fs::write(repository.path().join("shallow"), format!("{second}\n")).unwrap();
    let object = first.to_string();
    std::fs::remove_file(
        repository
            .path()
            .join("objects")
            .join(&object[..2])
            .join(&object[2..]),
    )
    .unwrap();
    (folder, Repository::open(repository.path()).unwrap())
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let (folder, repository) = shallow();
    assert!(repository.is_shallow());
    assert_eq!(
        &*Revision::open(folder.path(), &"HEAD".into())
            .unwrap()
            .read("a.yaml".into(), 9)
            .unwrap(),
        "2"
    );
    let cases = [
        ("HEAD~1", "git fetch --unshallow"),
        (
            "origin/release",
            "git fetch origin release:refs/remotes/origin/release",
        ),
        (
            "0123456789abcdef0123456789abcdef01234567",
            "git fetch --depth 1 origin 0123",
        ),
    ];
    for (name, command) in cases {
        let error = refused(folder.path(), name);
        assert!(
            error.contains("shallow") && error.contains(command),
            "{error}"
        );
    }
}

#[test]
fn links_are_followed_inside_only() {
    let (folder, _) = committed(&[
        file("more/b.yaml", "b"),
        file("p/a.yaml", "a"),
        link("p/c.yaml", "../more/b.yaml"),
        link("p/l1", "../more"),
        link("p/l2", "../more"),
        link("p/m-absolute.yaml", "/etc/passwd"),
        link("p/n-outside.yaml", "../../x.yaml"),
        link("p/o-loop", "."),
        link("p/p-self.yaml", "p-self.yaml"),
        link("p/q-nothing.yaml", "nothing"),
        link("linked", "p"),
    ]);
    let revision = Revision::open(folder.path(), &"HEAD".into()).unwrap();
    let (files, problems) = listed(&revision, "p");
    assert_eq!(
        files,
        ["p/a.yaml", "p/c.yaml"],
        "what two links lead to counts once"
    );
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| (problem.path.as_str(), &problem.kind))
        .collect();
    let expected = [
        ("p/m-absolute.yaml", &FileProblemKind::SymlinkOutside),
        ("p/n-outside.yaml", &FileProblemKind::SymlinkOutside),
        ("p/o-loop", &FileProblemKind::Loop),
        ("p/p-self.yaml", &FileProblemKind::Loop),
        ("p/q-nothing.yaml", &FileProblemKind::Missing),
    ];
    assert_eq!(problems, expected);
    assert_eq!(&*revision.read("linked/l1/b.yaml".into(), 9).unwrap(), "b");
    assert_eq!(
        revision.read("p/n-outside.yaml".into(), 9),
        Err(FileProblemKind::SymlinkOutside)
    );
}

#[test]
fn submodules_names_sizes_and_bytes_are_problems() {
    let (folder, _) = committed(&[
        file("p/big.yaml", "0123456789"),
        (b"p/bytes.yaml", FILE, b"a\n\xff"),
        (b"p/\xff.yaml", FILE, b"x"),
        (b"p/sub", SUBMODULE, b""),
        file("p/.hidden.yaml", "x"),
        file("p/polwarden.yaml", "x"),
        file("p/notes.txt", "x"),
    ]);
    let revision = Revision::open(folder.path(), &"HEAD".into()).unwrap();
    let (files, problems) = listed(&revision, "p");
    assert_eq!(files, ["p/big.yaml", "p/bytes.yaml"]);
    let kinds: Vec<_> = problems.iter().map(|problem| &problem.kind).collect();
    assert_eq!(kinds, [&FileProblemKind::Submodule, &FileProblemKind::Name]);
    assert_eq!(
        revision.read("p/big.yaml".into(), 9),
        Err(FileProblemKind::TooLarge(9))
    );
    assert_eq!(
        revision.read("p/bytes.yaml".into(), 9),
        Err(FileProblemKind::NotUtf8 { line: 2, offset: 2 })
    );
    assert_eq!(
        revision.list("p/sub".into()),
        Err(FileProblemKind::Submodule)
    );
    assert_eq!(
        revision.read("p/sub/x.yaml".into(), 9),
        Err(FileProblemKind::Submodule)
    );
    assert_eq!(revision.read("p".into(), 9), Err(FileProblemKind::Special));
}

#[test]
fn a_tree_that_names_itself_over_and_over_ends() {
    let (folder, repository) = repository(false);
    let mut id = tree(&repository, &[file("a.yaml", "x")]);
    for _ in 0..12 {
        let mut builder = repository.treebuilder(None).unwrap();
        for name in 0..10 {
            builder.insert(name.to_string(), id, FOLDER).unwrap();
        }
        id = builder.write().unwrap();
    }
    commit(&repository, id);
    let revision = Revision::open(folder.path(), &"HEAD".into()).unwrap();
    let too_many = FileProblemKind::TooManyEntries(200_000);
    assert_eq!(revision.list(".".into()), Err(too_many.clone()));
    let error = revision.pack(".".into(), PackRules::Archive).unwrap_err();
    assert_eq!(error, PackError::TooMany);

    // Folders without files.
    let mut id = tree(&repository, &[]);
    for _ in 0..12 {
        let mut builder = repository.treebuilder(None).unwrap();
        for name in 0..10 {
            builder.insert(name.to_string(), id, FOLDER).unwrap();
        }
        id = builder.write().unwrap();
    }
    commit(&repository, id);
    let revision = Revision::open(folder.path(), &"HEAD".into()).unwrap();
    assert_eq!(revision.list(".".into()), Err(too_many.clone()));
    assert_eq!(
        revision.pack(".".into(), PackRules::Archive),
        Err(PackError::Directory(too_many))
    );
}

/// The bytes of a tree with a file, a folder, a link and a submodule.
fn tree_bytes(repository: &Repository) -> Vec<u8> {
    let id = tree(
        repository,
        &[
            file("a.yaml", "x"),
            file("p/PulumiPolicy.yaml", "x"),
            file("p/b.yaml", "x"),
            link("l", "p"),
            (b"s", SUBMODULE, b""),
        ],
    );
    let objects = repository.odb().unwrap();
    objects.read(id).unwrap().data().to_vec()
}

#[test]
fn bytes_of_a_tree_never_panic() {
    let (folder, repository) = committed(&[file("x.yaml", "x")]);
    let commit_object = {
        let head = repository.head().unwrap().peel_to_commit().unwrap();
        let objects = repository.odb().unwrap();
        let text = String::from_utf8(objects.read(head.id()).unwrap().data().to_vec()).unwrap();
        text.replace(&head.tree_id().to_string(), "TREE")
    };
    let changed = mutated_bytes(vec![tree_bytes(&repository)]);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
    let result = runner.run(&changed, |bytes| {
        let objects = repository.odb().unwrap();
        let root = objects.write(ObjectType::Tree, &bytes).unwrap();
        let text = commit_object.replace("TREE", &root.to_string());
        let id = objects.write(ObjectType::Commit, text.as_bytes()).unwrap();
        let path = RevisionPath::from(&*id.to_string());
        let Ok(revision) = Revision::open(folder.path(), &path) else {
            return Ok(());
        };
        let files = revision.list(".".into()).map(|listing| listing.files);
        for file in files.unwrap_or_default() {
            let _ = revision.read(&file, 100);
        }
        let _ = revision.pack(".".into(), PackRules::Archive);
        let _ = revision.pack("p".into(), PackRules::Archive);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn the_files_of_a_revision_and_of_the_index_have_a_limited_size_together() {
    let (folder, repository) = repository(false);
    let id = tree(
        &repository,
        &[
            file("a.yaml", "12345"),
            file("b.yaml", "67890"),
            file("p/PulumiPolicy.yaml", "123456"),
        ],
    );
    commit(&repository, id);
    let mut index = repository.index().unwrap();
    index.read_tree(&repository.find_tree(id).unwrap()).unwrap();
    index.write().unwrap();
    let limits = SourceLimits {
        bytes: 9,
        entries: 2,
    };
    for mut revision in [
        Revision::open(folder.path(), &"HEAD".into()).unwrap(),
        Revision::staged(folder.path()).unwrap(),
    ] {
        revision.budget = ReadBudget::new(limits);
        revision.read("a.yaml".into(), 9).unwrap();
        revision.read("a.yaml".into(), 9).unwrap();
        let exceeded = FileProblemKind::TotalTooLarge(9);
        assert_eq!(revision.read("b.yaml".into(), 9), Err(exceeded.clone()));
        assert_eq!(
            revision.pack("p".into(), PackRules::Archive),
            Err(PackError::Directory(exceeded))
        );
        let too_many = FileProblemKind::TooManyEntries(2);
        assert_eq!(revision.list(".".into()), Err(too_many));
    }
}

#[test]
fn a_pull_request_branched_from_the_merge_base() {
    let (folder, repository) = committed(&[file("a.yaml", "1")]);
    let fork = repository.head().unwrap().target().unwrap();
    let ours = commit(&repository, tree(&repository, &[file("a.yaml", "2")]));
    let author = Signature::new("A", "a@example.com", &Time::new(0, 0)).unwrap();
    let root = repository
        .find_tree(tree(&repository, &[file("a.yaml", "3")]))
        .unwrap();
    let parent = repository.find_commit(fork).unwrap();
    let theirs = repository
        .commit(None, &author, &author, "y", &root, &[&parent])
        .unwrap();
    let at = |variables: &[(&str, &str)]| {
        let known: BTreeMap<&str, &str> = variables.iter().copied().collect();
        PullRequest::from_variables(|name| known.get(name).map(|text| (*text).to_owned()))
    };
    assert_eq!(at(&[]), None);
    assert_eq!(
        at(&[("GITHUB_BASE_REF", " ")]),
        None,
        "GitHub sets it empty outside of pull requests"
    );

    let github = at(&[("GITHUB_BASE_REF", "release")]).unwrap();
    let error = github
        .base(folder.path(), &RevisionPath::head())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("GITHUB_BASE_REF") && error.contains("git fetch origin release:"),
        "{error}"
    );
    repository
        .reference("refs/remotes/origin/release", theirs, false, "")
        .unwrap();
    let fork = fork.to_string();
    for (variable, value) in [
        ("GITHUB_BASE_REF", "release"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "release"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "release"),
        ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/release"),
    ] {
        assert_eq!(
            at(&[(variable, value)])
                .unwrap()
                .base(folder.path(), &RevisionPath::head())
                .unwrap()
                .revision(),
            fork,
            "{variable}"
        );
    }
    // A branch without a remote.
    assert_eq!(
        at(&[("GITHUB_BASE_REF", "main")])
            .unwrap()
            .base(folder.path(), &RevisionPath::head())
            .unwrap()
            .revision(),
        ours.to_string()
    );
    // GitLab provides the commit, which is more exact than the branch.
    let gitlab = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", fork.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    assert_eq!(
        at(&gitlab)
            .unwrap()
            .base(folder.path(), &"HEAD:p".into())
            .unwrap(),
        RevisionPath::from(format!("{fork}:p").as_str())
    );
    let absent = at(&[(
        "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "0123456789abcdef0123456789abcdef01234567",
    )])
    .unwrap();
    assert!(
        absent
            .base(folder.path(), &RevisionPath::head())
            .unwrap_err()
            .to_string()
            .contains("git fetch --depth 1 origin 0123")
    );

    let unrelated = repository
        .commit(None, &author, &author, "z", &root, &[])
        .unwrap();
    repository
        .reference("refs/remotes/origin/other", unrelated, false, "")
        .unwrap();
    let error = at(&[("GITHUB_BASE_REF", "other")])
        .unwrap()
        .base(folder.path(), &RevisionPath::head())
        .unwrap_err()
        .to_string();
    assert!(error.contains("no common ancestor"), "{error}");
    let plain = tempfile::tempdir().unwrap();
    let error = github
        .base(plain.path(), &RevisionPath::head())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("in no git repository") && error.contains("GITHUB_BASE_REF"),
        "{error}"
    );
}

fn staged(repository: &Repository, entries: &[Entry<'_>]) {
    let root = repository.workdir().unwrap();
    let mut index = repository.index().unwrap();
    for (path, mode, content) in entries {
        let path = Path::new(std::str::from_utf8(path).unwrap());
        assert_eq!(*mode, FILE);
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), content).unwrap();
        index.add_path(path).unwrap();
    }
    index.write().unwrap();
}

/// All files of `.git` with their sizes.
fn objects(repository: &Repository) -> Vec<(std::path::PathBuf, u64)> {
    fn below(folder: &Path, found: &mut Vec<(std::path::PathBuf, u64)>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                below(&entry.path(), found);
            } else {
                found.push((entry.path(), entry.metadata().unwrap().len()));
            }
        }
    }
    let mut found = Vec::new();
    below(repository.path(), &mut found);
    found.sort();
    found
}

#[test]
fn what_is_staged_is_read_and_nothing_is_written() {
    let (folder, repository) = repository(false);
    staged(
        &repository,
        &[file("p/a.yaml", "staged"), file("p/b/c.yaml", "too")],
    );
    std::fs::write(folder.path().join("p/a.yaml"), "changed since").unwrap();
    std::fs::write(folder.path().join("p/new.yaml"), "not staged").unwrap();
    let before = objects(&repository);
    let revision = Revision::staged(folder.path()).unwrap();
    assert_eq!(listed(&revision, "p").0, ["p/a.yaml", "p/b/c.yaml"]);
    assert_eq!(&*revision.read("p/a.yaml".into(), 100).unwrap(), "staged");
    assert_eq!(revision.commit(), None, "no commit yet");
    assert_eq!(objects(&repository), before);
    // From a subfolder, as from the root.
    let below = Revision::staged(&folder.path().join("p")).unwrap();
    assert_eq!(&*below.read("a.yaml".into(), 100).unwrap(), "staged");

    let id = commit(
        &repository,
        repository.index().unwrap().write_tree().unwrap(),
    )
    .to_string();
    let clean = stand(&Revision::staged(folder.path()).unwrap());
    assert_eq!(clean, Some((id.clone(), false)));
    staged(&repository, &[file("p/a.yaml", "again")]);
    assert_eq!(
        stand(&Revision::staged(folder.path()).unwrap()),
        Some((id, true))
    );
}

#[test]
fn an_index_with_conflicts_and_a_bare_repository_have_nothing_to_read() {
    let (folder, repository) = committed(&[file("a.yaml", "one")]);
    let id = repository.blob(b"x").unwrap();
    let mut index = repository.index().unwrap();
    let conflict = git2::IndexEntry {
        ctime: git2::IndexTime::new(0, 0),
        mtime: git2::IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 1,
        id,
        // Stage 2: "ours" of a merge.
        flags: 2 << 12,
        flags_extended: 0,
        path: b"a.yaml".to_vec(),
    };
    index.add(&conflict).unwrap();
    index.write().unwrap();
    let error = Revision::staged(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("has merge conflicts; resolve them"),
        "{error}"
    );
    let (folder, _repository) = super::tests::repository(true);
    let error = Revision::staged(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is a bare repository"), "{error}");
}
