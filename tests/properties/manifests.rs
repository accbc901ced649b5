//! Manifests: import writes the live state, scopes never widen by themselves, and no input makes the program panic.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ::manifest::config::{ChangeLimits, DockerSettings, ServiceSettings, Target, Unmanaged};
use ::manifest::{Document, parse, parse_config};
use model::Name;
use model::diag::{Severity, SourceMap};
use model::docker::{DockerLiveState, LiveContent, LivePolicy, Profile, Team, TeamId};
use polwarden::plan::{SourceRef, TargetInfo, TargetPlan};
use polwarden::render::diagnostics::{DiagnosticAmount, DiagnosticsReport, human};
use polwarden::service::docker::check::{KnownTeams, PolicyInput, check};
use polwarden::service::docker::import as manifest;
use polwarden::service::docker::plan::{PolicyPlanRequest, plan_target};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::worlds::worlds;

const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

fn target(profile: Profile) -> Target {
    Target {
        name: "production".to_owned(),
        organization: "my-org".to_owned(),
        paths: vec!["policies".to_owned()],
        unmanaged: Unmanaged::Report.into(),
        limits: ChangeLimits::default(),
        settings: ServiceSettings::Docker(DockerSettings {
            profile,
            teams: BTreeMap::from([("sec".to_owned(), TEAM.to_owned())]),
            ..DockerSettings::default()
        }),
    }
}

fn team(id: &str) -> Team {
    Team {
        id: TeamId::new(id),
        name: id.to_owned(),
    }
}

/// Text of names: anything that is shown, the marks of YAML among it.
fn names() -> impl Strategy<Value = String> {
    let marks = select(vec![
        "- a",
        "a: b",
        "#x",
        "'",
        "\"",
        "null",
        "~",
        "yes",
        "0x1",
        "[",
        "{}",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%",
        "@",
        "`",
        "a #b",
        "é\u{301}",
        "..",
        "---",
    ]);
    prop_oneof![marks.prop_map(str::to_owned), "[ -~¡-ÿ一-丂🙂]{1,12}"]
        .prop_filter("no name", |text| Name::new(text).is_ok())
}

/// Live policies whose names and rule names are any text, each once.
fn renamed(live: DockerLiveState, names: Vec<String>) -> DockerLiveState {
    let mut names = names
        .into_iter()
        .collect::<HashSet<_>>()
        .into_iter()
        .collect::<Vec<_>>();
    names.sort();
    let mut fresh = names
        .iter()
        .cycle()
        .enumerate()
        .map(|(number, name)| format!("{name} {number}"));
    let policies = live.policies.into_iter().map(|policy| {
        let name = fresh.next().unwrap();
        let content = match policy.content {
            LiveContent::Rules(rules) => LiveContent::Rules(
                rules
                    .into_iter()
                    .map(|mut rule| {
                        rule.name = fresh.next().unwrap();
                        if let Ok(known) = &mut rule.rule {
                            known.name = Name::new(&rule.name).unwrap();
                        }
                        rule
                    })
                    .collect(),
            ),
            other => other,
        };
        LivePolicy {
            name,
            content,
            ..policy
        }
    });
    DockerLiveState {
        policies: policies.collect(),
    }
}

/// Imports all that can be imported, reads it again, and plans.
fn plan_after_import(live: &DockerLiveState, profile: Profile) -> Result<TargetPlan, String> {
    let mut sources = SourceMap::default();
    let mut documents: Vec<Document> = Vec::new();
    for (number, policy) in live.policies.iter().enumerate() {
        let Ok(imported) = manifest::policy(policy, &BTreeMap::new()) else {
            continue;
        };
        let file = sources.add(format!("policies/{number}.yaml"), imported.text.as_str());
        let parsed = parse(file, &imported.text);
        if !parsed.diagnostics.is_empty() {
            return Err(format!("{:#?}\n{}", parsed.diagnostics, imported.text));
        }
        documents.extend(parsed.documents);
    }
    let target = target(profile);
    let documents: Vec<&Document> = documents.iter().collect();
    let teams = KnownTeams::Known(["t1", "t2", "t3"].map(team).to_vec());
    let checked = check(&PolicyInput {
        target: &target,
        documents: &documents,
        cedar_files: &HashMap::new(),
        teams: &teams,
        invalid: Default::default(),
    });
    if let Some(error) = checked
        .diagnostics
        .iter()
        .find(|finding| finding.severity() == Severity::Error)
    {
        return Err(human(
            &sources,
            std::slice::from_ref(error),
            DiagnosticAmount::All,
            false,
        ));
    }
    let info = TargetInfo {
        name: target.name.clone(),
        provider: target.provider(),
        organization: target.organization.clone(),
        profile: Some(profile),
        endpoint: "embedded".to_owned(),
    };
    let locate = |_: &model::diag::Place| SourceRef {
        file: "policies/0.yaml".to_owned(),
        line: 1,
    };
    let desired = &checked.policies;
    let unmanaged = Unmanaged::Prune;
    Ok(plan_target(&PolicyPlanRequest {
        target: info,
        desired,
        live,
        unmanaged: unmanaged.into(),
        teams: &BTreeMap::new(),
        locate: &locate,
    }))
}

