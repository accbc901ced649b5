//! Limits for the changes of one apply.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits for the changes of one apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Limits")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ChangeLimits {
    /// Maximum number or percentage of live rules that may be updated.
    pub max_updates: ChangeLimit,
    /// Maximum number or percentage of live rules that may be deleted.
    pub max_deletes: ChangeLimit,
}

impl Default for ChangeLimits {
    fn default() -> Self {
        Self {
            max_updates: ChangeLimit::Percent(30),
            max_deletes: ChangeLimit::Percent(30),
        }
    }
}

/// The form of a percentage.
pub(crate) const SHARE_PATTERN: &str = "^(100|[1-9]?[0-9])%$";

/// A number, or a percentage such as `30%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ChangeLimitText", into = "ChangeLimitText")]
pub enum ChangeLimit {
    /// An absolute number.
    Count(u32),
    /// A percentage.
    Percent(u8),
}

/// The two forms of a [`ChangeLimit`] in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum ChangeLimitText {
    Count(u32),
    Percent(String),
}

impl TryFrom<ChangeLimitText> for ChangeLimit {
    type Error = &'static str;
    fn try_from(text: ChangeLimitText) -> Result<Self, Self::Error> {
        match text {
            ChangeLimitText::Count(count) => Ok(Self::Count(count)),
            ChangeLimitText::Percent(text) => text
                .strip_suffix('%')
                .and_then(|number| number.parse().ok())
                .filter(|percent: &u8| *percent <= 100 && format!("{percent}%") == text)
                .map(Self::Percent)
                .ok_or("expected a number or a percentage from 0% to 100%"),
        }
    }
}

impl From<ChangeLimit> for ChangeLimitText {
    fn from(share: ChangeLimit) -> Self {
        match share {
            ChangeLimit::Count(count) => Self::Count(count),
            ChangeLimit::Percent(percent) => Self::Percent(format!("{percent}%")),
        }
    }
}

impl JsonSchema for ChangeLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }
    /// One schema for both forms (a pattern applies to strings only, bounds to numbers only), so
    /// that an error names the mistake instead of reporting that no branch matches.
    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number, or a percentage such as `30%`.",
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": u32::MAX,
            "pattern": SHARE_PATTERN,
            "examples": ["30%", 5]
        })
    }
}
