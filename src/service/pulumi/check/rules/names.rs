//! `pulumi-name-invalid`, and names that are used twice: `pack-name-taken`, `group-name-taken`,
//! `alias-taken`, `pack-policy-taken`, `group-pack-taken` and `duplicate-value`.

use std::collections::HashMap;

use crate::service::confusable::{OwnedName, check_names};
use crate::service::pulumi::check::context::{PackView, PulumiGroupView, PulumiRuleContext};
use manifest::pulumi::TagSuffix;
use model::diag::{Code, Diagnostic, Path, Place, Replacement};
use model::pulumi::{GroupName, PackName, PolicyName, PolicySelector, PulumiNameError, VersionTag};

pub(super) fn check_pack(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let spec = &pack.manifest.spec;
    let name = &pack.manifest.metadata.name;
    report(
        "the name of the pack",
        name,
        PackName::new(name).err(),
        || pack.name_place(),
        found,
    );
    let tag = pack.tag.as_deref().unwrap_or(&spec.version_tag);
    let error = VersionTag::new(&spec.version_tag)
        .or_else(|_| VersionTag::new(tag))
        .and(VersionTag::new(tag))
        .err();
    let what = match spec.version_tag_suffix {
        TagSuffix::None => "the tag",
        TagSuffix::SourceDigest => "the tag with its suffix",
    };
    report(
        what,
        &spec.version_tag,
        error,
        || pack.field("versionTag"),
        found,
    );
    for (index, policy) in spec.policies.iter().enumerate() {
        let error = PolicyName::new(&policy.name).err();
        report(
            "the name of the policy",
            &policy.name,
            error,
            || pack.policy_field(index, "name"),
            found,
        );
    }
}

pub(super) fn check_group(
    _: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let metadata = &group.manifest.metadata;
    let error = GroupName::new(&metadata.name).err();
    report(
        "the name of the group",
        &metadata.name,
        error,
        || group.name_place(),
        found,
    );
    for (index, alias) in metadata.aliases.iter().enumerate() {
        report(
            "the alias",
            alias,
            GroupName::new(alias).err(),
            || group.alias_place(index),
            found,
        );
    }
    for (index, pack) in group.packs() {
        report(
            "the name of the pack",
            &pack.name,
            PackName::new(&pack.name).err(),
            || group.pack_field(index, "name"),
            found,
        );
        if let Some(tag) = &pack.version_tag {
            report(
                "the tag",
                tag,
                VersionTag::new(tag).err(),
                || group.pack_field(index, "versionTag"),
                found,
            );
        }
        for policy in pack.config.iter().flatten().map(|(policy, _)| policy) {
            let place = || {
                Place::key(
                    group.document,
                    PulumiGroupView::pack_path(index).key("config").key(policy),
                )
            };
            report(
                "the name of the policy",
                policy,
                PolicySelector::try_from(policy.clone()).err(),
                place,
                found,
            );
        }
    }
}

fn report(
    what: &str,
    text: &str,
    error: Option<PulumiNameError>,
    place: impl FnOnce() -> Place,
    found: &mut Vec<Diagnostic>,
) {
    let Some(error) = error else { return };
    let finding = Diagnostic::new(Code::PulumiNameInvalid, format!("{what} {error}"), place());
    let better: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    found.push(match error {
        PulumiNameError::Character('+') => finding
            .help(format!(
                "the service does not support build metadata: write `{better}`"
            ))
            .suggest(Replacement::Text(better)),
        PulumiNameError::Character(_) => finding
            .help(format!("write `{better}`"))
            .suggest(Replacement::Text(better)),
        PulumiNameError::Reserved(_) => {
            finding.help("this word is reserved by the service: use another one")
        }
        PulumiNameError::Empty | PulumiNameError::TooLong | PulumiNameError::Dots(_) => {
            finding.help("write 1 to 100 letters, digits, `_`, `.` or `-`")
        }
    });
}

