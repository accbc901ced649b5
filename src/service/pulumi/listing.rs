//! Live packs and groups by name.

use super::import::{group, pack};
use crate::plan::ResourceKind;
use crate::render::listing::ListedObject;
use crate::render::text::count_of;
use crate::service::listing::{Declarations, ExportedObject};
use model::pulumi::PulumiLiveState;

/// All packs and groups, by name.
pub fn objects(live: &PulumiLiveState, declared: &Declarations<'_>) -> Vec<ListedObject> {
    let object = |kind, name: &str, content| {
        let (status, source) = declared.status(kind, name);
        ListedObject {
            kind,
            name: name.to_owned(),
            id: None,
            content,
            audience: None,
            updated_at: None,
            status,
            source,
        }
    };
    let packs = live.packs.iter().map(|pack| {
        let newest = pack.versions.last();
        let newest = newest.map_or(String::new(), |version| format!(", newest {}", version.tag));
        let versions = count_of(pack.versions.len(), "version");
        object(
            ResourceKind::Pack,
            &pack.name,
            format!("{versions}{newest}"),
        )
    });
    let groups = live.groups.iter().map(|group| {
        let content = match &group.body {
            Ok(body) => count_of(body.packs.len(), "pack"),
            Err(opaque) => format!("not supported: it {}", opaque.why),
        };
        object(ResourceKind::Group, &group.name, content)
    });
    let mut objects: Vec<ListedObject> = packs.chain(groups).collect();
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    objects
}

/// The pack and the group of this name as manifests.
pub fn export(live: &PulumiLiveState, name: &str) -> Vec<ExportedObject> {
    let source = format!("../packs/{name}");
    let packs = live.pack(name).map(|live| ExportedObject {
        kind: ResourceKind::Pack,
        manifest: pack(live, &source),
    });
    let groups = live.group(name).map(|live| ExportedObject {
        kind: ResourceKind::Group,
        manifest: group(live),
    });
    packs.into_iter().chain(groups).collect()
}
