//! The manifests of a target, as rules see them.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::teams::{KnownTeams, TeamDirectory};
use super::view::{DockerPolicyView, EntryGroup, ListView, RuleView};
use crate::service::invalid::InvalidManifests;
use crate::workspace::CedarFile;
use manifest::config::Target;
use manifest::{Document, Manifest};
use model::diag::{DocumentId, Path};

/// The input of the check of one target.
#[derive(Debug, Clone, Copy)]
pub struct PolicyInput<'a> {
    pub target: &'a Target,
    /// The manifests of the target.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file` by document.
    pub cedar_files: &'a HashMap<DocumentId, CedarFile>,
    pub teams: &'a KnownTeams,
    /// The manifests that are not valid.
    pub invalid: InvalidManifests<'a>,
}

/// Parsed and indexed.
#[derive(Debug)]
pub(super) struct DockerRuleContext<'a> {
    pub(super) target: &'a Target,
    pub(super) policies: Vec<DockerPolicyView<'a>>,
    pub(super) lists: Vec<ListView<'a>>,
    pub(super) teams: TeamDirectory<'a>,
    pub(super) cedar_files: &'a HashMap<DocumentId, CedarFile>,
    pub(super) invalid: InvalidManifests<'a>,
    list_names: HashMap<&'a str, usize>,
    /// The names that several lists have.
    repeated_lists: HashSet<&'a str>,
}

enum ManifestView<'a> {
    Policy(DockerPolicyView<'a>),
    List(ListView<'a>),
    /// Checked separately (`policy_tests`, `packs`): no policy depends on it.
    Other,
}

impl<'a> DockerRuleContext<'a> {
    pub(super) fn new(input: &PolicyInput<'a>) -> Self {
        let PolicyInput {
            target,
            documents,
            cedar_files,
            teams,
            invalid,
        } = *input;
        let documents = invalid.with_valid(documents);
        let views: Vec<ManifestView<'a>> = documents
            .par_iter()
            .map(|document| view(document, &invalid))
            .collect();
        let mut policies = Vec::with_capacity(views.len());
        let mut lists = Vec::new();
        for view in views {
            match view {
                ManifestView::Policy(view) => policies.push(view),
                ManifestView::List(view) => lists.push(view),
                ManifestView::Other => {}
            }
        }
        let mut list_names = HashMap::with_capacity(lists.len());
        let mut repeated_lists = HashSet::new();
        for (index, list) in lists.iter().enumerate() {
            let name = list.manifest.metadata.name.as_str();
            if *list_names.entry(name).or_insert(index) != index {
                repeated_lists.insert(name);
            }
        }
        Self {
            target,
            policies,
            lists,
            teams: TeamDirectory::new(target, teams),
            cedar_files,
            invalid,
            list_names,
            repeated_lists,
        }
    }

    /// The list of this name, or the first one if the name is used twice.
    pub(super) fn list(&self, name: &str) -> Option<&ListView<'a>> {
        self.list_names
            .get(name)
            .and_then(|index| self.lists.get(*index))
    }

    /// Whether only one list has this name.
    pub(super) fn is_unambiguous(&self, name: &str) -> bool {
        !self.repeated_lists.contains(name)
    }

    /// Whether a list of this name may be declared in a part of the manifests that cannot be read.
    pub(super) fn may_declare_more_lists(&self) -> bool {
        let name = Path::root().key("metadata").key("name");
        self.invalid.unreadable
            || self
                .lists
                .iter()
                .any(|list| self.invalid.replaces(list.document, &name))
    }

    /// Whether an invalid part of the manifests may contain a rule that includes a list.
    pub(super) fn may_include_more_lists(&self) -> bool {
        let rules = Path::root().key("spec").key("rules");
        self.invalid.unreadable
            || self
                .policies
                .iter()
                .any(|policy| self.invalid.affects(policy.document, &rules))
    }

    /// Whether the lists that a policy includes are declared.
    pub(super) fn knows_lists(&self, policy: &DockerPolicyView<'a>) -> bool {
        let rules = policy.rules.iter();
        rules
            .flat_map(|rule| rule.spec.resources_from.iter().flatten())
            .all(|name| self.list(name).is_some())
    }

    /// Whether all rules of a policy, with all their resources, are valid and known.
    pub(super) fn knows_rules(&self, policy: &DockerPolicyView<'a>) -> bool {
        let spec = Path::root().key("spec");
        let mut names = policy
            .rules
            .iter()
            .flat_map(|rule| rule.spec.resources_from.iter().flatten());
        !self.invalid.affects(policy.document, &spec)
            && names.all(|name| {
                self.list(name)
                    .is_some_and(|list| !self.invalid.affects(list.document, &spec))
            })
    }

    pub(super) fn list_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.list_names.keys().copied()
    }

    /// The known lists that a rule includes.
    pub(super) fn included_lists<'s>(
        &'s self,
        rule: &'s RuleView<'a>,
    ) -> impl Iterator<Item = &'s ListView<'a>> {
        let names = rule.spec.resources_from.as_deref().unwrap_or_default();
        names.iter().filter_map(|name| self.list(name))
    }

    /// All resources of a rule: its own, then those of the lists that it includes.
    pub(super) fn groups<'s>(
        &'s self,
        rule: &'s RuleView<'a>,
    ) -> impl Iterator<Item = &'s EntryGroup<'a>> {
        rule.group
            .iter()
            .chain(self.included_lists(rule).flat_map(|list| &list.groups))
    }

    /// Whether a policy includes a list of one of these documents.
    pub(super) fn includes_list_of(
        &self,
        policy: &DockerPolicyView<'a>,
        documents: &HashSet<DocumentId>,
    ) -> bool {
        !documents.is_empty()
            && policy.rules.iter().any(|rule| {
                self.included_lists(rule)
                    .any(|list| documents.contains(&list.document))
            })
    }
}

fn view<'a>(document: &'a Document, invalid: &InvalidManifests<'_>) -> ManifestView<'a> {
    let Document { id, manifest } = document;
    match manifest {
        Manifest::Policy(policy) => {
            ManifestView::Policy(DockerPolicyView::new(*id, policy, invalid))
        }
        Manifest::ResourceList(list) => ManifestView::List(ListView::new(*id, list)),
        Manifest::PolicyTest(_)
        | Manifest::PolicyPack(_)
        | Manifest::PolicyGroup(_)
        | Manifest::ChainloopPolicy(_)
        | Manifest::ChainloopGroup(_) => ManifestView::Other,
    }
}
