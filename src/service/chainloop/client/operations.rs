//! The operations of the service that are about policies, for `polwarden call`. A read names the target's organization,
//! unless a field says another one.

use super::target::ORGANIZATION;
use http::operation::{Field, FieldKind, Operation, Verb};

const BODY: &[Field] = &[
    Field::body("policy", FieldKind::Json).required(),
    Field::body("raw_schema", FieldKind::Text).required(),
];

/// All operations.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "PolicyService_Get",
        about: "reads a policy, in its latest version or the one with this digest",
        verb: Verb::Get,
        path: "v1/policies/{policy_name}",
        fields: &[
            Field::path("policy_name"),
            Field::query("digest", FieldKind::Text),
            Field::query(ORGANIZATION, FieldKind::Text),
        ],
    },
    Operation {
        name: "PolicyService_GetGroup",
        about: "reads a policy group, in its latest version or the one with this digest",
        verb: Verb::Get,
        path: "v1/groups/{group_name}",
        fields: &[
            Field::path("group_name"),
            Field::query("digest", FieldKind::Text),
            Field::query(ORGANIZATION, FieldKind::Text),
        ],
    },
    Operation {
        name: "PolicyService_Create",
        about: "creates a policy; raw_schema holds its text, in base64 unless the service takes it plain",
        verb: Verb::Post,
        path: "v1/policies",
        fields: BODY,
    },
    Operation {
        name: "PolicyService_Update",
        about: "writes another version of a policy; raw_schema holds its text, in base64 unless the service takes it plain",
        verb: Verb::Put,
        path: "v1/policies",
        fields: BODY,
    },
];
