//! What is installed is what the checksum says, or nothing is run.

use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use super::job::{Ended, Job};
use super::service::Service;
use super::{has_tools, program, project};
use crate::skip;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// An archive of a release, and its checksum.
fn archive(folder: &Path, text: &str) -> (Vec<u8>, String) {
    program(&folder.join("stage/polwarden"), text);
    let file = folder.join("archive.tar.gz");
    let status = Command::new("tar")
        .arg("-czf")
        .arg(&file)
        .arg("-C")
        .arg(folder.join("stage"))
        .arg("polwarden")
        .status();
    assert!(status.unwrap().success());
    let bytes = std::fs::read(file).unwrap();
    let digest = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    (bytes, digest)
}

struct World {
    folder: tempfile::TempDir,
    github: Service,
}

impl World {
    /// A release with an archive, and the checksum that its list holds.
    fn new(archive: &[u8], listed: &str) -> Self {
        let github = Service::start();
        let release = "/example/polwarden/releases/download/v0.1.0";
        github.file(&format!("{release}/polwarden-{TARGET}.tar.gz"), archive);
        let sums = format!(
            "{listed}  polwarden-{TARGET}.tar.gz\n{}  polwarden-other.tar.gz\n",
            "0".repeat(64)
        );
        github.file(&format!("{release}/SHA256SUMS"), sums);
        Self {
            folder: tempfile::tempdir().unwrap(),
            github,
        }
    }

    fn install(&self, proof: i32, inputs: &[(&str, &str)]) -> Ended {
        let mut job = Job::new(self.folder.path(), &[("command", "drift")]);
        for (name, value) in inputs {
            job.input(name, value);
        }
        job.set("GITHUB_SERVER_URL", &self.github.url);
        job.set("POLWARDEN_TARGET", TARGET);
        let gh = format!("#!/bin/sh\necho \"gh $*\"\nexit {proof}\n");
        program(&self.folder.path().join("bin/gh"), &gh);
        job.set(
            "PATH",
            &format!(
                "{}:{}",
                self.folder.path().join("bin").display(),
                std::env::var("PATH").unwrap()
            ),
        );
        job.run()
    }
}

const GOOD: &str = "#!/bin/sh\necho 'polwarden 0.1.0'\n";
const OLDER: &str = "#!/bin/sh\necho 'polwarden 0.0.9'\n";
const EVIL: &str = "#!/bin/sh\necho 'evil runs'\n";

#[test]
fn a_release_is_installed_by_checksum_and_provenance() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bytes, digest) = archive(folder.path(), GOOD);
    let world = World::new(&bytes, &digest);
    // The version is that of the action itself, which Cargo.toml tells.
    let ended = world.install(0, &[]);
    assert!(
        !ended.failed && ended.log.contains("polwarden 0.1.0"),
        "{}",
        ended.log
    );
    assert!(
        ended.log.contains("gh attestation verify")
            && ended.log.contains("--repo example/polwarden")
            && ended.log.contains(
                "/example/polwarden/.github/workflows/release.yml@refs/tags/v0.1.0 --source-ref refs/tags/v0.1.0"
            ),
        "{}",
        ended.log
    );
    let ended = world.install(1, &[("version", "v0.1.0")]);
    assert!(
        ended.failed && ended.log.contains("provenance") && !ended.log.contains("polwarden 0.1.0"),
        "{}",
        ended.log
    );
    assert!(!world.install(1, &[("provenance", "false")]).failed);
    // A checksum that the workflow holds needs no other proof.
    assert!(!world.install(1, &[("sha256", &digest)]).failed);
    for (input, value) in [
        ("version", "../../x"),
        ("version", "v9.9.9"),
        ("repository", "a/b/../../evil"),
        ("binary", "/absent"),
    ] {
        assert!(world.install(0, &[(input, value)]).failed, "{value}");
    }
}

#[test]
fn an_archive_with_another_version_is_not_installed() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bytes, digest) = archive(folder.path(), OLDER);
    let world = World::new(&bytes, &digest);
    for pinned in ["", digest.as_str()] {
        let ended = world.install(0, &[("version", "v0.1.0"), ("sha256", pinned)]);
        assert!(
            ended.failed && ended.log.contains("expected `polwarden 0.1.0`"),
            "{}",
            ended.log
        );
    }
}

#[test]
fn what_has_another_checksum_is_not_run() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, good) = archive(folder.path(), GOOD);
    let (evil, digest) = archive(folder.path(), EVIL);
    for (listed, inputs) in [
        (good.as_str(), vec![]),
        // The list was exchanged too: what the workflow pins counts.
        (digest.as_str(), vec![("sha256", good.as_str())]),
        ("", vec![]),
    ] {
        let ended = World::new(&evil, listed).install(0, &inputs);
        assert!(
            ended.failed && ended.log.contains("nothing is run"),
            "{}",
            ended.log
        );
        assert!(!ended.log.contains("evil runs"), "{}", ended.log);
    }
}

