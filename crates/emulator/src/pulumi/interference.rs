//! Changes by another client between two requests.
//!
//! They use the same operations as requests, so that the resulting state is one that the service
//! can have.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::app::PulumiApp;
use super::change::{PackChoice, PulumiInterference, VersionChoice};
use super::objects::{AppliedPack, StoredGroup, StoredPack, StoredPackVersion, VersionStatus};
use super::operations::{archives, groups, packs, publish, update};
use super::refusal::PulumiRefusal;
use super::store::PulumiRecords;
use crate::fault::ObjectChoice;
use crate::other_writer::{first, free_name};
use crate::service::PathNames;

/// The name of objects that another client adds.
const NEW_NAME: &str = "another-writer";

/// Makes a change. Returns false if there was nothing to change. `about` contains the path
/// parameters of the request.
pub(super) fn interfere(
    app: &PulumiApp,
    about: &PathNames,
    change: &PulumiInterference,
) -> Result<bool, PulumiRefusal> {
    let Some(organization) = organization(app, about)? else {
        return Ok(false);
    };
    let writer = InterferingClient {
        app,
        about,
        organization,
    };
    match change {
        PulumiInterference::PublishVersion(pack) => writer.publish(pack),
        PulumiInterference::DeleteVersion(version) => writer.delete_version(version),
        PulumiInterference::AddPack(which) => writer.add(which),
        PulumiInterference::SwitchPack(which) => writer.switch(which),
        PulumiInterference::ConfigurePack(which) => writer.configure(which),
        PulumiInterference::RemovePack(which) => {
            let Some((group, applied)) = writer.applied(which)? else {
                return Ok(false);
            };
            writer.update(
                &group,
                json!({"removePolicyPack": {"name": applied.pack.name}}),
            )
        }
        PulumiInterference::AddGroup(which) => writer.add_group(which),
        PulumiInterference::DeleteGroup(which) => {
            let is_meant =
                |group: &&StoredGroup| !group.body.is_default && which.matches(&group.name);
            let groups = writer.groups()?;
            let Some(group) = groups.iter().find(is_meant) else {
                return Ok(false);
            };
            groups::delete(app, &writer.organization, &group.name).map(|()| true)
        }
    }
}

/// The organization in the request's path, otherwise the oldest.
fn organization(app: &PulumiApp, about: &PathNames) -> Result<Option<String>, PulumiRefusal> {
    let named = about.get("organization").or_else(|| about.get("publisher"));
    let ours = app
        .store
        .read(|records| records.organizations())?
        .into_iter()
        .filter(|each| !each.is_foreign);
    let mut ours = ours.map(|organization| organization.name);
    Ok(match named {
        Some(name) => ours.find(|organization| organization == name),
        None => ours.next(),
    })
}

struct InterferingClient<'a> {
    app: &'a PulumiApp,
    about: &'a PathNames,
    organization: String,
}

