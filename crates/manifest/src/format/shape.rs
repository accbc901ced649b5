//! The canonical order of each kind of manifest. A test holds these tables to the generated schemas.

/// What a node of a manifest is, as far as its order is concerned.
#[derive(Debug)]
pub(super) enum Shape {
    /// A mapping: its keys in canonical order. Keys that are not listed come after them, as the author wrote them.
    Mapping(&'static [(&'static str, Shape)]),
    /// A list whose order is the author's.
    List(&'static Shape),
    /// A list whose order and repetition mean nothing.
    Set(Elements),
    /// Anything whose order is the author's.
    Free,
}

/// The elements of a set, and so their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// By their bytes, as an import writes them.
    Texts,
    /// In the contract's order.
    Actions,
    /// By host, port and path.
    HttpResources,
}

use Shape::{Free, List, Mapping, Set};

const TEXTS: Shape = Set(Elements::Texts);

/// The kinds of documents that are formatted.
const KINDS: &[(&str, &str, &Shape)] = &[
    ("docker.com/governance/v1", "Policy", &POLICY),
    ("polwarden/v1", "ResourceList", &RESOURCE_LIST),
    ("polwarden/v1", "PolicyTest", &POLICY_TEST),
    ("pulumi.com/v1", "PolicyPack", &POLICY_PACK),
    ("pulumi.com/v1", "PolicyGroup", &POLICY_GROUP),
    ("polwarden/v1", "Config", &CONFIG),
    ("polwarden/v1", "Lock", &LOCK),
];

const POLICY: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    (
        "metadata",
        Mapping(&[("name", Free), ("aliases", Free), ("protect", Free)]),
    ),
    (
        "spec",
        Mapping(&[
            ("scope", Mapping(&[("teams", TEXTS), ("profiles", TEXTS)])),
            ("rules", List(&RULE)),
            (
                "cedar",
                Mapping(&[("text", Free), ("file", Free), ("schemaUrl", Free)]),
            ),
        ]),
    ),
]);

const RULE: Shape = Mapping(&[
    ("name", Free),
    ("aliases", Free),
    ("decision", Free),
    ("actions", Set(Elements::Actions)),
    ("resources", TEXTS),
    ("httpResources", Set(Elements::HttpResources)),
    ("resourcesFrom", TEXTS),
]);

/// The elements of [`Elements::HttpResources`].
pub(super) const HTTP_RESOURCE: Shape = Mapping(&[("host", Free), ("port", Free), ("path", Free)]);

const RESOURCE_LIST: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("metadata", Mapping(&[("name", Free)])),
    (
        "spec",
        Mapping(&[
            ("hosts", TEXTS),
            ("paths", TEXTS),
            ("httpResources", Set(Elements::HttpResources)),
        ]),
    ),
]);

const POLICY_TEST: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("metadata", Mapping(&[("name", Free)])),
    ("spec", Mapping(&[("target", Free), ("cases", List(&CASE))])),
]);

/// Requests keep the author's order, in which they are asked.
const CASE: Shape = Mapping(&[
    ("name", Free),
    ("audience", AUDIENCE),
    ("audiences", List(&AUDIENCE)),
    ("matrix", Free),
    ("mcp", Mapping(&[("principal", Free), ("context", Free)])),
    ("allow", Free),
    ("deny", Free),
]);

const AUDIENCE: Shape = Mapping(&[("teams", TEXTS), ("profiles", TEXTS)]);

const POLICY_PACK: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("metadata", Mapping(&[("name", Free)])),
    (
        "spec",
        Mapping(&[
            ("displayName", Free),
            ("versionTag", Free),
            ("versionTagSuffix", Free),
            ("source", Free),
            ("runtime", Free),
            ("description", Free),
            ("readme", Free),
            ("provider", Free),
            ("tags", TEXTS),
            ("repository", Free),
            ("policies", List(&PACK_POLICY)),
        ]),
    ),
]);

const PACK_POLICY: Shape = Mapping(&[
    ("name", Free),
    ("displayName", Free),
    ("description", Free),
    ("enforcementLevel", Free),
    ("message", Free),
    (
        "configSchema",
        Mapping(&[("type", Free), ("properties", Free), ("required", TEXTS)]),
    ),
    ("severity", Free),
    (
        "framework",
        Mapping(&[
            ("name", Free),
            ("version", Free),
            ("reference", Free),
            ("specification", Free),
        ]),
    ),
    ("tags", TEXTS),
    ("remediationSteps", Free),
    ("url", Free),
]);

const POLICY_GROUP: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("metadata", Mapping(&[("name", Free), ("aliases", Free)])),
    (
        "spec",
        Mapping(&[
            ("entityType", Free),
            ("mode", Free),
            ("stacks", List(&STACK)),
            ("policyPacks", List(&GROUP_PACK)),
        ]),
    ),
]);

const STACK: Shape = Mapping(&[("name", Free), ("routingProject", Free)]);

const GROUP_PACK: Shape = Mapping(&[("name", Free), ("versionTag", Free), ("config", Free)]);

const LOCK: Shape = Mapping(&[("apiVersion", Free), ("kind", Free), ("targets", Free)]);

const CONFIG: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("targets", List(&TARGET)),
    ("access", ACCESS),
    ("apply", APPLY),
]);

const APPLY: Shape = Mapping(&[("branch", Free)]);

/// Gates and audiences keep the order of their author, in which they are shown.
const ACCESS: Shape = Mapping(&[
    ("never", List(&GATE)),
    ("always", List(&GATE)),
    ("audiences", List(&NAMED_AUDIENCE)),
]);

const GATE: Shape = Mapping(&[("request", Free), ("audience", Free), ("reason", Free)]);

const NAMED_AUDIENCE: Shape = Mapping(&[("name", Free), ("teams", Free)]);

const TARGET: Shape = Mapping(&[
    ("name", Free),
    ("provider", Free),
    ("organization", Free),
    ("paths", Free),
    ("profile", Free),
    ("unmanaged", Free),
    (
        "limits",
        Mapping(&[("maxUpdates", Free), ("maxDeletes", Free)]),
    ),
    ("teams", Free),
    ("access", ACCESS),
    ("keepVersions", Free),
    ("writes", Free),
    ("rawSchemaEncoding", Free),
]);

/// The shape of the documents of one kind.
pub(super) fn find(api_version: &str, kind: &str) -> Option<&'static Shape> {
    KINDS
        .iter()
        .find(|(version, name, _)| *version == api_version && *name == kind)
        .map(|(_, _, shape)| *shape)
}