/// Fragments that look like manifests, and what breaks them.
const WORDS: &[&str] = &[
    "apiVersion: docker.com/governance/v1\n",
    "apiVersion: polwarden/v1\n",
    "kind: Policy\n",
    "kind: ResourceList\n",
    "kind: Config\n",
    "metadata:\n",
    "  name: p\n",
    "  aliases: [a]\n",
    "spec:\n",
    "  rules:\n",
    "    - name: r\n",
    "      decision: allow\n",
    "      actions: [\"connect:tcp\"]\n",
    "      resources: [a.example.com]\n",
    "      resources:\n",
    "        - \"*.\"\n",
    "        - 10.0.0.1/8\n",
    "        - \"[::1]:80\"\n",
    "      resourcesFrom: [l]\n",
    "  cedar: {text: 'permit(', schemaUrl: 'https://s.example.com'}\n",
    "  cedar: {file: ../../etc}\n",
    "  hosts: []\n",
    "  scope: {teams: []}\n",
    "  scope: {teams: [x]}\n",
    "targets:\n",
    "  - name: t\n",
    "    provider: docker\n",
    "    organization: o\n",
    "    paths: [p]\n",
    "    limits: {maxDeletes: 300%}\n",
    "---\n",
    "...\n",
    "- ",
    "  ",
    ": ",
    "? ",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary x\n",
    "|\n",
    ">-\n",
    "\t",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    "%YAML 1.1\n",
    "\u{feff}",
    "\u{0}",
    "\u{1b}",
    "\u{202e}",
    "\r\n",
    "\n",
    "é",
    "🙂",
    "null",
    "~",
    "1e999",
    ".inf",
    "0x1",
];

fn yaml_like() -> impl Strategy<Value = String> {
    prop::collection::vec(select(WORDS), 0..40).prop_map(|words| words.concat())
}

/// Names of teams: half of the time, only those that the configuration knows.
fn teams() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec!["sec", TEAM, "t1", "unknown", "''", "' '", "null", "1"];
    prop_oneof![
        subsequence(vec!["sec", TEAM], 1..=2),
        subsequence(all, 0..4)
    ]
}

/// Names of lists: half of the time, only the one that is not empty.
fn lists() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec!["full", "empty", "missing", "''"];
    prop_oneof![Just(vec!["full"]), subsequence(all, 0..3)]
}

