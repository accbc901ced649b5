//! Decides, from what was read back, what became of a write. Pure: what to read is decided elsewhere.

use crate::run::{Difference, Left, Object, Verdict};
use crate::service::pulumi::plan::group_fingerprint;
use model::pulumi::{
    GroupChange, LiveGroup, LiveGroupBody, LiveGroupPack, LiveState, LiveVersion, NewGroup,
    Operation, PackName, VersionNumber, VersionRef,
};

/// What was read back.
pub(super) enum Found {
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
pub(super) fn decide(send: &Operation, known: &LiveState, found: &Found) -> Verdict {
    match (send, found) {
        (_, Found::Nothing) => Verdict::NotApplied,
        (_, Found::Begun) => Verdict::Applied(Left::AsSent),
        (Operation::CreatePackVersion { version }, Found::Version(found)) => match found {
            None => Verdict::NotApplied,
            Some(_) => Verdict::Other(Difference {
                planned: None,
                found: known
                    .pack(version.name.as_str())
                    .map(|pack| Object::Pack(Box::new(pack.clone()))),
            }),
        },
        (Operation::DeletePackVersion { version, .. }, Found::Versions(found)) => {
            let is = |(number, tag): &(VersionNumber, String)| match version {
                VersionRef::Tag(wanted) => wanted.as_str() == tag,
                VersionRef::Number(wanted) => wanted == number,
            };
            applied_if(!found.iter().flatten().any(is))
        }
        (Operation::DeletePack { .. }, Found::Versions(found)) => applied_if(found.is_none()),
        (_, Found::Version(found)) => applied_if(found.is_some()),
        (_, Found::Versions(_)) => Verdict::NotApplied,
        (_, Found::Group(found)) => group(send, known, found.as_ref()),
    }
}

fn applied_if(is: bool) -> Verdict {
    if is {
        Verdict::Applied(Left::AsSent)
    } else {
        Verdict::NotApplied
    }
}

fn other(planned: Option<&LiveGroup>, found: Option<&LiveGroup>) -> Verdict {
    let object = |group: &LiveGroup| Object::Group(Box::new(group.clone()));
    Verdict::Other(Difference {
        planned: planned.map(object),
        found: found.map(object),
    })
}

fn group(send: &Operation, known: &LiveState, found: Option<&LiveGroup>) -> Verdict {
    match send {
        Operation::CreateGroup { group } => match found {
            None => Verdict::NotApplied,
            Some(found) if is_new(group, found) => Verdict::Applied(Left::AsSent),
            Some(found) => other(None, Some(found)),
        },
        Operation::DeleteGroup { group } => match (known.group(group.as_str()), found) {
            (_, None) => Verdict::Applied(Left::AsSent),
            (Some(planned), Some(found))
                if group_fingerprint(planned) == group_fingerprint(found) =>
            {
                Verdict::NotApplied
            }
            (planned, found) => other(planned, found),
        },
        Operation::UpdateGroup { group, change } => {
            changed(known.group(group.as_str()), change, found)
        }
        Operation::CreatePackVersion { .. }
        | Operation::PutArchive { .. }
        | Operation::CompletePackVersion { .. }
        | Operation::DeletePackVersion { .. }
        | Operation::DeletePack { .. } => Verdict::NotApplied,
    }
}

/// Just what was asked for is as good as ours: nobody else's work is in it.
fn is_new(new: &NewGroup, found: &LiveGroup) -> bool {
    let NewGroup {
        name: _,
        entity_type,
        mode,
    } = new;
    found.body.as_ref().is_ok_and(|body| {
        let LiveGroupBody {
            entity_type: found_type,
            mode: found_mode,
            stacks,
            accounts,
            packs,
            // The server may assign one on its own.
            agent_pool: _,
        } = body;
        found_type == entity_type
            && *found_mode == mode.unwrap_or_else(|| entity_type.usual_mode())
            && stacks.is_empty()
            && packs.is_empty()
            && accounts.is_empty()
    })
}

/// Other calls may be changing the same group just now: only what the call is about counts.
fn changed(
    planned: Option<&LiveGroup>,
    change: &GroupChange,
    found: Option<&LiveGroup>,
) -> Verdict {
    if let GroupChange::Rename { .. } = change {
        return applied_if(found.is_some());
    }
    let Some(group) = found else {
        return other(planned, None);
    };
    let Ok(body) = &group.body else {
        return other(planned, found);
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
        GroupChange::AddPack {
            pack: name,
            tag,
            config,
            environments: _,
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
                    environments: _,
                    unknown_fields: _,
                } = pack;
                found_tag == tag.as_str() && empty(found_config) == empty(config)
            };
            match is {
                Some(is) if is_sent(&is) => Verdict::Applied(Left::AsSent),
                is if is == was => Verdict::NotApplied,
                _ => other(planned, found),
            }
        }
        GroupChange::RemovePack { pack: name, .. } => match pack(found, name) {
            None => Verdict::Applied(Left::AsSent),
            is if is == pack(planned, name) => Verdict::NotApplied,
            Some(_) => other(planned, found),
        },
        GroupChange::Rename { .. } => Verdict::NotApplied,
    }
}
