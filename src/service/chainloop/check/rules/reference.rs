//! `reference-invalid` and `local-reference`: the targets of references.

use crate::service::chainloop::check::context::{
    ChainloopGroupView, ChainloopPolicyView, ChainloopRuleContext,
};
use manifest::chainloop::reference::{InvalidReference, ReferenceTarget, attached, of_policy};
use model::chainloop::{LocalReference, LocalReferenceKind};
use model::diag::{Code, Diagnostic, Path, Place};

pub(super) fn check_policy(
    context: &ChainloopRuleContext<'_>,
    policy: &ChainloopPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for leads in of_policy(&policy.path, policy.manifest) {
        report(context, leads, |path| policy.value(path), found);
    }
}

pub(super) fn check_group(
    context: &ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (path, attachment) in group.attachments() {
        if let Some(text) = &attachment.reference {
            report(
                context,
                attached(text, path.key("ref")),
                |path| Place::value(group.document, path),
                found,
            );
        }
    }
}

fn report(
    context: &ChainloopRuleContext<'_>,
    leads: ReferenceTarget,
    place: impl FnOnce(Path) -> Place,
    found: &mut Vec<Diagnostic>,
) {
    match leads {
        ReferenceTarget::Service(_) | ReferenceTarget::Web => {}
        // What cannot be embedded is reported when the files are read.
        ReferenceTarget::Local(_) if context.inlines() => {}
        ReferenceTarget::Local(LocalReference {
            kind,
            text: _,
            path,
        }) => {
            let help = match kind {
                LocalReferenceKind::Path | LocalReferenceKind::ScriptRef => {
                    "set `inline: true` on the target to embed the file on apply, or write the \
                     text of the script into `embedded: |`"
                }
                LocalReferenceKind::PolicyRef => {
                    "set `inline: true` on the target to embed the file on apply, write the policy \
                     into `embedded:`, or name one of the service"
                }
            };
            let message = "the service cannot read files of the repository, so this document cannot be applied";
            found.push(Diagnostic::new(Code::LocalReference, message, place(path)).help(help));
        }
        ReferenceTarget::Invalid(path, InvalidReference::Policy(error)) => {
            let message = format!("invalid reference to a policy: {error}");
            let help = "write `name`, `organization/name` or `name@sha256:…`; a file of the \
                        repository is `file://…`, or must be embedded";
            found.push(Diagnostic::new(Code::ReferenceInvalid, message, place(path)).help(help));
        }
        ReferenceTarget::Invalid(path, InvalidReference::Script(scheme)) => {
            let message = format!("unsupported scheme `{scheme}://` for scripts");
            let help =
                "write the text of the script into `embedded: |`, or its address with `https://`";
            found.push(Diagnostic::new(Code::ReferenceInvalid, message, place(path)).help(help));
        }
    }
}
