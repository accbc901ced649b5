//! How a document compares with what is live.

use super::difference::parsed;
use crate::plan::DocumentState;
use model::chainloop::{DocumentBytes, LiveDocument};
use model::digest::Digest;

/// How the bytes of a manifest compare with what the server has under its name, for an organization. Whose it is comes
/// first: what belongs to somebody else is in sync with nothing of ours.
pub(super) fn state(
    bytes: &DocumentBytes,
    digest: &Digest,
    live: Option<&LiveDocument>,
    organization: &str,
) -> DocumentState {
    let Some(live) = live else {
        return DocumentState::Missing;
    };
    if !live.is_of(organization) {
        return DocumentState::OwnedElsewhere {
            builtin: live.builtin,
            owner: live.organization.clone(),
        };
    }
    if live.digest == *digest {
        return DocumentState::InSync;
    }
    if let Some(version) = live.version(digest) {
        return DocumentState::Behind {
            since: version.created_at.map(|time| time.to_string()),
        };
    }
    match (parsed(bytes), parsed(&live.bytes)) {
        (Some(wanted), Some(there)) if wanted == there => DocumentState::FormatOnly,
        (_, _) => DocumentState::MeaningDiffers,
    }
}
