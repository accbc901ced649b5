//! Folders that look like repositories, and entries that lead to one which does not belong here.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::git_command::{commit_all, git, init};
use crate::{FileProblemKind, Revision, RevisionError, Source as _, WorkTree};

/// A repository with `infra/a.yaml` on `main`.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    write(folder.path(), "infra/a.yaml", "committed");
    commit_all(folder.path());
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Adds a repository with other content to a folder, as files that git tracks.
fn add_fake(folder: &Path, config: &str) {
    let fake = tempfile::tempdir().unwrap();
    init(fake.path());
    write(fake.path(), "a.yaml", "fake");
    write(fake.path(), "infra/a.yaml", "fake");
    commit_all(fake.path());
    fs::write(fake.path().join(".git/config"), config).unwrap();
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(fake.path().join(".git")).unwrap() {
        fs::rename(
            entry.as_ref().unwrap().path(),
            folder.join(entry.unwrap().file_name()),
        )
        .unwrap();
    }
}

fn read(directory: &Path, revision: &str, file: &str) -> String {
    let revision = Revision::open(directory, &revision.into()).unwrap();
    revision.read(file.into(), 100).unwrap().to_string()
}

fn reason(directory: &Path) -> String {
    match Revision::open(directory, &"HEAD".into()).unwrap_err() {
        RevisionError::InvalidRepository { path: _, reason } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_that_looks_like_a_repository_is_none() {
    for config in [
        "[core]\n\tbare = false\n\tworktree = /\n\trepositoryformatversion = 0\n",
        "[core]\n\tbare = true\n",
        "",
    ] {
        for place in ["infra", ".", "infra/deep"] {
            let folder = repository();
            add_fake(&folder.path().join(place), config);
            let infra = folder.path().join("infra");
            assert_eq!(
                read(&infra, "HEAD", "a.yaml"),
                "committed",
                "{place} {config}"
            );
            assert_eq!(
                crate::top(&folder.path().join(place)).unwrap(),
                folder.path().canonicalize().unwrap()
            );
            let tree = WorkTree::open(&infra).unwrap();
            assert_eq!(tree.folder(), "infra");
            assert_eq!(
                tree.read("../../x.yaml".into(), 9),
                Err(FileProblemKind::Outside)
            );
            tree.read("a.yaml".into(), 100).unwrap();
            let head = tree.head(&[]).unwrap().unwrap();
            assert_eq!(head.branch.as_deref(), Some("main"));
            assert!(!head.dirty);
        }
    }
}

#[test]
fn without_an_entry_a_folder_of_manifests_is_no_bare_repository() {
    let folder = tempfile::tempdir().unwrap();
    add_fake(folder.path(), "[core]\n\tbare = true\n");
    // A bare repository contains no manifests.
    assert_eq!(read(folder.path(), "HEAD", "a.yaml"), "fake");
    write(folder.path(), "polwarden.yaml", "");
    let error = Revision::open(folder.path(), &"HEAD".into()).unwrap_err();
    assert!(
        matches!(error, RevisionError::NoRepository { .. }),
        "{error}"
    );
    // No parent is searched for one either.
    let below = folder.path().join("refs");
    let error = Revision::open(&below, &"HEAD".into()).unwrap_err();
    assert!(
        matches!(error, RevisionError::NoRepository { .. }),
        "{error}"
    );
    // One that has a work tree elsewhere is not bare.
    let folder = tempfile::tempdir().unwrap();
    add_fake(folder.path(), "[core]\n\tbare = false\n\tworktree = /\n");
    assert!(reason(folder.path()).contains("not a bare repository"));
}

#[cfg(unix)]
#[test]
fn an_entry_that_leads_into_the_work_tree_is_refused() {
    let with_fake = || {
        let folder = tempfile::tempdir().unwrap();
        add_fake(&folder.path().join("fake"), "[core]\n\tbare = false\n");
        folder
    };
    let folder = with_fake();
    write(folder.path(), ".git", "gitdir: fake\n");
    assert!(reason(folder.path()).contains("a folder of a work tree"));
    let folder = with_fake();
    std::os::unix::fs::symlink("fake", folder.path().join(".git")).unwrap();
    assert!(reason(folder.path()).contains("a folder of a work tree"));
    let folder = with_fake();
    write(folder.path(), ".git", "fake");
    assert!(reason(folder.path()).contains("gitdir: PATH"));
    // The same from a nested folder, into files that the repository around it tracks.
    let folder = repository();
    add_fake(&folder.path().join("fake"), "[core]\n\tbare = false\n");
    git(folder.path(), &["add", "-A", "-f"]);
    write(folder.path(), "infra/.git", "gitdir: ../fake\n");
    let infra = folder.path().join("infra");
    assert!(reason(&infra).contains("a folder of a work tree"));
    assert!(crate::superproject(&infra).is_some());
    // An invalid entry is not passed over.
    let folder = repository();
    fs::create_dir(folder.path().join("infra/.git")).unwrap();
    Revision::open(&folder.path().join("infra"), &"HEAD".into()).unwrap_err();
}

#[test]
fn a_repository_of_another_work_tree_is_refused() {
    let other = repository();
    let folder = repository();
    let git_dir = folder.path().join(".git");
    let elsewhere = other.path().display().to_string();
    git(folder.path(), &["config", "core.worktree", &elsewhere]);
    assert!(reason(folder.path()).contains("its work tree is"));
    assert!(WorkTree::open(folder.path()).unwrap().head(&[]).is_err());
    // Its own folder is fine.
    let own = folder.path().display().to_string();
    git2::Config::open(&git_dir.join("config"))
        .unwrap()
        .set_str("core.worktree", &own)
        .unwrap();
    assert_eq!(read(folder.path(), "HEAD", "infra/a.yaml"), "committed");
}

#[test]
fn neither_configuration_nor_objects_come_from_tracked_files() {
    let folder = repository();
    write(folder.path(), "shared.config", "[core]\n\teditor = x\n");
    git(
        folder.path(),
        &["config", "include.path", "../shared.config"],
    );
    assert_eq!(read(folder.path(), "HEAD", "infra/a.yaml"), "committed");
    write(
        folder.path(),
        "shared.config",
        "[core]\n\texcludesFile = x\n",
    );
    assert!(reason(folder.path()).contains("includes a file of the work tree"));

    let folder = repository();
    write(folder.path(), "objects/info/x", "");
    let alternates = folder.path().join(".git/objects/info/alternates");
    fs::write(&alternates, "../../objects\n").unwrap();
    assert!(reason(folder.path()).contains("alternates"));
    // A file that is too large to check is refused.
    fs::write(&alternates, "/nowhere\n".repeat(200_000)).unwrap();
    let reason = reason(folder.path());
    assert!(
        reason.contains("alternates` cannot be read: it is larger than"),
        "{reason}"
    );
}

#[test]
fn submodules_linked_work_trees_and_separate_folders_are_repositories() {
    let folder = repository();
    let places = tempfile::tempdir().unwrap();
    let path = |name: &str| places.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    git(folder.path(), &["worktree", "add", "-q", &text("linked")]);
    assert_eq!(read(&path("linked/infra"), "HEAD", "a.yaml"), "committed");
    let tree = WorkTree::open(&path("linked/infra")).unwrap();
    assert_eq!(tree.folder(), "infra");
    assert!(!tree.head(&[]).unwrap().unwrap().dirty);

    let from = folder.path().display().to_string();
    let separate = format!("--separate-git-dir={}", text("elsewhere"));
    git(places.path(), &["clone", "-q", &separate, &from, "cloned"]);
    assert_eq!(read(&path("cloned/infra"), "HEAD", "a.yaml"), "committed");
    #[cfg(unix)]
    {
        fs::remove_file(path("cloned/.git")).unwrap();
        std::os::unix::fs::symlink(path("elsewhere"), path("cloned/.git")).unwrap();
        assert_eq!(read(&path("cloned/infra"), "HEAD", "a.yaml"), "committed");
    }

    let allow = "protocol.file.allow=always";
    let module = ["-c", allow, "submodule", "--quiet", "add", &from, "module"];
    git(&path("linked"), &module);
    let tree = WorkTree::open(&path("linked/module/infra")).unwrap();
    assert_eq!(tree.folder(), "infra");
    tree.read("a.yaml".into(), 100).unwrap();
    assert!(!tree.head(&[]).unwrap().unwrap().dirty);
    let outer = crate::superproject(&path("linked/module/infra"));
    assert_eq!(outer, Some(path("linked").canonicalize().unwrap()));
    assert_eq!(crate::superproject(&path("linked/infra")), None);

    git(places.path(), &["clone", "-q", "--bare", &from, "bare"]);
    git(&path("bare"), &["worktree", "add", "-q", "main"]);
    assert_eq!(read(&path("bare"), "main", "infra/a.yaml"), "committed");
    assert_eq!(
        read(&path("bare/main/infra"), "HEAD", "a.yaml"),
        "committed"
    );
}

#[cfg(unix)]
#[test]
fn no_link_leads_to_the_files_of_git() {
    let folder = repository();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    link("../.git/config", "infra/config.yaml");
    link("../.git", "infra/folder");
    let tree = WorkTree::open(&folder.path().join("infra")).unwrap();
    for path in ["config.yaml", "folder/config"] {
        assert_eq!(
            tree.read(path.into(), 1000),
            Err(FileProblemKind::SymlinkOutside),
            "{path}"
        );
    }
    assert_eq!(
        tree.read("../.git/config".into(), 1000),
        Err(FileProblemKind::Outside)
    );
    let kinds: Vec<_> = tree.list(".".into()).unwrap().problems;
    assert_eq!(kinds.len(), 2);
}

#[test]
fn formats_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--object-format=sha256"]);
    let error = Revision::open(folder.path(), &"HEAD".into()).unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    let error = WorkTree::open(folder.path())
        .unwrap()
        .head(&[])
        .unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");

    let folder = repository();
    let settings = [
        ["config", "core.repositoryformatversion", "1"],
        ["config", "extensions.refStorage", "reftable"],
    ];
    for setting in settings {
        let mut config = git2::Config::open(&folder.path().join(".git/config")).unwrap();
        config.set_str(setting[1], setting[2]).unwrap();
    }
    let error = WorkTree::open(folder.path())
        .unwrap()
        .head(&[])
        .unwrap_err();
    assert!(error.to_string().contains("reftable"), "{error}");
}

#[test]
fn safe_directories_are_those_of_git() {
    let is_safe = |values: &[&str], path: &str| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        super::is_safe(&values, Path::new(path))
    };
    assert!(is_safe(&["*"], "/r"));
    assert!(is_safe(&["/a", "/r"], "/r"));
    assert!(is_safe(&["/r/*"], "/r/a/b"));
    for values in [&[][..], &[""], &["*", ""], &["/r/a"], &["/r/*"], &["/rr"]] {
        assert!(!is_safe(values, "/r"), "{values:?}");
    }
    assert!(is_safe(&["/a", "", "/r"], "/r"));
}
