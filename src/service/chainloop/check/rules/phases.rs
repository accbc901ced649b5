//! `phases-without-effect`: phases of attestations that nothing looks at, or that never come.

use super::Findings;
use crate::service::chainloop::check::scene::PolicyView;
use manifest::chainloop::Phase;
use model::diag::{Code, Diagnostic};

/// How many phases of one script are told of.
const MOST: usize = 10;

pub(super) fn check(policy: &PolicyView<'_>, found: &mut Findings) {
    for (index, script) in policy.manifest.spec.policies.iter().flatten().enumerate() {
        let Some((field, phases)) = script.phases() else {
            continue;
        };
        let path = policy.spec("policies").index(index).key(field);
        let other = script
            .kind
            .as_ref()
            .filter(|kind| !kind.is_attestation() && !kind.is_unspecified());
        if other.is_some() && !phases.is_empty() {
            found.push(
                Diagnostic::new(
                    Code::PhasesWithoutEffect,
                    "only attestations have phases, and this script judges a material",
                    policy.key(path),
                )
                .help("remove the phases, or write `kind: ATTESTATION`"),
            );
            continue;
        }
        let never = |phase: &Phase| !phase.happens();
        let none = phases.iter().all(never);
        for (at, _) in phases
            .iter()
            .enumerate()
            .filter(|(_, phase)| never(phase))
            .take(MOST)
        {
            let message = if none {
                "an attestation never has this phase, so that the script is never asked"
            } else {
                "an attestation never has this phase"
            };
            let place = policy.value(path.clone().index(at));
            found.push(
                Diagnostic::new(Code::PhasesWithoutEffect, message, place)
                    .help("write `INIT` or `PUSH`, or remove it; without phases the script is asked at both"),
            );
        }
    }
}
