//! Everything that reads, and nothing that writes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::connection::{PulumiConnection, PulumiOrganizationClient};
use super::wire::{self, GroupSummary, PackSummary};
use crate::run::service::ReadProgress;
use http::OrganizationName;
use http::operation::ReadRequest;
use http::{ApiError, ErrorKind, HttpCall};
use model::pulumi::{
    LiveGroup, LivePack, LiveVersion, PackName, PulumiLiveState, VersionNumber, VersionTag,
};

/// More pages than any organization fills.
const MOST_PAGES: usize = 1_000;

/// Reads the packs and groups of one organization. It has no way to change anything.
#[derive(Clone)]
pub struct PulumiReader {
    target: PulumiOrganizationClient,
    progress: Option<ReadProgress>,
}

/// What one task of a reading brings.
enum PulumiReadItem {
    Group(usize, Box<LiveGroup>),
    /// Of the pack at the first position, the version at the second.
    Version(usize, usize, Box<LiveVersion>),
}

impl PulumiReader {
    /// Reads an organization's packs and groups.
    pub fn new(connection: &PulumiConnection, organization: &OrganizationName) -> Self {
        Self {
            target: PulumiOrganizationClient::new(connection, organization),
            progress: None,
        }
    }

    /// The same reader, telling how far it is.
    #[must_use]
    pub fn with_progress(mut self, progress: ReadProgress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Makes one reading request, as it is.
    ///
    /// # Errors
    /// The server refuses the request, or the answer is not JSON.
    pub async fn call(&self, request: &ReadRequest) -> Result<Value, ApiError> {
        let call = request.call(self.target.organization.as_str(), "application/json");
        Ok(self.target.send(call).await?.what)
    }

    /// ListPolicyPacks_orgs: all packs with their complete versions.
    ///
    /// # Errors
    /// The list cannot be read, or repeats itself.
    pub async fn packs(&self) -> Result<Vec<PackSummary>, ApiError> {
        let call = || {
            HttpCall::read(
                "ListPolicyPacks_orgs",
                self.target.name(),
                self.target.path(&["policypacks"]),
            )
        };
        self.target.ask(call, wire::packs).await
    }

    /// GetPolicyPack: a complete version.
    ///
    /// # Errors
    /// It cannot be read, does not fit the contract, or is another version than was asked for.
    pub async fn version(
        &self,
        pack: &str,
        version: &LiveVersion,
    ) -> Result<LiveVersion, ApiError> {
        let reference = version.reference().to_string();
        let path = self
            .target
            .path(&["policypacks", pack, "versions", &reference]);
        let call = || {
            HttpCall::read(
                "GetPolicyPack",
                format!("version {reference} of pack `{pack}`"),
                path.clone(),
            )
        };
        let (name, read) = self.target.ask(call, wire::version).await?;
        if name != pack || read.number != version.number {
            let at = "$.version".to_owned();
            let expected = "the requested version".to_owned();
            return Err(self
                .target
                .failed(&call(), ErrorKind::Malformed { at, expected }));
        }
        Ok(read)
    }

    /// GetPolicyPack by its tag, or `None` if the organization's list of packs does not contain the version. Only the list
    /// shows that a version does not exist: it contains complete versions only.
    ///
    /// # Errors
    /// Anything that could not be read.
    pub async fn find_version(
        &self,
        pack: &PackName,
        tag: &VersionTag,
    ) -> Result<Option<LiveVersion>, ApiError> {
        let packs = self.packs().await?;
        let Some(found) = packs.iter().find(|summary| summary.name == pack.as_str()) else {
            return Ok(None);
        };
        let Some((number, tag)) = found
            .versions
            .iter()
            .find(|(_, other)| other == tag.as_str())
        else {
            return Ok(None);
        };
        let version = LiveVersion {
            number: *number,
            tag: tag.clone(),
            detail: None,
        };
        self.version(pack.as_str(), &version).await.map(Some)
    }

    /// ListPolicyGroups: the names of all groups.
    ///
    /// # Errors
    /// The list cannot be read, or repeats itself.
    pub async fn groups(&self) -> Result<Vec<GroupSummary>, ApiError> {
        let call = || {
            HttpCall::read(
                "ListPolicyGroups",
                self.target.name(),
                self.target.path(&["policygroups"]),
            )
        };
        self.target.ask(call, wire::groups).await
    }

    /// GetPolicyGroup.
    ///
    /// # Errors
    /// It cannot be read, does not fit the contract, or is another group than was asked for.
    pub async fn group(&self, name: &str) -> Result<LiveGroup, ApiError> {
        let path = self.target.path(&["policygroups", name]);
        let call = || HttpCall::read("GetPolicyGroup", format!("group `{name}`"), path.clone());
        let group = self.target.ask(call, wire::group).await?;
        if group.name != name {
            let at = "$.name".to_owned();
            let expected = "the requested name".to_owned();
            return Err(self
                .target
                .failed(&call(), ErrorKind::Malformed { at, expected }));
        }
        Ok(group)
    }

    /// The current state of a group, or `None` if the complete list does not contain it. Only the list shows that a group
    /// is deleted: a 404 may also mean that the organization cannot be seen.
    ///
    /// # Errors
    /// Anything that could not be read.
    pub async fn find_group(&self, name: &str) -> Result<Option<LiveGroup>, ApiError> {
        for last in [false, true] {
            if !self.groups().await?.iter().any(|group| group.name == name) {
                return Ok(None);
            }
            match self.group(name).await {
                // It was deleted between the two readings; the list decides.
                Err(error) if error.status() == Some(404) && !last => {}
                read => return read.map(Some),
            }
        }
        Ok(None)
    }

    /// The publisher of each pack, if the registry returns it: `None` if the registry is not available or
    /// not for this account.
    ///
    /// # Errors
    /// A page that cannot be read for any other reason, and a list that does not end.
    pub async fn publishers(&self) -> Result<BTreeMap<String, String>, ApiError> {
        let mut found = BTreeMap::new();
        let mut token = None::<String>;
        let mut seen = HashSet::new();
        loop {
            let call = || {
                let path = ["api", "registry", "policypacks"]
                    .map(str::to_owned)
                    .to_vec();
                let body =
                    json!({"orgLogin": self.target.organization.as_str(), "access": "private"});
                let query = token
                    .iter()
                    .map(|token| ("continuationToken".to_owned(), token.clone()))
                    .collect();
                let call =
                    HttpCall::repeatable_post("ListPolicyPacks_post", self.target.name(), path);
                call.with_query(query).with_body("application/json", &body)
            };
            let wire::PublishersPage {
                policy_packs,
                continuation_token,
            } = match self.target.ask(call, wire::publishers).await {
                Err(error) if token.is_none() && matches!(error.status(), Some(403 | 404)) => {
                    return Ok(found);
                }
                page => page?,
            };
            let packs = policy_packs.into_iter();
            found.extend(packs.map(|pack| (pack.name, pack.publisher)));
            let Some(next) = continuation_token.filter(|token| !token.is_empty()) else {
                return Ok(found);
            };
            if !seen.insert(next.clone()) || seen.len() > MOST_PAGES {
                let why = "a page links to an earlier page, or there are too many pages".to_owned();
                return Err(self.target.failed(&call(), ErrorKind::Incomplete { why }));
            }
            token = Some(next);
        }
    }

    /// Everything: all packs, all groups, and of each pack the newest version and those that groups use.
    ///
    /// What is gone before it could be read makes the whole reading start again, once.
    ///
    /// # Errors
    /// Anything that could not be read. There is no partial result.
    pub async fn live_state(&self) -> Result<PulumiLiveState, ApiError> {
        match self.read_all().await {
            Err(error) if is_single(&error) && matches!(error.status(), Some(400 | 404)) => {
                self.read_all().await
            }
            result => result,
        }
    }

    /// The same state with further versions read, where it has them and has not read them yet.
    ///
    /// # Errors
    /// One of them could not be read.
    pub async fn with_versions<'w>(
        &self,
        live: PulumiLiveState,
        wanted: impl IntoIterator<Item = (&'w PackName, &'w VersionTag)>,
    ) -> Result<PulumiLiveState, ApiError> {
        let mut positions = BTreeSet::new();
        for (name, tag) in wanted {
            let Some(pack) = live
                .packs
                .iter()
                .position(|pack| pack.name == name.as_str())
            else {
                continue;
            };
            let versions = live
                .packs
                .get(pack)
                .map(|pack| pack.versions.as_slice())
                .unwrap_or_default();
            let version = versions
                .iter()
                .position(|version| version.tag == tag.as_str() && version.detail.is_none());
            positions.extend(version.map(|version| (pack, version)));
        }
        let mut tasks = JoinSet::new();
        self.spawn_versions(&live, positions, &mut tasks);
        self.collect(live, tasks).await
    }

