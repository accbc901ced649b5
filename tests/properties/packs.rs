//! Compares plans of policy packs and groups with a small model of the service that is independent of the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use manifest::config::{Provider, Unmanaged};
use model::diag::{DocumentId, SourceMap};
use model::digest::{ArchiveDigest, SourceDigest};
use model::pulumi::{
    DesiredGroup, DesiredGroupPack, DesiredPack, EnforcementLevel, EntityType, GroupConfig,
    GroupName, LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LivePackPolicy, LiveVersion,
    Mode, NewVersion, PackName, PackPolicy, PackSource, PolicyName, PolicySelector,
    PulumiLiveState, StackReference, VersionDetail, VersionNumber, VersionTag,
};
use polwarden::plan::{SourceRef, TargetInfo, TargetPlan};
use polwarden::service::pulumi::plan::{PackPlanRequest, audit_packs, packs_replayed, plan_packs};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// A group of the oracle.
#[derive(Debug, Clone, Default, PartialEq)]
struct Group {
    /// Its stacks, or its accounts.
    members: BTreeSet<String>,
    /// For each pack its tag, its configuration and its environments.
    packs: BTreeMap<String, (String, Value, Vec<String>)>,
    /// The agent pool; empty for the hosted one.
    pool: String,
}

/// One of the groups has accounts, the others have stacks.
fn has_accounts(name: &str) -> bool {
    name == "i"
}

