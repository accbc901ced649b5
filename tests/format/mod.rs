//! `polwarden fmt` as a command: what it reads, writes and answers.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use manifest::format::format;
use tempfile::TempDir;

const CONFIG: &str = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: main\n    provider: docker\n    \
                      organization: example\n    paths: [policies]\n";
const MESSY: &str = "# yaml-language-server: $schema=x.json\nkind: Policy\napiVersion: \
                     docker.com/governance/v1\nmetadata: {name: a}\nspec:\n  rules:\n  - name: r # why\n    decision: \
                     allow\n    actions: [connect:tcp]\n    resources:\n    - b.example.com\n    - a.example.com\n";
const TIDY: &str = "# yaml-language-server: $schema=x.json\napiVersion: docker.com/governance/v1\nkind: \
                    Policy\nmetadata: {name: a}\nspec:\n  rules:\n    - name: r # why\n      decision: allow\n      \
                    actions: [connect:tcp]\n      resources:\n        - a.example.com\n        - b.example.com\n";
const JSON: &str = "{\"kind\":\"Policy\",\n\"apiVersion\":\"docker.com/governance/v1\"}";

/// A repository with these files besides a configuration.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("polwarden.yaml"), CONFIG).unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs `polwarden fmt` in a folder: the exit code, standard output, standard error.
fn fmt(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_polwarden"))
        .current_dir(folder)
        .arg("fmt")
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

#[test]
fn everything_is_formatted_once() {
    let folder = repository(&[
        ("policies/a.yaml", MESSY),
        ("policies/b.json", JSON),
        ("other/c.yaml", MESSY),
    ]);
    let config = CONFIG
        .replace("  - name", "   -  name")
        .replace("\n    ", "\n      ");
    fs::write(folder.path().join("polwarden.yaml"), config).unwrap();

    let (code, out, error) = fmt(folder.path(), &[]);
    assert_eq!(
        (code, out.as_str()),
        (0, "formatted policies/a.yaml\nformatted polwarden.yaml\n"),
        "{error}"
    );
    assert_eq!(error, "Files: 2 formatted, 1 left alone (JSON).\n");
    assert_eq!(read(&folder, "policies/a.yaml"), TIDY);
    assert_eq!(read(&folder, "polwarden.yaml"), CONFIG);
    assert_eq!(read(&folder, "policies/b.json"), JSON);
    assert_eq!(read(&folder, "other/c.yaml"), MESSY);

    let (code, out, error) = fmt(folder.path(), &["--check"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(error, "Files: 2 already canonical, 1 left alone (JSON).\n");
}

#[test]
fn check_and_diff_write_nothing() {
    let folder = repository(&[("policies/a.yaml", MESSY)]);
    let (code, out, _) = fmt(folder.path(), &["--check"]);
    assert_eq!((code, out.as_str()), (1, "would change policies/a.yaml\n"));
    let (code, out, _) = fmt(folder.path(), &["--diff"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r"
    --- a/policies/a.yaml
    +++ b/policies/a.yaml
    @@ -1,12 +1,12 @@
     # yaml-language-server: $schema=x.json
    +apiVersion: docker.com/governance/v1
     kind: Policy
    -apiVersion: docker.com/governance/v1
     metadata: {name: a}
     spec:
       rules:
    -  - name: r # why
    -    decision: allow
    -    actions: [connect:tcp]
    -    resources:
    -    - b.example.com
    -    - a.example.com
    +    - name: r # why
    +      decision: allow
    +      actions: [connect:tcp]
    +      resources:
    +        - a.example.com
    +        - b.example.com
    ");
    assert_eq!(fmt(folder.path(), &["--check", "--diff"]).0, 1);
    assert_eq!(read(&folder, "policies/a.yaml"), MESSY);
}

/// What is staged counts, or a revision, whatever lies in the work tree; and neither is written.
#[test]
fn what_is_staged_and_revisions_are_checked() {
    let folder = repository(&[("policies/a.yaml", MESSY)]);
    let repository = git2::Repository::init(folder.path()).unwrap();
    let mut index = repository.index().unwrap();
    index
        .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
        .unwrap();
    index.write().unwrap();
    fs::write(folder.path().join("policies/a.yaml"), TIDY).unwrap();
    assert_eq!(fmt(folder.path(), &["--check"]).0, 0);
    let (code, out, _) = fmt(folder.path(), &["--check", "--staged"]);
    assert_eq!((code, out.as_str()), (1, "would change policies/a.yaml\n"));
    assert_eq!(
        fmt(folder.path(), &["--check", "--staged", "policies"]).0,
        1
    );

    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let somebody = git2::Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    repository
        .commit(Some("HEAD"), &somebody, &somebody, "x", &tree, &[])
        .unwrap();
    assert!(
        fmt(folder.path(), &["--diff", "--at", "HEAD"])
            .1
            .contains("+++ b/policies/a.yaml")
    );
    for arguments in [&["--staged"][..], &["--at", "HEAD"]] {
        let (code, _, error) = fmt(folder.path(), arguments);
        assert!(
            code == 1 && error.contains("add --check or --diff"),
            "{error}"
        );
    }
    assert_eq!(read(&folder, "policies/a.yaml"), TIDY);
}

#[test]
fn a_file_that_is_not_yaml_does_not_keep_others_from_being_formatted() {
    let folder = repository(&[("policies/a.yaml", MESSY), ("policies/b.yaml", "kind: [\n")]);
    fs::write(folder.path().join("policies/c.yaml"), b"kind: \xff\n").unwrap();
    let (code, out, error) = fmt(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (3, "formatted policies/a.yaml\n"));
    assert!(
        error.contains("error[yaml-syntax]") && error.contains("policies/b.yaml:"),
        "{error}"
    );
    assert!(
        error.contains("`policies/c.yaml` cannot be used: the file is not UTF-8"),
        "{error}"
    );
    assert_eq!(read(&folder, "policies/a.yaml"), TIDY);
    assert_eq!(read(&folder, "policies/b.yaml"), "kind: [\n");
    assert_eq!(fmt(folder.path(), &["--check"]).0, 3);
}

#[test]
fn paths_need_no_configuration() {
    let folder = repository(&[
        ("a/x.yaml", MESSY),
        ("a/polwarden.yaml", MESSY),
        ("b/x.yml", MESSY),
    ]);
    fs::remove_file(folder.path().join("polwarden.yaml")).unwrap();
    let (code, _, error) = fmt(folder.path(), &[]);
    assert!(
        code == 1 && error.contains("there is no polwarden.yaml"),
        "{error}"
    );
    let absolute = folder.path().canonicalize().unwrap().join("b/x.yml");
    let (code, out, _) = fmt(folder.path(), &["a", absolute.to_str().unwrap()]);
    assert_eq!(
        (code, out.as_str()),
        (
            0,
            "formatted a/polwarden.yaml\nformatted a/x.yaml\nformatted b/x.yml\n"
        )
    );
    for path in ["missing.yaml", "../outside.yaml"] {
        let (code, _, error) = fmt(folder.path(), &[path]);
        assert!(code == 3 && error.contains(path), "{error}");
    }
}

#[test]
fn an_invalid_configuration_is_formatted_and_reported() {
    let folder = repository(&[("policies/a.yaml", MESSY)]);
    fs::write(
        folder.path().join("polwarden.yaml"),
        "kind: Config\napiVersion: polwarden/v1\n",
    )
    .unwrap();
    let (code, out, error) = fmt(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (3, "formatted polwarden.yaml\n"));
    assert!(error.contains("error[missing-field]"), "{error}");
}

#[cfg(unix)]
#[test]
fn modes_and_links_stay_and_nothing_outside_is_touched() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), MESSY).unwrap();
    let folder = repository(&[("kept/a.yaml", MESSY), ("policies/z.yaml", TIDY)]);
    let file = folder.path().join("kept/a.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../kept/a.yaml", folder.path().join("policies/link.yaml")).unwrap();
    symlink(
        outside.path().join("x.yaml"),
        folder.path().join("policies/out.yaml"),
    )
    .unwrap();

    let (code, out, error) = fmt(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (3, "formatted policies/link.yaml\n"));
    assert!(
        error.contains("the symbolic link leads out of the repository"),
        "{error}"
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::symlink_metadata(folder.path().join("policies/link.yaml"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::read_to_string(file).unwrap(), TIDY);
    assert_eq!(
        fs::read_to_string(outside.path().join("x.yaml")).unwrap(),
        MESSY
    );
    assert_eq!(fs::read_dir(folder.path().join("kept")).unwrap().count(), 1);
}

#[test]
fn what_init_writes_is_canonical() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_polwarden"))
        .args(["init", "--provider", "docker", "--organization", "my-org"])
        .args(["--new", "--ci", "none"])
        .arg(folder.path())
        .output()
        .unwrap()
        .status;
    assert!(status.success());
    for path in ["polwarden.yaml", "policies/package-managers.yaml"] {
        let text = read(&folder, path);
        assert_text(&format(&text).unwrap(), &text);
    }
}

fn assert_text(found: &str, expected: &str) {
    assert_eq!(found, expected, "\nfound:\n{found}\nexpected:\n{expected}");
}
