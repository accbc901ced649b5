//! The manifests of a target, as rules see them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::teams::{Directory, Teams};
use super::view::{Group, ListView, PolicyView, RuleView};
use manifest::config::Target;
use manifest::{Document, Manifest};
use model::diag::DocumentId;

/// The input of the check of one target.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub target: &'a Target,
    /// The manifests of the target.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file` by document.
    pub cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    pub teams: &'a Teams,
}

/// Parsed and indexed.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) target: &'a Target,
    pub(super) policies: Vec<PolicyView<'a>>,
    pub(super) lists: Vec<ListView<'a>>,
    pub(super) teams: Directory<'a>,
    pub(super) cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    list_names: HashMap<&'a str, usize>,
}

enum View<'a> {
    Policy(PolicyView<'a>),
    List(ListView<'a>),
    /// Checked separately (`policy_tests`, `packs`): no policy depends on it.
    Other,
}

impl<'a> Scene<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        let Input {
            target,
            documents,
            cedar_files,
            teams,
        } = *input;
        let views: Vec<View<'a>> = documents
            .par_iter()
            .map(|document| view(document))
            .collect();
        let mut policies = Vec::with_capacity(views.len());
        let mut lists = Vec::new();
        for view in views {
            match view {
                View::Policy(view) => policies.push(view),
                View::List(view) => lists.push(view),
                View::Other => {}
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
            teams: Directory::new(target, teams),
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
    pub(super) fn pulled<'s>(
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
    ) -> impl Iterator<Item = &'s Group<'a>> {
        rule.group
            .iter()
            .chain(self.pulled(rule).flat_map(|list| &list.groups))
    }

    /// Whether a policy includes a list of one of these documents.
    pub(super) fn pulls_from(
        &self,
        policy: &PolicyView<'a>,
        documents: &HashSet<DocumentId>,
    ) -> bool {
        !documents.is_empty()
            && policy.rules.iter().any(|rule| {
                self.pulled(rule)
                    .any(|list| documents.contains(&list.document))
            })
    }
}

fn view(document: &Document) -> View<'_> {
    let Document { id, manifest } = document;
    match manifest {
        Manifest::Policy(policy) => View::Policy(PolicyView::new(*id, policy)),
        Manifest::ResourceList(list) => View::List(ListView::new(*id, list)),
        Manifest::PolicyTest(_)
        | Manifest::PolicyPack(_)
        | Manifest::PolicyGroup(_)
        | Manifest::ChainloopPolicy(_)
        | Manifest::ChainloopGroup(_) => View::Other,
    }
}
