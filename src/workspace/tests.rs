use std::fs;

use camino::Utf8Path;
use tempfile::TempDir;

use git::WorkTree;

use super::*;
use manifest::parse_config;
use model::diag::{Code, SourceMap};

const LIST: &str = "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata:\n  name: a\nspec:\n  hosts: [a.example.com]\n";

/// Creates a directory with these files.
fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn config(paths: &[&str]) -> String {
    let targets = paths.iter().enumerate().map(|(index, paths)| {
        format!(
            "  - name: t{index}\n    provider: docker\n    organization: o\n    paths: [{paths}]\n"
        )
    });
    format!(
        "apiVersion: polwarden/v1\nkind: Config\ntargets:\n{}",
        targets.collect::<String>()
    )
}

fn loaded(root: &std::path::Path, paths: &[&str]) -> (LoadedManifests, SourceMap) {
    let mut sources = SourceMap::default();
    let text = config(paths);
    let file = sources.add("polwarden.yaml", text.as_str());
    let (config, document) = parse_config(file, &text).unwrap();
    let loaded = load(
        &WorkTree::open(root).unwrap(),
        &config,
        document,
        &mut sources,
    );
    (loaded, sources)
}

fn codes(loaded: &LoadedManifests) -> Vec<Code> {
    loaded
        .diagnostics
        .iter()
        .map(|finding| finding.code)
        .collect()
}

fn names(sources: &SourceMap) -> Vec<&str> {
    sources
        .files()
        .skip(1)
        .map(|(_, file)| file.name())
        .collect()
}

#[test]
fn manifests_are_found_in_order_and_others_passed_over() {
    let list = LIST.as_bytes();
    let directory = tree(&[
        ("p/b.yaml", list),
        ("p/a/z.yml", list),
        ("p/c.json", b"{}"),
        ("p/readme.md", b""),
        ("p/.hidden/x.yaml", b"broken: ["),
        ("p/.x.yaml", b"broken: ["),
        ("p/polwarden.yaml", b"broken: ["),
    ]);
    let (loaded, sources) = loaded(directory.path(), &["p"]);
    // The nested configuration is not read as a manifest, which a warning says.
    assert_eq!(
        names(&sources),
        ["p/polwarden.yaml", "p/a/z.yml", "p/b.yaml", "p/c.json"]
    );
    assert_eq!(
        codes(&loaded),
        [Code::ConfigNested, Code::MissingField, Code::MissingField]
    );
    assert_eq!(loaded.targets[0].documents.len(), 2);
    assert_eq!(loaded.files, 3);
}

#[test]
fn a_file_of_two_targets_is_read_once() {
    let directory = tree(&[("p/a.yaml", LIST.as_bytes()), ("p/b.yaml", LIST.as_bytes())]);
    let (loaded, sources) = loaded(directory.path(), &["p", "./p/../p/a.yaml"]);
    assert_eq!(names(&sources), ["p/a.yaml", "p/b.yaml"]);
    assert_eq!(loaded.targets[1].documents.len(), 1);
    assert!(std::sync::Arc::ptr_eq(
        &loaded.targets[0].documents[0],
        &loaded.targets[1].documents[0]
    ));
}

#[test]
fn paths_that_cannot_be_used_are_reported_and_the_rest_is_read() {
    let directory = tree(&[("p/a.yaml", LIST.as_bytes()), ("empty/x.txt", b"")]);
    for (path, code) in [
        ("missing", Code::TargetPathInvalid),
        ("/etc", Code::TargetPathInvalid),
        ("../..", Code::TargetPathInvalid),
        ("empty", Code::NoManifests),
    ] {
        let (loaded, _) = loaded(directory.path(), &[&format!("{path}, p")]);
        assert_eq!(codes(&loaded), [code], "{path}");
        assert_eq!(loaded.targets[0].documents.len(), 1);
    }
}

