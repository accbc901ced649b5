//! What a server holds and this version cannot express.

use serde_json::Value;

/// Something the server holds that this version cannot express. It is kept, shown, and never rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opaque {
    /// What was not understood, as a clause: "has the unknown action `connect:quic`".
    pub why: String,
    /// The object as the server gave it.
    pub raw: Value,
}
