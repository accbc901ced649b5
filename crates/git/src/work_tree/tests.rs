//! What counts as committed: the bytes that were read, compared with the blobs of the commit.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::RevisionPath;
use crate::git_command::{commit_all, git, init};
use crate::limits::SourceLimits;

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A repository with manifests in `gov/p`, a file next to `gov` and a pack.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    write(folder.path(), "gov/polwarden.yaml", "one\ntwo\n");
    write(folder.path(), "gov/p/a.yaml", "a\nb\n");
    write(folder.path(), "shared/b.cedar", "b\n");
    write(folder.path(), "pack/PulumiPolicy.yaml", "runtime: nodejs\n");
    write(folder.path(), "pack/run.sh", "one\ntwo\n");
    commit_all(folder.path());
    folder
}

/// Reads everything as a command does.
fn read_all(folder: &Path) -> WorkTree {
    let tree = WorkTree::open(&folder.join("gov")).unwrap();
    tree.read("polwarden.yaml".into(), 100).unwrap();
    for file in tree.list("p".into()).unwrap().files {
        tree.read(&file, 100).unwrap();
    }
    tree.read("../shared/b.cedar".into(), 100).unwrap();
    tree.pack("../pack".into(), PackRules::Archive).unwrap();
    let _ = tree.read("polwarden.lock".into(), 100);
    tree
}

fn is_dirty(folder: &Path) -> bool {
    read_all(folder).head(&[]).unwrap().unwrap().dirty
}

#[test]
fn what_was_read_is_compared_and_not_what_git_reports() {
    for (path, text) in [
        ("gov/polwarden.yaml", "one\nTWO\n"),
        ("gov/p/a.yaml", "a\nB\n"),
        ("gov/p/new.yaml", "x"),
        ("gov/polwarden.lock", "x"),
        ("shared/b.cedar", "B\n"),
        ("pack/run.sh", "one\nTWO\n"),
        ("pack/new.sh", "x"),
    ] {
        for flag in ["", "--assume-unchanged", "--skip-worktree"] {
            let folder = repository();
            assert!(!is_dirty(folder.path()));
            let file = folder.path().join(path);
            let is_new = !file.exists();
            if !flag.is_empty() && !is_new {
                git(folder.path(), &["update-index", flag, path]);
            }
            // The size and the time of the file stay the same.
            let before = fs::metadata(&file).and_then(|data| data.modified()).ok();
            write(folder.path(), path, text);
            if let Some(time) = before {
                let file = fs::File::options().write(true).open(&file).unwrap();
                file.set_modified(time).unwrap();
            }
            assert!(is_dirty(folder.path()), "{path} {flag}");
        }
    }
    let folder = repository();
    write(folder.path(), "gov/p/notes.txt", "not read");
    write(folder.path(), "other/x.yaml", "not read");
    assert!(!is_dirty(folder.path()));
    fs::remove_file(folder.path().join("gov/p/a.yaml")).unwrap();
    git(
        folder.path(),
        &["update-index", "--skip-worktree", "gov/p/a.yaml"],
    );
    assert!(is_dirty(folder.path()), "a manifest is missing");
}

#[test]
fn a_file_that_is_replaced_while_a_command_reads_is_no_commit() {
    let folder = repository();
    let tree = read_all(folder.path());
    write(folder.path(), "gov/p/a.yaml", "other");
    tree.read("p/a.yaml".into(), 100).unwrap();
    write(folder.path(), "gov/p/a.yaml", "a\nb\n");
    assert!(tree.head(&[]).unwrap().unwrap().dirty);
    // What was read counts, whatever is there afterwards.
    let folder = repository();
    let tree = read_all(folder.path());
    write(folder.path(), "shared/b.cedar", "other");
    assert!(!tree.head(&[]).unwrap().unwrap().dirty);
}

#[cfg(unix)]
#[test]
fn links_are_compared_by_what_they_lead_to() {
    let folder = repository();
    let link = folder.path().join("gov/p/link.yaml");
    std::os::unix::fs::symlink("../../shared/c.yaml", &link).unwrap();
    write(folder.path(), "shared/c.yaml", "c");
    write(folder.path(), "shared/d.yaml", "d");
    commit_all(folder.path());
    assert!(!is_dirty(folder.path()));
    write(folder.path(), "shared/c.yaml", "C");
    assert!(is_dirty(folder.path()));
    write(folder.path(), "shared/c.yaml", "c");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../../shared/d.yaml", &link).unwrap();
    assert!(is_dirty(folder.path()));
}

