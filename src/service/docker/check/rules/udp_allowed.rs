//! `udp-allowed`: an allow rule with `connect:udp`.

use super::Findings;
use crate::service::docker::check::scene::Scene;
use crate::service::docker::check::view::PolicyView;
use manifest::docker::ActionSpec;
use model::diag::{Code, Diagnostic};
use model::docker::Decision;

pub(super) fn check(_: &Scene<'_>, policy: &PolicyView<'_>, found: &mut Findings) {
    for rule in policy
        .rules
        .iter()
        .filter(|rule| rule.spec.decision == Decision::Allow)
    {
        let Some(index) = rule
            .spec
            .actions
            .iter()
            .position(|action| *action == ActionSpec::ConnectUdp)
        else {
            continue;
        };
        let message = format!(
            "the rule `{}` allows UDP, which is rarely needed",
            rule.spec.name
        );
        found.push(
            Diagnostic::new(Code::UdpAllowed, message, rule.item("actions", index))
                .label("also opens DNS and QUIC, which carry data past HTTP rules")
                .help("keep only `connect:tcp`, unless a service in the list needs UDP"),
        );
    }
}
