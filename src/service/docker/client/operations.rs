//! The operations of the Docker AI Governance API, for `polwarden call`.

use http::operation::{Field, FieldKind, Operation, Verb};

const POLICIES: &str = "orgs/{organization}/governance/policies";
const POLICY: &str = "orgs/{organization}/governance/policies/{policy}";
const RULES: &str = "orgs/{organization}/governance/policies/{policy}/rules";
const RULE: &str = "orgs/{organization}/governance/policies/{policy}/rules/{rule}";

const DECISION: FieldKind = FieldKind::OneOf(&["allow", "deny"]);

/// All operations, in the order of the contract.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "listPolicies",
        about: "lists a page of the policies of the organization",
        verb: Verb::Get,
        path: POLICIES,
        fields: &[
            Field::query("page_size", FieldKind::Text),
            Field::query("page_token", FieldKind::Text),
        ],
    },
    Operation {
        name: "createPolicy",
        about: "creates a policy without rules, or a Cedar policy",
        verb: Verb::Post,
        path: POLICIES,
        fields: &[
            Field::body("name", FieldKind::Text).required(),
            Field::body("scope", FieldKind::Json),
            Field::body("cedar_v1", FieldKind::Json),
        ],
    },
    Operation {
        name: "getPolicy",
        about: "reads a policy by its id",
        verb: Verb::Get,
        path: POLICY,
        fields: &[Field::path("policy")],
    },
    Operation {
        name: "updatePolicy",
        about: "changes the name, the scope or the Cedar text of a policy",
        verb: Verb::Patch,
        path: POLICY,
        fields: &[
            Field::path("policy"),
            Field::body("name", FieldKind::Text),
            Field::body("scope", FieldKind::Json),
            Field::body("cedar_v1", FieldKind::Json),
        ],
    },
    Operation {
        name: "deletePolicy",
        about: "deletes a policy with its rules",
        verb: Verb::Delete,
        path: POLICY,
        fields: &[Field::path("policy")],
    },
    Operation {
        name: "createRule",
        about: "adds a rule to a policy",
        verb: Verb::Post,
        path: RULES,
        fields: &[
            Field::path("policy"),
            Field::body("name", FieldKind::Text).required(),
            Field::body("decision", DECISION).required(),
            Field::body("actions", FieldKind::Texts).required(),
            Field::body("resources", FieldKind::Texts),
            Field::body("http_resources", FieldKind::Json),
        ],
    },
    Operation {
        name: "updateRule",
        about: "changes a rule; lists are replaced whole",
        verb: Verb::Patch,
        path: RULE,
        fields: &[
            Field::path("policy"),
            Field::path("rule"),
            Field::body("name", FieldKind::Text),
            Field::body("decision", DECISION),
            Field::body("actions", FieldKind::Texts),
            Field::body("resources", FieldKind::Texts),
            Field::body("http_resources", FieldKind::Json),
        ],
    },
    Operation {
        name: "deleteRule",
        about: "deletes a rule",
        verb: Verb::Delete,
        path: RULE,
        fields: &[Field::path("policy"), Field::path("rule")],
    },
    Operation {
        name: "listGroups",
        about: "lists a page of the teams of the organization",
        verb: Verb::Get,
        path: "orgs/{organization}/groups",
        fields: &[
            Field::query("page", FieldKind::Text),
            Field::query("page_size", FieldKind::Text),
        ],
    },
];
