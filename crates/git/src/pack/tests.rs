use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use camino::Utf8Path;
use proptest::prelude::*;
use tempfile::TempDir;

use model::digest::FileDigest;

use super::tree::MAX_SOURCE_BYTES;
use super::*;
use crate::{FileProblemKind, Revision, Source as _, WorkTree};

const PROJECT: &str = "runtime: nodejs\n";

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "init.defaultBranch=main",
    ]);
    let done = command
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn work(folder: &TempDir, path: &str) -> Result<PackTree, PackError> {
    WorkTree::open(folder.path())
        .unwrap()
        .pack(Utf8Path::new(path))
}

fn names(tree: &PackTree) -> Vec<&str> {
    tree.entries().keys().map(String::as_str).collect()
}

#[cfg(unix)]
fn link(folder: &TempDir, target: &str, path: &str) {
    std::os::unix::fs::symlink(target, folder.path().join(path)).unwrap();
}

#[test]
fn what_git_ignores_stays_out_with_and_without_a_repository() {
    let files = [
        ("pack/PulumiPolicy.yaml", PROJECT),
        ("pack/index.ts", "export {};\n"),
        ("pack/.npmrc", "x\n"),
        ("pack/lib/deep/a.ts", "a\n"),
        ("pack/node_modules/x/index.js", "x\n"),
        ("pack/build.log", "x\n"),
        ("pack/.gitignore", "node_modules/\n"),
        (".gitignore", "*.log\n"),
    ];
    let wanted = [
        ".gitignore",
        ".npmrc",
        "PulumiPolicy.yaml",
        "index.ts",
        "lib/deep/a.ts",
    ];
    let plain = folder(&files);
    assert_eq!(names(&work(&plain, "pack").unwrap()), wanted);

    let tracked = folder(&files);
    git(tracked.path(), &["init", "-q"]);
    assert_eq!(names(&work(&tracked, "pack").unwrap()), wanted);
    // A file that was added with force belongs to the repository.
    git(tracked.path(), &["add", "."]);
    git(
        tracked.path(),
        &[
            "add",
            "-f",
            "pack/node_modules/x/index.js",
            "pack/build.log",
        ],
    );
    let more = work(&tracked, "pack").unwrap();
    assert!(
        names(&more).contains(&"node_modules/x/index.js") && names(&more).contains(&"build.log")
    );
    git(tracked.path(), &["commit", "-qm", "a"]);
    let revision = Revision::open(tracked.path(), &"HEAD".into()).unwrap();
    assert_eq!(revision.pack(Utf8Path::new("pack")).unwrap(), more);
}

