//! The codes of diagnostics, with their meaning.

use model::diag::{Code, Severity};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnnotationLevel {
    Error,
    Warning,
    Notice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnnotationRule {
    /// A code of a file.
    File(Code),
    /// A code of a plan, of drift or of a policy test.
    Plan(PlanRule),
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $weight:ident;)+) => {
        /// The macro also uses these doc comments as descriptions for users.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PlanRule { $($(#[doc = $doc])+ $variant,)+ }

        impl PlanRule {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            pub(super) fn weight(self) -> AnnotationLevel {
                match self { $(Self::$variant => AnnotationLevel::$weight,)+ }
            }

            fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

rules! {
    /// An access gate fails: the plan would allow or block what it must not.
    GateShut = "plan-gate-shut", Error;
    /// A level of enforcement loosens: more gets through.
    EnforcementLoosens = "plan-enforcement-loosens", Warning;
    /// A level of enforcement tightens, or changes otherwise.
    EnforcementTightens = "plan-enforcement-tightens", Notice;
    /// The plan opens requests that are denied today.
    AccessOpens = "plan-access-opens", Warning;
    /// The plan closes requests that are allowed today.
    AccessCloses = "plan-access-closes", Notice;
    /// The plan does something that `apply` refuses until it is acknowledged.
    Guarded = "plan-guarded", Warning;
    /// For a moment during the apply, access may be neither what it was nor what it will be.
    Gap = "plan-gap", Warning;
    /// What the plan opens or closes could not be worked out in full.
    NotCompared = "plan-not-compared", Warning;
    /// A document that is written is an older version of the live document.
    GoesBack = "plan-goes-back", Warning;
    /// Something that is declared is left undone.
    Held = "plan-held", Warning;
    /// A manifest was deleted, and its policy is still live.
    RemovedStillLive = "plan-removed-still-live", Warning;
    /// A new policy has the same rules as a live one that no manifest declares.
    ProbableRename = "plan-probable-rename", Warning;
    /// A live policy that no manifest declares is displayed like a declared one.
    ConfusableName = "plan-confusable-name", Warning;
    /// `removed` lists a policy that does not exist.
    RemovedNotLive = "plan-removed-not-live", Warning;
    /// A setting of the configuration changes.
    ConfigChanged = "plan-config-changed", Warning;
    /// A policy is no longer protected.
    ProtectionRemoved = "plan-protection-removed", Warning;
    /// A policy test or one of its cases is deleted.
    TestRemoved = "plan-test-removed", Warning;
    /// A manifest is no longer read because of its new name.
    ManifestNotRead = "plan-manifest-not-read", Warning;
    /// The live state differs from the merged manifests: `apply` undoes the difference, `import --only` keeps it.
    Drift = "drift", Error;
    /// A change made outside of polwarden opened requests that the manifests deny.
    DriftOpens = "drift-access-opens", Warning;
    /// A change made outside of polwarden closed requests that the manifests allow.
    DriftCloses = "drift-access-closes", Notice;
    /// A call of a run failed.
    CallFailed = "apply-call-failed", Error;
    /// A call of a run may have been applied: the answer is missing, and the outcome could not be read back.
    CallUnknown = "apply-call-unknown", Error;
    /// A policy test was answered otherwise than it expects.
    TestFailed = "policy-test-failed", Error;
}

impl AnnotationRule {
    pub fn all() -> impl Iterator<Item = Self> {
        Code::ALL
            .iter()
            .copied()
            .map(Self::File)
            .chain(PlanRule::ALL.iter().copied().map(Self::Plan))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::File(code) => code.as_str(),
            Self::Plan(rule) => rule.as_str(),
        }
    }

    pub fn weight(self) -> AnnotationLevel {
        match self {
            Self::File(code) => match code.severity() {
                Severity::Error => AnnotationLevel::Error,
                Severity::Warning => AnnotationLevel::Warning,
                Severity::Note => AnnotationLevel::Notice,
            },
            Self::Plan(rule) => rule.weight(),
        }
    }

    /// One or two sentences.
    pub fn description(self) -> &'static str {
        match self {
            Self::File(code) => code.description(),
            Self::Plan(rule) => rule.description(),
        }
    }
}
