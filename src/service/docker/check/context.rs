//! The manifests of a target, as rules see them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::teams::{KnownTeams, TeamDirectory};
use super::view::{DockerPolicyView, EntryGroup, ListView, RuleView};
use manifest::config::Target;
use manifest::{Document, Manifest};
use model::diag::DocumentId;

/// The input of the check of one target.
#[derive(Debug, Clone, Copy)]
pub struct PolicyInput<'a> {
    pub target: &'a Target,
    /// The manifests of the target.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file` by document.
    pub cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    pub teams: &'a KnownTeams,
}

/// Parsed and indexed.
#[derive(Debug)]
pub(super) struct DockerRuleContext<'a> {
    pub(super) target: &'a Target,
    pub(super) policies: Vec<DockerPolicyView<'a>>,
    pub(super) lists: Vec<ListView<'a>>,
    pub(super) teams: TeamDirectory<'a>,
    pub(super) cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    list_names: HashMap<&'a str, usize>,
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
        } = *input;
        let views: Vec<ManifestView<'a>> = documents
            .par_iter()
            .map(|document| view(document))
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
        for (index, list) in lists.iter().enumerate() {
            list_names
                .entry(list.manifest.metadata.name.as_str())
                .or_insert(index);
        }
        Self {
            target,
            policies,
            lists,
            teams: TeamDirectory::new(target, teams),
            cedar_files,
            list_names,
        }
    }

    /// The list of this name, or the first one if the name is used twice.
    pub(super) fn list(&self, name: &str) -> Option<&ListView<'a>> {
        self.list_names
            .get(name)
            .and_then(|index| self.lists.get(*index))
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

fn view(document: &Document) -> ManifestView<'_> {
    let Document { id, manifest } = document;
    match manifest {
        Manifest::Policy(policy) => ManifestView::Policy(DockerPolicyView::new(*id, policy)),
        Manifest::ResourceList(list) => ManifestView::List(ListView::new(*id, list)),
        Manifest::PolicyTest(_)
        | Manifest::PolicyPack(_)
        | Manifest::PolicyGroup(_)
        | Manifest::ChainloopPolicy(_)
        | Manifest::ChainloopGroup(_) => ManifestView::Other,
    }
}
