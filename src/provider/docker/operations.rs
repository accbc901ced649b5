//! The operations of the Docker AI Governance API, for `polwarden call`.

use crate::provider::operation::Segment::{Field as Of, Fixed, Organization};
use crate::provider::operation::{Field, FieldKind, Operation, Segment, Verb};

const POLICIES: &[Segment] = &[Fixed("orgs"), Organization, Fixed("governance"), Fixed("policies")];
const POLICY: &[Segment] = &[Fixed("orgs"), Organization, Fixed("governance"), Fixed("policies"), Of("policy")];
const RULES: &[Segment] =
    &[Fixed("orgs"), Organization, Fixed("governance"), Fixed("policies"), Of("policy"), Fixed("rules")];
const RULE: &[Segment] =
    &[Fixed("orgs"), Organization, Fixed("governance"), Fixed("policies"), Of("policy"), Fixed("rules"), Of("rule")];

const DECISION: FieldKind = FieldKind::OneOf(&["allow", "deny"]);

/// All operations, in the order of the contract.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "listPolicies",
        about: "lists a page of the policies of the organization",
        verb: Verb::Get,
        path: POLICIES,
        fields: &[Field::query("page_size", FieldKind::Text), Field::query("page_token", FieldKind::Text)],
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
        path: &[Fixed("orgs"), Organization, Fixed("groups")],
        fields: &[Field::query("page", FieldKind::Text), Field::query("page_size", FieldKind::Text)],
    },
];
