//! Makes writes of Pulumi Cloud, checks what they are about, and reads back what became of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::outcome::{ReadBack, decide};
use super::sources::PackSources;
use super::touched::changed_before;
use crate::plan::{ResourceKind, SentOperation, TargetPlan};
use crate::run::CallFailure;
use crate::run::RunSettings;
use crate::run::StalePlan;
use crate::run::journal::TargetHistory;
use crate::run::service::{CheckedCall, ReplacedState, WriteAnswer};
use crate::run::{LiveObject, ObjectDifference, StateAfterWrite, WriteOutcome};
use crate::service::pulumi::client::{PulumiReader, PulumiWriter};
use crate::service::pulumi::plan::PackModel;
use crate::service::pulumi::plan::{group_fingerprint, pack_fingerprint};
use http::{ApiError, DatedAnswer, Upload};
use model::pulumi::{
    GroupChange, LivePack, LiveVersion, PackName, PulumiLiveState, PulumiOperation, VersionNumber,
    VersionRef, VersionTag,
};

/// The expected state of a target, and a reader for the live state.
pub struct PackLookup {
    model: Mutex<PackModel>,
    reader: PulumiReader,
}

impl PackLookup {
    fn new(before: &PulumiLiveState, reader: PulumiReader) -> Self {
        Self {
            model: Mutex::new(PackModel::new(before)),
            reader,
        }
    }

    /// The state after the applied calls of an earlier run.
    pub fn of_run(target: &TargetHistory, reader: PulumiReader) -> Self {
        let lookup = Self::new(&super::rollback::without_run(target), reader);
        for made in target
            .calls
            .iter()
            .filter(|made| made.state_after().is_some())
        {
            if let SentOperation::Pulumi(operation) = &made.intent.send {
                lookup.record(operation);
            }
        }
        lookup
    }

    fn model(&self) -> MutexGuard<'_, PackModel> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads back the outcome of a call.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn resolve(&self, send: &PulumiOperation) -> Result<WriteOutcome, ApiError> {
        let found = self.find(send).await?;
        Ok(decide(send, self.model().state(), &found))
    }

    /// Takes note that a call was made.
    pub fn record(&self, send: &PulumiOperation) {
        // The server accepted a call that the model refuses. The reading at the end shows the state.
        let _ = self.model().apply(send);
    }

    /// What a write is about, as it is now.
    async fn find(&self, send: &PulumiOperation) -> Result<ReadBack, ApiError> {
        let reader = &self.reader;
        Ok(match send {
            PulumiOperation::CreatePackVersion { version } => {
                let pack = &version.name;
                let tag = &version.version_tag;
                match reader.find_version(pack, tag).await? {
                    Some(version) => ReadBack::Version(Some(version)),
                    None if self.is_incomplete(pack, tag).await? => ReadBack::Begun,
                    None => ReadBack::Version(None),
                }
            }
            // An archive cannot be read, and sending it again is harmless.
            PulumiOperation::PutArchive { .. } => ReadBack::Nothing,
            PulumiOperation::CompletePackVersion { pack, tag } => {
                ReadBack::Version(reader.find_version(pack, tag).await?)
            }
            PulumiOperation::DeletePackVersion { pack, .. }
            | PulumiOperation::DeletePack { pack } => {
                let listed = reader
                    .packs()
                    .await?
                    .into_iter()
                    .find(|summary| summary.name == pack.as_str());
                ReadBack::Versions(listed.map(|summary| summary.versions))
            }
            PulumiOperation::CreateGroup { group } => {
                ReadBack::Group(reader.find_group(group.name.as_str()).await?)
            }
            PulumiOperation::UpdateGroup {
                group: _,
                change: GroupChange::Rename { name },
            } => ReadBack::Group(reader.find_group(name.as_str()).await?),
            PulumiOperation::UpdateGroup { group, .. } | PulumiOperation::DeleteGroup { group } => {
                ReadBack::Group(reader.find_group(group.as_str()).await?)
            }
        })
    }

    /// Whether a version was begun and not completed: asked for, the service says so with a 400.
    async fn is_incomplete(&self, pack: &PackName, tag: &VersionTag) -> Result<bool, ApiError> {
        let version = LiveVersion {
            number: VersionNumber(0),
            tag: tag.to_string(),
            detail: None,
        };
        match self.reader.version(pack.as_str(), &version).await {
            Err(error) if error.status() == Some(400) => Ok(true),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error),
            Ok(_) => Ok(false),
        }
    }
}

