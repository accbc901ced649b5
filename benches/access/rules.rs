//! Rule sets for the engine of access: as large as wanted, the same for the same numbers everywhere.

use access::AccessRequest;
use model::Name;
use model::docker::{Action, Decision, HttpResource, Resources, Rule, RuleAccess};

use super::random::Random;

const TEAMS: &[&str] = &[
    "payments", "search", "platform", "security", "mobile", "data", "billing", "edge",
];
const SERVICES: &[&str] = &[
    "registry",
    "mirror",
    "packages",
    "artifacts",
    "git",
    "cache",
    "metrics",
    "traces",
    "tickets",
    "models",
    "vault",
    "proxy",
    "docs",
    "queue",
    "search",
    "login",
];
const PUBLIC_HOSTS: &[&str] = &[
    "github.com:443",
    "docker.io:443",
    "ghcr.io:443",
    "quay.io:443",
    "mirror.example.com:80",
    "gitlab.com:443",
];
const FOLDERS: &[&str] = &[
    "projects", "work", "src", "data", "cache", "notes", "models", "exports",
];
/// What rules name in every folder. Few, as in life: each of them crosses each rule about a whole folder.
const GUARDED: &[&str] = &[".env", "secrets", "tmp"];
const API_PATHS: &[&str] = &[
    "/v1",
    "/v2/orders",
    "/repos",
    "/api/reports",
    "/graph",
    "/health",
    "/uploads",
];

/// What the patterns of a set are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hosts with wildcards and ports, addresses, HTTP targets and paths, a few with `**` in the middle.
    Realistic,
    /// Wildcards inside of labels and segments, many of them at the same place.
    Adversarial,
}

/// So many rules of 8 resources each.
pub(crate) fn rule_set(kind: Kind, rules: usize, seed: u64) -> Vec<Rule> {
    let mut random = Random::new(seed);
    (0..rules)
        .filter_map(|number| rule(kind, number, rules, &mut random))
        .collect()
}

fn rule(kind: Kind, number: usize, rules: usize, random: &mut Random) -> Option<Rule> {
    let decision = if random.once_in(4) {
        Decision::Deny
    } else {
        Decision::Allow
    };
    let (actions, resources): (&[&str], Resources) = match (kind, random.below(10)) {
        (Kind::Adversarial, 0..5) => (
            &["connect:tcp"],
            Resources::Plain(eight(|| globbed_host(random))),
        ),
        (Kind::Adversarial, _) => (&["read"], Resources::Plain(eight(|| globbed_path(random)))),
        (Kind::Realistic, 0..6) => (
            &["connect:tcp"],
            Resources::Plain(eight(|| host(rules, random))),
        ),
        (Kind::Realistic, 6 | 7) => (
            &["request:get", "request:post"],
            Resources::Http(eight(|| target(rules, random))),
        ),
        (Kind::Realistic, _) => (
            &["read", "write"],
            Resources::Plain(eight(|| path(rules, random))),
        ),
    };
    let actions = actions
        .iter()
        .filter_map(|action| action.parse::<Action>().ok());
    let access = RuleAccess::new(actions, resources).ok()?;
    Some(Rule {
        extensions: model::docker::Extensions::default(),
        name: Name::new(&format!("rule {number}")).ok()?,
        decision,
        access,
    })
}

fn eight<T>(mut make: impl FnMut() -> T) -> Vec<T> {
    (0..8).map(|_| make()).collect()
}

fn name(rules: usize, random: &mut Random) -> String {
    let service = random.word(SERVICES);
    format!(
        "{service}-{}.{}.example.com",
        random.below(rules * 4),
        random.word(TEAMS)
    )
}

fn host(rules: usize, random: &mut Random) -> String {
    let name = name(rules, random);
    match random.below(20) {
        0 => random.word(PUBLIC_HOSTS).to_owned(),
        1 | 2 => format!("10.{}.{}.0/24", random.below(256), random.below(256)),
        3 => format!("10.{}.0.0/16", random.below(256)),
        4 => format!(
            "10.{}.{}.{}:443",
            random.below(256),
            random.below(256),
            random.below(256)
        ),
        5..8 => format!("**.{name}:443"),
        8..10 => format!("*.{name}"),
        10 => format!(
            "{}{}*.{}.example.com",
            random.word(SERVICES),
            random.below(rules),
            random.word(TEAMS)
        ),
        11 => format!("{name}:{}", random.between(1024, 9999)),
        12..16 => name,
        _ => format!("{name}:443"),
    }
}

fn target(rules: usize, random: &mut Random) -> HttpResource {
    let host = if random.once_in(5) {
        format!("*.{}", name(rules, random))
    } else {
        name(rules, random)
    };
    let path = random.word(API_PATHS);
    let path = match random.below(4) {
        0 => path.to_owned(),
        1 => format!("{path}/*/{}", random.word(SERVICES)),
        _ => format!("{path}/**"),
    };
    HttpResource {
        host,
        port: random.once_in(2).then_some(443),
        path,
    }
}

fn path(rules: usize, random: &mut Random) -> String {
    let folder = random.word(FOLDERS);
    let leaf = random.word(SERVICES);
    let number = random.below(rules * 4);
    match random.below(12) {
        0 => format!("/srv/{folder}/{leaf}-{number}"),
        1 => format!("/opt/{leaf}-{number}/*.json"),
        2 => format!("C:\\{folder}\\{leaf}-{number}\\**"),
        3 => format!("~/{folder}-{number}/**/{leaf}"),
        4 => format!("/data/{folder}/*/{}", random.word(GUARDED)),
        5..8 => format!("/data/{folder}/{leaf}-{number}/**"),
        _ => format!("~/{folder}/{leaf}-{number}/**"),
    }
}

fn globbed_host(random: &mut Random) -> String {
    let letter =
        |random: &mut Random| char::from(b'a' + u8::try_from(random.below(26)).unwrap_or(0));
    format!("*{}*{}*.example.com", letter(random), letter(random))
}

fn globbed_path(random: &mut Random) -> String {
    let segments = (0..random.between(2, 10)).map(|_| match random.below(4) {
        0 => "**".to_owned(),
        1 => "*".to_owned(),
        2 => format!("*{}*", random.below(10)),
        _ => random.word(FOLDERS).to_owned(),
    });
    format!("/{}", segments.collect::<Vec<_>>().join("/"))
}

/// Requests that the rules know of, and some that they do not.
pub(crate) fn requests(rules: &[Rule], count: usize) -> Vec<AccessRequest> {
    let mut random = Random::new(7);
    let mut requests = Vec::new();
    while requests.len() < count {
        let Some(rule) = rules.get(random.below(rules.len())) else {
            break;
        };
        let resource = random.below(8);
        let concrete = |text: &str| text.replace("**", "x").replace('*', "y");
        let request = match rule.access.resources() {
            Resources::Http(targets) => targets.get(resource).and_then(|target| {
                let url = format!(
                    "https://{}{}",
                    concrete(&target.host),
                    concrete(&target.path)
                );
                AccessRequest::parse("get", &url).ok()
            }),
            Resources::Plain(texts) => texts.get(resource).and_then(|text| {
                let text = concrete(
                    text.split_once('/')
                        .filter(|(net, _)| net.starts_with("10."))
                        .map_or(text, |(net, _)| net),
                );
                let port = if text.contains(':') { "" } else { ":443" };
                AccessRequest::parse("tcp", &format!("{text}{port}"))
                    .or_else(|_| AccessRequest::parse("read", &text))
                    .ok()
            }),
        };
        requests.extend(request);
    }
    requests
}