    async fn read_all(&self) -> Result<PulumiLiveState, ApiError> {
        let (packs, groups, publishers) =
            tokio::try_join!(self.packs(), self.groups(), self.publishers())?;
        let packs = packs.into_iter().map(|pack| {
            let PackSummary {
                name,
                display_name,
                versions,
                unknown_fields,
            } = pack;
            let version = |(number, tag)| LiveVersion {
                number,
                tag,
                detail: None,
            };
            let versions = versions.into_iter().map(version).collect();
            LivePack {
                publisher: publishers.get(&name).cloned(),
                name,
                display_name,
                versions,
                unknown_fields,
            }
        });
        let live = PulumiLiveState {
            packs: packs.collect(),
            groups: Vec::new(),
        };
        let mut tasks = JoinSet::new();
        for (position, group) in groups.into_iter().enumerate() {
            let reader = self.clone();
            tasks.spawn(async move {
                reader
                    .group(&group.name)
                    .await
                    .map(|group| PulumiReadItem::Group(position, Box::new(group)))
            });
        }
        let live = self.collect(live, tasks).await?;
        let used: HashSet<(&str, VersionNumber)> = live
            .groups
            .iter()
            .filter_map(|group| group.body.as_ref().ok())
            .flat_map(|body| {
                body.packs
                    .iter()
                    .map(|pack| (pack.name.as_str(), pack.version))
            })
            .collect();
        let mut positions = BTreeSet::new();
        for (at, pack) in live.packs.iter().enumerate() {
            let is_wanted = |(index, version): &(usize, &LiveVersion)| {
                index + 1 == pack.versions.len()
                    || used.contains(&(pack.name.as_str(), version.number))
            };
            positions.extend(
                pack.versions
                    .iter()
                    .enumerate()
                    .filter(is_wanted)
                    .map(|(index, _)| (at, index)),
            );
        }
        let mut tasks = JoinSet::new();
        self.spawn_versions(&live, positions, &mut tasks);
        self.collect(live, tasks).await
    }

