//! `kind-misplaced`: a manifest of one service in a target of another.

use crate::service::pulumi::check::context::PulumiRuleContext;
use manifest::Manifest;
use manifest::config::Provider;
use model::diag::{Code, Diagnostic, Path, Place};

pub(crate) fn check(context: &PulumiRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let own = context.target.provider();
    for document in &context.documents {
        let (kind, provider) = match &document.manifest {
            Manifest::Policy(_) => ("Policy", Provider::Docker),
            Manifest::ResourceList(_) => ("ResourceList", Provider::Docker),
            Manifest::PolicyTest(_) => ("PolicyTest", Provider::Docker),
            Manifest::PolicyPack(_) => ("PolicyPack", Provider::Pulumi),
            Manifest::PolicyGroup(_) => ("PolicyGroup", Provider::Pulumi),
            Manifest::ChainloopPolicy(_) => ("Policy", Provider::Chainloop),
            Manifest::ChainloopGroup(_) => ("PolicyGroup", Provider::Chainloop),
        };
        if provider != own {
            let target = &context.target.name;
            let own = own.as_str();
            let of = provider.as_str();
            let message =
                format!("a {kind} is not allowed in the target `{target}` of the provider `{own}`");
            found.push(
                Diagnostic::new(
                    Code::KindMisplaced,
                    message,
                    Place::value(document.id, Path::root().key("kind")),
                )
                .label(format!("a kind of `{of}`"))
                .help(format!(
                    "move the file below a path of a target with `provider: {of}`"
                )),
            );
        }
    }
}