#[test]
fn an_index_that_cannot_be_read_says_nothing() {
    let folder = repository();
    git(folder.path(), &["update-index", "--split-index"]);
    assert!(!is_dirty(folder.path()));
    let error = Revision::staged(folder.path()).unwrap_err().to_string();
    assert!(error.contains("--no-split-index"), "{error}");
    write(folder.path(), "gov/p/a.yaml", "other");
    assert!(is_dirty(folder.path()));

    let folder = repository();
    write(folder.path(), "far/away/x", "x");
    commit_all(folder.path());
    git(
        folder.path(),
        &["sparse-checkout", "init", "--cone", "--sparse-index"],
    );
    git(
        folder.path(),
        &["sparse-checkout", "set", "gov", "shared", "pack"],
    );
    assert!(!is_dirty(folder.path()));
}

#[test]
fn line_endings_of_a_checkout_are_those_of_the_commit() {
    let plain = repository();
    let wanted = read_all(plain.path())
        .pack("../pack".into(), PackRules::Archive)
        .unwrap();
    for (config, attributes) in [
        ("core.autocrlf=true", ""),
        ("core.eol=crlf", "* text=auto\n"),
        ("core.eol=lf", "*.yaml text eol=crlf\n*.sh eol=crlf\n"),
    ] {
        let origin = repository();
        if !attributes.is_empty() {
            write(origin.path(), ".gitattributes", attributes);
            commit_all(origin.path());
        }
        let places = tempfile::tempdir().unwrap();
        let from = origin.path().display().to_string();
        git(
            places.path(),
            &["clone", "-q", "-c", config, &from, "clone"],
        );
        let clone = places.path().join("clone");
        let on_disk = fs::read_to_string(clone.join("pack/run.sh")).unwrap();
        assert_eq!(on_disk, "one\r\ntwo\r\n", "{config}");
        let tree = read_all(&clone);
        assert_eq!(&*tree.read("p/a.yaml".into(), 100).unwrap(), "a\nb\n");
        assert_eq!(
            tree.pack("../pack".into(), PackRules::Archive).unwrap(),
            wanted,
            "{config}"
        );
        assert!(!tree.head(&[]).unwrap().unwrap().dirty, "{config}");
        write(&clone, "pack/run.sh", "one\r\nTWO\r\n");
        assert!(is_dirty(&clone), "{config}");
    }
}

#[test]
fn line_endings_that_git_keeps_are_kept() {
    let folder = repository();
    let read = |path: &str| {
        let tree = WorkTree::open(folder.path()).unwrap();
        tree.read(path.into(), 100).unwrap().to_string()
    };
    // Without a conversion, another line ending is a change.
    write(folder.path(), "gov/p/a.yaml", "a\r\nb\r\n");
    assert_eq!(read("gov/p/a.yaml"), "a\r\nb\r\n");
    assert!(is_dirty(folder.path()));
    git(folder.path(), &["config", "core.autocrlf", "true"]);
    assert_eq!(read("gov/p/a.yaml"), "a\nb\n");
    write(
        folder.path(),
        ".gitattributes",
        "p/* -text\ngov/p/* -text\n",
    );
    assert_eq!(read("gov/p/a.yaml"), "a\r\nb\r\n");
    // A file with CRLF in the commit, and a binary one.
    write(folder.path(), ".gitattributes", "* -text\n");
    write(folder.path(), "crlf", "a\r\nb\r\n");
    commit_all(folder.path());
    fs::remove_file(folder.path().join(".gitattributes")).unwrap();
    assert_eq!(read("crlf"), "a\r\nb\r\n");
    write(folder.path(), "crlf", "a\r\nb\r\nc\r\n");
    assert_eq!(read("crlf"), "a\r\nb\r\nc\r\n");
    write(folder.path(), "binary", "a\r\n\0");
    assert_eq!(read("binary"), "a\r\n\0");
}

#[test]
fn missing_objects_of_a_partial_clone_are_named() {
    let origin = repository();
    git(origin.path(), &["config", "uploadpack.allowFilter", "true"]);
    write(origin.path(), "gov/p/a.yaml", "new");
    git(origin.path(), &["commit", "-qam", "x"]);
    let places = tempfile::tempdir().unwrap();
    let from = format!("file://{}", origin.path().display());
    git(
        places.path(),
        &["clone", "-q", "--filter=blob:none", &from, "clone"],
    );
    let clone = places.path().join("clone");
    assert!(!is_dirty(&clone));
    let base = Revision::open(&clone, &"HEAD~1:gov".into()).unwrap();
    let problem = base.read("p/a.yaml".into(), 100).unwrap_err();
    assert_eq!(problem, FileProblemKind::NotFetched);
    assert!(base.is_incomplete());
    assert!(
        problem
            .help()
            .contains("git fetch --refetch --no-filter origin")
    );
    // Without trees, the folder itself is unknown. Its parents are not searched instead.
    let filter = ["clone", "-q", "--filter=tree:0", &from, "treeless"];
    git(places.path(), &filter);
    let base = RevisionPath::from("HEAD~1:gov");
    let error =
        Revision::open_base_containing(&places.path().join("treeless"), &base, "polwarden.yaml");
    let error = error.unwrap_err();
    assert!(matches!(error, RevisionError::NotFetched { .. }), "{error}");
    // The advice helps.
    git(
        &clone,
        &["fetch", "-q", "--refetch", "--no-filter", "origin"],
    );
    let base = Revision::open(&clone, &"HEAD~1:gov".into()).unwrap();
    assert_eq!(&*base.read("p/a.yaml".into(), 100).unwrap(), "a\nb\n");
}

