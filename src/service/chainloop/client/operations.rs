//! The operations of the service that are about policies, for `polwarden call`. A read names the target's organization,
//! unless a field says another one.

use super::connection::ORGANIZATION;
use http::operation::{ApiOperation, FieldKind, OperationField, Verb};

const BODY: &[OperationField] = &[
    OperationField::body("policy", FieldKind::Json).required(),
    OperationField::body("raw_schema", FieldKind::Text).required(),
];

/// All operations.
pub const OPERATIONS: &[ApiOperation] = &[
    ApiOperation {
        name: "PolicyService_Get",
        about: "reads a policy, in its latest version or the one with this digest",
        verb: Verb::Get,
        path: "v1/policies/{policy_name}",
        fields: &[
            OperationField::path("policy_name"),
            OperationField::query("digest", FieldKind::Text),
            OperationField::query(ORGANIZATION, FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "PolicyService_GetGroup",
        about: "reads a policy group, in its latest version or the one with this digest",
        verb: Verb::Get,
        path: "v1/groups/{group_name}",
        fields: &[
            OperationField::path("group_name"),
            OperationField::query("digest", FieldKind::Text),
            OperationField::query(ORGANIZATION, FieldKind::Text),
        ],
    },
    ApiOperation {
        name: "PolicyService_Create",
        about: "creates a policy; raw_schema contains its text, in base64 unless the service accepts plain text",
        verb: Verb::Post,
        path: "v1/policies",
        fields: BODY,
    },
    ApiOperation {
        name: "PolicyService_Update",
        about: "writes another version of a policy; raw_schema contains its text, in base64 unless the service accepts plain text",
        verb: Verb::Put,
        path: "v1/policies",
        fields: BODY,
    },
];