#[test]
fn the_plain_script_holds_to_its_checksum_too() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bytes, digest) = archive(folder.path(), GOOD);
    let world = World::new(&bytes, "");
    let install = |digest: &str| {
        let mut command = Command::new("sh");
        command
            .arg(project("examples/ci/shell/install.sh"))
            .current_dir(folder.path())
            .stdin(Stdio::null());
        command.env(
            "POLWARDEN_RELEASES",
            format!("{}/example/polwarden/releases/download", world.github.url),
        );
        command
            .env("POLWARDEN_VERSION", "v0.1.0")
            .env("POLWARDEN_TARGET", TARGET)
            .env("POLWARDEN_SHA256", digest);
        command.output().unwrap()
    };
    let output = install(&digest);
    let path = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = Command::new(path.trim()).output().unwrap().stdout;
    assert_eq!(String::from_utf8(said).unwrap(), "polwarden 0.1.0\n");
    let output = install(&"0".repeat(64));
    assert!(!output.status.success() && output.stdout.is_empty());
}

#[test]
fn checksums_of_a_release_are_those_of_its_files() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("release")).unwrap();
    let run = || {
        let mut command = Command::new("bash");
        command
            .arg(project(".github/scripts/checksums.sh"))
            .current_dir(folder.path());
        command
            .env("FOLDER", "release")
            .env("RUNNER_TEMP", folder.path())
            .output()
            .unwrap()
    };
    assert!(!run().status.success(), "a release without files");
    std::fs::write(folder.path().join("release/a.tar.gz"), "a").unwrap();
    for _ in 0..2 {
        assert!(run().status.success());
        let sums = std::fs::read_to_string(folder.path().join("release/SHA256SUMS")).unwrap();
        assert_eq!(
            sums,
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.tar.gz\n"
        );
    }
}

#[test]
fn a_release_is_published_only_if_the_release_workflow_built_all_of_it() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("release");
    std::fs::create_dir(&release).unwrap();
    for name in ["SHA256SUMS", "a.tar.gz", "b.tar.gz"] {
        std::fs::write(release.join(name), name).unwrap();
    }
    let log = folder.path().join("log");
    let gh = "#!/bin/sh\necho \"$*\" >>\"$LOG\"\ncase \"$3\" in *$BAD) exit 1 ;; esac\n";
    program(&folder.path().join("bin/gh"), gh);
    let verify = |bad: &str| {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command
            .arg(project(".github/scripts/verify.sh"))
            .current_dir(folder.path())
            .env(
                "PATH",
                format!("{}:{path}", folder.path().join("bin").display()),
            )
            .env("LOG", &log)
            .env("BAD", bad)
            .env("FOLDER", "release")
            .env("TAG", "v0.1.0")
            .env("GITHUB_REPOSITORY", "example/polwarden")
            .env("GITHUB_SERVER_URL", "https://github.com");
        command.status().unwrap().success()
    };
    assert!(verify("none"));
    let asked = std::fs::read_to_string(&log).unwrap();
    let files: Vec<&str> = asked
        .lines()
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    assert_eq!(files, ["release/a.tar.gz", "release/b.tar.gz"]);
    let identity =
        "https://github.com/example/polwarden/.github/workflows/release.yml@refs/tags/v0.1.0";
    assert!(
        asked.lines().all(|line| line.ends_with(identity)),
        "{asked}"
    );
    assert!(!verify("a.tar.gz"));
    assert!(!verify("b.tar.gz"));
}

#[test]
fn the_homebrew_formula_contains_the_checksums_of_the_release() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let targets = [
        "aarch64-apple-darwin",
        "x86_64-apple-darwin",
        "aarch64-unknown-linux-musl",
        "x86_64-unknown-linux-musl",
    ];
    let sum = |position: usize| position.to_string().repeat(64);
    let sums: Vec<String> = targets
        .iter()
        .enumerate()
        .map(|(position, target)| format!("{}  polwarden-{target}.tar.gz\n", sum(position)))
        .collect();
    let write = |sums: &[String]| {
        std::fs::write(folder.path().join("SHA256SUMS"), sums.concat()).unwrap();
        let mut command = Command::new("bash");
        command
            .arg(project(".github/scripts/formula.sh"))
            .env("FOLDER", folder.path())
            .env("TAG", "v1.2.3")
            .env("GITHUB_REPOSITORY", "example/polwarden");
        command.output().unwrap().status.success()
    };
    assert!(write(&sums));
    let path = folder.path().join("polwarden.rb");
    let formula = std::fs::read_to_string(&path).unwrap();
    assert!(
        formula.starts_with("class Polwarden < Formula\n"),
        "{formula}"
    );
    assert!(formula.contains("  version \"1.2.3\"\n"), "{formula}");
    assert!(!formula.contains('@'), "{formula}");
    for (position, target) in targets.iter().enumerate() {
        let lines = format!(
            "url \"https://github.com/example/polwarden/releases/download/v1.2.3/polwarden-{target}.tar.gz\"\n      \
             sha256 \"{}\"\n",
            sum(position)
        );
        assert!(formula.contains(&lines), "{target}: {formula}");
    }
    if skip::has("ruby") {
        let checked = Command::new("ruby").arg("-c").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
    assert!(!write(&sums[1..]), "a checksum is missing");
}
