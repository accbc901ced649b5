//! Decides, from what was read back, what became of a write. Pure: what to read is decided elsewhere.

use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use crate::service::pulumi::plan::group_fingerprint;
use model::pulumi::{
    GroupChange, LiveGroup, LiveGroupBody, LiveGroupPack, LiveVersion, NewGroup, PackName,
    PulumiLiveState, PulumiOperation, VersionNumber, VersionRef,
};

/// What was read back after a call whose answer is missing.
pub(super) enum ReadBack {
    /// Nothing can be read of it.
    Nothing,
    /// The version was begun and not completed.
    Begun,
    /// The complete version, if there is one.
    Version(Option<LiveVersion>),
    /// The numbers and tags of the pack's versions, if it is there.
    Versions(Option<Vec<(VersionNumber, String)>>),
    /// The group, if it is there.
    Group(Option<LiveGroup>),
}

/// Decides what became of a write, given what should have been there before it.
pub(super) fn decide(
    send: &PulumiOperation,
    known: &PulumiLiveState,
    found: &ReadBack,
) -> WriteOutcome {
    match (send, found) {
        (_, ReadBack::Nothing) => WriteOutcome::NotApplied,
        (_, ReadBack::Begun) => WriteOutcome::Applied(StateAfterWrite::AsSent),
        (PulumiOperation::CreatePackVersion { version }, ReadBack::Version(found)) => match found {
            None => WriteOutcome::NotApplied,
            Some(_) => WriteOutcome::Conflict(ObjectDifference {
                planned: None,
                found: known
                    .pack(version.name.as_str())
                    .map(|pack| LiveObject::Pack(Box::new(pack.clone()))),
            }),
        },
        (PulumiOperation::DeletePackVersion { version, .. }, ReadBack::Versions(found)) => {
            let is = |(number, tag): &(VersionNumber, String)| match version {
                VersionRef::Tag(wanted) => wanted.as_str() == tag,
                VersionRef::Number(wanted) => wanted == number,
            };
            applied_if(!found.iter().flatten().any(is))
        }
        (PulumiOperation::DeletePack { .. }, ReadBack::Versions(found)) => {
            applied_if(found.is_none())
        }
        (_, ReadBack::Version(found)) => applied_if(found.is_some()),
        (_, ReadBack::Versions(_)) => WriteOutcome::NotApplied,
        (_, ReadBack::Group(found)) => group(send, known, found.as_ref()),
    }
}

fn applied_if(is: bool) -> WriteOutcome {
    if is {
        WriteOutcome::Applied(StateAfterWrite::AsSent)
    } else {
        WriteOutcome::NotApplied
    }
}

fn conflict(planned: Option<&LiveGroup>, found: Option<&LiveGroup>) -> WriteOutcome {
    let object = |group: &LiveGroup| LiveObject::Group(Box::new(group.clone()));
    WriteOutcome::Conflict(ObjectDifference {
        planned: planned.map(object),
        found: found.map(object),
    })
}

fn group(
    send: &PulumiOperation,
    known: &PulumiLiveState,
    found: Option<&LiveGroup>,
) -> WriteOutcome {
    match send {
        PulumiOperation::CreateGroup { group } => match found {
            None => WriteOutcome::NotApplied,
            Some(found) if is_new(group, found) => WriteOutcome::Applied(StateAfterWrite::AsSent),
            Some(found) => conflict(None, Some(found)),
        },
        PulumiOperation::DeleteGroup { group } => match (known.group(group.as_str()), found) {
            (_, None) => WriteOutcome::Applied(StateAfterWrite::AsSent),
            (Some(planned), Some(found))
                if group_fingerprint(planned) == group_fingerprint(found) =>
            {
                WriteOutcome::NotApplied
            }
            (planned, found) => conflict(planned, found),
        },
        PulumiOperation::UpdateGroup { group, change } => {
            changed(known.group(group.as_str()), change, found)
        }
        PulumiOperation::CreatePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. }
        | PulumiOperation::DeletePackVersion { .. }
        | PulumiOperation::DeletePack { .. } => WriteOutcome::NotApplied,
    }
}

/// An identical object is adopted, because it contains no other changes.
fn is_new(new: &NewGroup, found: &LiveGroup) -> bool {
    let NewGroup {
        name: _,
        entity_type,
        mode,
        agent_pool_id,
    } = new;
    found.body.as_ref().is_ok_and(|body| {
        let LiveGroupBody {
            entity_type: found_type,
            mode: found_mode,
            stacks,
            accounts,
            packs,
            agent_pool,
        } = body;
        found_type == entity_type
            && *found_mode == mode.unwrap_or_else(|| entity_type.usual_mode())
            && stacks.is_empty()
            && packs.is_empty()
            && accounts.is_empty()
            // Without one in the request, the server may assign one.
            && (agent_pool_id.is_none() || agent_pool == agent_pool_id)
    })
}

/// Other calls may be changing the same group just now: only what the call is about counts.
fn changed(
    planned: Option<&LiveGroup>,
    change: &GroupChange,
    found: Option<&LiveGroup>,
) -> WriteOutcome {
    if let GroupChange::Rename { .. } = change {
        return applied_if(found.is_some());
    }
    let Some(group) = found else {
        return conflict(planned, None);
    };
    let Ok(body) = &group.body else {
        return conflict(planned, found);
    };
    let pack = |group: Option<&LiveGroup>, name: &PackName| -> Option<LiveGroupPack> {
        let body = group?.body.as_ref().ok()?;
        body.packs
            .iter()
            .find(|pack| pack.name == name.as_str())
            .cloned()
    };
    match change {
        GroupChange::AddStack { stack } => applied_if(body.stacks.contains(stack)),
        GroupChange::RemoveStack { stack } => applied_if(!body.stacks.contains(stack)),
        GroupChange::AddAccount { account } => applied_if(body.accounts.contains(account)),
        GroupChange::RemoveAccount { account } => applied_if(!body.accounts.contains(account)),
        GroupChange::SetAgentPool { agent_pool_id } => {
            applied_if(body.agent_pool.as_deref().unwrap_or_default() == agent_pool_id)
        }
        GroupChange::AddPack {
            pack: name,
            tag,
            config,
            environments,
        } => {
            let was = pack(planned, name);
            let is = pack(found, name);
            let empty = |config: &Option<serde_json::Map<String, serde_json::Value>>| {
                config.clone().unwrap_or_default()
            };
            let is_sent = |pack: &LiveGroupPack| {
                let LiveGroupPack {
                    name: _,
                    version: _,
                    tag: found_tag,
                    config: found_config,
                    environments: found_environments,
                    unknown_fields: _,
                } = pack;
                found_tag == tag.as_str()
                    && empty(found_config) == empty(config)
                    && found_environments == environments
            };
            match is {
                Some(is) if is_sent(&is) => WriteOutcome::Applied(StateAfterWrite::AsSent),
                is if is == was => WriteOutcome::NotApplied,
                _ => conflict(planned, found),
            }
        }
        GroupChange::RemovePack { pack: name, .. } => match pack(found, name) {
            None => WriteOutcome::Applied(StateAfterWrite::AsSent),
            is if is == pack(planned, name) => WriteOutcome::NotApplied,
            Some(_) => conflict(planned, found),
        },
        GroupChange::Rename { .. } => WriteOutcome::NotApplied,
    }
}