/// A work tree with small limits.
fn limited(folder: &Path, bytes: usize, entries: usize) -> WorkTree {
    let mut tree = WorkTree::open(folder).unwrap();
    tree.budget = ReadBudget::new(SourceLimits { bytes, entries });
    tree
}

#[test]
fn a_listing_has_a_limited_number_of_entries() {
    let folder = repository();
    // `p`, `p/a.yaml` and `polwarden.yaml`.
    let gov = folder.path().join("gov");
    let listing = limited(&gov, 100, 3).list(".".into()).unwrap();
    assert_eq!(listing.files, ["p/a.yaml"]);
    let error = Err(FileProblemKind::TooManyEntries(2));
    assert_eq!(limited(&gov, 100, 2).list(".".into()), error);
    let text = FileProblemKind::TooManyEntries(200_000).to_string();
    assert_eq!(
        text,
        "the folder contains more than 200000 files and folders"
    );
}

#[test]
fn the_files_of_a_work_tree_have_a_limited_size_together() {
    let folder = repository();
    let gov = folder.path().join("gov");
    let tree = limited(&gov, 11, 100);
    tree.read("polwarden.yaml".into(), 100).unwrap();
    // A second read of the same file does not count.
    tree.read("polwarden.yaml".into(), 100).unwrap();
    let exceeded = FileProblemKind::TotalTooLarge(11);
    assert_eq!(tree.read("p/a.yaml".into(), 100), Err(exceeded.clone()));
    let pack = limited(&gov, 11, 100).pack("../pack".into(), PackRules::Archive);
    assert_eq!(pack, Err(PackError::Directory(exceeded)));
}

#[test]
fn the_walk_through_a_pack_has_a_limited_number_of_entries() {
    let folder = repository();
    let pack = folder.path().join("pack");
    for name in ["a", "b", "c"] {
        fs::create_dir_all(pack.join(name)).unwrap();
    }
    let read = |entries| {
        limited(&folder.path().join("gov"), 100, entries).pack("../pack".into(), PackRules::Archive)
    };
    assert_eq!(read(5).unwrap().entries().len(), 2);
    let error = FileProblemKind::TooManyEntries(4);
    assert_eq!(read(4), Err(PackError::Directory(error)));
}

#[cfg(unix)]
#[test]
fn entries_of_a_folder_whose_name_is_not_utf8_count() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = repository();
    let gov = folder.path().join("gov");
    let inner = gov.join(std::ffi::OsStr::from_bytes(b"z\xff"));
    if fs::create_dir(&inner).is_err() {
        crate::skip::needs("a file system with names that are not UTF-8");
        return;
    }
    fs::write(inner.join("a.txt"), "").unwrap();
    let error = Err(FileProblemKind::TooManyEntries(4));
    assert_eq!(limited(&gov, 100, 4).list(".".into()), error);
    assert!(limited(&gov, 100, 5).list(".".into()).is_ok());
}

#[cfg(unix)]
#[test]
fn links_that_were_checked_out_as_files_are_named() {
    use std::os::unix::fs::symlink;
    let folder = repository();
    symlink(
        "../../shared/b.cedar",
        folder.path().join("gov/p/link.yaml"),
    )
    .unwrap();
    symlink("../shared", folder.path().join("gov/folder")).unwrap();
    symlink("run.sh", folder.path().join("pack/other.sh")).unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "links"]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let clone_arguments = ["clone", "-q", "-c", "core.symlinks=false", &url, "."];
    git(clone.path(), &clone_arguments);
    assert!(clone.path().join("gov/p/link.yaml").is_file());

    let tree = WorkTree::open(&clone.path().join("gov")).unwrap();
    let listing = tree.list("p".into()).unwrap();
    let kinds: Vec<_> = listing.problems.iter().map(|found| &found.kind).collect();
    assert_eq!(kinds, [&FileProblemKind::PlainLink]);
    for path in ["p/link.yaml", "folder", "folder/b.cedar"] {
        assert_eq!(
            tree.read(path.into(), 100),
            Err(FileProblemKind::PlainLink),
            "{path}"
        );
    }
    assert_eq!(tree.list("folder".into()), Err(FileProblemKind::PlainLink));
    let error = tree
        .pack("../pack".into(), PackRules::Archive)
        .unwrap_err()
        .to_string();
    assert!(error.contains("core.symlinks = false"), "{error}");
    // The commit itself contains the links.
    let revision = Revision::open(&clone.path().join("gov"), &"HEAD".into()).unwrap();
    assert_eq!(
        &*revision.read("folder/b.cedar".into(), 100).unwrap(),
        "b\n"
    );
}

