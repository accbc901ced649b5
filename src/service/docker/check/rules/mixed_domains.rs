//! `mixed-domains`: network and filesystem rules in one policy (contract: createRule).

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use model::diag::{Code, Diagnostic};

pub(super) fn check(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    let mut domains = policy
        .rules
        .iter()
        .filter_map(|rule| rule.layer.map(|layer| (rule, layer.domain())));
    let Some((first, domain)) = domains.next() else {
        return;
    };
    let Some((other, second)) = domains.find(|(_, second)| *second != domain) else {
        return;
    };
    let message = format!("a policy holds {domain} and {second} rules");
    found.push(
        Diagnostic::new(Code::MixedDomains, message, other.field("actions"))
            .label(format!("makes this a {second} policy"))
            .also(
                first.field("actions"),
                format!("makes this a {domain} policy"),
            )
            .help(format!(
                "move the {second} rules into a policy of their own"
            )),
    );
}
