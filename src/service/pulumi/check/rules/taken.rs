//! `pack-name-taken`, `group-name-taken`, `alias-taken`, `pack-policy-taken`, `group-pack-taken` and `duplicate-value`:
//! what may be there once only.

use std::collections::HashMap;

use super::Findings;
use crate::service::pulumi::check::scene::{GroupView, PackView, Scene};
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check(scene: &Scene<'_>, found: &mut Findings) {
    let target = &scene.target.name;
    let packs = scene
        .packs
        .iter()
        .map(|pack| (pack.manifest.metadata.name.as_str(), pack.name_place()));
    let again = |name: &str| format!("two packs of the target `{target}` are called `{name}`");
    let help = "keep one manifest a pack: the name is what identifies it";
    once(packs, Code::PackNameTaken, again, help, found);

    let groups = || {
        scene
            .groups
            .iter()
            .map(|group| (group.manifest.metadata.name.as_str(), group.name_place()))
    };
    let again = |name: &str| format!("two groups of the target `{target}` are called `{name}`");
    let help = "give one of them another name, or merge them: the name is what identifies a group";
    once(groups(), Code::GroupNameTaken, again, help, found);

    let names: HashMap<&str, Place> = groups().collect();
    let mut claimed: HashMap<&str, Place> = HashMap::new();
    for group in &scene.groups {
        for (index, alias) in group.manifest.metadata.aliases.iter().enumerate() {
            let place = group.alias_place(index);
            let (other, text) = match (names.get(alias.as_str()), claimed.get(alias.as_str())) {
                (Some(other), _) => (other.clone(), "a group that has this name"),
                (None, Some(other)) => (other.clone(), "claimed here too"),
                (None, None) => {
                    claimed.insert(alias, place);
                    continue;
                }
            };
            let message = format!("the alias `{alias}` stands for something else already");
            let finding = Diagnostic::new(Code::AliasTaken, message, place).also(other, text);
            found.push(finding.help("remove the alias, or the manifest that it came from"));
        }
    }
}

pub(super) fn check_policies(pack: &PackView<'_>, found: &mut Findings) {
    let policies = pack.manifest.spec.policies.iter().enumerate();
    let names =
        policies.map(|(index, policy)| (policy.name.as_str(), pack.policy_field(index, "name")));
    let again = |name: &str| format!("two policies of the pack are called `{name}`");
    let help = "give one of them another name: groups configure policies by it";
    once(names, Code::PackPolicyTaken, again, help, found);
}

pub(super) fn check_group(_: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    let packs = group
        .packs()
        .map(|(index, pack)| (pack.name.as_str(), group.pack_field(index, "name")));
    let again = |name: &str| format!("the group names the pack `{name}` twice");
    once(
        packs,
        Code::GroupPackTaken,
        again,
        "keep one of them: a group has one version of a pack",
        found,
    );

    let stacks = group.manifest.spec.stacks.iter().flatten().enumerate();
    let texts: Vec<_> = stacks
        .map(|(index, stack)| (index, format!("{}/{}", stack.routing_project, stack.name)))
        .collect();
    let place = |index: usize| {
        Place::value(
            group.document,
            Path::root().key("spec").key("stacks").index(index),
        )
    };
    let stacks = texts
        .iter()
        .map(|(index, text)| (text.as_str(), place(*index)));
    once(
        stacks,
        Code::DuplicateValue,
        |stack| format!("the stack `{stack}` stands here twice"),
        "remove one of them",
        found,
    );
}

fn once<'a>(
    names: impl Iterator<Item = (&'a str, Place)>,
    code: Code,
    message: impl Fn(&str) -> String,
    help: &str,
    found: &mut Findings,
) {
    let mut seen: HashMap<&str, Place> = HashMap::new();
    for (name, place) in names {
        if let Some(first) = seen.get(name) {
            let finding = Diagnostic::new(code, message(name), place).label("again here");
            found.push(finding.also(first.clone(), "first here").help(help));
        } else {
            seen.insert(name, place);
        }
    }
}
