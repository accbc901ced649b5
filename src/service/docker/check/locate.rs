use std::collections::HashMap;

use access::CoveredRule;
use manifest::docker::{HttpResourceSpec, RuleSpec};
use manifest::list::ResourceListSpec;
use manifest::{Document, Manifest};
use model::diag::{DocumentId, Path, Place};
use model::docker::{DesiredPolicy, HttpResource, PolicyContent};

/// Where the manifests of a target declare policies and rules, by name.
#[derive(Debug, Default)]
pub struct DeclaredNames {
    places: HashMap<String, (Place, HashMap<String, Place>)>,
}

impl DeclaredNames {
    pub fn of(documents: &[&Document]) -> Self {
        let mut names = Self::default();
        for document in documents {
            let Manifest::Policy(manifest) = &document.manifest else {
                continue;
            };
            let name = Path::root().key("metadata").key("name");
            let rules = manifest.spec.rules.iter().flatten().enumerate();
            let rules = rules.map(|(index, rule)| {
                let path = Path::root().key("spec").key("rules").index(index);
                (rule.name.clone(), Place::value(document.id, path))
            });
            names.places.insert(
                manifest.metadata.name.clone(),
                (Place::value(document.id, name), rules.collect()),
            );
        }
        names
    }

    pub fn policy(&self, policy: &str) -> Option<&Place> {
        self.places.get(policy).map(|(place, _)| place)
    }

    pub fn rule(&self, policy: &str, rule: &str) -> Option<&Place> {
        self.places.get(policy)?.1.get(rule)
    }
}

/// Where the manifests of a target write a resource of a rule that policy tests cover.
pub fn covered_place(
    documents: &[&Document],
    policies: &[DesiredPolicy],
    covered: &CoveredRule<'_>,
    resource: &str,
) -> Option<Place> {
    let policy = policies.get(covered.rule.position.policy)?;
    let rule = match &policy.content {
        PolicyContent::Rules(rules) => rules.get(covered.rule.position.rule)?,
        PolicyContent::Cedar(_) => return None,
    };
    resource_place(documents, policy.document, rule.index, resource)
}

/// The place that declares a resource of a rule, as in [`access::AttributedDecision`]: in the rule itself or in
/// a list that it includes.
pub(super) fn resource_place(
    documents: &[&Document],
    policy: DocumentId,
    rule: usize,
    resource: &str,
) -> Option<Place> {
    let Manifest::Policy(manifest) = &documents
        .iter()
        .find(|document| document.id == policy)?
        .manifest
    else {
        return None;
    };
    let spec: &RuleSpec = manifest.spec.rules.as_ref()?.get(rule)?;
    let own = Path::root().key("spec").key("rules").index(rule);
    if let Some(index) = text(spec.resources.as_deref(), resource) {
        return Some(Place::value(policy, own.key("resources").index(index)));
    }
    if let Some(index) = http(spec.http_resources.as_deref(), resource) {
        return Some(Place::value(policy, own.key("httpResources").index(index)));
    }
    let names = spec.resources_from.as_deref().unwrap_or_default();
    documents
        .iter()
        .find_map(|document| match &document.manifest {
            Manifest::ResourceList(list) if names.contains(&list.metadata.name) => {
                let ResourceListSpec {
                    hosts,
                    paths,
                    http_resources,
                } = &list.spec;
                let (field, index) = text(hosts.as_deref(), resource)
                    .map(|index| ("hosts", index))
                    .or_else(|| Some(("paths", text(paths.as_deref(), resource)?)))
                    .or_else(|| {
                        Some(("httpResources", http(http_resources.as_deref(), resource)?))
                    })?;
                Some(Place::value(
                    document.id,
                    Path::root().key("spec").key(field).index(index),
                ))
            }
            Manifest::ResourceList(_)
            | Manifest::Policy(_)
            | Manifest::PolicyTest(_)
            | Manifest::PolicyPack(_)
            | Manifest::PolicyGroup(_)
            | Manifest::ChainloopPolicy(_)
            | Manifest::ChainloopGroup(_) => None,
        })
}

fn text(texts: Option<&[String]>, resource: &str) -> Option<usize> {
    texts?.iter().position(|text| text == resource)
}

fn http(targets: Option<&[HttpResourceSpec]>, resource: &str) -> Option<usize> {
    targets?
        .iter()
        .position(|HttpResourceSpec { host, port, path }| {
            HttpResource {
                host: host.clone(),
                port: *port,
                path: path.clone(),
            }
            .to_string()
                == resource
        })
}
