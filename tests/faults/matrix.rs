//! Every kind of fault at every call, in three profiles: the desired state is reached, nothing is doubled or lost.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator::{DockerOptions, EmulatorProfile, start};
use http::{HttpClient, HttpOptions, RetryPolicy};
use manifest::config::{Provider, Unmanaged};
use model::Name;
use model::diag::{DocumentId, SourceMap};
use model::docker::{
    DesiredPolicy, DesiredRule, DockerLiveState, LiveContent, PolicyContent, Profile as ApiProfile,
    Resources, Rule, RuleAccess,
};
use polwarden::plan::{SourceRef, TargetInfo, TargetPlan};
use polwarden::run::service::Writes;
use polwarden::run::{CallReport, RunSettings, StopSignal, TargetRun, run};
use polwarden::service::docker::DockerTarget;
use polwarden::service::docker::client::{
    DockerConnection, DockerCredentials, DockerReader, DockerWriter,
};
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_target};

use crate::emulator::faults::faults;
use crate::emulator::organization;
use crate::scenarios::{Silent, journal_in};

/// Kinds of faults whose work may or may not be done; each is put at every write.
const KINDS: &[&str] = &[
    "before-500",
    "after-500",
    "before-503",
    "before-408",
    "after-408",
    "before-reset",
    "after-reset",
    "truncated",
    "before-undecodable",
    "after-undecodable",
    "before-hang",
    "after-hang",
    "before-429",
    "before-429=1s",
    "revoke-tokens",
    "delay=5ms",
    "change-rule",
    "delete-rule",
    "add-rule",
];

fn api(profile: EmulatorProfile) -> ApiProfile {
    profile.as_str().parse().unwrap()
}

fn rule(name: &str, decision: &str, host: &str) -> DesiredRule {
    let access = RuleAccess::new(
        ["connect:tcp".parse().unwrap()],
        Resources::Plain(vec![host.to_owned()]),
    )
    .unwrap();
    let decision = serde_json::from_value(decision.into()).unwrap();
    DesiredRule {
        rule: Rule {
            extensions: model::docker::Extensions::default(),
            name: Name::new(name).unwrap(),
            decision,
            access,
        },
        aliases: Vec::new(),
        index: 0,
    }
}

fn policy(name: &str, rules: Vec<DesiredRule>) -> DesiredPolicy {
    let document = DocumentId {
        file: SourceMap::default().add("p.yaml", ""),
        index: 0,
    };
    DesiredPolicy {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        aliases: Vec::new(),
        protect: false,
        scope: model::docker::Scope::default(),
        content: PolicyContent::Rules(rules),
        document,
    }
}

fn first() -> Vec<DesiredPolicy> {
    let a = ["one", "two", "three"].map(|name| rule(name, "allow", &format!("{name}.example.com")));
    let one =
        |name: &str, of: &str| policy(name, vec![rule(of, "allow", &format!("{of}.example.com"))]);
    vec![policy("a", a.to_vec()), one("b", "four"), one("d", "nine")]
}

/// An update and a deletion in one policy that exists, a creation in another (in one policy, a rule that goes and one
/// that comes would be one patch), and a new policy; where policies can be deleted, one goes.
fn second(profile: EmulatorProfile) -> Vec<DesiredPolicy> {
    let a = vec![
        rule("one", "deny", "one.example.com"),
        rule("two", "allow", "two.example.com"),
    ];
    let b = vec![
        rule("four", "allow", "four.example.com"),
        rule("five", "allow", "five.example.com"),
    ];
    let mut wanted = vec![
        policy("a", a),
        policy("b", b),
        policy("c", vec![rule("six", "allow", "six.example.com")]),
    ];
    if profile == EmulatorProfile::Seed {
        wanted.extend(
            first()
                .into_iter()
                .filter(|policy| policy.name.as_str() == "d"),
        );
    }
    wanted
}

/// An organization, and a client that is quick to give up.
struct Site {
    reader: DockerReader,
    writer: DockerWriter,
    info: TargetInfo,
    folder: tempfile::TempDir,
    _running: emulator::RunningEmulator,
}

