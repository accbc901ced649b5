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
use crate::{FileProblemKind, LockedPack, Revision, Source as _, WorkTree};

const PROJECT: &str = "runtime: python\n";

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
        .pack(Utf8Path::new(path), PackRules::Archive)
}

fn names(tree: &PackTree) -> Vec<&str> {
    tree.entries().keys().map(String::as_str).collect()
}

#[cfg(unix)]
fn link(folder: &TempDir, target: &str, path: &str) {
    std::os::unix::fs::symlink(target, folder.path().join(path)).unwrap();
}

fn packed(folder: &TempDir, path: &str) -> Result<PackTree, PackError> {
    WorkTree::open(folder.path())
        .unwrap()
        .pack(Utf8Path::new(path), PackRules::Npm)
}

/// `archive.TGZ` of pulumi/pulumi reads the ignore files and does not ask git.
#[test]
fn what_ignore_files_name_stays_out_with_and_without_a_repository() {
    let files = [
        ("pack/PulumiPolicy.yaml", PROJECT),
        ("pack/__main__.py", "pass\n"),
        ("pack/.npmrc", "x\n"),
        ("pack/lib/deep/a.py", "a\n"),
        ("pack/venv/x/index.py", "x\n"),
        ("pack/build.log", "x\n"),
        ("pack/.gitignore", "venv/\n!build.log\n"),
        (".gitignore", "*.log\n"),
    ];
    // A file below cannot take back what a file above names, other than in git.
    let wanted = [
        ".gitignore",
        ".npmrc",
        "PulumiPolicy.yaml",
        "__main__.py",
        "lib/deep/a.py",
    ];
    let plain = folder(&files);
    // Without a repository, nothing above the configuration is read.
    let alone = WorkTree::open(&plain.path().join("pack")).unwrap();
    let alone = alone.pack(Utf8Path::new("."), PackRules::Archive).unwrap();
    assert!(names(&alone).contains(&"build.log"));
    assert_eq!(names(&work(&plain, "pack").unwrap()), wanted);

    let tracked = folder(&files);
    git(tracked.path(), &["init", "-q"]);
    assert_eq!(names(&work(&tracked, "pack").unwrap()), wanted);
    git(tracked.path(), &["add", "."]);
    git(
        tracked.path(),
        &["add", "-f", "pack/venv/x/index.py", "pack/build.log"],
    );
    let forced = work(&tracked, "pack").unwrap();
    assert_eq!(names(&forced), wanted);
    git(tracked.path(), &["commit", "-qm", "a"]);
    let revision = Revision::open(tracked.path(), &"HEAD".into()).unwrap();
    let committed = revision.pack(Utf8Path::new("pack"), PackRules::Archive);
    assert_eq!(committed.unwrap(), forced);
}

/// Packages with the files that their rules leave out or include.
const PACKAGES: &[&[(&str, &str)]] = &[
    // Build output that git ignores is listed in `files`.
    &[
        (
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "main": "bin/index.js", "files": ["bin", "PulumiPolicy.yaml"]}"#,
        ),
        ("PulumiPolicy.yaml", "runtime: nodejs\n"),
        (".gitignore", "/bin/\n/node_modules/\n"),
        ("bin/index.js", ""),
        ("bin/deep/lib.js", ""),
        ("bin/.npmrc", ""),
        ("index.ts", ""),
        ("tsconfig.json", "{}"),
        ("node_modules/x/index.js", ""),
        ("package-lock.json", "{}"),
        (".npmrc", ""),
        ("README.md", ""),
        ("LICENSE", ""),
    ],
    // A `main` with `./` in front has no effect on the ignore file.
    &[
        (
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "main": "./bin/index.js"}"#,
        ),
        ("PulumiPolicy.yaml", "runtime: nodejs\n"),
        (".gitignore", "bin/\n*.log\n"),
        ("bin/index.js", ""),
        ("bin/other.js", ""),
        ("x.log", ""),
        ("lib/y.log", ""),
        ("lib/a.js", ""),
        ("lib/.gitignore", "*.tmp\n"),
        ("lib/b.tmp", ""),
        ("yarn.lock", ""),
        ("pnpm-lock.yaml", ""),
        ("npm-shrinkwrap.json", "{}"),
        ("a.js.orig", ""),
        (".DS_Store", ""),
        (".eslintrc", ""),
    ],
    // `main` takes its folder back from the ignore file.
    &[
        (
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "main": "bin/index.js"}"#,
        ),
        ("PulumiPolicy.yaml", "runtime: nodejs\n"),
        (".gitignore", "bin/\nout\n"),
        ("bin/index.js", ""),
        ("bin/other.js", ""),
        ("out/a.js", ""),
    ],
    // `.npmignore` replaces `.gitignore`.
    &[
        (
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "bin": {"run": "tools/run.js"}}"#,
        ),
        ("PulumiPolicy.yaml", "runtime: nodejs\n"),
        (".gitignore", "index.js\n"),
        (
            ".npmignore",
            "test/\n*.md\n!docs/keep.md\ntools\n/a?.js\n{b,c}.js\n",
        ),
        ("index.js", ""),
        ("test/a.js", ""),
        ("README.md", ""),
        ("CHANGES.md", ""),
        ("docs/keep.md", ""),
        ("docs/drop.md", ""),
        ("tools/run.js", ""),
        ("tools/other.js", ""),
        ("ab.js", ""),
        ("lib/ab.js", ""),
        ("b.js", ""),
        ("d.js", ""),
        ("node_modules/x/index.js", ""),
        ("lib/node_modules/y.js", ""),
        ("CVS/Root", ""),
    ],
    // `files` with patterns, single files and exceptions.
    &[
        (
            "package.json",
            r#"{"name": "a", "version": "1.0.0", "main": "index.js", "files": ["/lib/*", "!lib/test.js", "src/**/*.js", "./one/two.txt", ".npmrc", "PulumiPolicy.yaml", "package-lock.json", "missing"]}"#,
        ),
        ("PulumiPolicy.yaml", "runtime: nodejs\n"),
        ("index.js", ""),
        ("lib/a.js", ""),
        ("lib/test.js", ""),
        ("lib/deep/b.js", ""),
        ("lib/deep/.gitignore", "c.js\n"),
        ("lib/deep/c.js", ""),
        ("src/x.ts", ""),
        ("src/y/z.js", ""),
        ("src/w.js", ""),
        ("one/two.txt", ""),
        ("one/three.txt", ""),
        (".npmrc", ""),
        ("package-lock.json", "{}"),
    ],
];

