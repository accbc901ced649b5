//! The client against the emulator's faults: reads are repeated and never taken for empty, writes are sent once.

use std::time::Duration;

use emulator::{
    DockerOptions, DockerOrganizationSeed, PolicySeed, RuleSeed, RunningEmulator, TeamSeed,
};
use http::{ApiError, ErrorKind, FailedCallOutcome, HttpClient, HttpOptions};
use model::Name;
use model::docker::{
    Decision, NewPolicy, PolicyId, PolicyPatch, Profile, Resources, Rule, RuleAccess, RuleId,
    RulePatch, Scope,
};
use polwarden::service::docker::client::{DockerConnection, DockerReader, DockerWriter};
use serde_json::{Map, Value, json};

use super::{acme, quick, sign_in};
use crate::emulator::faults::faults;

/// A service with two policies of a rule each, and what faults did to requests.
struct Service {
    _running: RunningEmulator,
    folder: tempfile::TempDir,
    connection: DockerConnection,
    profile: Profile,
}

fn seeded() -> DockerOrganizationSeed {
    let policies = [1, 2].map(|number| {
        let other = Map::from_iter([
            ("resources".to_owned(), json!(["a.example.com"])),
            ("decision".to_owned(), json!("allow")),
        ]);
        let id = Some(format!("rule_{number}"));
        let rule = RuleSeed {
            id,
            name: "r".to_owned(),
            actions: vec!["connect:tcp".to_owned()],
            other,
        };
        let id = Some(format!("pol_{number}"));
        let name = format!("p{number}");
        PolicySeed {
            id,
            name,
            rules: vec![rule],
            ..PolicySeed::default()
        }
    });
    let teams = vec![TeamSeed {
        uuid: "t".to_owned(),
        name: "team".to_owned(),
    }];
    DockerOrganizationSeed {
        name: "acme".to_owned(),
        teams,
        policies: policies.to_vec(),
    }
}

impl Service {
    async fn new(profile: Profile, specs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = emulator::start(DockerOptions {
            profile: match profile {
                Profile::Seed => emulator::EmulatorProfile::Seed,
                Profile::Intermediate => emulator::EmulatorProfile::Intermediate,
                Profile::Current => emulator::EmulatorProfile::Current,
            },
            organizations: vec![seeded()],
            request_log: Some(folder.path().join("log")),
            faults: faults(specs),
            ..DockerOptions::default()
        });
        let running = running.await.unwrap();
        // A second is enough to call it silence; where nothing hangs, a busy machine may take longer.
        let hangs = specs.iter().any(|spec| spec.contains("hang"));
        let patience = Duration::from_secs(if hangs { 1 } else { 30 });
        let options = HttpOptions {
            request_timeout: patience,
            ..quick()
        };
        let endpoint = running.url().parse().unwrap();
        let connection =
            DockerConnection::new(&HttpClient::new(options), &endpoint, sign_in()).unwrap();
        Self {
            _running: running,
            folder,
            connection,
            profile,
        }
    }

    fn reader(&self) -> DockerReader {
        DockerReader::new(&self.connection, &acme(), self.profile)
    }

    fn writer(&self) -> DockerWriter {
        DockerWriter::new(&self.connection, &acme(), self.profile)
    }

    /// The requests of an operation, in the order of their answers.
    fn requests(&self, operation: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["operation"] == operation)
            .collect()
    }
}

/// What passes: a fault that a second attempt does not meet.
const PASSING: [&str; 7] = [
    "before-500",
    "after-502",
    "after-504",
    "before-reset",
    "after-reset",
    "truncated",
    "before-429",
];
/// The same, but one has to wait for it.
const SLOW: [&str; 2] = ["before-503=1s", "after-hang"];

