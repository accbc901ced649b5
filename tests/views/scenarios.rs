//! Changes as they happen: what was applied before, and what the work tree proposes now. All of them
//! are planned by the program against an emulated service.

use std::path::Path;

use emulator::{DockerOptions, DockerOrganizationSeed};
use git2::{Repository, RepositoryInitOptions, Signature};

use crate::cli::sandbox::{Ran, Sandbox, policy, target, tcp};

const APPLY: &[&str] = &["apply", "--auto-approve"];

/// The uuids of the teams, with their names.
const TEAMS: &str = "teams:\n  platform: d290f1ee-6c54-4b01-90e6-d701748f0851\n  data: \
                     d290f1ee-6c54-4b01-90e6-d701748f0852\n  research: \
                     d290f1ee-6c54-4b01-90e6-d701748f0853\n";

/// A change and the command that plans it.
pub(super) struct Scenario {
    pub(super) sandbox: Sandbox,
    pub(super) plan: &'static [&'static str],
}

impl Scenario {
    fn of(sandbox: Sandbox) -> Self {
        Self {
            sandbox,
            plan: &["plan"],
        }
    }

    fn since_main(sandbox: Sandbox) -> Self {
        Self {
            sandbox,
            plan: &["plan", "--base", "main"],
        }
    }

    /// The plan in a format, as text.
    pub(super) fn format(&self, format: &str) -> String {
        let arguments = [self.plan, &["--format", format]].concat();
        self.sandbox.expect(0, &arguments).out
    }

    /// The plan in a terminal of this width.
    pub(super) fn at(&self, columns: usize) -> String {
        at(&self.sandbox, columns, self.plan).out
    }
}

/// Runs a command for a terminal of this width.
pub(super) fn at(sandbox: &Sandbox, columns: usize, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("COLUMNS", columns.to_string());
    Ran::of(command.output().unwrap())
}

/// A sandbox in which every provider is embedded.
fn embedded(targets: &str) -> Sandbox {
    let mut sandbox = Sandbox::empty();
    for provider in ["DOCKER", "PULUMI", "CHAINLOOP"] {
        sandbox.set(&format!("POLWARDEN_{provider}_ENDPOINT"), "embedded");
    }
    if !targets.is_empty() {
        let head = "apiVersion: polwarden/v1\nkind: Config\ntargets:\n";
        sandbox.write("polwarden.yaml", format!("{head}{targets}"));
    }
    sandbox
}

fn one_target() -> Sandbox {
    embedded(&target("production", "acme", "policies", TEAMS))
}

fn write(sandbox: &Sandbox, file: &str, name: &str, spec: &str) {
    sandbox.write(&format!("policies/{file}.yaml"), policy(name, spec));
}

fn remove(sandbox: &Sandbox, file: &str) {
    std::fs::remove_file(sandbox.path(&format!("policies/{file}.yaml"))).unwrap();
}

/// Begins a repository on `main`.
pub(super) fn repository(sandbox: &Sandbox) -> Repository {
    let mut options = RepositoryInitOptions::new();
    Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap()
}

/// Commits the manifests on top of what is checked out.
pub(super) fn commit(repository: &Repository) -> git2::Oid {
    let mut index = repository.index().unwrap();
    let all = git2::IndexAddOption::DEFAULT;
    index
        .add_all(["polwarden.yaml", "policies"], all, None)
        .unwrap();
    index
        .update_all(["polwarden.yaml", "policies"], None)
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let time = git2::Time::new(1_772_323_200, 0);
    let author = Signature::new("Ann", "ann@example.com", &time).unwrap();
    let head = repository.head().ok();
    let parent = head.map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &author, &author, "x", &tree, &parents)
        .unwrap()
}

/// Begins a branch at what is checked out.
pub(super) fn branch(repository: &Repository, name: &str) {
    let here = repository.head().unwrap().peel_to_commit().unwrap();
    repository.branch(name, &here, true).unwrap();
    repository.set_head(&format!("refs/heads/{name}")).unwrap();
}

/// The example of a change: a scope widens, a host is opened, another one is closed, and a deny rule
/// loses a host.
pub(super) fn three_changes() -> Scenario {
    let (sandbox, _) = three_changes_with_repository();
    Scenario::since_main(sandbox)
}

pub(super) fn three_changes_with_repository() -> (Sandbox, Repository) {
    let sandbox = one_target();
    let git = "\"git.corp.example.com:22\", \"git.corp.example.com:443\"";
    let git = format!("rules:\n{}", tcp("allow git.corp", "allow", git));
    let models = tcp(
        "allow the model gateway",
        "allow",
        "\"**.models.example.com:443\"",
    );
    let data = tcp("allow data sets", "allow", "\"datasets.example.com:443\"");
    let research = "scope: {teams: [research]}\nrules:\n";
    let paste = |hosts: &str| format!("rules:\n{}", tcp("deny paste", "deny", hosts));
    let scoped = format!("scope: {{teams: [platform, data]}}\n{git}");
    write(&sandbox, "gitlab", "GitLab (self-hosted)", &scoped);
    let ai = format!("{research}{models}{data}");
    write(&sandbox, "ai", "AI services", &ai);
    let both = paste("paste.example.com, transfer.example.com");
    write(&sandbox, "paste", "Paste sites", &both);
    let repository = repository(&sandbox);
    commit(&repository);
    sandbox.expect(0, APPLY);

    branch(&repository, "telemetry");
    write(&sandbox, "gitlab", "GitLab (self-hosted)", &git);
    write(
        &sandbox,
        "ai",
        "AI services",
        &format!("{research}{models}"),
    );
    write(
        &sandbox,
        "paste",
        "Paste sites",
        &paste("paste.example.com"),
    );
    let telemetry = tcp(
        "allow telemetry",
        "allow",
        "\"**.telemetry.example.com:443\"",
    );
    write(
        &sandbox,
        "telemetry",
        "Telemetry",
        &format!("rules:\n{telemetry}"),
    );
    commit(&repository);
    (sandbox, repository)
}