/// A thing that is checked before its first call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pack(String),
    Group(String),
    /// A version that the run published.
    Version(PackName, VersionTag),
}

/// Makes the calls of one target.
pub struct PackRun {
    lookup: PackLookup,
    writer: PulumiWriter,
    sources: PackSources,
    settings: RunSettings,
    begun: Instant,
    before: PulumiLiveState,
    checks: Mutex<HashMap<Key, Arc<OnceCell<Option<CallFailure>>>>>,
    /// Where the archives of versions go that were begun.
    uploads: Mutex<HashMap<(PackName, VersionTag), Upload>>,
    /// Versions that were begun and are not complete, as far as is known.
    half: Mutex<BTreeSet<(PackName, VersionTag)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PackRun {
    /// Starts a run with the packs and groups as they were read just now.
    pub fn new(
        before: PulumiLiveState,
        reader: PulumiReader,
        writer: PulumiWriter,
        sources: PackSources,
        settings: RunSettings,
    ) -> Self {
        Self {
            lookup: PackLookup::new(&before, reader),
            writer,
            sources,
            settings,
            begun: Instant::now(),
            before,
            checks: Mutex::default(),
            uploads: Mutex::default(),
            half: Mutex::default(),
        }
    }

    /// The current state.
    pub fn lookup(&self) -> &PackLookup {
        &self.lookup
    }

    /// The packs and groups as they were before the run.
    pub fn before(&self) -> &PulumiLiveState {
        &self.before
    }

    /// Reads all packs and groups again before the first call, and returns what changed since the plan,
    /// apart from calls of the plan that another client has made. Those are adopted.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn confirm(&self, plan: &TargetPlan) -> Result<Vec<StalePlan>, ApiError> {
        let now = self.lookup.reader.live_state().await?;
        Ok(changed_before(plan, &self.before, &now))
    }

    /// Takes note that a call was made.
    pub fn record(&self, send: &PulumiOperation) {
        match send {
            PulumiOperation::CreatePackVersion { version } => {
                lock(&self.half).insert((version.name.clone(), version.version_tag.clone()));
            }
            PulumiOperation::CompletePackVersion { pack, tag } => {
                lock(&self.half).remove(&(pack.clone(), tag.clone()));
            }
            PulumiOperation::PutArchive { .. }
            | PulumiOperation::DeletePackVersion { .. }
            | PulumiOperation::DeletePack { .. }
            | PulumiOperation::CreateGroup { .. }
            | PulumiOperation::UpdateGroup { .. }
            | PulumiOperation::DeleteGroup { .. } => {}
        }
        self.lookup.record(send);
    }

    /// What became of a write is unknown: what may be complete is not to be deleted.
    pub fn record_unknown(&self, send: &PulumiOperation) {
        if let PulumiOperation::CompletePackVersion { pack, tag } = send {
            lock(&self.half).remove(&(pack.clone(), tag.clone()));
        }
    }

    /// The calls that delete the versions that were begun and will not be completed by this run.
    pub fn incomplete_versions(&self) -> Vec<(PackName, VersionTag, PulumiOperation)> {
        let half = lock(&self.half);
        let delete = |(pack, tag): &(PackName, VersionTag)| {
            let version = VersionRef::Tag(tag.clone());
            let operation = PulumiOperation::DeletePackVersion {
                pack: pack.clone(),
                version,
            };
            (pack.clone(), tag.clone(), operation)
        };
        half.iter().map(delete).collect()
    }