/// The service in a few lines: tags by pack, and groups.
#[derive(Debug, Clone, Default, PartialEq)]
struct Service {
    packs: BTreeMap<String, Vec<String>>,
    begun: BTreeSet<(String, String)>,
    groups: BTreeMap<String, Group>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Service {
    fn of(live: &PulumiLiveState) -> Self {
        let tags = |pack: &LivePack| {
            pack.versions
                .iter()
                .map(|version| version.tag.clone())
                .collect()
        };
        let group = |group: &LiveGroup| {
            let body = group.body.as_ref().unwrap();
            let config =
                |pack: &LiveGroupPack| pack.config.clone().map_or(json!({}), Value::Object);
            let pack = |pack: &LiveGroupPack| {
                let used = (pack.tag.clone(), config(pack), pack.environments.clone());
                (pack.name.clone(), used)
            };
            let stacks = body.stacks.iter().map(ToString::to_string);
            Group {
                members: stacks.chain(body.accounts.iter().cloned()).collect(),
                packs: body.packs.iter().map(pack).collect(),
                pool: body.agent_pool.clone().unwrap_or_default(),
            }
        };
        Self {
            packs: live
                .packs
                .iter()
                .map(|pack| (pack.name.clone(), tags(pack)))
                .collect(),
            begun: BTreeSet::new(),
            groups: live
                .groups
                .iter()
                .map(|it| (it.name.clone(), group(it)))
                .collect(),
        }
    }

    fn uses(&self, pack: &str, tag: Option<&str>) -> bool {
        self.groups.values().any(|group| {
            group
                .packs
                .get(pack)
                .is_some_and(|used| tag.is_none_or(|tag| used.0 == tag))
        })
    }

    /// Makes a call, and refuses what the contract refuses.
    fn call(&mut self, send: &Value) {
        let pack = || text(&send["pack"]);
        let reference = |value: &Value| text(&value["tag"]);
        match send["operation"].as_str().unwrap() {
            "createPackVersion" => {
                let name = text(&send["version"]["name"]);
                let tag = text(&send["version"]["versionTag"]);
                assert!(
                    !self
                        .packs
                        .get(&name)
                        .is_some_and(|tags| tags.contains(&tag)),
                    "400: published"
                );
                assert!(self.begun.insert((name, tag)), "400: published");
            }
            "putArchive" => assert!(
                self.begun.contains(&(pack(), text(&send["tag"]))),
                "no place for it"
            ),
            "completePackVersion" => {
                assert!(
                    self.begun.remove(&(pack(), text(&send["tag"]))),
                    "400: complete"
                );
                self.packs
                    .entry(pack())
                    .or_default()
                    .push(text(&send["tag"]));
            }
            "deletePackVersion" => {
                let tag = reference(&send["version"]);
                assert!(!self.uses(&pack(), Some(&tag)), "409: applied");
                let tags = self.packs.get_mut(&pack()).expect("404");
                assert!(tags.contains(&tag), "404");
                tags.retain(|known| *known != tag);
            }
            "deletePack" => {
                assert!(!self.uses(&pack(), None), "400: enabled");
                self.packs.remove(&pack()).expect("404");
            }
            "createGroup" => {
                let name = text(&send["group"]["name"]);
                let kind = send["group"]["entityType"].as_str();
                let expected = has_accounts(&name).then_some("accounts");
                assert_eq!(kind.filter(|kind| *kind != "stacks"), expected);
                let pool = &send["group"]["agentPoolId"];
                let group = Group {
                    pool: pool.as_str().unwrap_or_default().to_owned(),
                    ..Group::default()
                };
                assert!(self.groups.insert(name, group).is_none(), "409: exists");
            }
            "deleteGroup" => drop(self.groups.remove(&text(&send["group"])).expect("404")),
            "updateGroup" => self.update(&text(&send["group"]), &send["change"]),
            other => panic!("unknown operation {other}"),
        }
    }

    fn update(&mut self, name: &str, change: &Value) {
        let packs = self.packs.clone();
        let group = self.groups.get_mut(name).expect("404");
        let stack = || {
            format!(
                "{}/{}",
                text(&change["stack"]["routingProject"]),
                text(&change["stack"]["name"])
            )
        };
        match change["change"].as_str().unwrap() {
            "addStack" | "removeStack" => assert!(!has_accounts(name), "400: accounts"),
            "addAccount" | "removeAccount" => assert!(has_accounts(name), "400: stacks"),
            _ => {}
        }
        match change["change"].as_str().unwrap() {
            "addStack" => assert!(group.members.insert(stack()), "a call that does nothing"),
            "removeStack" => assert!(group.members.remove(&stack()), "404"),
            "addAccount" => {
                let account = text(&change["account"]);
                assert!(group.members.insert(account), "a call that does nothing");
            }
            "removeAccount" => assert!(group.members.remove(&text(&change["account"])), "404"),
            "setAgentPool" => {
                let pool = text(&change["agentPoolId"]);
                assert_ne!(group.pool, pool, "a call that does nothing");
                group.pool = pool;
            }
            "addPack" => {
                let pack = text(&change["pack"]);
                let tag = text(&change["tag"]);
                assert!(packs[&pack].contains(&tag), "404");
                let config = if change["config"].is_null() {
                    json!({})
                } else {
                    change["config"].clone()
                };
                let environments = change["environments"].as_array().into_iter().flatten();
                let environments: Vec<String> = environments.map(text).collect();
                let used = (tag, config, environments);
                let old = group.packs.insert(pack, used.clone());
                assert_ne!(old, Some(used), "a call that does nothing");
            }
            "removePack" => {
                let old = group.packs.remove(&text(&change["pack"])).expect("404");
                assert_eq!(old.0, text(&change["version"]["tag"]), "404");
            }
            other => panic!("unknown change {other}"),
        }
    }
}

fn policy(level: EnforcementLevel) -> PackPolicy {
    serde_json::from_value(json!({
        "name": "p", "displayName": "P", "description": "d", "enforcementLevel": level, "message": "m",
    }))
    .unwrap()
}

/// The same tag always has the same content.
fn level_of(tag: &str) -> EnforcementLevel {
    if tag == "1" {
        EnforcementLevel::Advisory
    } else {
        EnforcementLevel::Mandatory
    }
}

fn stack(name: &str) -> StackReference {
    StackReference {
        routing_project: "app".to_owned(),
        name: name.to_owned(),
    }
}

const TAGS: [&str; 3] = ["1", "2", "3"];
const PACKS: [&str; 2] = ["a", "b"];
const GROUPS: [&str; 3] = ["g", "h", "i"];
const STACKS: [&str; 3] = ["dev", "prod", "test"];

const POOLS: [&str; 3] = ["", "pool-a", "pool-b"];
const ENVIRONMENTS: [&str; 2] = ["app/one", "app/two"];

/// A pack in a group.
#[derive(Debug, Clone)]
struct UsedPack {
    tag: &'static str,
    level: Option<EnforcementLevel>,
    environments: Vec<&'static str>,
}

type Used = BTreeMap<&'static str, UsedPack>;

/// A group as it is generated: its stacks or accounts, its packs and its agent pool.
#[derive(Debug, Clone)]
struct Declared {
    members: Vec<&'static str>,
    packs: Used,
    pool: &'static str,
}

impl UsedPack {
    /// The same for the oracle.
    fn goal(&self) -> (String, Value, Vec<String>) {
        let config = config_of(self.level).map_or(json!({}), Value::Object);
        let environments = self.environments.iter().map(|name| (*name).to_owned());
        (self.tag.to_owned(), config, environments.collect())
    }
}

impl Declared {
    /// The names of the members for the oracle.
    fn member_names(&self, group: &str) -> BTreeSet<String> {
        let names = self.members.iter().map(|member| {
            if has_accounts(group) {
                (*member).to_owned()
            } else {
                format!("app/{member}")
            }
        });
        names.collect()
    }
}

fn used() -> impl Strategy<Value = Used> {
    let level = proptest::option::of(select(vec![
        EnforcementLevel::Disabled,
        EnforcementLevel::Remediate,
    ]));
    let environments = subsequence(ENVIRONMENTS.to_vec(), 0..=2);
    let pack =
        (select(&TAGS[..2]), level, environments).prop_map(|(tag, level, environments)| UsedPack {
            tag,
            level,
            environments,
        });
    proptest::collection::btree_map(select(&PACKS[..]), pack, 0..=2)
}

fn groups() -> impl Strategy<Value = BTreeMap<&'static str, Declared>> {
    let members = subsequence(STACKS.to_vec(), 0..=3);
    let group = (members, used(), select(&POOLS[..])).prop_map(|(members, packs, pool)| Declared {
        members,
        packs,
        pool,
    });
    proptest::collection::btree_map(select(&GROUPS[..]), group, 0..=3)
}