#[tokio::test]
async fn a_read_is_repeated_and_gives_the_whole() {
    for profile in Profile::ALL {
        let untroubled = Service::new(*profile, &[])
            .await
            .reader()
            .live_state()
            .await
            .unwrap();
        assert_eq!(untroubled.policies.len(), 2);
        let slow: &[&str] = if *profile == Profile::Current {
            &SLOW
        } else {
            &[]
        };
        for kind in PASSING.iter().chain(slow) {
            let specs = ["signIn", "listPolicies", "getPolicy", "listGroups"]
                .map(|name| format!("{kind}@{name}:1"));
            let service = Service::new(*profile, &specs.each_ref().map(String::as_str)).await;
            let live = service.reader().live_state().await;
            let same = live.unwrap_or_else(|error| panic!("{profile} {kind}: {error}"));
            let names = |state: &model::docker::DockerLiveState| {
                state
                    .policies
                    .iter()
                    .map(|policy| policy.id.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&same), names(&untroubled), "{profile} {kind}");
            assert_eq!(
                service.reader().teams().await.unwrap().len(),
                1,
                "{profile} {kind}"
            );
            for (operation, count) in [("listPolicies", 2), ("getPolicy", 3), ("listGroups", 2)] {
                assert_eq!(
                    service.requests(operation).len(),
                    count,
                    "{profile} {kind} {operation}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_failed_read_is_never_empty() {
    let lasting = [
        "before-undecodable",
        "before-401",
        "before-403",
        "before-404",
    ];
    for profile in Profile::ALL {
        for kind in PASSING.iter().chain(&lasting) {
            for operation in ["signIn", "listPolicies", "getPolicy"] {
                let service = Service::new(*profile, &[&format!("{kind}@{operation}")]).await;
                let error = service
                    .reader()
                    .live_state()
                    .await
                    .expect_err(&format!("{profile} {kind} {operation}"));
                assert_eq!(
                    error.outcome(),
                    FailedCallOutcome::NotApplied,
                    "{profile} {kind} {operation}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_policy_that_goes_while_it_is_read_is_gone_and_the_others_are_not() {
    for profile in Profile::ALL {
        let service = Service::new(*profile, &["delete-policy=p1@getPolicy:1"]).await;
        let live = service.reader().live_state().await.unwrap();
        assert_eq!(
            live.policies
                .iter()
                .map(|policy| policy.id.as_str())
                .collect::<Vec<_>>(),
            ["pol_2"],
            "{profile}"
        );
    }
}

#[tokio::test]
async fn a_read_that_is_never_answered_fails() {
    let service = Service::new(Profile::Current, &["before-hang@listPolicies"]).await;
    let error = service.reader().live_state().await.unwrap_err();
    assert_eq!(
        (error.kind(), service.requests("listPolicies").len()),
        (&ErrorKind::TimedOut, 3)
    );
}

fn rule(name: &str) -> Rule {
    let access = RuleAccess::new(
        ["connect:tcp".parse().unwrap()],
        Resources::Plain(vec!["b.example.com".to_owned()]),
    );
    Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        decision: Decision::Deny,
        access: access.unwrap(),
    }
}

/// Makes one of the six writes.
async fn write(service: &Service, operation: &str) -> Result<(), ApiError> {
    let writer = service.writer();
    let policy = PolicyId::new("pol_1");
    let id = RuleId::new("rule_1");
    let name = Name::new("new").unwrap();
    match operation {
        "createPolicy" => writer
            .create_policy(&NewPolicy {
                extensions: model::docker::Extensions::default(),
                name,
                scope: Scope::default(),
                cedar: None,
            })
            .await
            .map(drop),
        "updatePolicy" => {
            let patch = PolicyPatch {
                name: Some(name),
                ..PolicyPatch::default()
            };
            writer.update_policy(&policy, &patch).await.map(drop)
        }
        "deletePolicy" => writer.delete_policy(&policy).await.map(drop),
        "createRule" => writer.create_rule(&policy, &rule("new")).await.map(drop),
        "updateRule" => {
            let patch = RulePatch {
                decision: Some(Decision::Deny),
                ..RulePatch::default()
            };
            writer.update_rule(&policy, &id, &patch).await.map(drop)
        }
        "deleteRule" => writer.delete_rule(&policy, &id).await.map(drop),
        other => panic!("{other}"),
    }
}

const WRITES: [&str; 6] = [
    "createPolicy",
    "updatePolicy",
    "deletePolicy",
    "createRule",
    "updateRule",
    "deleteRule",
];

/// The writes that a profile has.
fn writes(profile: Profile) -> impl Iterator<Item = &'static str> {
    let lacking = ["updatePolicy", "deletePolicy"];
    WRITES
        .into_iter()
        .filter(move |name| profile != Profile::Seed || !lacking.contains(name))
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_sent_once_and_called_unknown() {
    for profile in Profile::ALL {
        for operation in writes(*profile) {
            for (kind, done) in [
                ("before-500", false),
                ("after-500", true),
                ("before-408", false),
                ("after-503=1s", true),
                ("before-reset", false),
                ("after-reset", true),
                ("before-undecodable", false),
                ("after-undecodable", true),
                ("truncated", true),
            ] {
                let service = Service::new(*profile, &[&format!("{kind}@{operation}:1")]).await;
                let error = write(&service, operation).await.expect_err(kind);
                assert_eq!(
                    error.outcome(),
                    FailedCallOutcome::Unknown,
                    "{profile} {operation} {kind}: {error}"
                );
                let requests = service.requests(operation);
                assert_eq!(
                    requests.len(),
                    1,
                    "{profile} {operation} {kind}: no blind retry"
                );
                assert_eq!(
                    !requests[0]["served"].is_null(),
                    done,
                    "{profile} {operation} {kind}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_is_never_answered_is_unknown() {
    for (kind, done) in [("before-hang", false), ("after-hang", true)] {
        let service = Service::new(Profile::Current, &[&format!("{kind}@createRule:1")]).await;
        let error = write(&service, "createRule").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (&ErrorKind::TimedOut, FailedCallOutcome::Unknown)
        );
        let requests = service.requests("createRule");
        assert_eq!(
            (requests.len(), requests[0]["served"].is_null()),
            (1, !done),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_write_that_was_surely_refused_is_told_so_or_sent_again() {
    for operation in WRITES {
        for kind in ["before-400", "before-403", "before-404", "before-409"] {
            let service = Service::new(Profile::Current, &[&format!("{kind}@{operation}:1")]).await;
            let error = write(&service, operation).await.unwrap_err();
            assert_eq!(
                error.outcome(),
                FailedCallOutcome::NotApplied,
                "{operation} {kind}: {error}"
            );
            assert_eq!(service.requests(operation).len(), 1, "{operation} {kind}");
        }
        for kind in ["before-429", "before-401", "revoke-tokens"] {
            let service = Service::new(Profile::Current, &[&format!("{kind}@{operation}:1")]).await;
            write(&service, operation)
                .await
                .unwrap_or_else(|error| panic!("{operation} {kind}: {error}"));
            assert_eq!(service.requests(operation).len(), 2, "{operation} {kind}");
            let sign_ins = service.requests("signIn").len();
            assert_eq!(
                sign_ins,
                if kind == "before-429" { 1 } else { 2 },
                "{operation} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn many_requests_share_the_new_sign_in_after_a_revocation() {
    let service = Service::new(Profile::Current, &["revoke-tokens@getPolicy:1"]).await;
    assert_eq!(
        service.reader().live_state().await.unwrap().policies.len(),
        2
    );
    assert_eq!(service.requests("signIn").len(), 2);
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_is_kept() {
    let service = Service::new(Profile::Current, &["before-429=1s@createRule:1"]).await;
    let started = std::time::Instant::now();
    write(&service, "createRule").await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(service.requests("createRule").len(), 2);
}