    /// Reads what a first call is about again, unless it was read a moment ago or this run made it. An archive is only sent
    /// where the answer is known that says where to.
    ///
    /// # Errors
    /// It was changed, or cannot be read; or an archive has nowhere to go.
    pub async fn check_before(&self, send: &PulumiOperation) -> Result<CheckedCall, CallFailure> {
        if let PulumiOperation::PutArchive {
            pack, tag, archive, ..
        } = send
        {
            let known = lock(&self.uploads).contains_key(&(pack.clone(), tag.clone()));
            if known && self.sources.archives.contains_key(archive) {
                return Ok(CheckedCall::Send);
            }
            return Err(CallFailure::NoUpload {
                pack: pack.to_string(),
                tag: tag.to_string(),
            });
        }
        if let PulumiOperation::UpdateGroup {
            change: GroupChange::AddPack { pack, tag, .. },
            ..
        } = send
            && let Some(failure) = self.check_published(pack, tag).await
        {
            return Err(failure);
        }
        let Some(key) = key(send) else {
            return Ok(CheckedCall::Send);
        };
        let cell = Arc::clone(lock(&self.checks).entry(key.clone()).or_default());
        match cell.get_or_init(|| self.check_one(&key)).await.clone() {
            None => Ok(CheckedCall::Send),
            Some(failure @ CallFailure::Stale { .. }) => self.adopt_or(send, failure).await,
            Some(failure) => Err(failure),
        }
    }

    /// Another client changed a pack or a group. The call is adopted if that client made its desired
    /// state, and fails otherwise.
    async fn adopt_or(
        &self,
        send: &PulumiOperation,
        failure: CallFailure,
    ) -> Result<CheckedCall, CallFailure> {
        match self.lookup.resolve(send).await {
            Ok(WriteOutcome::Applied(left)) => Ok(CheckedCall::Adopted(Box::new(left))),
            Ok(WriteOutcome::NotApplied | WriteOutcome::Conflict(_)) => Err(failure),
            Err(error) => Err(CallFailure::NotChecked(error)),
        }
    }

    /// Reads back a version that this run published, once, before a group is given it.
    async fn check_published(&self, pack: &PackName, tag: &VersionTag) -> Option<CallFailure> {
        if self
            .before
            .pack(pack.as_str())
            .is_some_and(|known| known.version(tag).is_some())
        {
            return None;
        }
        let key = Key::Version(pack.clone(), tag.clone());
        let cell = Arc::clone(lock(&self.checks).entry(key.clone()).or_default());
        cell.get_or_init(|| self.check_one(&key)).await.clone()
    }

    async fn read_back(&self, pack: &PackName, tag: &VersionTag) -> Option<CallFailure> {
        let planned = self.lookup.model().state().pack(pack.as_str()).cloned();
        let policies = |version: &LiveVersion| -> BTreeSet<String> {
            version
                .detail
                .iter()
                .flat_map(|detail| &detail.policies)
                .map(|policy| policy.name.clone())
                .collect()
        };
        let wanted = planned
            .as_ref()
            .and_then(|planned| planned.version(tag))
            .map(policies)
            .unwrap_or_default();
        let found = match self.lookup.reader.find_version(pack, tag).await {
            Ok(found) => found,
            Err(error) => return Some(CallFailure::NotChecked(error)),
        };
        if found
            .as_ref()
            .is_some_and(|found| policies(found) == wanted)
        {
            return None;
        }
        let kind = ResourceKind::Version;
        let name = format!("{pack} {tag}");
        let stale = if found.is_some() {
            StalePlan::Changed(kind, name)
        } else {
            StalePlan::Gone(kind, name)
        };
        let planned = planned.map(|planned| LiveObject::Pack(Box::new(planned)));
        Some(CallFailure::Stale {
            stale,
            difference: Box::new(ObjectDifference {
                planned,
                found: None,
            }),
        })
    }

