use serde_json::{Value, json};

use crate::plan::Fingerprint;
use model::pulumi::{LiveGroup, LiveGroupBody, LiveGroupPack, LivePack, LiveVersion};

/// The digest of the versions of a pack. Versions are immutable, and groups have a digest of their
/// own, so numbers and tags are sufficient.
pub fn pack_fingerprint(pack: &LivePack) -> Fingerprint {
    let LivePack {
        name,
        display_name: _,
        publisher: _,
        versions,
        unknown_fields: _,
    } = pack;
    let version = |LiveVersion {
                       number,
                       tag,
                       detail: _,
                   }: &LiveVersion| json!([number, tag]);
    Fingerprint::of(
        json!({ "pack": name, "versions": versions.iter().map(version).collect::<Vec<_>>() }),
    )
}

/// The digest of a group, including unknown fields. The order of stacks and packs is ignored.
pub fn group_fingerprint(group: &LiveGroup) -> Fingerprint {
    let LiveGroup {
        name,
        is_default,
        body,
        unknown_fields,
    } = group;
    let body = match body {
        Ok(body) => self::body(body),
        Err(opaque) => opaque.raw.clone(),
    };
    Fingerprint::of(
        json!({ "group": name, "default": is_default, "body": body, "unknown": unknown_fields }),
    )
}

fn body(body: &LiveGroupBody) -> Value {
    let LiveGroupBody {
        entity_type,
        mode,
        stacks,
        accounts,
        packs,
        agent_pool,
    } = body;
    let mut stacks = stacks.clone();
    stacks.sort();
    let mut accounts = accounts.clone();
    accounts.sort();
    let mut packs: Vec<&LiveGroupPack> = packs.iter().collect();
    packs.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    let pack = |pack: &&LiveGroupPack| {
        let LiveGroupPack {
            name,
            version,
            tag,
            config,
            environments,
            unknown_fields,
        } = pack;
        json!([name, version, tag, config, environments, unknown_fields])
    };
    json!([
        entity_type,
        mode,
        stacks,
        accounts,
        packs.iter().map(pack).collect::<Vec<_>>(),
        agent_pool
    ])
}