#[test]
fn composed_and_decomposed_names_are_one_where_git_composes_them() {
    let folder = repository();
    write(folder.path(), "gov/p/caf\u{e9}.yaml", "c\n");
    write(folder.path(), "pack/caf\u{e9}.ts", "c\n");
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "names"]);
    // A file system that decomposes names returns these.
    for (composed, decomposed) in [
        ("gov/p/caf\u{e9}.yaml", "gov/p/cafe\u{301}.yaml"),
        ("pack/caf\u{e9}.ts", "pack/cafe\u{301}.ts"),
    ] {
        let text = fs::read_to_string(folder.path().join(composed)).unwrap();
        fs::remove_file(folder.path().join(composed)).unwrap();
        write(folder.path(), decomposed, &text);
    }
    let tree = read_all(folder.path());
    let difference = |names| {
        let repository = location::open_work_tree(folder.path()).unwrap();
        let head = repository.head().unwrap().peel_to_commit().unwrap().id();
        let revision = Revision::committed(repository, head, &["gov".to_owned()]).unwrap();
        tree.log().difference(&revision, names, &[])
    };
    assert_eq!(difference(NameForm::Composed), None);
    assert!(difference(NameForm::Exact).is_some());
    write(folder.path(), "gov/p/cafe\u{301}.yaml", "changed\n");
    let tree = read_all(folder.path());
    let repository = location::open_work_tree(folder.path()).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap().id();
    let revision = Revision::committed(repository, head, &["gov".to_owned()]).unwrap();
    assert!(
        tree.log()
            .difference(&revision, NameForm::Composed, &[])
            .is_some()
    );
    git(folder.path(), &["config", "core.precomposeunicode", "true"]);
    let endings = LineEndings::of(folder.path()).unwrap();
    assert!(endings.composes_names());
}

#[test]
fn keywords_and_encodings_of_a_checkout_are_those_of_git() {
    let folder = repository();
    write(folder.path(), ".gitattributes", "*.yaml ident\n");
    write(folder.path(), "gov/p/a.yaml", "a # $Id$\nb # $Id: x\n");
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "keywords"]);
    fs::remove_file(folder.path().join("gov/p/a.yaml")).unwrap();
    git(folder.path(), &["checkout", "-q", "--", "gov/p/a.yaml"]);
    let text = fs::read_to_string(folder.path().join("gov/p/a.yaml")).unwrap();
    assert!(text.starts_with("a # $Id: "), "{text}");
    assert!(!is_dirty(folder.path()));
    let tree = WorkTree::open(&folder.path().join("gov")).unwrap();
    let read = tree.read("p/a.yaml".into(), 1000).unwrap();
    assert_eq!(&*read, "a # $Id$\nb # $Id: x\n");
    write(folder.path(), "gov/p/a.yaml", &text.replace("a #", "c #"));
    assert!(is_dirty(folder.path()));

    let attributes = "gov/p/a.yaml working-tree-encoding=UTF-16\n";
    write(folder.path(), ".gitattributes", attributes);
    fs::write(folder.path().join("gov/p/a.yaml"), [0xff, 0xfe, b'a', 0]).unwrap();
    let error = tree.read("p/a.yaml".into(), 1000).unwrap_err();
    let encoding = FileProblemKind::ConvertedEncoding("UTF-16".to_owned());
    assert_eq!(error, encoding);
}

#[test]
fn attributes_are_looked_up_in_files_of_a_limited_size() {
    let folder = repository();
    write(folder.path(), "gov/p/a.yaml", "a\r\nb\r\n");
    write(folder.path(), "pack/run.sh", "one\r\n");
    let lines = "x/*.txt text eol=lf\n".repeat(10_000);
    write(folder.path(), ".gitattributes", &lines);
    let tree = WorkTree::open(&folder.path().join("gov")).unwrap();
    assert!(tree.read("p/a.yaml".into(), 1000).is_ok());
    write(folder.path(), "gov/.gitattributes", &lines);
    let tree = WorkTree::open(&folder.path().join("gov")).unwrap();
    let error = tree.read("p/a.yaml".into(), 1000).unwrap_err();
    assert_eq!(error, FileProblemKind::Attributes(256 * 1024));
    assert!(tree.read("polwarden.yaml".into(), 1000).is_ok());
    write(folder.path(), ".gitattributes", &lines.repeat(2));
    let error = tree
        .pack("../pack".into(), PackRules::Archive)
        .unwrap_err()
        .to_string();
    assert!(error.contains(".gitattributes"), "{error}");
}