pub(super) fn check_target_once(context: &PulumiRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let target = &context.target.name;
    let packs = context
        .packs
        .iter()
        .map(|pack| (pack.manifest.metadata.name.as_str(), pack.name_place()));
    let again = |name: &str| format!("duplicate pack in the target `{target}`: `{name}`");
    let help = "keep one manifest per pack: the name identifies it";
    report_duplicates(packs, Code::PackNameTaken, again, help, found);

    let groups = || {
        context
            .groups
            .iter()
            .map(|group| (group.manifest.metadata.name.as_str(), group.name_place()))
    };
    let again = |name: &str| format!("duplicate group in the target `{target}`: `{name}`");
    let help = "rename one of them, or merge them: the name identifies a group";
    report_duplicates(groups(), Code::GroupNameTaken, again, help, found);

    let names: HashMap<&str, Place> = groups().collect();
    let mut claimed: HashMap<&str, Place> = HashMap::new();
    for group in &context.groups {
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
            let message = format!("duplicate alias `{alias}`");
            let finding = Diagnostic::new(Code::AliasTaken, message, place).also(other, text);
            found.push(finding.help("remove the alias, or the manifest that it came from"));
        }
    }
}

/// Packs, and groups with their old names, that are displayed the same.
pub(super) fn check_confusable(context: &PulumiRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let packs: Vec<OwnedName<'_>> = context
        .packs
        .iter()
        .enumerate()
        .map(|(owner, pack)| OwnedName {
            text: &pack.manifest.metadata.name,
            owner,
        })
        .collect();
    check_names(
        "pack name",
        &packs,
        |index| context.packs[index].name_place(),
        found,
    );
    let mut names = Vec::new();
    let mut origins = Vec::new();
    for (owner, group) in context.groups.iter().enumerate() {
        let metadata = &group.manifest.metadata;
        let text = metadata.name.as_str();
        names.push(OwnedName { text, owner });
        origins.push((group, None));
        for (index, text) in metadata.aliases.iter().enumerate() {
            names.push(OwnedName { text, owner });
            origins.push((group, Some(index)));
        }
    }
    let place = |index: usize| match origins[index] {
        (group, None) => group.name_place(),
        (group, Some(alias)) => group.alias_place(alias),
    };
    check_names("group name", &names, place, found);
    for pack in &context.packs {
        let policies: Vec<OwnedName<'_>> = pack
            .manifest
            .spec
            .policies
            .iter()
            .enumerate()
            .map(|(owner, policy)| OwnedName {
                text: &policy.name,
                owner,
            })
            .collect();
        let place = |index: usize| pack.policy_field(index, "name");
        check_names("policy name", &policies, place, found);
    }
}

pub(super) fn check_policies_once(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let policies = pack.manifest.spec.policies.iter().enumerate();
    let names =
        policies.map(|(index, policy)| (policy.name.as_str(), pack.policy_field(index, "name")));
    let again = |name: &str| format!("duplicate policy `{name}` in the pack");
    let help = "rename one of them: groups refer to policies by name";
    report_duplicates(names, Code::PackPolicyTaken, again, help, found);
}

pub(super) fn check_group_once(
    _: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let packs = group
        .packs()
        .map(|(index, pack)| (pack.name.as_str(), group.pack_field(index, "name")));
    let again = |name: &str| format!("duplicate pack `{name}` in the group");
    report_duplicates(
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
    report_duplicates(
        stacks,
        Code::DuplicateValue,
        |stack| format!("duplicate stack `{stack}`"),
        "remove one of them",
        found,
    );
}

/// Accounts and environments, which are strings.
pub(super) fn check_group_texts(
    _: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let texts = |texts: &'_ Option<Vec<String>>, path: Path, what: &str, found: &mut Vec<_>| {
        let texts = texts.iter().flatten().enumerate();
        let places = texts.map(|(index, text)| {
            let place = Place::value(group.document, path.clone().index(index));
            (text.as_str(), place)
        });
        let places: Vec<_> = places.collect();
        report_duplicates(
            places.into_iter(),
            Code::DuplicateValue,
            |text| format!("duplicate {what} `{text}`"),
            "remove one of them",
            found,
        );
    };
    let spec = &group.manifest.spec;
    let accounts = Path::root().key("spec").key("accounts");
    texts(&spec.accounts, accounts, "account", found);
    for (index, pack) in group.packs() {
        let path = PulumiGroupView::pack_path(index).key("environments");
        texts(&pack.environments, path, "environment", found);
    }
}

fn report_duplicates<'a>(
    names: impl Iterator<Item = (&'a str, Place)>,
    code: Code,
    message: impl Fn(&str) -> String,
    help: &str,
    found: &mut Vec<Diagnostic>,
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
