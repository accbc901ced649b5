//! Scopes (contract: `Scope`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use http::json::{DecodeError, Object};
use model::docker::{Scope, TeamId};

/// Reads a scope and what of it is unknown. `profiles` is understood under every profile of the API: a scope that has
/// them must never look like one for the whole organization.
pub(super) fn scope(object: Object<'_>) -> Result<(Scope, Map<String, Value>), DecodeError> {
    let texts = |key| object.optional_texts(key).map(Option::unwrap_or_default);
    let teams: BTreeSet<TeamId> = texts("teams")?.into_iter().map(TeamId::new).collect();
    let profiles: BTreeSet<String> = texts("profiles")?.into_iter().map(str::to_owned).collect();
    Ok((
        Scope { teams, profiles },
        object.others(&["teams", "profiles"]),
    ))
}
