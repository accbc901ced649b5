//! The name of an organization.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::{SegmentError, check_segment};

/// An organization's name, as it stands in paths (contract: `org_name`). It comes from a file that a pull request can
/// edit, so it is checked before it gets near a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Organization(Arc<str>);

/// Why a text is not an organization's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the organization's name {0}")]
pub struct OrganizationError(SegmentError);

impl Organization {
    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Organization {
    type Err = OrganizationError;
    fn from_str(text: &str) -> Result<Self, OrganizationError> {
        check_segment(text).map_err(OrganizationError)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
