//! Compares plans of documents with a small model of the service that is independent of the planner.

use std::collections::BTreeMap;

use manifest::config::Provider;
use model::chainloop::{
    ChainloopLiveState, DesiredDocument, DocumentBytes, DocumentKind, LiveDocument, PolicyName,
    VersionReference,
};
use model::diag::{DocumentId, SourceMap};
use polwarden::plan::{DocumentState, HeldReason, SourceRef, TargetInfo, TargetPlan};
use polwarden::service::chainloop::plan::{
    DocumentPlanRequest, audit_documents, documents_drift, documents_replayed, plan_documents,
    recomputed_documents, verify_documents,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Texts of a policy: the first three say the same.
fn text(name: &str, version: usize) -> String {
    let head = format!("apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\n");
    match version {
        0 => format!("{head}spec: {{}}\n"),
        1 => format!("{head}spec: {{}}\n# a comment\n"),
        2 => format!("{head}spec: {{}}\n").replace('\n', "\r\n"),
        3 => format!("{head}spec:\n  type: SBOM\n"),
        _ => format!(
            "{head}spec:\n  policies:\n    - kind: SBOM\n      embedded: |\n        package p\n        x := {version}\n"
        ),
    }
}

fn same_meaning(one: usize, other: usize) -> bool {
    one == other || (one < 3 && other < 3)
}

/// Who has a live document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Us,
    Others,
    Service,
    Untold,
}

/// The live state of a name: its owner, and its texts from the newest to the oldest.
type There = BTreeMap<&'static str, (Owner, Vec<usize>)>;
type Wanted = BTreeMap<&'static str, usize>;

fn there() -> impl Strategy<Value = There> {
    let owner = prop_oneof![
        6 => Just(Owner::Us), 1 => Just(Owner::Others), 1 => Just(Owner::Service), 1 => Just(Owner::Untold),
    ];
    let versions = subsequence((0..6).collect::<Vec<usize>>(), 1..=3).prop_shuffle();
    proptest::collection::btree_map(select(&NAMES[..]), (owner, versions), 0..=4)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    proptest::collection::btree_map(select(&NAMES[..]), 0..6_usize, 0..=4)
}

fn bytes(name: &str, version: usize) -> DocumentBytes {
    text(name, version).into_bytes().into()
}

fn live(there: &There, wanted: &Wanted) -> ChainloopLiveState {
    let mut state = ChainloopLiveState::default();
    for name in wanted.keys() {
        state
            .documents
            .insert((DocumentKind::Policy, PolicyName::new(name).unwrap()), None);
    }
    for (name, (owner, versions)) in there {
        let key = (DocumentKind::Policy, PolicyName::new(name).unwrap());
        let bytes_of = |version: &usize| bytes(name, *version);
        let newest = bytes_of(&versions[0]);
        state.documents.insert(
            key.clone(),
            Some(LiveDocument {
                kind: key.0,
                name: key.1,
                digest: newest.digest(),
                bytes: newest,
                latest: true,
                builtin: *owner == Owner::Service,
                organization: match owner {
                    Owner::Us => Some("my-org".to_owned()),
                    Owner::Others => Some("other-org".to_owned()),
                    Owner::Service | Owner::Untold => None,
                },
                versions: versions
                    .iter()
                    .map(|version| VersionReference {
                        digest: bytes_of(version).digest(),
                        created_at: None,
                    })
                    .collect(),
                inputs_schema: None,
            }),
        );
    }
    state
}