#[test]
fn files_that_are_no_text_are_reported() {
    let big = vec![b'#'; manifest::MAX_BYTES + 1];
    let directory = tree(&[
        ("p/a.yaml", b"a: 1\nb: \xff\n"),
        ("p/b.yaml", &big),
        ("p/c.yaml", LIST.as_bytes()),
    ]);
    let (loaded, sources) = loaded(directory.path(), &["p"]);
    assert_eq!(codes(&loaded), [Code::FileNotUtf8, Code::FileTooLarge]);
    assert!(
        loaded.diagnostics[0].message.ends_with("byte 8, in line 2"),
        "{}",
        loaded.diagnostics[0].message
    );
    assert_eq!(loaded.targets[0].documents.len(), 1);
    assert_eq!(
        sources
            .file(loaded.diagnostics[1].labels[0].place.file())
            .name(),
        "p/b.yaml"
    );
}

#[test]
fn cedar_text_comes_from_beside_the_manifest() {
    let policy = |name: &str, file: &str| {
        format!(
            "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  cedar:\n    \
             file: {file}\n    schemaUrl: https://schemas.example.com/x\n"
        )
    };
    let directory = tree(&[
        ("p/a.yaml", policy("a", "../cedar/x.cedar").as_bytes()),
        ("p/b.yaml", policy("b", "missing.cedar").as_bytes()),
        ("p/c.yaml", policy("c", "../../x.cedar").as_bytes()),
        ("cedar/x.cedar", b"permit(principal, action, resource);"),
    ]);
    let (loaded, _) = loaded(directory.path(), &["p", "p"]);
    assert_eq!(
        codes(&loaded),
        [Code::TargetPathInvalid, Code::TargetPathInvalid]
    );
    for target in &loaded.targets {
        assert_eq!(target.cedar_files.len(), 1);
        assert_eq!(
            &*target.cedar_files[&target.documents[0].id].text,
            "permit(principal, action, resource);"
        );
    }
}

#[test]
fn the_repository_is_the_boundary() {
    let directory = tree(&[("lists/a.yaml", LIST.as_bytes()), ("team/x.txt", b"")]);
    assert_eq!(
        codes(&loaded(&directory.path().join("team"), &["../lists"]).0),
        [Code::TargetPathInvalid]
    );
    git2::Repository::init(directory.path()).unwrap();
    let (loaded, sources) = loaded(&directory.path().join("team"), &["../lists"]);
    assert_eq!(codes(&loaded), []);
    assert_eq!(names(&sources), ["../lists/a.yaml"]);
}

#[test]
fn a_missing_directory_is_no_work_tree() {
    let directory = tempfile::tempdir().unwrap();
    assert!(WorkTree::open(&directory.path().join("x")).is_err());
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_are_followed_inside_only() {
        let outside = tree(&[("x.yaml", LIST.as_bytes())]);
        let directory = tree(&[
            ("p/a.yaml", LIST.as_bytes()),
            ("more/b.yaml", LIST.as_bytes()),
        ]);
        let p = directory.path().join("p");
        symlink(directory.path().join("more"), p.join("l1")).unwrap();
        symlink(directory.path().join("more"), p.join("l2")).unwrap();
        symlink(outside.path(), p.join("m-outside")).unwrap();
        symlink(outside.path().join("x.yaml"), p.join("n-outside.yaml")).unwrap();
        symlink(&p, p.join("o-loop")).unwrap();
        symlink("p-self", p.join("p-self")).unwrap();
        symlink("nothing", p.join("q.yaml")).unwrap();
        let (loaded, sources) = loaded(directory.path(), &["p"]);
        let expected = [
            Code::SymlinkOutside,
            Code::SymlinkOutside,
            Code::DirectoryLoop,
            Code::DirectoryLoop,
            Code::FileUnreadable,
        ];
        assert_eq!(codes(&loaded), expected, "{:?}", loaded.diagnostics);
        let read: Vec<_> = names(&sources)
            .into_iter()
            .filter(|name| !name.contains('-') && *name != "p/q.yaml")
            .collect();
        assert_eq!(read, ["p/a.yaml", "p/l1/b.yaml"]);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let directory = tree(&[("p/a.yaml", LIST.as_bytes())]);
        let _socket = UnixListener::bind(directory.path().join("p/s.yaml")).unwrap();
        let (loaded, _) = loaded(directory.path(), &["p"]);
        assert_eq!(codes(&loaded), [Code::FileUnreadable]);
        let tree = WorkTree::open(directory.path()).unwrap();
        assert_eq!(
            tree.read(Utf8Path::new("p/s.yaml"), 10),
            Err(FileProblemKind::Special)
        );
    }

    #[test]
    fn a_name_that_is_not_utf8_is_reported() {
        let directory = tree(&[("p/a.yaml", LIST.as_bytes())]);
        if fs::write(
            directory
                .path()
                .join("p")
                .join(OsStr::from_bytes(b"\xff.yaml")),
            LIST,
        )
        .is_err()
        {
            // Written to the stream itself, because the test harness captures `eprintln!`.
            let skipped = b"skipped: needs a file system with names that are not UTF-8\n";
            std::io::Write::write_all(&mut std::io::stderr(), skipped).unwrap();
            return;
        }
        let (loaded, _) = loaded(directory.path(), &["p"]);
        assert_eq!(codes(&loaded), [Code::FileUnreadable]);
        assert_eq!(loaded.targets[0].documents.len(), 1);
    }
}

