//! Packages are installed from the built files, without a network.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{has_tools, program, project};
use crate::skip;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// Answers like a program, and forwards its arguments and exit code.
const PROGRAM: &str = "#!/bin/sh\necho \"the program: $*\"\nexit 5\n";

fn has_packagers() -> bool {
    has_tools()
        && ["dpkg-deb", "npm", "node", "python3"]
            .into_iter()
            .all(skip::has)
}

/// A copy of what the script needs, with an archive. Returns the folder with the packages.
fn packages(folder: &Path) -> PathBuf {
    let root = folder.join("project");
    std::fs::create_dir_all(root.join(".github")).unwrap();
    std::fs::create_dir_all(root.join("dist")).unwrap();
    for part in [
        ".github/scripts",
        "packaging",
        "Cargo.toml",
        "LICENSE",
        "README.md",
    ] {
        let status = Command::new("cp")
            .arg("-r")
            .args([project(part), root.join(part)])
            .status();
        assert!(status.unwrap().success());
    }
    let stage = folder.join("stage");
    program(&stage.join("polwarden"), PROGRAM);
    for (file, text) in [
        ("man/man1/polwarden.1", ".TH polwarden 1\n"),
        ("completions/polwarden.bash", "# bash\n"),
        ("completions/polwarden.zsh", "# zsh\n"),
        ("completions/polwarden.fish", "# fish\n"),
    ] {
        let path = stage.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let archive = root.join(format!("dist/polwarden-{TARGET}.tar.gz"));
    let status = Command::new("tar")
        .arg("-czf")
        .arg(archive)
        .arg("-C")
        .arg(&stage)
        .args(["polwarden", "man", "completions"])
        .status();
    assert!(status.unwrap().success());
    let built = Command::new(root.join(".github/scripts/packages.sh"))
        .env("TARGET", TARGET)
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    root.join("dist")
}

fn assert_forwards(ran: &Output) {
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(said.trim(), "the program: plan 'a b'", "{ran:?}");
    assert_eq!(ran.status.code(), Some(5));
}

fn forwards(installed: &Path) {
    let ran = Command::new(installed).args(["plan", "'a b'"]).output();
    assert_forwards(&ran.unwrap());
}

#[test]
fn the_debian_package_contains_the_program_its_manual_and_completions() {
    if !has_packagers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let package = packages(folder.path()).join(format!("polwarden_{version}_amd64.deb"));
    let field = |name: &str| {
        let shown = Command::new("dpkg-deb")
            .arg("-f")
            .arg(&package)
            .arg(name)
            .output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        shown.trim().to_owned()
    };
    assert_eq!(field("Package"), "polwarden");
    assert_eq!(field("Version"), version);
    assert_eq!(field("Architecture"), "amd64");
    let root = folder.path().join("root");
    let unpacked = Command::new("dpkg-deb")
        .arg("-x")
        .arg(&package)
        .arg(&root)
        .status();
    assert!(unpacked.unwrap().success());
    forwards(&root.join("usr/bin/polwarden"));
    for file in [
        "usr/share/man/man1/polwarden.1.gz",
        "usr/share/bash-completion/completions/polwarden",
        "usr/share/zsh/vendor-completions/_polwarden",
        "usr/share/fish/vendor_completions.d/polwarden.fish",
        "usr/share/doc/polwarden/copyright",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
}

#[test]
fn the_wheel_is_installed_by_pip() {
    if !has_packagers() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dist = packages(folder.path());
    let wheel = std::fs::read_dir(dist)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .unwrap();
    let environment = folder.path().join("venv");
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&environment)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    // pip also checks the digests in RECORD.
    let installed = Command::new(environment.join("bin/pip"))
        .args(["install", "--no-index", "--no-deps", "--quiet"])
        .arg(wheel)
        .output()
        .unwrap();
    assert!(installed.status.success(), "{installed:?}");
    forwards(&environment.join("bin/polwarden"));
}

#[test]
fn the_npm_packages_run_the_program_of_the_platform() {
    if !has_packagers() {
        return;
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        skip::needs("Linux on x86-64, the platform of the package");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dist = packages(folder.path());
    let version = env!("CARGO_PKG_VERSION");
    let install = |names: &[&str], into: &str| {
        let into = folder.path().join(into);
        std::fs::create_dir_all(&into).unwrap();
        let files = names
            .iter()
            .map(|name| dist.join(format!("{name}-{version}.tgz")));
        let installed = Command::new("npm")
            .args(["install", "--offline", "--no-audit", "--no-fund"])
            .arg("--ignore-scripts")
            .args(files)
            .current_dir(&into)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(installed.status.success(), "{installed:?}");
        into.join("node_modules/.bin/polwarden")
    };
    forwards(&install(&["polwarden-linux-x64", "polwarden"], "both"));
    // Without the package of the platform, the launcher says what to do.
    let ran = Command::new(install(&["polwarden"], "alone")).output();
    let ran = ran.unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.contains("npm install --include=optional"), "{said}");
}
