//! Events for reviewers that are not changes of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::SourceRef;
use super::field::ValueChange;
use super::resource::ResourceKind;

/// An event that is not one of the plan's changes: the object is left alone, or later plans are affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanEvent {
    /// The name of the target; missing if it concerns all targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The line of the current revision to look at or to edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// The event.
    pub event: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "code",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum EventKind {
    /// The base revision declares an object that no manifest declares any more. It is live, and the plan does not delete it.
    RemovedStillLive {
        /// The kind of the object.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// The effect of the object, as a clause: "denies 169.254.169.254".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<String>,
        /// Where the base revision declares it.
        declared: SourceRef,
    },
    /// A new policy has the same rules as a live one that no manifest declares.
    ProbableRename {
        /// The name of the new policy.
        name: String,
        /// The name of the live policy.
        live: String,
    },
    /// A live object that no manifest declares has a name that is displayed like a declared one.
    ConfusableName {
        /// What both are.
        #[serde(default = "policy")]
        resource: ResourceKind,
        /// The name of the declared object.
        name: String,
        /// The name of the live object.
        live: String,
    },
    /// `removed` lists a policy that does not exist on the server.
    RemovedNotLive {
        /// The name in the list.
        name: String,
    },
    /// A setting of `polwarden.yaml` differs from the base revision.
    ConfigChanged {
        /// The setting, as a path: `limits.maxDeletes`.
        setting: String,
        /// The difference.
        value: ValueChange,
    },
    /// A policy is no longer protected.
    ProtectionRemoved {
        /// The policy.
        name: String,
    },
    /// A policy test, or a case of one, does not exist any more.
    TestRemoved {
        /// The policy test.
        name: String,
        /// The case, if the test itself still exists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        /// Where the base revision declares it.
        declared: SourceRef,
    },
    /// A manifest was renamed to a file name that is not read.
    ManifestNotRead {
        /// The file at the base revision.
        file: String,
        /// The file now.
        now: String,
    },
}

/// Earlier versions compared the names of policies only.
fn policy() -> ResourceKind {
    ResourceKind::Policy
}