    async fn check_one(&self, key: &Key) -> Option<CallFailure> {
        let is_fresh = self.begun.elapsed() < self.settings.fresh;
        let (kind, name, planned, found) = match key {
            Key::Version(pack, tag) => return self.read_back(pack, tag).await,
            Key::Pack(_) | Key::Group(_) if is_fresh => return None,
            Key::Pack(name) => {
                let planned = self.before.pack(name)?.clone();
                let listed = match self.lookup.reader.packs().await {
                    Ok(listed) => listed,
                    Err(error) => return Some(CallFailure::NotChecked(error)),
                };
                let found = listed
                    .into_iter()
                    .find(|summary| summary.name == *name)
                    .map(|summary| {
                        let version = |(number, tag)| LiveVersion {
                            number,
                            tag,
                            detail: None,
                        };
                        let versions = summary.versions.into_iter().map(version).collect();
                        // The list is read for its versions alone, which are what the fingerprint
                        // covers.
                        let LivePack {
                            name,
                            display_name,
                            publisher,
                            versions: _,
                            unknown_fields,
                        } = planned.clone();
                        LivePack {
                            name,
                            display_name,
                            publisher,
                            versions,
                            unknown_fields,
                        }
                    });
                if found
                    .as_ref()
                    .is_some_and(|found| pack_fingerprint(found) == pack_fingerprint(&planned))
                {
                    return None;
                }
                let found = found.map(|found| LiveObject::Pack(Box::new(found)));
                (
                    ResourceKind::Pack,
                    name.clone(),
                    LiveObject::Pack(Box::new(planned)),
                    found,
                )
            }
            Key::Group(name) => {
                let planned = self.before.group(name)?.clone();
                let found = match self.lookup.reader.find_group(name).await {
                    Ok(found) => found,
                    Err(error) => return Some(CallFailure::NotChecked(error)),
                };
                if found
                    .as_ref()
                    .is_some_and(|found| group_fingerprint(found) == group_fingerprint(&planned))
                {
                    return None;
                }
                let found = found.map(|found| LiveObject::Group(Box::new(found)));
                (
                    ResourceKind::Group,
                    name.clone(),
                    LiveObject::Group(Box::new(planned)),
                    found,
                )
            }
        };
        let stale = if found.is_some() {
            StalePlan::Changed(kind, name)
        } else {
            StalePlan::Gone(kind, name)
        };
        Some(CallFailure::Stale {
            stale,
            difference: Box::new(ObjectDifference {
                planned: Some(planned),
                found,
            }),
        })
    }

    /// Sends a call.
    ///
    /// # Errors
    /// The service refused it, or gave no usable answer.
    pub async fn send(&self, send: &PulumiOperation) -> Result<WriteAnswer, ApiError> {
        let writer = &self.writer;
        let mut left = StateAfterWrite::AsSent;
        let date = match send {
            PulumiOperation::CreatePackVersion { version } => {
                let mut sent = version.clone();
                let metadata = self
                    .sources
                    .metadata
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()));
                sent.metadata.extend(metadata);
                let DatedAnswer { what, date } = writer.create_version(&sent).await?;
                let key = (version.name.clone(), version.version_tag.clone());
                lock(&self.uploads).insert(key, what.upload);
                left = StateAfterWrite::Begun {
                    version: what.number,
                };
                date
            }
            PulumiOperation::PutArchive {
                pack,
                tag,
                source: _,
                archive,
            } => {
                let upload = lock(&self.uploads)
                    .get(&(pack.clone(), tag.clone()))
                    .cloned();
                let bytes = self
                    .sources
                    .archives
                    .get(archive)
                    .map(|bytes| bytes.to_vec());
                if let (Some(upload), Some(bytes)) = (upload, bytes) {
                    writer.put_archive(pack, tag, &upload, bytes).await?;
                }
                None
            }
            PulumiOperation::CompletePackVersion { pack, tag } => {
                writer.complete_version(pack, tag).await?.date
            }
            PulumiOperation::DeletePackVersion { pack, version } => {
                writer.delete_version(pack, version).await?.date
            }
            PulumiOperation::DeletePack { pack } => writer.delete_pack(pack).await?.date,
            PulumiOperation::CreateGroup { group } => writer.create_group(group).await?.date,
            PulumiOperation::UpdateGroup { group, change } => {
                writer.update_group(group, change).await?.date
            }
            PulumiOperation::DeleteGroup { group } => writer.delete_group(group).await?.date,
        };
        Ok(WriteAnswer {
            left,
            replaced: ReplacedState::Expected,
            date,
        })
    }
}

/// What a call finds at the server.
fn key(send: &PulumiOperation) -> Option<Key> {
    match send {
        PulumiOperation::CreatePackVersion { version } => Some(Key::Pack(version.name.to_string())),
        PulumiOperation::DeletePackVersion { .. }
        | PulumiOperation::PutArchive { .. }
        | PulumiOperation::CompletePackVersion { .. } => None,
        PulumiOperation::DeletePack { pack } => Some(Key::Pack(pack.to_string())),
        PulumiOperation::CreateGroup { .. } => None,
        PulumiOperation::UpdateGroup { group, .. } | PulumiOperation::DeleteGroup { group } => {
            Some(Key::Group(group.to_string()))
        }
    }
}