/// Loads these files for a target of Chainloop that embeds files.
fn inlined(files: &[(&str, &[u8])]) -> (LoadedManifests, TempDir) {
    let directory = tree(files);
    git2::Repository::init(directory.path()).unwrap();
    let mut sources = SourceMap::default();
    let text = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - {name: t, provider: chainloop, organization: o, paths: [p], inline: true}\n";
    let file = sources.add("polwarden.yaml", text);
    let (config, document) = parse_config(file, text).unwrap();
    let work = WorkTree::open(directory.path()).unwrap();
    let loaded = load(&work, &config, document, &mut sources);
    (loaded, directory)
}

fn native(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n"
    )
}

/// The values of the documents with the content of their files.
fn values(loaded: &LoadedManifests) -> Vec<serde_json::Value> {
    let target = &loaded.targets[0];
    let found = target
        .documents
        .iter()
        .filter_map(|document| target.inlined.get(&document.id));
    found
        .map(|one| manifest::plain_yaml(one.bytes.text().unwrap()).unwrap())
        .collect()
}

#[test]
fn documents_of_chainloop_contain_the_files_that_they_name() {
    let script = b"package main\nx := 1\n";
    let digest = model::digest::Digest::of(native("q", "embedded: y").as_bytes());
    let group = format!(
        "apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata: {{name: g}}\nspec:\n  policies:\n    attestation:\n      \
         - ref: file://../q/q.yaml@{digest}\n      - ref: file://../q/r.yaml # own script\n"
    );
    let (loaded, _directory) = inlined(&[
        ("p/a.yaml", native("a", "path: ../rego/a.rego").as_bytes()),
        (
            "p/b.yaml",
            native("b", "policies: [{ref: file://b.wasm}, {path: b.WASM}]\n  auto_match: {ref: ../rego/a.rego}").as_bytes(),
        ),
        ("p/c.yaml", native("c", "embedded: x").as_bytes()),
        ("p/g.yaml", group.as_bytes()),
        ("rego/a.rego", script),
        ("p/b.wasm", b"\0asm\x01\0\0\0"),
        ("p/b.WASM", b"\0asm\x02"),
        ("q/q.yaml", native("q", "embedded: y").as_bytes()),
        ("q/r.yaml", native("r", "path: ../rego/a.rego\n  inputs: ~").as_bytes()),
    ]);
    assert_eq!(codes(&loaded), []);
    let [a, b, g] = &*values(&loaded) else {
        panic!("three documents")
    };
    let script = std::str::from_utf8(script).unwrap();
    assert_eq!(a["spec"], serde_json::json!({"embedded": script}));
    assert_eq!(
        b["spec"],
        serde_json::json!({
            "policies": [{"embedded": "AGFzbQEAAAA="}, {"embedded": "AGFzbQI="}],
            "auto_match": {"embedded": script}
        })
    );
    let attached = &g["spec"]["policies"]["attestation"];
    assert_eq!(attached[0]["embedded"]["spec"]["embedded"], "y");
    assert_eq!(attached[1]["embedded"]["spec"]["embedded"], script);
    let target = &loaded.targets[0];
    let files = target
        .documents
        .iter()
        .filter_map(|document| target.inlined.get(&document.id));
    let files: Vec<Vec<&str>> = files
        .map(|one| one.files.iter().map(|file| file.as_str()).collect())
        .collect();
    assert_eq!(
        files,
        [
            vec!["rego/a.rego"],
            vec!["p/b.WASM", "p/b.wasm", "rego/a.rego"],
            vec!["q/q.yaml", "q/r.yaml", "rego/a.rego"]
        ]
    );
}