fn config_of(level: Option<EnforcementLevel>) -> Option<Map<String, Value>> {
    level.map(|level| {
        json!({"p": {"enforcementLevel": level}})
            .as_object()
            .unwrap()
            .clone()
    })
}

/// The members of a group, as stacks and as accounts.
fn members(name: &str, members: &[&str]) -> (Vec<StackReference>, Vec<String>) {
    if has_accounts(name) {
        let accounts = members.iter().map(|name| (*name).to_owned());
        (Vec::new(), accounts.collect())
    } else {
        (members.iter().map(|name| stack(name)).collect(), Vec::new())
    }
}

fn entity_type(name: &str) -> EntityType {
    if has_accounts(name) {
        EntityType::Accounts
    } else {
        EntityType::Stacks
    }
}

fn live(groups: &BTreeMap<&'static str, Declared>) -> PulumiLiveState {
    let version = |(number, tag): (u64, &&str)| LiveVersion {
        number: VersionNumber(number),
        tag: (*tag).to_owned(),
        detail: Some(VersionDetail {
            display_name: "Pack".to_owned(),
            policies: vec![LivePackPolicy {
                name: "p".to_owned(),
                policy: Ok(policy(level_of(tag))),
                unknown_fields: Map::new(),
            }],
            applied: false,
            unknown_fields: Map::new(),
        }),
    };
    let pack = |name: &&str| LivePack {
        name: (*name).to_owned(),
        display_name: "Pack".to_owned(),
        publisher: None,
        versions: (1..).zip(&TAGS[..2]).map(version).collect(),
        unknown_fields: Map::new(),
    };
    let group = |(name, declared): (&&str, &Declared)| {
        let (stacks, accounts) = members(name, &declared.members);
        let packs = declared.packs.iter().map(|(name, used)| LiveGroupPack {
            name: (*name).to_owned(),
            version: VersionNumber(used.tag.parse().unwrap()),
            tag: used.tag.to_owned(),
            config: config_of(used.level),
            environments: used.goal().2,
            unknown_fields: Map::new(),
        });
        LiveGroup {
            name: (*name).to_owned(),
            is_default: false,
            body: Ok(LiveGroupBody {
                entity_type: entity_type(name),
                mode: Mode::Preventative,
                stacks,
                accounts,
                packs: packs.collect(),
                agent_pool: Some(declared.pool.to_owned()).filter(|pool| !pool.is_empty()),
            }),
            unknown_fields: Map::new(),
        }
    };
    PulumiLiveState {
        packs: PACKS.iter().map(pack).collect(),
        groups: groups.iter().map(group).collect(),
    }
}

/// The desired state: the tag of each pack, the groups, and whether each group declares its stacks and packs.
#[derive(Debug, Clone)]
struct Wanted {
    packs: BTreeMap<&'static str, &'static str>,
    groups: BTreeMap<&'static str, Declared>,
    keep: Option<u32>,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let packs = proptest::collection::btree_map(select(&PACKS[..]), select(&TAGS[1..]), 0..=2);
    (packs, groups(), proptest::option::of(1..3_u32)).prop_map(|(packs, mut groups, keep)| {
        // Groups follow their pack.
        for group in groups.values_mut() {
            for (name, used) in &mut group.packs {
                used.tag = packs.get(name).copied().unwrap_or(used.tag);
            }
        }
        Wanted {
            packs,
            groups,
            keep,
        }
    })
}