impl InterferingClient<'_> {
    fn read<T>(
        &self,
        work: impl FnOnce(&PulumiRecords<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, PulumiRefusal> {
        Ok(self.app.store.read(work)?)
    }

    /// The organization's own packs, starting with the one in the request's path.
    fn packs(&self) -> Result<Vec<StoredPack>, PulumiRefusal> {
        let mut packs = self.read(|records| records.packs())?;
        packs.retain(|pack| pack.publisher == self.organization);
        Ok(first(packs, |pack| {
            Some(&pack.name) == self.about.get("pack")
        }))
    }

    /// The organization's groups, starting with the one in the request's path.
    fn groups(&self) -> Result<Vec<StoredGroup>, PulumiRefusal> {
        let groups = self.read(|records| records.groups(&self.organization))?;
        Ok(first(groups, |group| {
            Some(&group.name) == self.about.get("group")
        }))
    }

    fn complete(&self, pack: &StoredPack) -> Result<Vec<StoredPackVersion>, PulumiRefusal> {
        let mut versions = self.read(|records| records.versions(pack))?;
        versions.retain(|version| version.status == VersionStatus::Complete);
        Ok(versions)
    }

    /// Creates, uploads and completes a version.
    fn publish(&self, which: &ObjectChoice) -> Result<bool, PulumiRefusal> {
        for pack in self
            .packs()?
            .into_iter()
            .filter(|pack| which.matches(&pack.name))
        {
            let Some(newest) = self.complete(&pack)?.pop() else {
                continue;
            };
            let versions = self.read(|records| records.versions(&pack))?;
            let tag = free_name(NEW_NAME, '-', |tag| {
                versions.iter().any(|version| version.tag == tag)
            });
            let request = json!({
                "name": pack.name,
                "displayName": newest.content.display_name,
                "policies": newest.content.policies,
                "versionTag": tag,
            });
            let created = publish::create(self.app, &self.organization, fields(request)?)?;
            let ticket = created["uploadURI"]
                .as_str()
                .and_then(|url| url.rsplit('/').next())
                .unwrap_or_default();
            let headers = archives::REQUIRED_HEADERS.map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()),
                    HeaderValue::from_static(value),
                )
            });
            let headers: HeaderMap = headers
                .into_iter()
                .filter_map(|(name, value)| Some((name.ok()?, value)))
                .collect();
            archives::upload(self.app, ticket, &headers, NEW_NAME.as_bytes())?;
            publish::complete(self.app, &self.organization, &pack.name, &tag)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn delete_version(&self, which: &VersionChoice) -> Result<bool, PulumiRefusal> {
        let meant = self.about.get("version");
        for pack in self
            .packs()?
            .into_iter()
            .filter(|pack| which.pack.matches(&pack.name))
        {
            for version in first(self.complete(&pack)?, |version| Some(&version.tag) == meant) {
                if which.tag.matches(&version.tag)
                    && !self.read(|records| records.is_applied(&pack, &version))?
                {
                    packs::delete_version(self.app, &self.organization, &pack.name, &version.tag)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The first group that enables the pack, and the pack.
    fn applied(
        &self,
        which: &PackChoice,
    ) -> Result<Option<(StoredGroup, AppliedPack)>, PulumiRefusal> {
        for group in self
            .groups()?
            .into_iter()
            .filter(|group| which.group.matches(&group.name))
        {
            let applied = self.read(|records| records.applied(&group))?;
            if let Some(applied) = applied
                .into_iter()
                .find(|applied| which.pack.matches(&applied.pack.name))
            {
                return Ok(Some((group, applied)));
            }
        }
        Ok(None)
    }

    fn add(&self, which: &PackChoice) -> Result<bool, PulumiRefusal> {
        for group in self
            .groups()?
            .into_iter()
            .filter(|group| which.group.matches(&group.name))
        {
            let applied = self.read(|records| records.applied(&group))?;
            for pack in self
                .packs()?
                .into_iter()
                .filter(|pack| which.pack.matches(&pack.name))
            {
                let is_there = applied.iter().any(|applied| applied.pack == pack);
                if !is_there && !self.complete(&pack)?.is_empty() {
                    return self.update(&group, json!({"addPolicyPack": {"name": pack.name}}));
                }
            }
        }
        Ok(false)
    }

    fn switch(&self, which: &PackChoice) -> Result<bool, PulumiRefusal> {
        let Some((group, applied)) = self.applied(which)? else {
            return Ok(false);
        };
        let others = self.complete(&applied.pack)?;
        let Some(other) = others
            .into_iter()
            .rfind(|version| version.number != applied.version.number)
        else {
            return Ok(false);
        };
        // The configuration is kept if it is valid for the other version.
        let pack = |config: Value| json!({"name": applied.pack.name, "versionTag": other.tag, "config": config});
        self.update(
            &group,
            json!({"addPolicyPack": pack(json!(applied.config))}),
        )
        .or_else(|_| self.update(&group, json!({"addPolicyPack": pack(json!({}))})))
    }

    fn configure(&self, which: &PackChoice) -> Result<bool, PulumiRefusal> {
        let Some((group, applied)) = self.applied(which)? else {
            return Ok(false);
        };
        let advisory = json!({"enforcementLevel": "advisory"});
        let mut config = applied.config.clone();
        if config.get("all") == Some(&advisory) {
            config.remove("all");
        } else {
            config.insert("all".to_owned(), advisory);
        }
        let pack =
            json!({"name": applied.pack.name, "versionTag": applied.version.tag, "config": config});
        self.update(&group, json!({"addPolicyPack": pack}))
    }

    fn add_group(&self, which: &ObjectChoice) -> Result<bool, PulumiRefusal> {
        let taken = self.groups()?;
        let name = match which {
            ObjectChoice::Any => free_name(NEW_NAME, '-', |name| {
                taken.iter().any(|group| group.name == name)
            }),
            ObjectChoice::Named(name) => name.clone(),
        };
        let request = fields(json!({"name": name, "entityType": "stacks"}))?;
        groups::create(self.app, &self.organization, request).map(|()| true)
    }

    fn update(&self, group: &StoredGroup, request: Value) -> Result<bool, PulumiRefusal> {
        update::update(
            self.app,
            &self.organization,
            &group.name,
            vec![fields(request)?],
        )
        .map(|()| true)
    }
}

/// The fields of a request, as a client would send them.
fn fields<T: DeserializeOwned>(value: Value) -> Result<T, PulumiRefusal> {
    serde_json::from_value(value).map_err(|error| PulumiRefusal::internal(&error))
}