#[test]
fn embedded_files_have_the_boundary_and_the_limits_of_manifests() {
    let large = vec![b'x'; MAX_BYTES + 1];
    let outside = tree(&[("secret.rego", b"package secret\n")]);
    for (reference, wanted) in [
        ("path: missing.rego", Code::TargetPathInvalid),
        ("path: ../../secret.rego", Code::TargetPathInvalid),
        ("path: /etc/hostname", Code::TargetPathInvalid),
        ("path: file:///etc/hostname", Code::TargetPathInvalid),
        ("path: ../.git/config", Code::TargetPathInvalid),
        ("path: .", Code::FileUnreadable),
        ("path: large.rego", Code::FileTooLarge),
        ("path: latin.rego", Code::FileNotUtf8),
        ("path: text.wasm", Code::ReferenceInvalid),
        ("path: &a ok.rego\n  description: *a", Code::UnknownField),
    ] {
        let (loaded, _directory) = inlined(&[
            ("p/a.yaml", native("a", reference).as_bytes()),
            ("p/ok.rego", b"package ok\n"),
            ("p/large.rego", &large),
            ("p/latin.rego", b"\xff"),
            ("p/text.wasm", b"package main\n"),
        ]);
        assert_eq!(codes(&loaded), [wanted], "{reference}");
        assert!(values(&loaded).is_empty(), "{reference}");
    }
    let many = (0..3)
        .map(|_| "{path: big.rego}")
        .collect::<Vec<_>>()
        .join(", ");
    let (loaded, _directory) = inlined(&[
        (
            "p/a.yaml",
            native("a", &format!("policies: [{many}]")).as_bytes(),
        ),
        ("p/big.rego", &large[..MAX_BYTES / 2 + 1]),
    ]);
    assert_eq!(codes(&loaded), [Code::FileTooLarge]);
    #[cfg(unix)]
    {
        let directory = tree(&[(
            "p/a.yaml",
            native("a", "path: ../rego/link.rego").as_bytes(),
        )]);
        std::fs::create_dir(directory.path().join("rego")).unwrap();
        let link = directory.path().join("rego/link.rego");
        std::os::unix::fs::symlink(outside.path().join("secret.rego"), link).unwrap();
        git2::Repository::init(directory.path()).unwrap();
        let mut sources = SourceMap::default();
        let text = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - {name: t, provider: chainloop, organization: o, paths: [p], inline: true}\n";
        let file = sources.add("polwarden.yaml", text);
        let (config, document) = parse_config(file, text).unwrap();
        let work = WorkTree::open(directory.path()).unwrap();
        let loaded = load(&work, &config, document, &mut sources);
        assert_eq!(codes(&loaded), [Code::SymlinkOutside]);
    }
}

#[test]
fn a_policy_is_embedded_only_if_it_is_one_and_has_its_digest() {
    for (reference, why) in [
        ("file://q.yaml@sha256:0000", "has the digest sha256:"),
        ("file://two.yaml", "more than one document"),
        ("file://ok.rego", "cannot be embedded"),
        ("file://broken.yaml", "cannot be embedded"),
    ] {
        let group = format!(
            "apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata: {{name: g}}\nspec: {{policies: {{attestation: [{{ref: '{reference}'}}]}}}}\n"
        );
        let one = native("q", "embedded: y");
        let (loaded, _directory) = inlined(&[
            ("p/g.yaml", group.as_bytes()),
            ("q.yaml", one.as_bytes()),
            ("p/q.yaml", one.as_bytes()),
            (
                "p/two.yaml",
                format!("{one}---\n{}", native("r", "embedded: z")).as_bytes(),
            ),
            ("p/ok.rego", b"package ok\n"),
            (
                "p/broken.yaml",
                native("s", "path: missing.rego").as_bytes(),
            ),
        ]);
        let found: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|it| it.code == Code::ReferenceInvalid)
            .collect();
        assert!(
            found.iter().any(|it| it.message.contains(why)),
            "{reference}: {:?}",
            loaded.diagnostics
        );
    }
}