proptest! {
    #![proptest_config(crate::properties::cases(256))]

    /// Invariant 8 and the promise of `import`: a plan right after it calls nothing, whatever is live.
    #[test]
    fn a_plan_after_an_import_is_empty(
        (world, profile) in select(Profile::ALL).prop_flat_map(|profile| (worlds(profile), Just(profile))),
        names in prop::collection::vec(names(), 1..8),
    ) {
        let live = renamed(world.live, names);
        // What no manifest can express must not be pruned either: it is held.
        let plan = plan_after_import(&live, profile).map_err(TestCaseError::fail)?;
        prop_assert_eq!((&plan.calls, &plan.changes), (&Vec::new(), &Vec::new()));
        let opaque = live.policies.iter().filter(|policy| matches!(policy.content, LiveContent::Opaque(_))).count();
        prop_assert_eq!((plan.held.len(), plan.unmanaged.len()), (opaque, opaque));
    }

    /// Invariant 9: a scope that is written never becomes the whole organization, and a list that is not there, or
    /// is empty, never becomes a rule.
    #[test]
    fn what_cannot_be_resolved_is_never_planned(
        teams in prop::option::of(teams()),
        profiles in prop::option::of(subsequence(vec!["x", "''", "null"], 0..2)),
        lists in lists(),
        profile in select(Profile::ALL),
        known in any::<bool>(),
    ) {
        let list = |field: &str, items: &Option<Vec<&str>>| {
            items.as_ref().map(|items| format!("{field}: [{}]", items.join(", ")))
        };
        let scope: Vec<String> = [list("teams", &teams), list("profiles", &profiles)].into_iter().flatten().collect();
        let text = format!(
            "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  scope: {{{}}}\n  rules:\n    \
             - {{name: r, decision: allow, actions: [\"connect:tcp\"], resourcesFrom: [{}]}}\n---\napiVersion: \
             polwarden/v1\nkind: ResourceList\nmetadata: {{name: full}}\nspec: {{hosts: [a.example.com]}}\n---\napiVersion: \
             polwarden/v1\nkind: ResourceList\nmetadata: {{name: empty}}\nspec: {{hosts: []}}\n",
            scope.join(", "),
            lists.join(", ")
        );
        let mut sources = SourceMap::default();
        let file = sources.add("policies/p.yaml", text.as_str());
        let parsed = parse(file, &text);
        let documents: Vec<&Document> = parsed.documents.iter().collect();
        let target = target(profile);
        let server = if known { KnownTeams::Known(vec![team("t1")]) } else { KnownTeams::Offline };
        let checked =
            check(&PolicyInput { target: &target, documents: &documents, cedar_files: &HashMap::new(), teams: &server, invalid: Default::default() });
        for policy in &checked.policies {
            prop_assert!(!policy.scope.is_organization_wide(), "{text}");
            prop_assert_eq!(&lists, &["full"], "{}", text);
            let resolved = teams.iter().flatten().map(|team| if *team == "sec" { TEAM } else { *team });
            let found: BTreeSet<&str> = policy.scope.teams.iter().map(TeamId::as_str).collect();
            prop_assert_eq!(found, resolved.collect::<BTreeSet<_>>(), "{}", text);
            let found: BTreeSet<&str> = policy.scope.profiles.iter().map(String::as_str).collect();
            prop_assert_eq!(found, profiles.iter().flatten().copied().collect::<BTreeSet<_>>(), "{}", text);
            prop_assert!(known || teams.iter().flatten().all(|team| ["sec", TEAM].contains(team)), "{}", text);
        }
        // What can be resolved is planned.
        let scoped = teams.as_ref().is_some_and(|teams| {
            !teams.is_empty() && teams.iter().all(|team| ["sec", TEAM].contains(team))
        });
        let resolvable = scoped && profiles.is_none() && lists == ["full"];
        prop_assert!(!resolvable || checked.policies.len() == 1, "{:#?} {text}", checked.diagnostics);
    }

    /// No content of a file makes reading, checking or rendering panic.
    #[test]
    fn no_text_panics(text in prop_oneof![yaml_like(), "\\PC{0,60}", any::<String>()], color in any::<bool>()) {
        let mut sources = SourceMap::default();
        let file = sources.add("policies/p.yaml", text.as_str());
        let mut findings = parse_config(file, &text).err().unwrap_or_default();
        let parsed = parse(file, &text);
        findings.extend(parsed.diagnostics);
        let documents: Vec<&Document> = parsed.documents.iter().collect();
        for profile in Profile::ALL {
            let input = PolicyInput {
                target: &target(*profile),
                documents: &documents,
                cedar_files: &HashMap::new(),
                teams: &KnownTeams::Offline, invalid: Default::default() };
            findings.extend(check(&input).diagnostics);
        }
        let shown = human(&sources, &findings, DiagnosticAmount::All, color);
        prop_assert!(color || !shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
        let report = serde_json::to_string(&DiagnosticsReport::new(&sources, &findings)).unwrap();
        prop_assert!(!report.contains(|c: char| c.is_control() || c == '\u{202e}'), "{report:?}");
    }
}