fn host(number: usize) -> String {
    format!("mirror{number:03}.packages.example.com")
}

/// 300 hosts are opened by one rule.
pub(super) fn three_hundred_hosts() -> Scenario {
    let sandbox = one_target();
    let rule = |count: usize| {
        let hosts: Vec<String> = (1..=count).map(host).collect();
        format!(
            "rules:\n{}",
            tcp("allow mirrors", "allow", &hosts.join(", "))
        )
    };
    write(&sandbox, "mirrors", "Package mirrors", &rule(1));
    sandbox.expect(0, APPLY);
    write(&sandbox, "mirrors", "Package mirrors", &rule(301));
    Scenario::of(sandbox)
}

/// 300 hosts are opened by as many rules.
pub(super) fn three_hundred_rules() -> Scenario {
    let sandbox = one_target();
    write(&sandbox, "first", "First", "rules: []\n");
    sandbox.expect(0, APPLY);
    for team in 0..30 {
        let rules = (1..=10).map(|number| host(team * 10 + number));
        let rules: String = rules
            .map(|host| tcp(&format!("allow {host}"), "allow", &host))
            .collect();
        let name = format!("Mirrors of team {team:02}");
        write(
            &sandbox,
            &format!("team{team:02}"),
            &name,
            &format!("rules:\n{rules}"),
        );
    }
    Scenario::of(sandbox)
}

/// A policy for two teams is to apply to everyone.
pub(super) fn widened_scope() -> Scenario {
    let sandbox = one_target();
    let rules = tcp("allow git.corp", "allow", "\"git.corp.example.com:443\"");
    let scope = "scope: {teams: [platform, data]}\n";
    write(
        &sandbox,
        "gitlab",
        "GitLab",
        &format!("{scope}rules:\n{rules}"),
    );
    sandbox.expect(0, APPLY);
    write(&sandbox, "gitlab", "GitLab", &format!("rules:\n{rules}"));
    Scenario::of(sandbox)
}

/// One manifest is deleted, and the policy of another one gets a new name.
pub(super) fn removed_and_renamed() -> Scenario {
    let sandbox = one_target();
    let deny = |host: &str| format!("rules:\n{}", tcp("deny", "deny", host));
    write(
        &sandbox,
        "metadata",
        "Metadata service",
        &deny("169.254.169.254"),
    );
    write(&sandbox, "paste", "Paste sites", &deny("paste.example.com"));
    let repository = repository(&sandbox);
    commit(&repository);
    sandbox.expect(0, APPLY);
    branch(&repository, "tidy");
    remove(&sandbox, "metadata");
    write(
        &sandbox,
        "paste",
        "Upload sites",
        &deny("paste.example.com"),
    );
    commit(&repository);
    Scenario::since_main(sandbox)
}

/// Three organizations: one opens access, one requires an acknowledgement, one does not change.
pub(super) fn several_targets() -> Scenario {
    let targets = target("production", "acme", "policies/production", "")
        + &target("staging", "acme-staging", "policies/staging", "")
        + &target("sandbox", "acme-sandbox", "policies/sandbox", "");
    let sandbox = embedded(&targets);
    let rules = |names: &[&str]| {
        let rules = names.iter();
        let rules = rules.map(|name| tcp(name, "allow", &format!("{name}.example.com")));
        format!("rules:\n{}", rules.collect::<String>())
    };
    let deny = tcp("deny paste", "deny", "paste.example.com");
    write(&sandbox, "production/web", "Web", &rules(&["www"]));
    let both = format!("{}{deny}", rules(&["www"]));
    write(&sandbox, "staging/web", "Web", &both);
    write(&sandbox, "sandbox/web", "Web", &rules(&["www"]));
    sandbox.expect(0, APPLY);
    write(&sandbox, "production/web", "Web", &rules(&["www", "api"]));
    write(&sandbox, "staging/web", "Web", &rules(&["www"]));
    Scenario::of(sandbox)
}

/// What is applied is what the manifests say.
pub(super) fn no_changes() -> Scenario {
    let scenario = widened_scope();
    let acknowledged = ["apply", "--auto-approve", "--ack", "scope-widens=1"];
    scenario.sandbox.expect(0, &acknowledged);
    scenario
}

/// A saved example of the repository, planned against an empty organization.
pub(super) fn example(name: &str) -> Scenario {
    let sandbox = embedded("");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    copy(&root.join(name), &sandbox, "");
    Scenario::of(sandbox)
}

/// The quick start, planned against a service that knows the organization and no policies.
pub(super) fn quick_start_at_an_empty_organization() -> Scenario {
    let organization = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams: Vec::new(),
        policies: Vec::new(),
    };
    let scenario = example("quickstart");
    let sandbox = scenario.sandbox.serve(DockerOptions {
        organizations: vec![organization],
        ..DockerOptions::default()
    });
    Scenario::of(sandbox)
}

fn copy(from: &Path, sandbox: &Sandbox, below: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let to = format!("{below}{name}");
        if !entry.path().is_dir() {
            sandbox.write(&to, std::fs::read(entry.path()).unwrap());
        } else if name != ".polwarden" {
            copy(&entry.path(), sandbox, &format!("{to}/"));
        }
    }
}
