//! The canonical order of each kind of manifest. A test compares these tables with the generated
//! schemas.

use crate::docker::{
    CedarSpec, DockerPolicyManifest, DockerPolicyMetadata, DockerPolicySpec, HttpResourceSpec,
    RuleSpec, ScopeSpec,
};
use crate::list::{ResourceListManifest, ResourceListMetadata as ListMetadata, ResourceListSpec};
use crate::pulumi::{
    ConfigSchemaSpec, FrameworkSpec, GroupMetadata, GroupPackSpec, PackMetadata, PackPolicySpec,
    PolicyGroupSpec, PolicyPackManifest, PolicyPackSpec, PulumiPolicyGroupManifest, StackSpec,
};
use crate::test::{
    CaseSpec, McpSpec, PolicyTestManifest, PolicyTestMetadata as TestMetadata, PolicyTestSpec,
    TestAudienceSpec,
};

/// How the children of a node are ordered.
#[derive(Debug)]
pub(super) enum Shape {
    /// A mapping with its keys in canonical order. Other keys follow in their original order.
    Mapping(&'static [(&'static str, Shape)]),
    /// A list that keeps its order.
    List(&'static Shape),
    /// A set: order and repetition have no meaning.
    Set(SetElements),
    /// A value that keeps its order.
    Free,
}

/// The elements of a set, which determine the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetElements {
    /// Strings, by their bytes as in imported manifests.
    Texts,
    /// Actions, in the order of the API contract.
    Actions,
    /// HTTP resources, by host, port and path.
    HttpResources,
}

use Shape::{Free, List, Mapping, Set};

const TEXTS: Shape = Set(SetElements::Texts);

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

/// The shape of the mapping that a struct deserializes: for each field its key and shape. The macro
/// destructures the struct without `..`, so a new field does not compile without a shape.
macro_rules! mapping {
    ($struct:ident { $($field:ident: $key:literal => $shape:expr,)+ }) => {{
        const _: fn(&$struct) = |value| {
            let $struct { $($field: _,)+ } = value;
        };
        Mapping(&[$(($key, $shape),)+])
    }};
}

const POLICY: Shape = mapping!(DockerPolicyManifest {
    api_version: "apiVersion" => Free,
    kind: "kind" => Free,
    metadata: "metadata" => mapping!(DockerPolicyMetadata {
        name: "name" => Free,
        aliases: "aliases" => Free,
        protect: "protect" => Free,
    }),
    spec: "spec" => mapping!(DockerPolicySpec {
        scope: "scope" => mapping!(ScopeSpec {
            teams: "teams" => TEXTS,
            profiles: "profiles" => TEXTS,
        }),
        rules: "rules" => List(&RULE),
        cedar: "cedar" => mapping!(CedarSpec {
            text: "text" => Free,
            file: "file" => Free,
            schema_url: "schemaUrl" => Free,
        }),
        extensions: "extensions" => Free,
    }),
});

const RULE: Shape = mapping!(RuleSpec {
    name: "name" => Free,
    aliases: "aliases" => Free,
    decision: "decision" => Free,
    actions: "actions" => Set(SetElements::Actions),
    resources: "resources" => TEXTS,
    http_resources: "httpResources" => Set(SetElements::HttpResources),
    resources_from: "resourcesFrom" => TEXTS,
    extensions: "extensions" => Free,
});

pub(super) const HTTP_RESOURCE: Shape = mapping!(HttpResourceSpec {
    host: "host" => Free,
    port: "port" => Free,
    path: "path" => Free,
});

const RESOURCE_LIST: Shape = mapping!(ResourceListManifest {
    api_version: "apiVersion" => Free,
    kind: "kind" => Free,
    metadata: "metadata" => mapping!(ListMetadata {
        name: "name" => Free,
    }),
    spec: "spec" => mapping!(ResourceListSpec {
        hosts: "hosts" => TEXTS,
        paths: "paths" => TEXTS,
        http_resources: "httpResources" => Set(SetElements::HttpResources),
    }),
});

const POLICY_TEST: Shape = mapping!(PolicyTestManifest {
    api_version: "apiVersion" => Free,
    kind: "kind" => Free,
    metadata: "metadata" => mapping!(TestMetadata {
        name: "name" => Free,
    }),
    spec: "spec" => mapping!(PolicyTestSpec {
        target: "target" => Free,
        cases: "cases" => List(&CASE),
    }),
});

/// Requests keep the order in which they are tested.
const CASE: Shape = mapping!(CaseSpec {
    name: "name" => Free,
    audience: "audience" => AUDIENCE,
    audiences: "audiences" => List(&AUDIENCE),
    matrix: "matrix" => Free,
    mcp: "mcp" => MCP,
    allow: "allow" => Free,
    approval: "approval" => Free,
    deny: "deny" => Free,
});

