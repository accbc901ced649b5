//! How much the service takes (contract: `FACTS`, "Limits").

/// Policies of an organization.
pub const POLICIES_PER_ORGANIZATION: usize = 100;

/// Rules of a policy.
pub const RULES_PER_POLICY: usize = 250;

/// Bytes of a policy as JSON. The manual says "400 KB": 400,000 bytes here, which is less than 400 KiB (409,600).
pub const BYTES_PER_POLICY: usize = 400_000;
