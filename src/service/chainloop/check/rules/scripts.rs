//! `exactly-one`, `material-type-refused`, `material-type-unknown`, `group-material-untyped` and `phases-without-effect`:
//! where scripts come from, and the materials and phases that they judge.

use crate::service::chainloop::check::context::{
    ChainloopGroupView, ChainloopPolicyView, ChainloopRuleContext,
};
use manifest::chainloop::{MaterialType, Phase};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place, did_you_mean};

pub(super) fn check_policy_source(
    context: &ChainloopRuleContext<'_>,
    policy: &ChainloopPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = &policy.manifest.spec;
    let at = ExactlyOneCheck {
        document: policy.document,
        path: policy.path.clone().key("spec"),
    };
    let policies = spec
        .policies
        .as_ref()
        .is_some_and(|policies| !policies.is_empty());
    let is_invalid = context
        .invalid
        .replaces(policy.document, &policy.spec("policies"));
    let fields = [
        ("path", spec.path.is_some()),
        ("embedded", spec.embedded.is_some()),
        ("policies", policies || is_invalid),
    ];
    let help = "write `policies`, with the script of each type of material in `embedded`";
    at.report(&fields, "the policy", help, found);
    for script in policy.scripts() {
        let source = script.source;
        let fields = [
            ("path", source.path.is_some()),
            ("embedded", source.embedded.is_some()),
            ("ref", source.reference.is_some()),
        ];
        let at = ExactlyOneCheck {
            document: policy.document,
            path: script.path,
        };
        at.report(
            &fields,
            "the script",
            "write the text of the script into `embedded`",
            found,
        );
    }
}

pub(super) fn check_group_source(
    _: &ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (path, attachment) in group.attachments() {
        let fields = [
            ("ref", attachment.reference.is_some()),
            ("embedded", attachment.embedded.is_some()),
        ];
        let at = ExactlyOneCheck {
            document: group.document,
            path,
        };
        at.report(
            &fields,
            "the attached policy",
            "write the name of a policy into `ref`",
            found,
        );
    }
}

struct ExactlyOneCheck {
    document: DocumentId,
    path: Path,
}

impl ExactlyOneCheck {
    /// Reports unless exactly one of the fields is present.
    fn report(&self, fields: &[(&str, bool)], what: &str, help: &str, found: &mut Vec<Diagnostic>) {
        let mut there = fields
            .iter()
            .filter(|(_, there)| *there)
            .map(|(name, _)| *name);
        let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        let place = |name: &str| Place::key(self.document, self.path.clone().key(name));
        match (there.next(), there.next()) {
            (Some(_), None) => {}
            (Some(first), Some(second)) => found.push(
                Diagnostic::new(
                    Code::ExactlyOne,
                    format!("{what} has two sources"),
                    place(second),
                )
                .label("from here")
                .also(place(first), "and from here")
                .help(format!("keep one of {}", names.join(", "))),
            ),
            (None, _) => found.push(
                Diagnostic::new(
                    Code::ExactlyOne,
                    format!("{what} has no source: add one of {}", names.join(", ")),
                    Place::value(self.document, self.path.clone()),
                )
                .help(help),
            ),
        }
    }
}

pub(super) fn check_policy_material(
    _: &ChainloopRuleContext<'_>,
    policy: &ChainloopPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = &policy.manifest.spec;
    let refused = |material: &MaterialType| {
        [
            ("STRING", material.is_string()),
            ("ARTIFACT", material.is_artifact()),
            ("EVIDENCE", material.is_evidence()),
        ]
        .into_iter()
        .find_map(|(name, is)| is.then_some(name))
    };
    if let Some(name) = spec.material.as_ref().and_then(refused) {
        refused_material(name, policy.value(policy.spec("type")), found);
    }
    if let Some(material) = &spec.material {
        unknown_material(material, policy.value(policy.spec("type")), found);
    }
    for (index, script) in spec.policies.iter().flatten().enumerate() {
        if script.kind.as_ref().is_some_and(MaterialType::is_artifact) {
            refused_material(
                "ARTIFACT",
                policy.value(policy.spec("policies").index(index).key("kind")),
                found,
            );
        }
        if let Some(kind) = &script.kind {
            let place = policy.value(policy.spec("policies").index(index).key("kind"));
            unknown_material(kind, place, found);
        }
    }
}