const MCP: Shape = mapping!(McpSpec {
    server: "server" => Free,
    attributes: "attributes" => Free,
    args: "args" => Free,
    principal: "principal" => Free,
    context: "context" => Free,
});

const AUDIENCE: Shape = mapping!(TestAudienceSpec {
    teams: "teams" => TEXTS,
    profiles: "profiles" => TEXTS,
});

const POLICY_PACK: Shape = mapping!(PolicyPackManifest {
    api_version: "apiVersion" => Free,
    kind: "kind" => Free,
    metadata: "metadata" => mapping!(PackMetadata {
        name: "name" => Free,
    }),
    spec: "spec" => mapping!(PolicyPackSpec {
        display_name: "displayName" => Free,
        version_tag: "versionTag" => Free,
        version_tag_suffix: "versionTagSuffix" => Free,
        source: "source" => Free,
        runtime: "runtime" => Free,
        description: "description" => Free,
        readme: "readme" => Free,
        provider: "provider" => Free,
        tags: "tags" => TEXTS,
        repository: "repository" => Free,
        policies: "policies" => List(&PACK_POLICY),
    }),
});

const PACK_POLICY: Shape = mapping!(PackPolicySpec {
    name: "name" => Free,
    display_name: "displayName" => Free,
    description: "description" => Free,
    enforcement_level: "enforcementLevel" => Free,
    message: "message" => Free,
    config_schema: "configSchema" => mapping!(ConfigSchemaSpec {
        kind: "type" => Free,
        properties: "properties" => Free,
        required: "required" => TEXTS,
    }),
    severity: "severity" => Free,
    framework: "framework" => mapping!(FrameworkSpec {
        name: "name" => Free,
        version: "version" => Free,
        reference: "reference" => Free,
        specification: "specification" => Free,
    }),
    tags: "tags" => TEXTS,
    remediation_steps: "remediationSteps" => Free,
    url: "url" => Free,
});

const POLICY_GROUP: Shape = mapping!(PulumiPolicyGroupManifest {
    api_version: "apiVersion" => Free,
    kind: "kind" => Free,
    metadata: "metadata" => mapping!(GroupMetadata {
        name: "name" => Free,
        aliases: "aliases" => Free,
    }),
    spec: "spec" => mapping!(PolicyGroupSpec {
        entity_type: "entityType" => Free,
        mode: "mode" => Free,
        stacks: "stacks" => List(&STACK),
        accounts: "accounts" => TEXTS,
        agent_pool_id: "agentPoolId" => Free,
        policy_packs: "policyPacks" => List(&GROUP_PACK),
    }),
});

const STACK: Shape = mapping!(StackSpec {
    name: "name" => Free,
    routing_project: "routingProject" => Free,
});

const GROUP_PACK: Shape = mapping!(GroupPackSpec {
    name: "name" => Free,
    version_tag: "versionTag" => Free,
    config: "config" => Free,
    environments: "environments" => Free,
});

const LOCK: Shape = Mapping(&[("apiVersion", Free), ("kind", Free), ("targets", Free)]);

const CONFIG: Shape = Mapping(&[
    ("apiVersion", Free),
    ("kind", Free),
    ("targets", List(&TARGET)),
    ("access", ACCESS),
    ("apply", APPLY),
]);

const APPLY: Shape = Mapping(&[("branch", Free)]);

/// Gates and audiences keep the order in which they are shown.
const ACCESS: Shape = Mapping(&[
    ("never", List(&GATE)),
    ("always", List(&GATE)),
    ("audiences", List(&NAMED_AUDIENCE)),
]);

const GATE: Shape = Mapping(&[
    ("request", Free),
    ("mcp", MCP),
    ("audience", Free),
    ("reason", Free),
]);

const NAMED_AUDIENCE: Shape = Mapping(&[("name", Free), ("teams", Free)]);

const TARGET: Shape = Mapping(&[
    ("name", Free),
    ("provider", Free),
    ("organization", Free),
    ("paths", Free),
    ("profile", Free),
    ("unmanaged", Mapping(&[("mode", Free), ("known", Free)])),
    ("removed", Free),
    (
        "limits",
        Mapping(&[("maxUpdates", Free), ("maxDeletes", Free)]),
    ),
    ("teams", Free),
    ("access", ACCESS),
    ("keepVersions", Free),
    ("writes", Free),
    ("inline", Free),
    ("rawSchemaEncoding", Free),
]);

pub(super) fn find(api_version: &str, kind: &str) -> Option<&'static Shape> {
    KINDS
        .iter()
        .find(|(version, name, _)| *version == api_version && *name == kind)
        .map(|(_, _, shape)| *shape)
}
