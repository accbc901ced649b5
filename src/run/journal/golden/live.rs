//! The live objects of the golden lines, with every field set and with as few as possible.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::run::object::LiveObject;
use model::chainloop::{DocumentBytes, DocumentKind, LiveDocument, PolicyName};
use model::docker::{
    Action, Cedar, Decision, FileMode, HttpResource, LiveContent, LivePolicy, LiveRule, Method,
    PolicyId, Resources, Rule, RuleAccess, RuleId, Scope, TeamId, Transport,
};
use model::pulumi::{
    EntityType, LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LiveVersion, Mode,
    StackReference, VersionDetail, VersionNumber,
};
use model::{Name, Opaque};

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

fn opaque() -> Opaque {
    Opaque {
        why: "has the unknown action `connect:quic`".to_owned(),
        raw: json!({"z": 1, "a": [null, true]}),
    }
}

fn rule(
    name: &str,
    decision: Decision,
    actions: Vec<Action>,
    resources: Resources,
) -> Result<Rule, Opaque> {
    Ok(Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(name).unwrap(),
        decision,
        access: RuleAccess::new(actions, resources).unwrap(),
    })
}

fn live_rules() -> Vec<LiveRule> {
    let texts =
        |texts: &[&str]| Resources::Plain(texts.iter().map(|text| (*text).to_owned()).collect());
    let http = |host: &str, port, path: &str| HttpResource {
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    };
    let connect = [Transport::Tcp, Transport::Udp].map(Action::Connect);
    let files = [FileMode::Read, FileMode::Write].map(Action::File);
    let live = |id: &str, name: &str, rule, unknown| LiveRule {
        id: RuleId::new(id),
        name: name.to_owned(),
        rule,
        unknown_fields: fields(unknown),
    };
    let hosts = texts(&["registry.example.com", "10.0.0.0/8"]);
    let npm = rule("npm", Decision::Allow, connect.to_vec(), hosts);
    let targets = Resources::Http(vec![
        http("api.example.com", Some(8443), "/v1/**"),
        http("a.example.com", None, "/"),
    ]);
    let get = vec![Action::Request(Method::Get)];
    let api = rule("api", Decision::Deny, get, targets);
    let src = rule("src", Decision::Allow, files.to_vec(), texts(&["/src/**"]));
    vec![
        live("rule_1", "npm", npm, json!({"z": 1, "a": "b"})),
        live("rule_2", "api", api, json!({})),
        live("rule_3", "src", src, json!({})),
        live("rule_4", "quic", Err(opaque()), json!({})),
    ]
}

fn live_policies() -> Vec<LivePolicy> {
    let minimal = |id: &str, name: &str, content, time: [&str; 2]| LivePolicy {
        id: PolicyId::new(id),
        name: name.to_owned(),
        scope: Scope::default(),
        content,
        created_at: time[0].to_owned(),
        updated_at: time[1].to_owned(),
        unknown_scope_fields: Map::new(),
        unknown_fields: Map::new(),
    };
    let times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    let rules = LiveContent::Rules(live_rules());
    let full = LivePolicy {
        scope: Scope {
            teams: [TeamId::new("t2"), TeamId::new("t1")].into(),
            profiles: ["dev".to_owned()].into(),
        },
        unknown_scope_fields: fields(json!({"region": "eu"})),
        unknown_fields: fields(json!({"z": {"b": 1, "a": 2}, "a": null})),
        ..minimal("pol_1", "p \u{2028} \"x\"", rules, times)
    };
    let cedar = LiveContent::Cedar(Cedar {
        text: "permit(principal, action, resource);\n".to_owned(),
        schema_url: "https://example.com/schema".to_owned(),
    });
    let unknown = LivePolicy {
        scope: Scope {
            teams: [TeamId::new("t1")].into(),
            profiles: BTreeSet::new(),
        },
        ..minimal("pol_4", "new", LiveContent::Opaque(opaque()), ["c", "u"])
    };
    vec![
        full,
        minimal("pol_2", "empty", LiveContent::Rules(Vec::new()), ["", ""]),
        minimal("pol_3", "mcp", cedar, ["c", "u"]),
        unknown,
    ]
}