/// Maximum number of warnings about unknown types: more than are ever listed.
const MOST_UNKNOWN: usize = 200;

fn unknown_material(material: &MaterialType, place: Place, found: &mut Vec<Diagnostic>) {
    let Some(name) = material.unknown_name() else {
        return;
    };
    let known = found.iter().rev().take(MOST_UNKNOWN);
    let of_this_kind = known.filter(|it| it.code == Code::MaterialTypeUnknown);
    if of_this_kind.count() >= MOST_UNKNOWN {
        return;
    }
    let similar = did_you_mean(MaterialType::known_names().iter().copied(), name);
    let help = match similar {
        Some(similar) => {
            format!("did you mean `{similar}`? If it is a new type, the service decides")
        }
        None => "if it is a new type, the service decides whether it accepts it".to_owned(),
    };
    let message = "this version of polwarden does not support this type of material";
    found.push(
        Diagnostic::new(Code::MaterialTypeUnknown, message, place)
            .help(help)
            .suggest_similar(similar),
    );
}

fn refused_material(name: &str, place: Place, found: &mut Vec<Diagnostic>) {
    let message =
        format!("unsupported material type `{name}` for policies: its format is not defined");
    found.push(
        Diagnostic::new(Code::MaterialTypeRefused, message, place).help(
            "write the actual type of the material, or omit it and select the material by name",
        ),
    );
}

pub(super) fn check_group_material(
    context: &ChainloopRuleContext<'_>,
    group: &ChainloopGroupView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (path, material) in group.manifest.materials() {
        if let Some(material) = &material.material {
            let place = Place::value(group.document, path.clone().key("type"));
            unknown_material(material, place, found);
        }
        if context
            .invalid
            .replaces(group.document, &path.clone().key("type"))
            || context.invalid.has_unknown_fields(group.document, &path)
        {
            continue;
        }
        let named = material
            .name
            .as_deref()
            .is_some_and(|name| !name.is_empty());
        if named
            && material
                .material
                .as_ref()
                .is_none_or(MaterialType::is_unspecified)
        {
            let message = "a material with a name requires a type";
            found.push(
                Diagnostic::new(
                    Code::GroupMaterialUntyped,
                    message,
                    Place::value(group.document, path.key("name")),
                )
                .help("add `type:`, or remove the name"),
            );
        }
    }
}

/// Maximum number of phases to report per script.
const MOST_PHASES: usize = 10;

pub(super) fn check_phases(
    context: &ChainloopRuleContext<'_>,
    policy: &ChainloopPolicyView<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (index, script) in policy.manifest.spec.policies.iter().flatten().enumerate() {
        let Some((field, phases)) = script.phases() else {
            continue;
        };
        let script_path = policy.spec("policies").index(index);
        if context
            .invalid
            .replaces(policy.document, &script_path.clone().key("kind"))
        {
            continue;
        }
        let path = script_path.key(field);
        let other = script
            .kind
            .as_ref()
            .filter(|kind| !kind.is_attestation() && !kind.is_unspecified());
        if other.is_some() && !phases.is_empty() {
            found.push(
                Diagnostic::new(
                    Code::PhasesWithoutEffect,
                    "phases apply to attestations only, but this script evaluates a material",
                    policy.key(path),
                )
                .help("remove the phases, or write `kind: ATTESTATION`"),
            );
            continue;
        }
        let never = |phase: &Phase| !phase.is_used_by_attestations();
        let none = phases.iter().all(never);
        for (at, _) in phases
            .iter()
            .enumerate()
            .filter(|(_, phase)| never(phase))
            .take(MOST_PHASES)
        {
            let message = if none {
                "attestations do not have this phase, so the script is never evaluated"
            } else {
                "attestations do not have this phase"
            };
            let place = policy.value(path.clone().index(at));
            found.push(
                Diagnostic::new(Code::PhasesWithoutEffect, message, place)
                    .help("write `INIT` or `PUSH`, or remove it; without phases, the script is evaluated in both"),
            );
        }
    }
}
