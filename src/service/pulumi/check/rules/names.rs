//! `pulumi-name-invalid`: names and tags that the service does not take.

use super::Findings;
use crate::service::pulumi::check::scene::{GroupView, PackView, Scene};
use manifest::pulumi::TagSuffix;
use model::diag::{Code, Diagnostic, Place};
use model::pulumi::{GroupName, PackName, PolicyName, PolicySelector, VersionTag, WordError};

pub(super) fn check_pack(pack: &PackView<'_>, found: &mut Findings) {
    let spec = &pack.manifest.spec;
    let name = &pack.manifest.metadata.name;
    say(
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
    say(
        what,
        &spec.version_tag,
        error,
        || pack.field("versionTag"),
        found,
    );
    for (index, policy) in spec.policies.iter().enumerate() {
        let error = PolicyName::new(&policy.name).err();
        say(
            "the name of the policy",
            &policy.name,
            error,
            || pack.policy_field(index, "name"),
            found,
        );
    }
}

pub(super) fn check_group(_: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    let metadata = &group.manifest.metadata;
    let error = GroupName::new(&metadata.name).err();
    say(
        "the name of the group",
        &metadata.name,
        error,
        || group.name_place(),
        found,
    );
    for (index, alias) in metadata.aliases.iter().enumerate() {
        say(
            "the alias",
            alias,
            GroupName::new(alias).err(),
            || group.alias_place(index),
            found,
        );
    }
    for (index, pack) in group.packs() {
        say(
            "the name of the pack",
            &pack.name,
            PackName::new(&pack.name).err(),
            || group.pack_field(index, "name"),
            found,
        );
        if let Some(tag) = &pack.version_tag {
            say(
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
                    GroupView::pack_path(index).key("config").key(policy),
                )
            };
            say(
                "the name of the policy",
                policy,
                PolicySelector::try_from(policy.clone()).err(),
                place,
                found,
            );
        }
    }
}

fn say(
    what: &str,
    text: &str,
    error: Option<WordError>,
    place: impl FnOnce() -> Place,
    found: &mut Findings,
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
        WordError::Character('+') => finding.help(format!(
            "the service knows no build metadata: write `{better}`"
        )),
        WordError::Character(_) => finding.help(format!("write `{better}`")),
        WordError::Reserved(_) => {
            finding.help("the service means something else by this word: write another one")
        }
        WordError::Empty | WordError::TooLong | WordError::Dots(_) => {
            finding.help("write 1 to 100 letters, digits, `_`, `.` or `-`")
        }
    });
}