fn live_packs() -> Vec<LivePack> {
    let version = |number, tag: &str, detail| LiveVersion {
        number: VersionNumber(number),
        tag: tag.to_owned(),
        detail,
    };
    // The contents of a version never change, and a journal does not keep them.
    let detail = VersionDetail {
        display_name: "AWS".to_owned(),
        policies: Vec::new(),
        applied: true,
        unknown_fields: Map::new(),
    };
    let aws = LivePack {
        name: "aws".to_owned(),
        display_name: "AWS".to_owned(),
        publisher: Some("acme".to_owned()),
        versions: vec![version(1, "", None), version(3, "1.0.0", Some(detail))],
        unknown_fields: fields(json!({"x": 1})),
    };
    let gcp = LivePack {
        name: "gcp".to_owned(),
        display_name: String::new(),
        publisher: None,
        versions: Vec::new(),
        unknown_fields: Map::new(),
    };
    vec![aws, gcp]
}

fn live_groups() -> Vec<LiveGroup> {
    let pack = |name: &str, version, tag: &str, config: Option<Value>| LiveGroupPack {
        name: name.to_owned(),
        version: VersionNumber(version),
        tag: tag.to_owned(),
        config: config.map(fields),
        environments: Vec::new(),
        unknown_fields: Map::new(),
    };
    let config = json!({"all": {"enforcementLevel": "mandatory"}});
    let aws = LiveGroupPack {
        environments: vec!["env/prod".to_owned()],
        unknown_fields: fields(json!({"x": [1]})),
        ..pack("aws", 3, "1.0.0", Some(config))
    };
    let stacks = LiveGroupBody {
        entity_type: EntityType::Stacks,
        mode: Mode::Preventative,
        stacks: vec![StackReference {
            routing_project: "web".to_owned(),
            name: "prod".to_owned(),
        }],
        accounts: vec!["a1".to_owned()],
        packs: vec![aws, pack("gcp", 1, "", None)],
        agent_pool: Some("pool".to_owned()),
    };
    let accounts = LiveGroupBody {
        entity_type: EntityType::Accounts,
        mode: Mode::Audit,
        stacks: Vec::new(),
        accounts: Vec::new(),
        packs: vec![pack("aws", 3, "1.0.0", Some(json!({})))],
        agent_pool: None,
    };
    let group = |name: &str, is_default, body, unknown| LiveGroup {
        name: name.to_owned(),
        is_default,
        body,
        unknown_fields: fields(unknown),
    };
    vec![
        group("prod", false, Ok(stacks), json!({"y": true})),
        group("accounts", true, Ok(accounts), json!({})),
        group("odd", false, Err(opaque()), json!({})),
    ]
}

fn live_documents() -> Vec<LiveDocument> {
    let document = |kind, name: &str, bytes: &[u8], organization: Option<&str>| {
        let bytes = DocumentBytes::from(bytes);
        LiveDocument {
            kind,
            name: PolicyName::new(name).unwrap(),
            digest: bytes.digest(),
            bytes,
            latest: true,
            builtin: organization.is_none(),
            organization: organization.map(str::to_owned),
            versions: Vec::new(),
            inputs_schema: None,
        }
    };
    let text = "\u{feff}a: 1\r\n".as_bytes();
    vec![
        document(DocumentKind::Policy, "sbom", text, Some("acme")),
        document(DocumentKind::PolicyGroup, "base", b"\xff\x00", None),
    ]
}

/// The live objects of the golden lines, one record for each group of objects.
pub(super) fn live_objects() -> Vec<(&'static str, Vec<LiveObject>)> {
    let one = |target: &'static str| move |object| (target, vec![object]);
    let policies = live_policies().into_iter();
    let mut all: Vec<(&str, Vec<LiveObject>)> = policies
        .map(|policy| LiveObject::Policy(Box::new(policy)))
        .map(one("production"))
        .collect();
    let rules = live_rules().into_iter().map(Box::new).map(LiveObject::Rule);
    all.push(("production", rules.collect()));
    all.push(("production", Vec::new()));
    let packs = live_packs().into_iter().map(Box::new).map(LiveObject::Pack);
    all.extend(packs.map(one("packs")));
    let groups = live_groups()
        .into_iter()
        .map(Box::new)
        .map(LiveObject::Group);
    all.extend(groups.map(one("packs")));
    let documents = live_documents().into_iter().map(Box::new);
    all.extend(documents.map(LiveObject::Document).map(one("documents")));
    all
}