#[cfg(unix)]
#[test]
fn work_tree_index_and_commit_give_the_same_bytes() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[
        ("p/PulumiPolicy.yaml", PROJECT),
        ("p/run.sh", "#!/bin/sh\n"),
        ("p/lib/a.ts", "a\n"),
    ]);
    fs::set_permissions(
        folder.path().join("p/run.sh"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    link(&folder, "../run.sh", "p/lib/run");
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    let staged = Revision::staged(folder.path())
        .unwrap()
        .pack(Utf8Path::new("p"))
        .unwrap();
    git(folder.path(), &["commit", "-qm", "a"]);
    let committed = Revision::open(folder.path(), &"HEAD".into())
        .unwrap()
        .pack(Utf8Path::new("p"))
        .unwrap();
    let lying = work(&folder, "p").unwrap();
    assert_eq!((&staged, &lying), (&committed, &committed));
    assert_eq!(staged.archive().unwrap(), lying.archive().unwrap());
    assert_eq!(staged.digest(), lying.digest());

    fs::set_permissions(
        folder.path().join("p/run.sh"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    assert_ne!(work(&folder, "p").unwrap().digest(), lying.digest());
    fs::write(folder.path().join("p/lib/a.ts"), "b\n").unwrap();
    let edited = work(&folder, "p").unwrap();
    let changed = |(path, digest): &(String, FileDigest)| lying.files().get(path) != Some(digest);
    let changed: Vec<String> = edited
        .files()
        .into_iter()
        .filter(changed)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed, ["lib/a.ts", "run.sh"]);
    let again = Revision::open(folder.path(), &"HEAD".into())
        .unwrap()
        .pack(Utf8Path::new("p"))
        .unwrap();
    assert_eq!(again, committed);
}

#[cfg(unix)]
#[test]
fn what_is_no_source_is_told() {
    let good = [("p/PulumiPolicy.yaml", PROJECT)];
    let outside = folder(&good);
    link(&outside, "../../etc", "p/etc");
    let leads_out = PackError::LinkOutside { path: "etc".into() };
    assert_eq!(work(&outside, "p"), Err(leads_out.clone()));
    git(outside.path(), &["init", "-q"]);
    git(outside.path(), &["add", "."]);
    assert_eq!(
        Revision::staged(outside.path())
            .unwrap()
            .pack(Utf8Path::new("p")),
        Err(leads_out)
    );

    let folder = folder(&[("a/x", ""), ("file", "")]);
    assert_eq!(work(&folder, "a"), Err(PackError::NoProject));
    assert_eq!(work(&folder, "file"), Err(PackError::NoDirectory));
    assert_eq!(
        work(&folder, "b"),
        Err(PackError::Directory(FileProblemKind::Missing))
    );
    assert_eq!(
        work(&folder, ".."),
        Err(PackError::Directory(FileProblemKind::Outside))
    );
    assert_eq!(
        work(&folder, "/"),
        Err(PackError::Directory(FileProblemKind::Outside))
    );
    let pipe = Command::new("mkfifo")
        .arg(folder.path().join("a/pipe"))
        .status()
        .unwrap();
    assert!(pipe.success());
    assert_eq!(
        work(&folder, "a"),
        Err(PackError::Entry {
            path: "pipe".into(),
            kind: FileProblemKind::Special
        })
    );
}

#[test]
fn another_repository_is_no_part_of_a_source() {
    let folder = folder(&[
        ("p/PulumiPolicy.yaml", PROJECT),
        ("p/inner/.git", "gitdir: x\n"),
        ("p/inner/a", ""),
    ]);
    let error = work(&folder, "p").unwrap_err();
    assert_eq!(
        error,
        PackError::Entry {
            path: "inner".into(),
            kind: FileProblemKind::Submodule
        }
    );
}

#[test]
fn a_source_that_is_too_large_is_refused_by_its_size() {
    let folder = folder(&[("p/PulumiPolicy.yaml", PROJECT)]);
    let file = fs::File::create(folder.path().join("p/large")).unwrap();
    file.set_len(MAX_SOURCE_BYTES as u64 + 1).unwrap();
    assert_eq!(work(&folder, "p"), Err(PackError::TooLarge));
}

/// GNU tar lists and extracts the archive.
#[cfg(unix)]
#[test]
fn other_programs_read_the_archive() {
    let long = format!("lib/{}/{}.ts", "d".repeat(90), "f".repeat(90));
    let folder = folder(&[
        ("p/PulumiPolicy.yaml", PROJECT),
        ("p/index.ts", "x"),
        (&format!("p/{long}"), "long"),
    ]);
    link(&folder, "index.ts", "p/main.ts");
    let archive = work(&folder, "p").unwrap().archive().unwrap();
    let file = folder.path().join("pack.tgz");
    fs::write(&file, archive.bytes()).unwrap();
    let listed = Command::new("tar")
        .args(["--numeric-owner", "--utc", "-tvzf"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stderr), "");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines: Vec<String> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "-rw-r--r-- 0/0 16 1985-10-26 08:15 package/PulumiPolicy.yaml".to_owned(),
            "-rw-r--r-- 0/0 1 1985-10-26 08:15 package/index.ts".to_owned(),
            format!("-rw-r--r-- 0/0 4 1985-10-26 08:15 package/{long}"),
            "lrwxrwxrwx 0/0 0 1985-10-26 08:15 package/main.ts -> index.ts".to_owned(),
        ]
    );
    let out = tempfile::tempdir().unwrap();
    assert!(
        Command::new("tar")
            .arg("-xzf")
            .arg(&file)
            .arg("-C")
            .arg(out.path())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(
        fs::read_to_string(out.path().join("package/main.ts")).unwrap(),
        "x"
    );
    assert_eq!(
        fs::read_to_string(out.path().join("package").join(long)).unwrap(),
        "long"
    );
}

/// Plans contain the digest of these bytes: a change needs an entry in the changelog.
#[test]
fn the_bytes_of_an_archive_do_not_change_from_version_to_version() {
    let entries = [(PROJECT_FILE, PROJECT), ("index.ts", "export {};\n")];
    let file = |text: &str| PackEntry::File {
        bytes: text.as_bytes().into(),
        executable: false,
    };
    let tree = PackTree {
        entries: entries
            .iter()
            .map(|(path, text)| ((*path).to_owned(), file(text)))
            .collect(),
    };
    insta::assert_snapshot!(format!(
        "{}\n{}",
        tree.digest(),
        tree.archive().unwrap().digest()
    ));
}

fn sources() -> impl Strategy<Value = BTreeMap<String, PackEntry>> {
    let name =
        "[a-zA-Zé_ .-]{1,12}".prop_filter("no way up", |name| !matches!(name.as_str(), "." | ".."));
    let path = proptest::collection::vec(name, 1..4).prop_map(|parts| parts.join("/"));
    let file = (
        proptest::collection::vec(any::<u8>(), 0..600),
        any::<bool>(),
    )
        .prop_map(|(bytes, executable)| PackEntry::File {
            bytes: bytes.into(),
            executable,
        });
    let link = "[a-z]{1,120}".prop_map(|target| PackEntry::Link { target });
    proptest::collection::btree_map(path, prop_oneof![4 => file, 1 => link], 0..12)
}

proptest! {
    #[test]
    fn an_archive_holds_the_source_and_nothing_of_the_machine(entries in sources()) {
        let tree = PackTree { entries: entries.clone() };
        let archive = tree.archive().unwrap();
        prop_assert_eq!(&PackTree { entries: entries.clone() }.archive().unwrap(), &archive);
        let mut found = BTreeMap::new();
        let mut order = Vec::new();
        let mut reader = tar::Archive::new(flate2::read::GzDecoder::new(archive.bytes()));
        for entry in reader.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().strip_prefix("package/").unwrap().to_owned();
            let header = entry.header().clone();
            prop_assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (499_162_500, 0, 0));
            prop_assert_eq!(header.username().unwrap().unwrap_or_default(), "");
            let read = match entry.link_name().unwrap() {
                Some(target) => PackEntry::Link { target: target.to_str().unwrap().to_owned() },
                None => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).unwrap();
                    PackEntry::File { bytes: bytes.into(), executable: header.mode().unwrap() == 0o755 }
                }
            };
            order.push(path.clone());
            found.insert(path, read);
        }
        prop_assert!(order.is_sorted());
        prop_assert_eq!(&found, &entries);
    }

    #[test]
    fn sources_that_differ_have_other_digests(one in sources(), other in sources()) {
        let same = one == other;
let one = PackTree { entries: one };
let other = PackTree { entries: other };
        prop_assert_eq!(one.digest() == other.digest(), same);
    }
}