fn desired((name, version): (&&'static str, &usize)) -> DesiredDocument {
    let bytes = bytes(name, *version);
    DesiredDocument {
        kind: DocumentKind::Policy,
        name: PolicyName::new(name).unwrap(),
        digest: bytes.digest(),
        bytes,
        inlined: Vec::new(),
        local: Vec::new(),
        references: Vec::new(),
        document: DocumentId {
            file: SourceMap::default().add("p.yaml", ""),
            index: 0,
        },
    }
}

fn plan(live: &ChainloopLiveState, wanted: &Wanted, writes: bool, turned: bool) -> TargetPlan {
    let mut documents: Vec<DesiredDocument> = wanted.iter().map(desired).collect();
    if turned {
        documents.reverse();
    }
    let target = TargetInfo {
        name: "chain".to_owned(),
        provider: Provider::Chainloop,
        organization: "my-org".to_owned(),
        profile: None,
        endpoint: "embedded".to_owned(),
    };
    let locate = |_: &_| SourceRef {
        file: "p.yaml".to_owned(),
        line: 4,
    };
    plan_documents(&DocumentPlanRequest {
        target,
        documents: &documents,
        live,
        writes,
        locate: &locate,
    })
}

/// The service in a few lines: the newest text of each name, and whether it is ours.
#[derive(Debug, Clone, PartialEq)]
struct Service(BTreeMap<String, (bool, String)>);

impl Service {
    fn of(there: &There) -> Self {
        let entry = |(name, (owner, versions)): (&&str, &(Owner, Vec<usize>))| {
            (
                (*name).to_owned(),
                (*owner == Owner::Us, text(name, versions[0])),
            )
        };
        Self(there.iter().map(entry).collect())
    }

    /// Makes a call, and fails for calls that the contract refuses or that are not allowed.
    fn call(&mut self, send: &Value) {
        let document = &send["document"];
        let name = document["name"].as_str().unwrap().to_owned();
        let text = document["bytes"]["text"].as_str().unwrap().to_owned();
        let old = self.0.get(&name).cloned();
        match send["operation"].as_str().unwrap() {
            "createPolicy" => assert_eq!(old, None, "409: exists"),
            "updatePolicy" => {
                let (ours, old) = old.expect("404");
                assert!(ours, "it belongs to another organization");
                assert_ne!(old, text, "a call that does nothing");
            }
            other => panic!("unknown operation {other}"),
        }
        self.0.insert(name, (true, text));
    }
}

fn calls(plan: &TargetPlan) -> Vec<Value> {
    let calls = serde_json::to_value(&plan.calls).unwrap();
    calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["send"]["chainloop"].clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_of_documents_leads_to_what_is_wanted_with_the_fewest_calls(there in there(), wanted in wanted()) {
        let live = live(&there, &wanted);
        let plan = plan(&live, &wanted, true, false);
        let mut service = Service::of(&there);
        for call in calls(&plan) {
            service.call(&call);
        }
        let before = Service::of(&there);
        let mut needed = 0;
        for (name, version) in &wanted {
            let ours = there.get(name).is_none_or(|(owner, _)| *owner == Owner::Us);
            let held = plan.held.iter().find(|held| held.name == *name);
            prop_assert_eq!(held.is_some(), !ours, "{}", name);
            if let Some(held) = held {
                let elsewhere = matches!(held.reason, HeldReason::OwnedElsewhere { .. });
                prop_assert!(elsewhere);
                prop_assert_eq!(service.0.get(*name), before.0.get(*name));
                continue;
            }
            prop_assert_eq!(&service.0[*name], &(true, text(name, *version)));
            needed += usize::from(before.0.get(*name) != service.0.get(*name));
        }
        prop_assert_eq!(plan.calls.len(), needed);
        // Undeclared objects do not change.
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            prop_assert_eq!(&service.0[*name], &before.0[*name]);
        }
        prop_assert_eq!(audit_documents(&plan, &live), []);
        // The model of the program agrees, and no changes are left.
        let after = documents_replayed(&live, &plan.calls, "my-org").unwrap();
        for document in after.found() {
            prop_assert_eq!(document.bytes.text().unwrap(), &service.0[document.name.as_str()].1);
        }
        let again = self::plan(&after, &wanted, true, false);
        prop_assert_eq!(again.calls, []);
        prop_assert_eq!(again.changes, []);
        prop_assert_eq!(verify_documents(&after, &after), []);
        prop_assert_eq!(verify_documents(&after, &live).len(), plan.calls.len());
        // An intermediate version of another client is overwritten, which is reported.
        for call in plan.calls.iter().filter_map(|call| call.send.chainloop()) {
            let mut overwrote = after.clone();
let name = &call.document().name;
            let written = overwrote.documents.get_mut(&(DocumentKind::Policy, name.clone())).unwrap().as_mut().unwrap();
            written.versions.insert(1, VersionReference { digest: bytes(name.as_str(), 99).digest(), created_at: None });
            prop_assert_eq!(verify_documents(&after, &overwrote).len(), 1);
        }
    }

    #[test]
    fn a_plan_of_documents_does_not_depend_on_order(there in there(), wanted in wanted(), writes in any::<bool>()) {
        let live = live(&there, &wanted);
        prop_assert_eq!(plan(&live, &wanted, writes, false), plan(&live, &wanted, writes, true));
    }

    #[test]
    fn documents_are_told_apart_by_bytes_and_by_what_they_say(there in there(), wanted in wanted()) {
        let plan = plan(&live(&there, &wanted), &wanted, true, false);
        prop_assert_eq!(plan.documents.len(), wanted.len());
        for status in &plan.documents {
            let version = wanted[status.name.as_str()];
            let says = match there.get(status.name.as_str()) {
                None => "missing",
                Some((owner, _)) if *owner != Owner::Us => "owned elsewhere",
                Some((_, versions)) if versions[0] == version => "in sync",
                Some((_, versions)) if versions.contains(&version) => "behind",
                Some((_, versions)) if same_meaning(versions[0], version) => "format only",
                Some(_) => "meaning differs",
            };
            prop_assert_eq!(status.state.words(), says);
        }
        let back = plan.documents.iter().filter(|status| matches!(status.state, DocumentState::Behind { .. }));
        prop_assert_eq!(plan.notes.len(), back.count());
    }

    #[test]
    fn without_writes_all_is_held_and_shown(there in there(), wanted in wanted()) {
        let live = live(&there, &wanted);
        let writing = plan(&live, &wanted, true, false);
        let plan = plan(&live, &wanted, false, false);
        prop_assert_eq!((plan.calls.len(), plan.changes.len()), (0, 0));
        prop_assert_eq!(plan.held.len(), writing.held.len() + writing.calls.len());
        let shown: Vec<_> = plan.documents.iter().filter_map(|status| status.held_change()).collect();
        let done = writing.changes.iter().map(|change| (&change.name, change.kind, &change.fields));
        for (name, kind, fields) in done {
            prop_assert!(shown.iter().any(|one| one.name == *name && one.kind == kind && one.fields == *fields));
        }
        // Drift does not depend on who may undo it.
        let drift = |plan: &TargetPlan| documents_drift(plan, &live).unwrap();
        let key = |change: &polwarden::plan::Change| (change.name.clone(), change.kind, change.fields.clone());
        let one = drift(&plan);
let other = drift(&writing);
        prop_assert_eq!(one.is_drift(), other.is_drift());
        prop_assert_eq!(one.changes.iter().map(key).collect::<Vec<_>>(), other.changes.iter().map(key).collect::<Vec<_>>());
        prop_assert_eq!(one.is_drift(), plan.documents.iter().any(|status| status.state != DocumentState::InSync));
    }

    #[test]
    fn a_saved_plan_of_documents_says_the_same_again(there in there(), wanted in wanted()) {
        let live = live(&there, &wanted);
        let plan = plan(&live, &wanted, true, false);
        let read: TargetPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(&read, &plan);
        prop_assert_eq!(recomputed_documents(&read, &live).unwrap(), plan);
    }

    #[test]
    fn a_plan_that_was_changed_is_found_out(there in there(), wanted in wanted()) {
        let live = live(&there, &wanted);
        let plan = plan(&live, &wanted, true, false);
        prop_assume!(!plan.calls.is_empty());
        let mut json = serde_json::to_value(&plan).unwrap();
        let changed = |json: &Value| {
            let plan: TargetPlan = serde_json::from_value(json.clone()).unwrap();
            !audit_documents(&plan, &live).is_empty()
        };
        prop_assert!(!changed(&json));
        let whole = json.clone();
        let document = |json: &mut Value| json["calls"][0]["send"]["chainloop"]["document"].as_object_mut().unwrap().clone();
        // Other bytes, another name, the same call twice.
        json["calls"][0]["send"]["chainloop"]["document"]["bytes"]["text"] = "kind: Policy\n".into();
        prop_assert!(changed(&json));
        json = whole.clone();
        let other = if document(&mut json)["name"] == "a" { "b" } else { "a" };
        json["calls"][0]["send"]["chainloop"]["document"]["name"] = other.into();
        prop_assert!(changed(&json));
        // What no call of a document says.
        for (field, value) in [("id", json!(7)), ("part", json!("x")), ("after", json!([{"first": 5, "last": 1, "why": "publishes"}]))] {
            json = whole.clone();
            json["calls"][0][field] = value;
            prop_assert!(changed(&json), "{}", field);
        }
        json = whole;
        let first = json["calls"][0].clone();
        json["calls"].as_array_mut().unwrap().push(first);
        prop_assert!(changed(&json));
    }
}
