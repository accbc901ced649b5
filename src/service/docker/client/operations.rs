//! The operations of the Docker AI Governance API, for `polwarden call`.

use http::operation::{ApiOperation, FieldKind, OperationField, Verb};

const POLICIES: &str = "orgs/{organization}/governance/policies";
const POLICY: &str = "orgs/{organization}/governance/policies/{policy}";
const RULES: &str = "orgs/{organization}/governance/policies/{policy}/rules";
const RULE: &str = "orgs/{organization}/governance/policies/{policy}/rules/{rule}";

const DECISION: FieldKind = FieldKind::OneOf(&["allow", "deny"]);

/// All operations, in the order of the contract.
pub const OPERATIONS: &[ApiOperation] = &[
    ApiOperation {
        name: "listPolicies",
        about: "lists a page of the policies of the organization",
        verb: Verb::Get,
        path: POLICIES,
        fields: &[
            OperationField::query("page_size", FieldKind::Text),
            OperationField::query("page_token", FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "createPolicy",
        about: "creates a policy without rules, or a Cedar policy",
        verb: Verb::Post,
        path: POLICIES,
        fields: &[
            OperationField::body("name", FieldKind::Text).required(),
            OperationField::body("scope", FieldKind::Json),
            OperationField::body("cedar_v1", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "getPolicy",
        about: "reads a policy by its id",
        verb: Verb::Get,
        path: POLICY,
        fields: &[OperationField::path("policy")],
    },
    ApiOperation {
        name: "updatePolicy",
        about: "changes the name, the scope or the Cedar text of a policy",
        verb: Verb::Patch,
        path: POLICY,
        fields: &[
            OperationField::path("policy"),
            OperationField::body("name", FieldKind::Text),
            OperationField::body("scope", FieldKind::Json),
            OperationField::body("cedar_v1", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "deletePolicy",
        about: "deletes a policy with its rules",
        verb: Verb::Delete,
        path: POLICY,
        fields: &[OperationField::path("policy")],
    },
    ApiOperation {
        name: "createRule",
        about: "adds a rule to a policy",
        verb: Verb::Post,
        path: RULES,
        fields: &[
            OperationField::path("policy"),
            OperationField::body("name", FieldKind::Text).required(),
            OperationField::body("decision", DECISION).required(),
            OperationField::body("actions", FieldKind::Texts).required(),
            OperationField::body("resources", FieldKind::Texts),
            OperationField::body("http_resources", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "updateRule",
        about: "changes a rule; lists are replaced completely",
        verb: Verb::Patch,
        path: RULE,
        fields: &[
            OperationField::path("policy"),
            OperationField::path("rule"),
            OperationField::body("name", FieldKind::Text),
            OperationField::body("decision", DECISION),
            OperationField::body("actions", FieldKind::Texts),
            OperationField::body("resources", FieldKind::Texts),
            OperationField::body("http_resources", FieldKind::Json),
        ],
    },
    ApiOperation {
        name: "deleteRule",
        about: "deletes a rule",
        verb: Verb::Delete,
        path: RULE,
        fields: &[OperationField::path("policy"), OperationField::path("rule")],
    },
    ApiOperation {
        name: "listGroups",
        about: "lists a page of the teams of the organization",
        verb: Verb::Get,
        path: "orgs/{organization}/groups",
        fields: &[
            OperationField::query("page", FieldKind::Text),
            OperationField::query("page_size", FieldKind::Text),
        ],
    },
];