impl Site {
    async fn new(profile: EmulatorProfile, specs: &[&str]) -> Self {
        let organizations = vec![organization("my-org")];
        let running = start(DockerOptions {
            profile,
            organizations,
            faults: faults(specs),
            ..DockerOptions::default()
        })
        .await
        .unwrap();
        let retry = RetryPolicy {
            faults: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
            ..RetryPolicy::default()
        };
        let options = HttpOptions {
            retry,
            request_timeout: Duration::from_secs(2),
            ..HttpOptions::default()
        };
        let credentials = DockerCredentials::SignIn {
            identifier: "me".to_owned(),
            secret: "s".into(),
        };
        let url = running.url();
        let connection = DockerConnection::new(
            &HttpClient::new(options),
            &url.parse().unwrap(),
            credentials,
        )
        .unwrap();
        let organization = "my-org".parse().unwrap();
        let info = TargetInfo {
            name: "t".to_owned(),
            provider: Provider::Docker,
            organization: "my-org".to_owned(),
            profile: Some(api(profile)),
            endpoint: url,
        };
        let reader = DockerReader::new(&connection, &organization, api(profile));
        let writer = DockerWriter::new(&connection, &organization, api(profile));
        Self {
            reader,
            writer,
            info,
            folder: tempfile::tempdir().unwrap(),
            _running: running,
        }
    }

    async fn plan(&self, desired: &[DesiredPolicy]) -> (TargetPlan, DockerLiveState) {
        let live = self.reader.live_state().await.unwrap();
        let plan = plan_target(&PolicyPlanRequest {
            target: self.info.clone(),
            desired,
            live: &live,
            unmanaged: Unmanaged::Prune.into(),
            teams: &BTreeMap::new(),
            locate: &|_| SourceRef {
                file: "p.yaml".to_owned(),
                line: 1,
            },
        });
        (plan, live)
    }

    /// The organization with what was read of it.
    fn service(&self, live: DockerLiveState) -> impl Writes + use<> {
        DockerTarget::new(self.info.clone(), BTreeMap::new(), self.reader.clone())
            .with_live(live)
            .with_writer(self.writer.clone())
    }

    async fn apply(&self, desired: &[DesiredPolicy], fresh: Duration) -> CallReport {
        let (plan, live) = self.plan(desired).await;
        let journal = journal_in(self.folder.path(), &[&self.info]).await;
        let settings = RunSettings {
            at_once: 1,
            first_wait: Duration::from_millis(1),
            fresh,
            ..RunSettings::default()
        };
        let stop = StopSignal::default();
        let mut service = self.service(live);
        let report = run(TargetRun {
            plan: &plan,
            service: &mut service,
            sources: &[],
            commit: None,
            journal: &journal,
            stop: &stop,
            progress: &Silent,
            settings,
        });
        report.await.unwrap()
    }

    /// Every live policy with its rules, by names; repeated ones would show.
    async fn names(&self) -> Vec<(String, Vec<String>)> {
        let live = self.reader.live_state().await.unwrap();
        let mut found: Vec<(String, Vec<String>)> = live
            .policies
            .into_iter()
            .map(|policy| {
                let LiveContent::Rules(rules) = policy.content else {
                    panic!("not a policy of rules")
                };
                let mut names: Vec<String> = rules.into_iter().map(|rule| rule.name).collect();
                names.sort();
                (policy.name, names)
            })
            .collect();
        found.sort();
        found
    }
}

fn wanted(desired: &[DesiredPolicy]) -> Vec<(String, Vec<String>)> {
    let mut wanted: Vec<(String, Vec<String>)> = desired
        .iter()
        .map(|policy| {
            let PolicyContent::Rules(rules) = &policy.content else {
                panic!("not a policy of rules")
            };
            let mut names: Vec<String> = rules
                .iter()
                .map(|rule| rule.rule.name.to_string())
                .collect();
            names.sort();
            (policy.name.to_string(), names)
        })
        .collect();
    wanted.sort();
    wanted
}

/// Applies until the state converges. A few runs must suffice.
async fn converge(site: &Site, desired: &[DesiredPolicy], what: &str) -> usize {
    for runs in 0..4 {
        if site.plan(desired).await.0.calls.is_empty() {
            assert_eq!(site.names().await, wanted(desired), "{what}");
            return runs;
        }
        site.apply(desired, Duration::from_secs(1)).await;
    }
    panic!("{what}: no end: {:#?}", site.plan(desired).await.0.calls);
}

