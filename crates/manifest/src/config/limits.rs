//! Limits for the changes of one apply.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much one apply may change before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// How many of the live rules may be updated.
    pub max_updates: Share,
    /// How many of the live rules may be deleted.
    pub max_deletes: Share,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_updates: Share::Percent(30),
            max_deletes: Share::Percent(30),
        }
    }
}

/// The form of a percentage.
pub(crate) const SHARE_PATTERN: &str = "^(100|[1-9]?[0-9])%$";

/// A number, or a percentage such as `30%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ShareText", into = "ShareText")]
pub enum Share {
    /// An absolute number.
    Count(u32),
    /// A percentage.
    Percent(u8),
}

/// The two forms of a [`Share`] in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum ShareText {
    Count(u32),
    Percent(String),
}

impl TryFrom<ShareText> for Share {
    type Error = &'static str;
    fn try_from(text: ShareText) -> Result<Self, Self::Error> {
        match text {
            ShareText::Count(count) => Ok(Self::Count(count)),
            ShareText::Percent(text) => text
                .strip_suffix('%')
                .and_then(|number| number.parse().ok())
                .filter(|percent: &u8| *percent <= 100 && format!("{percent}%") == text)
                .map(Self::Percent)
                .ok_or("expected a number or a percentage from 0% to 100%"),
        }
    }
}

impl From<Share> for ShareText {
    fn from(share: Share) -> Self {
        match share {
            Share::Count(count) => Self::Count(count),
            Share::Percent(percent) => Self::Percent(format!("{percent}%")),
        }
    }
}

impl JsonSchema for Share {
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
