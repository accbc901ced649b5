//! Changes by another client between two requests.
//!
//! They use the same operations as requests, so that the resulting state is one that the service
//! can have.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::app::App;
use super::change::{Change, WhichPack, WhichVersion};
use super::objects::{Applied, Group, Pack, Status, Version};
use super::operations::{archives, groups, packs, publish, update};
use super::refusal::Refusal;
use super::store::Records;
use crate::fault::Which;
use crate::other_writer::{first, free_name};
use crate::service::PathNames;

/// The name of objects that another client adds.
const NEW_NAME: &str = "another-writer";

/// Makes a change. Returns false if there was nothing to change. `about` contains the path
/// parameters of the request.
pub(super) fn interfere(app: &App, about: &PathNames, change: &Change) -> Result<bool, Refusal> {
    let Some(organization) = organization(app, about)? else {
        return Ok(false);
    };
    let writer = Writer {
        app,
        about,
        organization,
    };
    match change {
        Change::PublishVersion(pack) => writer.publish(pack),
        Change::DeleteVersion(version) => writer.delete_version(version),
        Change::AddPack(which) => writer.add(which),
        Change::SwitchPack(which) => writer.switch(which),
        Change::ConfigurePack(which) => writer.configure(which),
        Change::RemovePack(which) => {
            let Some((group, applied)) = writer.applied(which)? else {
                return Ok(false);
            };
            writer.update(
                &group,
                json!({"removePolicyPack": {"name": applied.pack.name}}),
            )
        }
        Change::AddGroup(which) => writer.add_group(which),
        Change::DeleteGroup(which) => {
            let is_meant = |group: &&Group| !group.body.is_default && which.fits(&group.name);
            let groups = writer.groups()?;
            let Some(group) = groups.iter().find(is_meant) else {
                return Ok(false);
            };
            groups::delete(app, &writer.organization, &group.name).map(|()| true)
        }
    }
}

/// The organization in the request's path, otherwise the oldest.
fn organization(app: &App, about: &PathNames) -> Result<Option<String>, Refusal> {
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

struct Writer<'a> {
    app: &'a App,
    about: &'a PathNames,
    organization: String,
}

impl Writer<'_> {
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Refusal> {
        Ok(self.app.store.read(work)?)
    }

    /// The organization's own packs, starting with the one in the request's path.
    fn packs(&self) -> Result<Vec<Pack>, Refusal> {
        let mut packs = self.read(|records| records.packs())?;
        packs.retain(|pack| pack.publisher == self.organization);
        Ok(first(packs, |pack| {
            Some(&pack.name) == self.about.get("pack")
        }))
    }

    /// The organization's groups, starting with the one in the request's path.
    fn groups(&self) -> Result<Vec<Group>, Refusal> {
        let groups = self.read(|records| records.groups(&self.organization))?;
        Ok(first(groups, |group| {
            Some(&group.name) == self.about.get("group")
        }))
    }

    fn complete(&self, pack: &Pack) -> Result<Vec<Version>, Refusal> {
        let mut versions = self.read(|records| records.versions(pack))?;
        versions.retain(|version| version.status == Status::Complete);
        Ok(versions)
    }

    /// Creates, uploads and completes a version.
    fn publish(&self, which: &Which) -> Result<bool, Refusal> {
        for pack in self
            .packs()?
            .into_iter()
            .filter(|pack| which.fits(&pack.name))
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

    fn delete_version(&self, which: &WhichVersion) -> Result<bool, Refusal> {
        let meant = self.about.get("version");
        for pack in self
            .packs()?
            .into_iter()
            .filter(|pack| which.pack.fits(&pack.name))
        {
            for version in first(self.complete(&pack)?, |version| Some(&version.tag) == meant) {
                if which.tag.fits(&version.tag)
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
    fn applied(&self, which: &WhichPack) -> Result<Option<(Group, Applied)>, Refusal> {
        for group in self
            .groups()?
            .into_iter()
            .filter(|group| which.group.fits(&group.name))
        {
            let applied = self.read(|records| records.applied(&group))?;
            if let Some(applied) = applied
                .into_iter()
                .find(|applied| which.pack.fits(&applied.pack.name))
            {
                return Ok(Some((group, applied)));
            }
        }
        Ok(None)
    }

    fn add(&self, which: &WhichPack) -> Result<bool, Refusal> {
        for group in self
            .groups()?
            .into_iter()
            .filter(|group| which.group.fits(&group.name))
        {
            let applied = self.read(|records| records.applied(&group))?;
            for pack in self
                .packs()?
                .into_iter()
                .filter(|pack| which.pack.fits(&pack.name))
            {
                let is_there = applied.iter().any(|applied| applied.pack == pack);
                if !is_there && !self.complete(&pack)?.is_empty() {
                    return self.update(&group, json!({"addPolicyPack": {"name": pack.name}}));
                }
            }
        }
        Ok(false)
    }

    fn switch(&self, which: &WhichPack) -> Result<bool, Refusal> {
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

    fn configure(&self, which: &WhichPack) -> Result<bool, Refusal> {
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

    fn add_group(&self, which: &Which) -> Result<bool, Refusal> {
        let taken = self.groups()?;
        let name = match which {
            Which::Any => free_name(NEW_NAME, '-', |name| {
                taken.iter().any(|group| group.name == name)
            }),
            Which::Named(name) => name.clone(),
        };
        let request = fields(json!({"name": name, "entityType": "stacks"}))?;
        groups::create(self.app, &self.organization, request).map(|()| true)
    }

    fn update(&self, group: &Group, request: Value) -> Result<bool, Refusal> {
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
fn fields<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::internal(&error))
}