async fn all_kinds_in(profile: EmulatorProfile) {
    let calls = {
        let site = Site::new(profile, &[]).await;
        let report = site.apply(&first(), Duration::from_secs(1)).await;
        assert_eq!(report.counts().missing(), 0, "{report:#?}");
        (
            report.counts().applied,
            site.plan(&second(profile)).await.0.calls.len(),
        )
    };
    assert!(calls.0 >= 8 && calls.1 >= 5, "{calls:?}");
    let sites = KINDS.iter().flat_map(|kind| {
        (1..=calls.0 + calls.1).map(move |number| format!("{kind}@write:{number}"))
    });
    let sites = futures_util::stream::iter(sites.map(|spec| async move {
        let site = Site::new(profile, &[&spec]).await;
        let what = format!("{profile} {spec}");
        let runs =
            converge(&site, &first(), &what).await + converge(&site, &second(profile), &what).await;
        let overtaken = ["change-rule", "delete-rule", "add-rule"]
            .iter()
            .any(|kind| spec.starts_with(kind));
        assert!(
            runs == 2 || overtaken,
            "{what}: a fault alone needs no second run, but took {runs}"
        );
    }));
    use futures_util::StreamExt as _;
    sites.buffer_unordered(16).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn any_fault_at_any_write_converges_in_profile_seed() {
    all_kinds_in(EmulatorProfile::Seed).await;
}

#[tokio::test]
async fn any_fault_at_any_write_converges_in_profile_intermediate() {
    all_kinds_in(EmulatorProfile::Intermediate).await;
}

#[tokio::test]
async fn any_fault_at_any_write_converges_in_profile_current() {
    all_kinds_in(EmulatorProfile::Current).await;
}

#[tokio::test]
async fn faults_at_random_converge() {
    for seed in 0..20 {
        let specs = [
            format!("after-reset@writes,p=0.3,seed={seed},times=6"),
            format!("before-500@p=0.1,seed={seed},times=3"),
            format!("truncated@writes,p=0.2,seed={},times=4", seed + 100),
        ];
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        let site = Site::new(EmulatorProfile::Current, &specs).await;
        converge(&site, &first(), &specs.join(" ")).await;
        converge(&site, &second(EmulatorProfile::Current), &specs.join(" ")).await;
    }
}

#[tokio::test]
async fn a_policy_that_moved_before_its_first_call_is_left_alone_and_the_others_go_on() {
    // The plan is made from the first two reads, and confirmed by two more; the other client comes just
    // before the read that precedes the first call of the policy.
    let site = Site::new(EmulatorProfile::Current, &["change-rule=a/two@getPolicy:5"]).await;
    site.apply(&first(), Duration::from_secs(1)).await;
    let desired = [
        policy("a", vec![rule("one", "deny", "one.example.com")]),
        policy("b", vec![rule("four", "deny", "four.example.com")]),
    ];
    let report = site.apply(&desired, Duration::ZERO).await;
    let shown = format!("{report:?}");
    assert!(shown.contains("Failed(Stale"), "{shown}");
    let counts = report.counts();
    assert!(counts.failed >= 1 && counts.replaced == 0, "{counts:?}");
    let live = site.reader.live_state().await.unwrap();
    let two = live
        .policies
        .iter()
        .find(|policy| policy.name == "a")
        .unwrap();
    let LiveContent::Rules(rules) = &two.content else {
        panic!()
    };
    assert!(
        rules
            .iter()
            .any(|rule| format!("{:?}", rule.rule).contains("Deny") && rule.name == "two"),
        "{rules:?}"
    );
}

#[tokio::test]
async fn a_stopped_run_begins_nothing_more() {
    let site = Site::new(EmulatorProfile::Current, &[]).await;
    let (plan, live) = site.plan(&first()).await;
    let journal = journal_in(site.folder.path(), &[&site.info]).await;
    let stop = StopSignal::default();
    struct AfterTwo<'a>(&'a StopSignal, std::sync::atomic::AtomicUsize);
    impl polwarden::run::RunObserver for AfterTwo<'_> {
        fn event(&self, event: polwarden::run::RunEvent<'_>) {
            if matches!(event, polwarden::run::RunEvent::Finished(..))
                && self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1
            {
                self.0.ask();
            }
        }
    }
    let progress = AfterTwo(&stop, 0.into());
    let mut service = site.service(live);
    let report = run(TargetRun {
        plan: &plan,
        service: &mut service,
        sources: &[],
        commit: None,
        journal: &journal,
        stop: &stop,
        progress: &progress,
        settings: RunSettings {
            at_once: 1,
            ..RunSettings::default()
        },
    });
    let counts = report.await.unwrap().counts();
    assert_eq!(
        (counts.applied, counts.skipped, counts.total()),
        (2, plan.calls.len() - 2, plan.calls.len()),
        "{counts:?}"
    );
    drop(journal);
    assert_eq!(converge(&site, &first(), "after a stop").await, 1);
}

#[tokio::test]
async fn two_applies_that_race_leave_one_of_each() {
    for profile in EmulatorProfile::ALL.iter().copied() {
        let site = Site::new(profile, &["delay=2ms"]).await;
        let wanted = first();
        let (one, two) = tokio::join!(
            site.apply(&wanted, Duration::from_secs(1)),
            site.apply(&wanted, Duration::from_secs(1))
        );
        let (first, second) = (one.counts(), two.counts());
        assert!(
            first.applied + first.adopted + second.applied + second.adopted >= 8,
            "{one:?} {two:?}"
        );
        // Profile `seed` lets two rules have one name: the next plan takes one of them away.
        converge(&site, &wanted, &format!("{profile}: after a race")).await;
    }
}