/// What `npm pack` would publish, as it says itself. It needs no network.
#[test]
fn a_nodejs_archive_contains_what_npm_packs() {
    if !crate::skip::has("npm") {
        return;
    }
    for files in PACKAGES {
        let folder = folder(files);
        let home = tempfile::tempdir().unwrap();
        let done = Command::new("npm")
            .args([
                "pack",
                "--dry-run",
                "--json",
                "--offline",
                "--ignore-scripts",
            ])
            .current_dir(folder.path())
            .env("HOME", home.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout);
        let report: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
        let listed = report[0]["files"].as_array().unwrap().iter();
        let mut wanted: Vec<&str> = listed.map(|file| file["path"].as_str().unwrap()).collect();
        wanted.sort_unstable();
        let tree = packed(&folder, ".").unwrap();
        assert_eq!(names(&tree), wanted, "{}", files[0].1);
    }
}

/// The same, with the answers of npm 11, for machines without npm.
#[test]
fn a_nodejs_archive_contains_ignored_build_output_and_never_settings_of_npm() {
    let built = folder(PACKAGES[0]);
    assert_eq!(
        names(&packed(&built, ".").unwrap()),
        [
            "LICENSE",
            "PulumiPolicy.yaml",
            "README.md",
            "bin/deep/lib.js",
            "bin/index.js",
            "package.json"
        ]
    );
    git(built.path(), &["init", "-q"]);
    git(built.path(), &["add", "."]);
    git(built.path(), &["commit", "-qm", "a"]);
    let revision = Revision::open(built.path(), &"HEAD".into()).unwrap();
    let committed = revision.pack(Utf8Path::new("."), PackRules::Npm).unwrap();
    assert_eq!(
        names(&committed),
        ["LICENSE", "PulumiPolicy.yaml", "README.md", "package.json"]
    );

    // Bytes that no commit contains are those of the lock file, or the work tree is not clean.
    let tree = WorkTree::open(built.path()).unwrap();
    let read = tree.pack(Utf8Path::new("."), PackRules::Npm).unwrap();
    let dirty = |locked: &[LockedPack]| tree.head(locked).unwrap().unwrap().dirty;
    assert!(dirty(&[]));
    assert!(!dirty(&[(".".into(), read.files())]));
    assert!(dirty(&[("other".into(), read.files())]));
    let mut other = read.files();
    other.insert("bin/index.js".to_owned(), FileDigest::of(b"other"));
    assert!(dirty(&[(".".into(), other)]));
}

