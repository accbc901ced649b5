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
    let LiveDocument {
        kind: _,
        name: _,
        bytes: live_bytes,
        digest: live_digest,
        latest: _,
        builtin,
        organization: owner,
        versions: _,
        inputs_schema: _,
    } = live;
    if !live.is_of(organization) {
        return DocumentState::OwnedElsewhere {
            builtin: *builtin,
            owner: owner.clone(),
        };
    }
    if live_digest == digest {
        return DocumentState::InSync;
    }
    if let Some(version) = live.version(digest) {
        return DocumentState::Behind {
            since: version.created_at.map(|time| time.to_string()),
        };
    }
    match (parsed(bytes), parsed(live_bytes)) {
        (Some(wanted), Some(there)) if wanted == there => DocumentState::FormatOnly,
        (_, _) => DocumentState::MeaningDiffers,
    }
}
