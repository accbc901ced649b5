//! `invalid-value` (members), `unknown-pack` and `missing-field`: what groups refer to.

use crate::service::pulumi::check::context::{PulumiGroupView, PulumiRuleContext};
use model::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use model::pulumi::EntityType;

pub(super) fn check_members(
    context: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = &group.manifest.spec;
    let has_stacks = spec
        .stacks
        .as_ref()
        .is_some_and(|stacks| !stacks.is_empty());
    let entity_type = Path::root().key("spec").key("entityType");
    if context.invalid.affects(group.document, &entity_type) {
        return;
    }
    let has_accounts = spec
        .accounts
        .as_ref()
        .is_some_and(|accounts| !accounts.is_empty());
    match spec.entity_type {
        EntityType::Stacks if has_accounts => {
            let place = Place::key(group.document, Path::root().key("spec").key("accounts"));
            found.push(
                Diagnostic::new(
                    Code::InvalidValue,
                    "a group of stacks has no accounts",
                    place,
                )
                .help("remove `accounts`, or write `entityType: accounts`"),
            );
        }
        EntityType::Accounts if has_stacks => {
            let place = Place::key(group.document, Path::root().key("spec").key("stacks"));
            found.push(
                Diagnostic::new(
                    Code::InvalidValue,
                    "a group of accounts has no stacks",
                    place,
                )
                .help("omit `stacks`, or write `entityType: stacks`"),
            );
        }
        EntityType::Accounts | EntityType::Stacks => {}
    }
}

pub(super) fn check_packs(
    context: &PulumiRuleContext<'_>,
    group: &PulumiGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    if context.may_declare_more_packs() {
        return;
    }
    for (index, spec) in group.packs() {
        if context.pack(&spec.name).is_some() {
            continue;
        }
        let place = group.pack_field(index, "name");
        let near = did_you_mean(context.pack_names(), &spec.name);
        let meant = near
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        if spec.version_tag.is_none() {
            let message = format!(
                "no manifest declares the pack `{}`, so its version is required",
                spec.name
            );
            found.push(
                Diagnostic::new(Code::MissingField, message, place)
                    .help(format!(
                        "{meant}Otherwise add `versionTag:` with a version of the organization"
                    ))
                    .suggest_similar(near),
            );
            continue;
        }
        let message = format!(
            "no manifest of the target `{}` declares the pack `{}`",
            context.target.name, spec.name
        );
        found.push(
            Diagnostic::new(Code::UnknownPack, message, place)
                .help(format!("{meant}Only the server can verify this version"))
                .suggest_similar(near),
        );
    }
}