#[test]
fn a_package_that_cannot_be_packed_is_an_error() {
    let project = ("p/PulumiPolicy.yaml", "runtime: nodejs\n");
    for (file, text, wanted) in [
        ("p/package.json", "{", "it is not valid JSON"),
        ("p/package.json", "[]", "expected a JSON object"),
        (
            "p/package.json",
            r#"{"bundleDependencies": ["x"]}"#,
            "`bundleDependencies` is not supported",
        ),
        (
            "p/package.json",
            r#"{"files": ["@(a|b)"]}"#,
            "unsupported pattern `!@(a|b)` in `package.json`",
        ),
    ] {
        let error = packed(&folder(&[project, (file, text)]), "p").unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!error.help().is_empty());
    }
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
    link(&folder, "lib", "p/other");
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    let staged = Revision::staged(folder.path())
        .unwrap()
        .pack(Utf8Path::new("p"), PackRules::Archive)
        .unwrap();
    git(folder.path(), &["commit", "-qm", "a"]);
    let committed = Revision::open(folder.path(), &"HEAD".into())
        .unwrap()
        .pack(Utf8Path::new("p"), PackRules::Archive)
        .unwrap();
    let lying = work(&folder, "p").unwrap();
    assert_eq!((&staged, &lying), (&committed, &committed));
    assert_eq!(
        names(&lying),
        [
            "PulumiPolicy.yaml",
            "lib/a.ts",
            "lib/run",
            "other/a.ts",
            "other/run",
            "run.sh"
        ]
    );
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
    assert_eq!(
        changed,
        ["lib/a.ts", "lib/run", "other/a.ts", "other/run", "run.sh"]
    );
    let again = Revision::open(folder.path(), &"HEAD".into())
        .unwrap()
        .pack(Utf8Path::new("p"), PackRules::Archive)
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
            .pack(Utf8Path::new("p"), PackRules::Archive),
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

#[cfg(unix)]
#[test]
fn paths_of_a_package_stay_inside_the_source() {
    let folder = folder(&[
        ("p/PulumiPolicy.yaml", "runtime: nodejs\n"),
        (
            "p/real.json",
            r#"{"files": ["../secret", "out/secret", "PulumiPolicy.yaml"]}"#,
        ),
        ("secret", "token"),
    ]);
    link(&folder, "real.json", "p/package.json");
    link(&folder, "..", "p/out");
    let tree = packed(&folder, "p").unwrap();
    assert_eq!(names(&tree), ["PulumiPolicy.yaml", "package.json"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_within_the_source_only() {
    let error = |target: &str, path: &str, rules| {
        let folder = folder(&[
            ("p/PulumiPolicy.yaml", PROJECT),
            ("p/package.json", "{}"),
            ("p/.npmrc", "token"),
            ("p/a/b/c.ts", ""),
            ("p/.git/config", "token"),
            ("secret", "token"),
        ]);
        link(&folder, "..", "p/a/up");
        link(&folder, target, path);
        fs::remove_file(folder.path().join("p/a/up")).unwrap();
        let tree = WorkTree::open(&folder.path().join("p")).unwrap();
        tree.pack(Utf8Path::new("."), rules)
            .map(|tree| tree.files().len())
    };
    let path = |path: &str| camino::Utf8PathBuf::from(path);
    assert_eq!(error("a/b/c.ts", "p/x.ts", PackRules::Archive), Ok(5));
    assert_eq!(
        error("../secret", "p/x", PackRules::Archive),
        Err(PackError::LinkOutside { path: path("x") })
    );
    assert_eq!(
        error("..", "p/a/b/up", PackRules::Archive),
        Err(PackError::LinkLoop {
            path: path("a/b/up")
        })
    );
    assert_eq!(
        error("x", "p/x", PackRules::Archive),
        Err(PackError::Entry {
            path: path("x"),
            kind: FileProblemKind::Loop
        })
    );
    assert_eq!(
        error("gone", "p/x", PackRules::Archive),
        Err(PackError::Entry {
            path: path("x"),
            kind: FileProblemKind::Missing
        })
    );
    for (target, rules) in [
        (".git/config", PackRules::Archive),
        (".git/config", PackRules::Npm),
        (".npmrc", PackRules::Npm),
    ] {
        let target = target.to_owned();
        assert_eq!(
            error(&target, "p/x", rules),
            Err(PackError::LinkExcluded {
                path: path("x"),
                target
            })
        );
    }
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
            "-rw-r--r-- 0/0 1 1985-10-26 08:15 package/main.ts".to_owned(),
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
    let entries = [
        (PROJECT_FILE, "runtime: nodejs\n"),
        ("index.ts", "export {};\n"),
    ];
    let file = |text: &str| PackEntry {
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
        .prop_map(|(bytes, executable)| PackEntry {
            bytes: bytes.into(),
            executable,
        });
    proptest::collection::btree_map(path, file, 0..12)
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
            prop_assert_eq!(entry.link_name().unwrap(), None);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let read = PackEntry { bytes: bytes.into(), executable: header.mode().unwrap() == 0o755 };
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