    fn spawn_versions(
        &self,
        live: &PulumiLiveState,
        positions: BTreeSet<(usize, usize)>,
        tasks: &mut JoinSet<Result<PulumiReadItem, ApiError>>,
    ) {
        for (at, index) in positions {
            let Some(pack) = live.packs.get(at) else {
                continue;
            };
            let Some(version) = pack.versions.get(index).cloned() else {
                continue;
            };
            let reader = self.clone();
            let name = pack.name.clone();
            tasks.spawn(async move {
                let version = reader.version(&name, &version).await?;
                Ok(PulumiReadItem::Version(at, index, Box::new(version)))
            });
        }
    }

    /// Waits for all tasks; the first failure ends all of them.
    async fn collect(
        &self,
        mut live: PulumiLiveState,
        mut tasks: JoinSet<Result<PulumiReadItem, ApiError>>,
    ) -> Result<PulumiLiveState, ApiError> {
        let all = tasks.len();
        let mut done = 0;
        let mut groups = BTreeMap::new();
        while let Some(step) = tasks.join_next().await {
            let stopped = |_| {
                let call = HttpCall::read("ListPolicyPacks_orgs", self.target.name(), Vec::new());
                self.target.failed(
                    &call,
                    ErrorKind::Incomplete {
                        why: "it was stopped".to_owned(),
                    },
                )
            };
            match step.map_err(stopped)?? {
                PulumiReadItem::Group(position, group) => {
                    groups.insert(position, *group);
                }
                PulumiReadItem::Version(at, index, version) => {
                    let place = live
                        .packs
                        .get_mut(at)
                        .and_then(|pack| pack.versions.get_mut(index));
                    if let Some(place) = place {
                        *place = *version;
                    }
                }
            }
            done += 1;
            if let Some(progress) = &self.progress {
                progress(done, all);
            }
        }
        live.groups.extend(groups.into_values());
        Ok(live)
    }
}

/// Whether a reading was about one thing of a list.
fn is_single(error: &ApiError) -> bool {
    matches!(error.operation(), "GetPolicyPack" | "GetPolicyGroup")
}
