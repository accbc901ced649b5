//! Repositories of realistic policies, the same for the same [`Shape`] everywhere: about 10 rules a policy, 1 to 8
//! resources a rule, network, HTTP and filesystem mixed, with comments, quotes and now and then unusual YAML.

mod defect;
mod random;
mod text;
mod words;

use random::Random;

/// How many policies an organization takes (product manual of the Docker AI Governance API), so also a target.
pub(crate) const POLICIES_AN_ORGANIZATION: usize = 100;

/// What kind of repository is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// How many policies, each in a file of its own.
    pub(crate) policies: usize,
    /// One of this many files has a mistake; none at 0.
    pub(crate) invalid_once_in: usize,
}

/// A repository.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// The content of `polwarden.yaml`.
    pub(crate) config: String,
    /// What the manifests say, mistakes left out; a hundred for each target, in order.
    pub(crate) policies: Vec<Policy>,
    /// The manifests: path below the repository, and content. One for each policy, in the same order.
    pub(crate) files: Vec<(String, String)>,
}

/// A policy.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// The name, unique in the organization.
    pub(crate) name: String,
    /// The team that the policy is for, a key of [`teams`]; none for the whole organization.
    pub(crate) team: Option<&'static str>,
    /// The rules, of one domain.
    pub(crate) rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The name, unique in the policy.
    pub(crate) name: String,
    /// `allow` or `deny`.
    pub(crate) decision: &'static str,
    /// The actions, as manifests and the API write them.
    pub(crate) actions: Vec<String>,
    /// What they are about.
    pub(crate) resources: Resources,
}

/// The resources of a rule.
#[derive(Debug, Clone)]
pub(crate) enum Resources {
    /// Hosts or paths.
    Plain(Vec<String>),
    /// Host, port and path of HTTP requests.
    Http(Vec<(String, u16, String)>),
}

impl Corpus {
    /// Makes the repository of a shape. Policies do not depend on how many there are, nor on which are invalid.
    pub(crate) fn new(shape: Shape) -> Self {
        let Shape {
            policies,
            invalid_once_in,
        } = shape;
        let mut corpus = Self {
            config: text::config(policies),
            policies: Vec::new(),
            files: Vec::new(),
        };
        for number in 0..policies {
            let mut random = Random::new(u64::try_from(number).unwrap_or_default());
            let policy = policy(number, &mut random);
            let mut content = text::manifest(&policy, &mut random);
            if invalid_once_in > 0 && number % invalid_once_in == invalid_once_in / 2 {
                content = defect::break_one_thing(&content, number / invalid_once_in);
            }
            let file = policy.name.replace(' ', "-");
            let path = format!(
                "policies/{}/{file}.yaml",
                organization(number / POLICIES_AN_ORGANIZATION)
            );
            corpus.files.push((path, content));
            corpus.policies.push(policy);
        }
        corpus
    }
}

/// The name of an organization, by its number; its target has the same name.
pub(crate) fn organization(number: usize) -> String {
    format!("org-{number:03}")
}

/// The teams of every organization: alias and uuid.
pub(crate) fn teams() -> impl Iterator<Item = (&'static str, String)> {
    words::TEAMS
        .iter()
        .enumerate()
        .map(|(number, team)| (*team, format!("0b0c6b3e-8a52-4c5e-9f0e-{number:012}")))
}

fn policy(number: usize, random: &mut Random) -> Policy {
    let team = random.word(words::TEAMS);
    let name = format!(
        "{team} {} {:03}",
        random.word(words::PURPOSES),
        number % POLICIES_AN_ORGANIZATION
    );
    let files = random.once_in(5);
    let count = random.between(8, 12);
    let rules = (0..count).map(|position| {
        if files {
            file_rule(position, random)
        } else {
            net_rule(position, random)
        }
    });
    Policy {
        name,
        rules: rules.collect(),
        team: random.once_in(4).then_some(team),
    }
}

fn decision(random: &mut Random) -> &'static str {
    if random.once_in(4) { "deny" } else { "allow" }
}

fn file_rule(position: usize, random: &mut Random) -> Rule {
    let folder = random.word(words::FOLDERS);
    let actions = if random.once_in(2) {
        &["read"][..]
    } else {
        &["read", "write"]
    };
    let count = random.between(1, 8);
    let paths = (0..count).map(|item| {
        let leaf = random.word(words::SERVICES);
        match random.below(8) {
            0 => format!("/srv/{folder}/{leaf}-{item}"),
            1 => format!("/opt/{leaf}-{item}/*.json"),
            2 => format!("C:\\{folder}\\{leaf}-{item}\\**"),
            3 | 4 => format!("/data/{folder}/{leaf}-{item}/**"),
            _ => format!("~/{folder}/{leaf}-{item}/**"),
        }
    });
    Rule {
        name: format!(
            "{} {folder} {position}",
            if actions.len() == 1 { "read" } else { "edit" }
        ),
        resources: Resources::Plain(paths.collect()),
        decision: decision(random),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
    }
}

fn net_rule(position: usize, random: &mut Random) -> Rule {
    let service = random.word(words::SERVICES);
    let name = format!("{} {service} {position}", random.word(words::VERBS));
    let decision = decision(random);
    let count = random.between(1, 8);
    if random.once_in(4) {
        let first = random.below(words::METHODS.len());
        let methods = words::METHODS.iter().skip(first).take(random.between(1, 3));
        let targets = (0..count)
            .map(|item| http_target(service, item, random))
            .collect();
        let actions = methods.map(|method| format!("request:{method}")).collect();
        return Rule {
            name,
            decision,
            actions,
            resources: Resources::Http(targets),
        };
    }
    let hosts = (0..count).map(|item| host(service, item, random)).collect();
    Rule {
        name,
        decision,
        actions: vec!["connect:tcp".to_owned()],
        resources: Resources::Plain(hosts),
    }
}

/// A host of an own name for each `item`, so that no entry repeats or covers another.
fn host(service: &str, item: usize, random: &mut Random) -> String {
    let team = random.word(words::TEAMS);
    match random.below(10) {
        0 => words::PUBLIC_HOSTS
            .get(item)
            .copied()
            .unwrap_or("github.com")
            .to_owned(),
        1 => format!("10.{}.{item}.0/24", random.below(256)),
        2 => format!("**.{service}-{item}.{team}.example.com"),
        3 => format!("**.{service}-{item}.{team}.example.com:443"),
        4 => format!("{service}-{item}.{team}.example.com"),
        5 => format!(
            "{service}-{item}.{team}.example.com:{}",
            random.between(1024, 9999)
        ),
        _ => format!("{service}-{item}.{team}.example.com:443"),
    }
}

fn http_target(service: &str, item: usize, random: &mut Random) -> (String, u16, String) {
    let host = format!("{service}-{item}.{}.example.com", random.word(words::TEAMS));
    let path = random.word(words::API_PATHS);
    let path = if random.once_in(3) {
        path.to_owned()
    } else {
        format!("{path}/**")
    };
    (host, 443, path)
}