fn document() -> DocumentId {
    DocumentId {
        file: SourceMap::default().add("p.yaml", ""),
        index: 0,
    }
}

fn desired_pack((name, tag): (&&'static str, &&'static str)) -> DesiredPack {
    DesiredPack {
        version: NewVersion {
            name: PackName::new(name).unwrap(),
            display_name: "Pack".to_owned(),
            version_tag: VersionTag::new(tag).unwrap(),
            policies: vec![policy(level_of(tag))],
            description: None,
            readme: None,
            provider: None,
            tags: Vec::new(),
            repository: None,
            runtime: None,
            metadata: BTreeMap::new(),
        },
        source: PackSource {
            path: "packs".into(),
            digest: SourceDigest::of(tag.as_bytes()),
            files: BTreeMap::new(),
            uncommitted: None,
            archive: ArchiveDigest::of(tag.as_bytes()),
            archive_bytes: 1,
        },
        locked: BTreeMap::new(),
        document: document(),
    }
}

fn desired_group((name, declared): (&&'static str, &Declared)) -> DesiredGroup {
    let used = |(index, (name, used)): (usize, (&&str, &UsedPack))| {
        let mut config = GroupConfig::default();
        for (policy, value) in config_of(used.level).into_iter().flatten() {
            let selector = PolicySelector::Policy(PolicyName::new(&policy).unwrap());
            config
                .0
                .insert(selector, value.as_object().unwrap().clone());
        }
        DesiredGroupPack {
            pack: PackName::new(name).unwrap(),
            tag: VersionTag::new(used.tag).unwrap(),
            config: Some(config),
            environments: Some(used.goal().2),
            index,
        }
    };
    let (stacks, accounts) = members(name, &declared.members);
    let has_accounts = has_accounts(name);
    DesiredGroup {
        name: GroupName::new(name).unwrap(),
        aliases: Vec::new(),
        entity_type: entity_type(name),
        mode: None,
        stacks: (!has_accounts).then(|| stacks.into_iter().collect()),
        accounts: has_accounts.then(|| accounts.into_iter().collect()),
        agent_pool: Some(declared.pool.to_owned()),
        policy_packs: Some(declared.packs.iter().enumerate().map(used).collect()),
        document: document(),
    }
}

fn plan(live: &PulumiLiveState, wanted: &Wanted, unmanaged: Unmanaged, turned: bool) -> TargetPlan {
    let mut packs: Vec<_> = wanted.packs.iter().map(desired_pack).collect();
    let mut groups: Vec<_> = wanted.groups.iter().map(desired_group).collect();
    let mut live = live.clone();
    if turned {
        packs.reverse();
        groups.reverse();
        live.packs.reverse();
        live.groups.reverse();
        for group in &mut live.groups {
            let body = group.body.as_mut().unwrap();
            body.stacks.reverse();
            body.accounts.reverse();
            body.packs.reverse();
        }
    }
    let target = TargetInfo {
        name: "cloud".to_owned(),
        provider: Provider::Pulumi,
        organization: "my-org".to_owned(),
        profile: None,
        endpoint: "embedded".to_owned(),
    };
    plan_packs(&PackPlanRequest {
        target,
        packs: &packs,
        groups: &groups,
        live: &live,
        unmanaged: unmanaged.into(),
        keep_versions: wanted.keep.and_then(NonZeroU32::new),
        locate: &|_| SourceRef {
            file: "p.yaml".to_owned(),
            line: 1,
        },
    })
    .unwrap()
}

/// No shorter list of calls does it: each call of a group changes one member, one pack or the agent pool, a new group is
/// created with its agent pool, and publishing takes three.
fn fewest(before: &Service, after: &Service) -> usize {
    let mut calls = 0;
    for (pack, tags) in &after.packs {
        let old = before.packs.get(pack).cloned().unwrap_or_default();
        calls += 3 * tags.iter().filter(|tag| !old.contains(tag)).count();
        calls += old.iter().filter(|tag| !tags.contains(tag)).count();
    }
    calls += before
        .packs
        .keys()
        .filter(|pack| !after.packs.contains_key(*pack))
        .count();
    for (name, group) in &after.groups {
        let old = before.groups.get(name).cloned();
        calls += match &old {
            None => 1,
            Some(old) => usize::from(old.pool != group.pool),
        };
        let old = old.unwrap_or_default();
        calls += group.members.symmetric_difference(&old.members).count();
        calls += group
            .packs
            .iter()
            .filter(|(name, used)| old.packs.get(*name) != Some(used))
            .count();
        calls += old
            .packs
            .keys()
            .filter(|name| !group.packs.contains_key(*name))
            .count();
    }
    calls
        + before
            .groups
            .keys()
            .filter(|name| !after.groups.contains_key(*name))
            .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_of_packs_leads_to_what_is_wanted(before in groups(), wanted in wanted()) {
        let live = live(&before);
        let plan = plan(&live, &wanted, Unmanaged::Report, false);
        let mut service = Service::of(&live);
        let first = service.clone();
        for call in serde_json::to_value(&plan.calls).unwrap().as_array().unwrap() {
            service.call(&call["send"]["pulumi"]);
            // Nothing that a group has before and after is missing, or otherwise, in between.
            for (name, group) in &service.groups {
                let (Some(was), Some(will)) = (first.groups.get(name), wanted.groups.get(name.as_str())) else { continue };
                for (pack, used) in &was.packs {
                    if let Some(wanted) = will.packs.get(pack.as_str()) {
                        let goal = wanted.goal();
                        let now = group.packs.get(pack);
                        prop_assert!(now == Some(used) || now == Some(&goal), "{pack} in {name}: {now:?}");
                    }
                }
            }
            // A stack that is in some group before and after is in one all the time.
            let held = |groups: &BTreeMap<String, Group>, stack: &str| {
                groups.values().any(|group| group.members.contains(&format!("app/{stack}")))
            };
            for stack in STACKS {
                let will = wanted.groups.iter().any(|(name, group)| !has_accounts(name) && group.members.contains(&stack));
                let stays = first.groups.keys().all(|name| wanted.groups.contains_key(name.as_str()));
                if stays && held(&first.groups, stack) && will {
                    prop_assert!(held(&service.groups, stack), "{stack} is in no group after {call}");
                }
            }
        }
        for (name, declared) in &wanted.groups {
            let group = &service.groups[*name];
            prop_assert_eq!(&group.members, &declared.member_names(name));
            prop_assert_eq!(&group.pool, declared.pool);
            let packs = declared.packs.iter();
            let expected: BTreeMap<_, _> = packs.map(|(name, used)| ((*name).to_owned(), used.goal())).collect();
            prop_assert_eq!(&group.packs, &expected);
        }
        for (pack, tag) in &wanted.packs {
            prop_assert!(service.packs[*pack].iter().any(|known| known == tag));
            if let Some(keep) = wanted.keep {
                for tag in service.packs[*pack].iter().rev().skip(keep as usize) {
                    prop_assert!(service.uses(pack, Some(tag)), "{tag} of {pack} is kept");
                }
            }
        }
        prop_assert_eq!(plan.calls.len(), fewest(&first, &service));
        prop_assert_eq!(audit_packs(&live, &plan.calls), []);
        // The model of the program agrees, and no changes are left.
        let after = packs_replayed(&live, &plan.calls).unwrap();
        prop_assert_eq!(&Service::of(&after), &service);
        prop_assert_eq!(self::plan(&after, &wanted, Unmanaged::Report, false).calls, []);
    }

    #[test]
    fn a_plan_of_packs_does_not_depend_on_order(before in groups(), wanted in wanted(), prune in any::<bool>()) {
        let live = live(&before);
        let unmanaged = if prune { Unmanaged::Prune } else { Unmanaged::Report };
        let one = plan(&live, &wanted, unmanaged, false);
let other = plan(&live, &wanted, unmanaged, true);
        prop_assert_eq!(&one.calls, &other.calls);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn what_is_pruned_goes_whole(before in groups(), wanted in wanted()) {
        let live = live(&before);
        let plan = plan(&live, &wanted, Unmanaged::Prune, false);
        let mut service = Service::of(&live);
        for call in serde_json::to_value(&plan.calls).unwrap().as_array().unwrap() {
            service.call(&call["send"]["pulumi"]);
        }
        let names: Vec<&str> = service.groups.keys().map(String::as_str).collect();
        prop_assert_eq!(names, wanted.groups.keys().copied().collect::<Vec<_>>());
        for pack in service.packs.keys().filter(|pack| !wanted.packs.contains_key(pack.as_str())) {
            prop_assert!(service.uses(pack, None), "{pack} is used by nothing and is there");
        }
        prop_assert_eq!(self::plan(&packs_replayed(&live, &plan.calls).unwrap(), &wanted, Unmanaged::Prune, false).calls, []);
    }
}
