//! The three services behind one interface: the only shared file that names all of them.
//!
//! [`open`] and [`open_for_writing`] answer an object of one service; everything else reaches it
//! through the traits [`Reads`] and [`Writes`].

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

use super::chainloop::check::{DocumentInput, InputsSchemas, check_documents};
use super::chainloop::import::NamedDocuments;
use super::chainloop::references::{ReferenceReadError, schemas};
use super::chainloop::{self, ChainloopConnections, EmulateChainloop};
use super::connect::{ConnectError, Connecting, ServiceInfo, organization};
pub use super::diagnostics::Checked;
use super::diagnostics::sort;
use super::docker::check::teams::is_uuid;
use super::docker::check::{
    KnownTeams, PolicyInput, check as check_policies, check_tests as check_policy_tests,
};
use super::docker::import::adopt::AdoptionTarget;
use super::docker::{self, DockerConnections, EmulateDocker};
use super::emulate::{EmulateError, Serving};
pub use super::endpoints::EndpointSource;
use super::endpoints::{choice, sourced_choice};
use super::import::{
    ImportContext as _, NamedImport, NamedImportError, PendingImport, TargetImport, target_context,
};
use super::invalid::InvalidManifests;
use super::listing::{Declarations, ExportedObject, ListRequest};
use super::pulumi::check::{PackInput, check_packs};
use super::pulumi::{self, EmulatePulumi, PulumiConnections};
use super::starter::Starter;
use crate::plan::{EMBEDDED, ResourceKind, TargetInfo};
use crate::render::listing::ListedTarget;
use crate::run::service::{BeginReading, Reads, ServiceError, Writes};
use crate::workspace::{CedarFile, InlinedDocument, ManifestSet, NamedSource};
use access::People;
use camino::Utf8Path;
use clap::Subcommand;
use http::{ApiError, HttpClient};
use jiff::SignedDuration;
use manifest::config::{Provider, ServiceSettings, Target};
use manifest::lock::LockFile;
use manifest::{Document, Manifest};
use model::Desired;
use model::diag::{Diagnostic, DocumentId, Path, Place};
use model::docker::{DockerLiveState, Team};
use thiserror::Error;

// Access gates, policy tests and lints are about requests, which one service decides about. At targets
// of the others there is nothing to check.
pub use super::docker::check::{
    CheckedTests, DeclaredNames, TargetGates as ConfiguredGates, check_gates,
    covered_place as resource_place, gates as configured_gates, gates_of_all, lint,
};

// The lock file: digests of pack sources, and versions of documents that manifests refer to.
pub use super::chainloop::lock::{PinMode, PinnedTarget, Pins};
pub use super::chainloop::rewrite::{ReferenceRewrite, RewrittenFile};
pub use super::pulumi::lock::{PackLockMode, lock_target as lock_packs};

/// The manifests of one target, as they were read.
#[derive(Debug, Clone, Copy)]
pub struct Manifests<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its documents.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file`, for each document that names one.
    pub cedar_files: &'a HashMap<DocumentId, CedarFile>,
    /// The source of each policy pack.
    pub pack_sources: &'a HashMap<DocumentId, NamedSource>,
    /// The documents that contain files of the repository, as they are written.
    pub inlined: &'a HashMap<DocumentId, InlinedDocument>,
    /// The lock file; an empty one if there is none.
    pub lock: &'a LockFile,
    /// The manifests that are not valid.
    pub invalid: InvalidManifests<'a>,
}

impl<'a> Manifests<'a> {
    /// The manifests of one target of a directory, with its documents; nothing if the target was
    /// not loaded.
    pub fn of_target(
        set: &'a ManifestSet,
        target: &'a Target,
        documents: &'a [&'a Document],
    ) -> Option<Self> {
        let loaded = set.target(target)?;
        Some(Self {
            target,
            documents,
            cedar_files: &loaded.cedar_files,
            pack_sources: &loaded.pack_sources,
            inlined: &loaded.inlined,
            lock: &set.loaded.lock,
            invalid: InvalidManifests::of_target(set, loaded),
        })
    }
}

/// What the server says about names in manifests that only the server can confirm.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// The teams of the organization.
    pub teams: KnownTeams,
    /// What policies take as arguments that no manifest declares.
    pub schemas: InputsSchemas,
}

impl ServerFacts {
    /// Nothing: the server was not asked.
    pub fn offline() -> Self {
        Self {
            teams: KnownTeams::Offline,
            schemas: InputsSchemas::new(),
        }
    }
}

/// Checks what the manifests of one target of a directory mean.
pub fn check_target(set: &ManifestSet, target: &Target, facts: &ServerFacts) -> Checked {
    let documents = set.documents(target);
    match Manifests::of_target(set, target, &documents) {
        Some(manifests) => check(&manifests, facts),
        None => Checked::default(),
    }
}

/// Checks what the policy tests of one target ask.
pub fn check_tests(manifests: &Manifests<'_>, facts: &ServerFacts) -> CheckedTests {
    check_policy_tests(&PolicyInput {
        target: manifests.target,
        documents: manifests.documents,
        cedar_files: manifests.cedar_files,
        teams: &facts.teams,
        invalid: manifests.invalid,
    })
}

/// Reports policy tests that no target runs. All targets of a directory are checked.
pub fn check_test_targets(set: &ManifestSet) -> Vec<Diagnostic> {
    let targets: Vec<_> = set
        .config
        .targets
        .iter()
        .map(|target| (target, all_documents(set, target)))
        .collect();
    let mut diagnostics = docker::check::check_test_targets(&targets);
    for loaded in &set.loaded.targets {
        InvalidManifests::of_target(set, loaded).remove_consequences(&mut diagnostics);
    }
    diagnostics
}

/// Whether a manifest of a target names a team that only the server can confirm.
pub fn needs_server_teams(set: &ManifestSet, target: &Target) -> bool {
    docker::check::needs_server_teams(target, &all_documents(set, target))
}

/// Whether a policy test of a target names a team that only the server can confirm.
pub fn tests_need_server_teams(set: &ManifestSet, target: &Target) -> bool {
    docker::check::tests_need_server_teams(target, &all_documents(set, target))
}

/// The documents of a target, including those with schema errors, which are only checked.
fn all_documents<'s>(set: &'s ManifestSet, target: &Target) -> Vec<&'s Document> {
    match set.target(target) {
        Some(loaded) => InvalidManifests::of_target(set, loaded).with_valid(&set.documents(target)),
        None => Vec::new(),
    }
}

/// Whether the service of a target decides about requests, so that it has access gates.
pub fn decides_requests(target: &Target) -> bool {
    target.docker().is_some()
}

/// Checks what the manifests of one target mean. All services look at all of them: each knows its
/// own kinds, and together they find manifests of a service that the target is not at.
pub fn check(manifests: &Manifests<'_>, facts: &ServerFacts) -> Checked {
    let Manifests {
        target,
        documents,
        cedar_files,
        pack_sources,
        inlined,
        lock,
        invalid,
    } = *manifests;
    let policies = check_policies(&PolicyInput {
        target,
        documents,
        cedar_files,
        teams: &facts.teams,
        invalid,
    });
    let packs = check_packs(&PackInput {
        target,
        documents,
        sources: pack_sources,
        lock,
        invalid,
    });
    let native = check_documents(&DocumentInput {
        target,
        documents,
        inlined,
        schemas: &facts.schemas,
        invalid,
    });
    let mut diagnostics = policies.diagnostics;
    diagnostics.extend(packs.diagnostics);
    diagnostics.extend(native.diagnostics);
    sort(&mut diagnostics);
    Checked {
        desired: Desired {
            policies: policies.policies,
            packs: packs.packs,
            groups: packs.groups,
            documents: native.documents,
        },
        diagnostics,
    }
}

/// The help of `--endpoint`.
pub const ENDPOINT_HELP: &str =
    "URL of a service, or `docker=embedded` to run without an account (repeatable)";

/// The full help of `--endpoint`.
pub const ENDPOINT_LONG_HELP: &str = "URL of a service: `docker=URL`, `pulumi=URL` or `chainloop=URL` (repeatable). \
    `docker=embedded` runs the service inside this command and keeps its state in `.polwarden/`; no account is needed. \
    The variables POLWARDEN_DOCKER_ENDPOINT, POLWARDEN_PULUMI_ENDPOINT and POLWARDEN_CHAINLOOP_ENDPOINT have the same \
    effect";

/// The environment variables of all services, with their meaning.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "DOCKER_HUB_IDENTIFIER, DOCKER_HUB_SECRET",
        "Account for the Docker AI Governance API: a user or organization name, and its password or access token.",
    ),
    (
        "POLWARDEN_DOCKER_TOKEN",
        "Bearer token for the Docker AI Governance API, used instead of the account.",
    ),
    ("PULUMI_ACCESS_TOKEN", "Access token for Pulumi Cloud."),
    ("CHAINLOOP_TOKEN", "Access token for Chainloop."),
    (
        "POLWARDEN_DOCKER_ENDPOINT, POLWARDEN_PULUMI_ENDPOINT, POLWARDEN_CHAINLOOP_ENDPOINT",
        "URL of a service, or \"embedded\"; --endpoint has priority.",
    ),
];

/// The examples in the help of `import`.
pub const IMPORT_EXAMPLES: &str = "Examples:
  polwarden import
  polwarden import --provider pulumi
  polwarden import --only 'AI services'        updates its manifest from the server
  polwarden import --provider chainloop --only sbom-licenses
  polwarden import --target production --out policies/imported";

/// The examples in the help of `lock`.
pub const LOCK_EXAMPLES: &str = "Examples:
  polwarden lock
  polwarden lock --check
  polwarden lock --from-pack    record the policies that the build of each pack wrote down
  polwarden lock --update       for versions that were never published, and to move pins to the latest version
  polwarden lock --rewrite      write name@sha256:… wherever a manifest refers to a policy of Chainloop";

/// Where a service is for this command: the URL or `embedded`, and what says so.
///
/// # Errors
/// The choice cannot be used.
pub fn endpoint_choice(
    endpoints: &[String],
    provider: Provider,
) -> Result<(String, EndpointSource), ConnectError> {
    let service = service(provider);
    let (choice, source) = sourced_choice(endpoints, service)?;
    let endpoint = choice.endpoint(service.default_endpoint)?;
    let text = endpoint.map_or_else(|| EMBEDDED.to_owned(), |endpoint| endpoint.to_string());
    Ok((text, source))
}

/// Whether the service of a target has teams that manifests can name.
pub fn has_teams(target: &Target) -> bool {
    target.docker().is_some()
}

/// The service of the examples, and the one that `init` proposes.
pub const EXAMPLE_PROVIDER: Provider = Provider::Docker;

/// What `init` writes for a service.
pub fn starter(provider: Provider) -> &'static Starter {
    match provider {
        Provider::Docker => &docker::STARTER,
        Provider::Pulumi => &pulumi::STARTER,
        Provider::Chainloop => &chainloop::STARTER,
    }
}

/// All services, in the order in which they are connected and listed.
pub static SERVICES: [&ServiceInfo; 3] = [&docker::SERVICE, &pulumi::SERVICE, &chainloop::SERVICE];

/// What must be known about a service.
pub fn service(provider: Provider) -> &'static ServiceInfo {
    match provider {
        Provider::Docker => &docker::SERVICE,
        Provider::Pulumi => &pulumi::SERVICE,
        Provider::Chainloop => &chainloop::SERVICE,
    }
}

/// The arguments of the emulator of each service.
#[derive(Debug, Subcommand)]
pub enum EmulateCommand {
    Docker(Box<EmulateDocker>),
    Pulumi(Box<EmulatePulumi>),
    Chainloop(Box<EmulateChainloop>),
}

impl EmulateCommand {
    /// Starts the emulator.
    ///
    /// # Errors
    /// The seed cannot be used, or the emulator does not start.
    pub async fn start(self) -> Result<Serving, EmulateError> {
        match self {
            Self::Docker(arguments) => arguments.start().await,
            Self::Pulumi(arguments) => arguments.start().await,
            Self::Chainloop(arguments) => arguments.start().await,
        }
    }
}

/// Open connections for the targets of one command.
#[derive(Default)]
pub struct Connections {
    docker: Option<DockerConnections>,
    pulumi: Option<PulumiConnections>,
    chainloop: Option<ChainloopConnections>,
}

impl Connections {
    /// Connects to what the targets need. `endpoints` are values of `--endpoint`. Nothing is sent
    /// before the first read.
    ///
    /// # Errors
    /// An endpoint or credentials that cannot be used, or an embedded service that does not start.
    pub async fn open(
        endpoints: &[String],
        http: &HttpClient,
        concurrency: NonZeroUsize,
        targets: &[&Target],
    ) -> Result<Self, ConnectError> {
        let mut connections = Self::default();
        for service in SERVICES {
            let targets: Vec<&Target> = targets
                .iter()
                .filter(|target| target.provider() == service.provider)
                .copied()
                .collect();
            if targets.is_empty() {
                continue;
            }
            let choice = choice(endpoints, service)?;
            let endpoint = choice.endpoint(service.default_endpoint)?;
            let connecting = Connecting {
                http,
                concurrency,
                targets: &targets,
            };
            match service.provider {
                Provider::Docker => {
                    let opened = DockerConnections::open(connecting, endpoint).await?;
                    connections.docker = Some(opened);
                }
                Provider::Pulumi => {
                    let opened = PulumiConnections::open(connecting, endpoint).await?;
                    connections.pulumi = Some(opened);
                }
                Provider::Chainloop => {
                    let opened = ChainloopConnections::open(connecting, endpoint).await?;
                    connections.chainloop = Some(opened);
                }
            }
        }
        Ok(connections)
    }

    /// The connections to the Docker AI Governance API.
    ///
    /// # Errors
    /// There are none for this target.
    pub fn docker(&self, target: &Target) -> Result<&DockerConnections, ConnectError> {
        find(self.docker.as_ref(), target)
    }

    /// The connection to Pulumi Cloud.
    ///
    /// # Errors
    /// There is none for this target.
    pub fn pulumi(&self, target: &Target) -> Result<&PulumiConnections, ConnectError> {
        let connection = self.pulumi.as_ref();
        find(connection.filter(|_| target.pulumi().is_some()), target)
    }

    /// The connection to Chainloop.
    ///
    /// # Errors
    /// There is none for this target.
    pub fn chainloop(&self, target: &Target) -> Result<&ChainloopConnections, ConnectError> {
        let connection = self.chainloop.as_ref();
        find(connection.filter(|_| target.chainloop().is_some()), target)
    }

    /// What a plan says about a target.
    ///
    /// # Errors
    /// The target is not one of those that the connections were opened for.
    pub fn info(&self, target: &Target) -> Result<TargetInfo, ConnectError> {
        let Target {
            name,
            organization,
            paths: _,
            unmanaged: _,
            limits: _,
            settings,
        } = target;
        let endpoint = match settings {
            ServiceSettings::Docker(_) => self.docker(target)?.endpoint(target)?,
            ServiceSettings::Pulumi(_) => self.pulumi(target)?.endpoint(),
            ServiceSettings::Chainloop(_) => self.chainloop(target)?.endpoint(),
        };
        Ok(TargetInfo {
            name: name.clone(),
            provider: target.provider(),
            organization: organization.clone(),
            profile: target.profile(),
            endpoint,
        })
    }

    /// How far the clock of a target's server is ahead of the clock of this machine, by its last answer. Nothing if it
    /// did not answer yet, or does not say the time.
    ///
    /// # Errors
    /// The target has no connection.
    pub fn clock_offset(&self, target: &Target) -> Result<Option<SignedDuration>, ConnectError> {
        Ok(match &target.settings {
            ServiceSettings::Docker(_) => self.docker(target)?.clock_offset(target)?,
            ServiceSettings::Pulumi(_) => self.pulumi(target)?.clock_offset(),
            ServiceSettings::Chainloop(_) => self.chainloop(target)?.clock_offset(),
        })
    }

    /// What services warned of since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        self.pulumi
            .iter()
            .flat_map(PulumiConnections::take_warnings)
            .collect()
    }

    /// Stops the embedded services, if there are any.
    pub async fn close(self) {
        let Self {
            docker,
            pulumi,
            chainloop,
        } = self;
        if let Some(docker) = docker {
            docker.close().await;
        }
        if let Some(pulumi) = pulumi {
            pulumi.close().await;
        }
        if let Some(chainloop) = chainloop {
            chainloop.close().await;
        }
    }
}

/// Why something could not be read.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The service does not answer as expected.
    #[error(transparent)]
    Read(#[from] ApiError),
    /// A reference in a manifest cannot be followed.
    #[error(transparent)]
    Reference(#[from] ReferenceReadError),
    /// Nothing was read.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The service has no rules of access.
    #[error(
        "target `{target}` is of the provider `{}`, which has no rules of access; choose another one with --target",
        provider.as_str()
    )]
    NoRules {
        /// The target.
        target: String,
        /// Its service.
        provider: Provider,
    },
}

fn find<'c, C>(connection: Option<&'c C>, target: &Target) -> Result<&'c C, ConnectError> {
    // The name of the organization is what the user can change, so it comes first.
    organization(target)?;
    connection.ok_or_else(|| ConnectError::not_connected(target))
}

/// How many objects the manifests of a target declare on its server, by kind.
pub fn managed(documents: &[&Document]) -> BTreeMap<ResourceKind, usize> {
    let mut counts = BTreeMap::new();
    for document in documents {
        let kind = match &document.manifest {
            Manifest::Policy(_) => ResourceKind::Policy,
            Manifest::PolicyPack(_) => ResourceKind::Pack,
            Manifest::PolicyGroup(_) => ResourceKind::Group,
            Manifest::ChainloopPolicy(_) => ResourceKind::PolicyDocument,
            Manifest::ChainloopGroup(_) => ResourceKind::GroupDocument,
            Manifest::ResourceList(_) | Manifest::PolicyTest(_) => continue,
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Where the manifests of a target declare the objects of its server.
fn declared_objects<'d>(
    documents: &[&'d Document],
) -> impl Iterator<Item = (ResourceKind, &'d str, Place)> {
    documents.iter().flat_map(|document| {
        let place = Place::value(document.id, Path::root().key("metadata").key("name"));
        let (kind, name, aliases) = match &document.manifest {
            Manifest::Policy(policy) => {
                let metadata = &policy.metadata;
                let aliases = metadata.aliases.as_slice();
                (ResourceKind::Policy, metadata.name.as_str(), aliases)
            }
            Manifest::PolicyPack(pack) => (
                ResourceKind::Pack,
                pack.metadata.name.as_str(),
                [].as_slice(),
            ),
            Manifest::PolicyGroup(group) => {
                let metadata = &group.metadata;
                let aliases = metadata.aliases.as_slice();
                (ResourceKind::Group, metadata.name.as_str(), aliases)
            }
            Manifest::ChainloopPolicy(policy) => {
                let name = policy.manifest.metadata.name.as_str();
                (ResourceKind::PolicyDocument, name, [].as_slice())
            }
            Manifest::ChainloopGroup(group) => {
                let name = group.manifest.metadata.name.as_str();
                (ResourceKind::GroupDocument, name, [].as_slice())
            }
            Manifest::ResourceList(_) | Manifest::PolicyTest(_) => return Vec::new(),
        };
        // An object is declared under its former names until it is renamed.
        let names = std::iter::once(name).chain(aliases.iter().map(String::as_str));
        names.map(|name| (kind, name, place.clone())).collect()
    })
}

/// The names of the objects that the manifests of a target declare, former names included.
pub fn declared_names_of_objects(documents: &[&Document]) -> Vec<String> {
    let objects = declared_objects(documents);
    objects.map(|(_, name, _)| name.to_owned()).collect()
}

/// The names of all objects that a desired state contains.
pub fn desired_names(desired: &Desired) -> Vec<String> {
    let Desired {
        policies,
        packs,
        groups,
        documents,
    } = desired;
    let mut names: Vec<String> = policies.iter().map(|it| it.name.to_string()).collect();
    names.extend(packs.iter().map(|it| it.name().to_string()));
    names.extend(groups.iter().map(|it| it.name.to_string()));
    names.extend(documents.iter().map(|it| it.name.to_string()));
    names
}

/// Removes the objects from a desired state whose names are not wanted.
pub fn retain_desired(desired: &mut Desired, is_wanted: &dyn Fn(&str) -> bool) {
    let Desired {
        policies,
        packs,
        groups,
        documents,
    } = desired;
    policies.retain(|it| is_wanted(&it.name.to_string()));
    packs.retain(|it| is_wanted(&it.name().to_string()));
    groups.retain(|it| is_wanted(&it.name.to_string()));
    documents.retain(|it| is_wanted(&it.name.to_string()));
}

/// Reads the live objects of a target, with where its manifests declare them. A service without a list
/// is asked for the declared documents only, and the answer contains the reason.
///
/// # Errors
/// The target has no connection, or it cannot be read.
pub async fn list(
    connections: &Connections,
    target: &Target,
    documents: &[&Document],
    listing: ListRequest<'_>,
) -> Result<ListedTarget, OpenError> {
    let declared = Declarations {
        places: declared_objects(documents)
            .map(|(kind, name, place)| ((kind, name), (listing.locate)(&place)))
            .collect(),
        unmanaged: &target.unmanaged,
        are_complete: listing.manifests_are_valid,
    };
    let mut incomplete = None;
    let objects = match &target.settings {
        ServiceSettings::Docker(_) => {
            let live = policies(connections, target, listing.begin).await?;
            docker::listing::objects(&live, target, &declared)
        }
        ServiceSettings::Pulumi(_) => {
            let reader = connections.pulumi(target)?.reader(target)?;
            pulumi::listing::objects(&reader.live_state().await?, &declared)
        }
        ServiceSettings::Chainloop(_) => {
            incomplete = Some(
                "the service documents no list of policies; only those that manifests declare were requested"
                    .to_owned(),
            );
            let reader = connections.chainloop(target)?.reader(target)?;
            let names = declared_objects(documents).map(|(_, name, _)| name);
            let live = chainloop::listing::read(reader, names).await?;
            chainloop::listing::objects(&live, &declared)
        }
    };
    Ok(ListedTarget {
        target: connections.info(target)?,
        objects,
        incomplete,
    })
}

/// Reads the live objects of this name and writes them as manifests: the kind of each, and its manifest or why it has
/// none.
///
/// # Errors
/// The target has no connection, or it cannot be read.
pub async fn export(
    connections: &Connections,
    target: &Target,
    name: &str,
    begin: BeginReading<'_>,
) -> Result<Vec<ExportedObject>, OpenError> {
    Ok(match &target.settings {
        ServiceSettings::Docker(_) => {
            let live = policies(connections, target, begin).await?;
            docker::listing::export(&live, target, name)
        }
        ServiceSettings::Pulumi(_) => {
            let reader = connections.pulumi(target)?.reader(target)?;
            pulumi::listing::export(&reader.live_state().await?, name)
        }
        ServiceSettings::Chainloop(_) => {
            let reader = connections.chainloop(target)?.reader(target)?;
            let live = chainloop::listing::read(reader, [name]).await?;
            chainloop::listing::export(&live, target)
        }
    })
}

/// Where the manifests of a target declare the policies and rules that gates are about.
pub fn declared_names(documents: &[&Document]) -> DeclaredNames {
    DeclaredNames::of(documents)
}

/// The teams of a target's organization, as its server knows them.
///
/// # Errors
/// The target has no connection, its service has no teams, or they cannot be read.
pub async fn teams(connections: &Connections, target: &Target) -> Result<Vec<Team>, OpenError> {
    let reader = connections.docker(target)?.reader(target)?;
    Ok(reader.teams().await?)
}

/// The names of the teams in these formulas that have no alias, each with the team's UUID. The
/// server is asked only if there are such teams. Without an answer, no name is shown: names are for
/// reading only.
pub async fn team_names<'p>(
    connections: &Connections,
    target: &Target,
    people: impl Iterator<Item = &'p People>,
) -> BTreeMap<String, String> {
    let mut groups = people
        .flat_map(|people| &people.0)
        .flat_map(|membership| membership.all_of.iter().chain(&membership.none_of));
    if !groups.any(|group| is_uuid(group)) {
        return BTreeMap::new();
    }
    let teams = match teams(connections, target).await {
        Ok(teams) => teams,
        Err(error) => {
            tracing::info!("names of teams are not shown: {error}");
            return BTreeMap::new();
        }
    };
    let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
    for team in teams {
        // A name that several teams have, or that is the alias of another one, would mislead.
        let id = team.id.to_string();
        let is_free = !target.teams().contains_key(&team.name);
        names
            .entry(team.name)
            .and_modify(|known| *known = None)
            .or_insert(is_free.then_some(id));
    }
    names
        .into_iter()
        .filter_map(|(name, id)| Some((name, id?)))
        .collect()
}

/// What the server says about names in a target's manifests that only it can confirm. Its teams are
/// read only if `teams` says that they are needed.
///
/// # Errors
/// The target has no connection, or the server does not answer as expected.
pub async fn facts(
    connections: &Connections,
    target: &Target,
    documents: &[&Document],
    teams: bool,
) -> Result<ServerFacts, OpenError> {
    let facts = team_facts(connections, target, teams).await?;
    if target.chainloop().is_none() {
        return Ok(facts);
    }
    let reader = connections.chainloop(target)?.reader(target)?;
    Ok(ServerFacts {
        schemas: schemas(&reader, target, documents).await?,
        ..facts
    })
}

/// Like [`facts`], about teams alone.
///
/// # Errors
/// As for [`facts`].
pub async fn team_facts(
    connections: &Connections,
    target: &Target,
    needed: bool,
) -> Result<ServerFacts, OpenError> {
    let teams_known = if needed {
        KnownTeams::Known(teams(connections, target).await?)
    } else {
        KnownTeams::Offline
    };
    Ok(ServerFacts {
        teams: teams_known,
        ..ServerFacts::offline()
    })
}

/// Whether the manifests of a target declare packs, whose sources are locked.
pub fn locks_packs(target: &Target) -> bool {
    target.pulumi().is_some()
}

/// Whether the manifests of a target refer to documents of its server, which are pinned.
pub fn pins_references(target: &Target) -> bool {
    target.chainloop().is_some()
}

/// Checks the documents of a target whose references are pinned. Answers what is wrong with them.
pub fn check_pinned<'t>(
    set: &ManifestSet,
    target: &'t Target,
) -> (PinnedTarget<'t>, Vec<Diagnostic>) {
    // This check reports the manifests of other services.
    let mut diagnostics = pulumi::lock::check(set, target, &set.loaded.lock).diagnostics;
    let (pinned, wrong) = PinnedTarget::check(set, target);
    diagnostics.extend(wrong);
    (pinned, diagnostics)
}

/// Pins the references in the documents of one target.
///
/// # Errors
/// The target has no connection, or the server does not answer as expected.
pub async fn pin(
    connections: &Connections,
    pinned: &PinnedTarget<'_>,
    pins: &mut Pins,
    lock: &mut LockFile,
    aim: PinMode,
) -> Result<(), OpenError> {
    let target = pinned.target;
    let reader = connections.chainloop(target)?.reader(target)?;
    Ok(pins.take(&reader, pinned, lock, aim).await?)
}

/// What a service with rules of access contains.
pub type LivePolicies = DockerLiveState;

/// What is not understood of live policies, and so answers no question: the name of the policy, and why.
pub fn not_understood(live: &LivePolicies) -> Vec<(&str, &str)> {
    let parts = live.policies.iter();
    parts
        .flat_map(|policy| {
            let whys = policy.not_understood().into_iter();
            whys.map(|why| (policy.name.as_str(), why))
        })
        .collect()
}

/// Reads all policies of a target's organization, for questions about access.
///
/// # Errors
/// The target's service has no rules of access, or they cannot be read.
pub async fn policies(
    connections: &Connections,
    target: &Target,
    begin: BeginReading<'_>,
) -> Result<LivePolicies, OpenError> {
    if target.docker().is_none() {
        return Err(OpenError::NoRules {
            target: target.name.clone(),
            provider: target.provider(),
        });
    }
    let info = connections.info(target)?;
    let mut opened = connections.docker(target)?.target(target, info)?;
    opened.read(begin).await?;
    Ok(opened.into_live()?)
}

/// Imports the live objects of a target that no manifest declares. Nothing is written.
///
/// # Errors
/// The target has no connection, or it cannot be read.
pub async fn import_undeclared<'a>(
    connections: &Connections,
    target: &Target,
    documents: &[&Document],
    folder: &'a Utf8Path,
    begin: BeginReading<'_>,
) -> Result<TargetImport<'a>, OpenError> {
    Ok(match &target.settings {
        ServiceSettings::Docker(_) => {
            let live = policies(connections, target, begin).await?;
            let files = docker::import::undeclared(&live, documents, target, folder);
            TargetImport::Listed(files)
        }
        ServiceSettings::Pulumi(_) => {
            let reader = connections.pulumi(target)?.reader(target)?;
            let live = reader.live_state().await?;
            let files = pulumi::import::undeclared(&live, documents, target, folder);
            TargetImport::Listed(files)
        }
        ServiceSettings::Chainloop(_) => TargetImport::NotListed(
            "nothing was imported: Chainloop has no list of policies; name them: polwarden import --provider chainloop --only NAME",
        ),
    })
}

/// The targets whose live objects can be imported by name.
///
/// # Errors
/// There are none, or they are of several services.
pub fn named_import_targets<'t>(
    targets: &[&'t Target],
) -> Result<Vec<&'t Target>, NamedImportError> {
    let can = |target: &&&Target| match target.provider() {
        Provider::Docker | Provider::Chainloop => true,
        Provider::Pulumi => false,
    };
    let targets: Vec<&Target> = targets.iter().filter(can).copied().collect();
    let Some(first) = targets.first() else {
        return Err(NamedImportError::Refused(
            "--only takes over policies of Docker and documents of Chainloop. `polwarden drift` shows how packs and groups \
                 differ: bring their manifests to that by hand"
                .to_owned(),
        ));
    };
    if targets
        .iter()
        .any(|target| target.provider() != first.provider())
    {
        return Err(NamedImportError::Refused(
            "--only names what is at one kind of service; choose it with --provider or --target"
                .to_owned(),
        ));
    }
    Ok(targets)
}

/// Imports live objects by name from [`named_import_targets`]. Nothing is written.
///
/// # Errors
/// An object does not exist or cannot be written as a manifest, or the manifests are invalid.
pub async fn import_named(
    connections: &Connections,
    targets: &[&Target],
    import: NamedImport<'_>,
    begin: BeginReading<'_>,
) -> Result<PendingImport, NamedImportError> {
    if targets.iter().any(|target| target.chainloop().is_some()) {
        let names = chainloop::import::names(import)?;
        let mut states = Vec::new();
        for target in targets {
            let reader = connections.chainloop(target)?.reader(target)?;
            let live = chainloop::import::read(reader, target, &names).await?;
            states.push(NamedDocuments {
                target,
                info: connections.info(target)?,
                live,
            });
        }
        let check =
            |set: &ManifestSet, target: &Target| check_target(set, target, &ServerFacts::offline());
        return chainloop::import::import(import, &names, &states, check);
    }
    let mut states = Vec::new();
    for target in targets {
        let live = policies(connections, target, begin).await;
        states.push(live.with_context(|| target_context(target))?);
    }
    docker::import::adopt::check_all_are_live(import.names, &states)?;
    let mut pending = PendingImport::default();
    for (target, live) in targets.iter().zip(&states) {
        let needed = needs_server_teams(import.manifests, target);
        let facts = team_facts(connections, target, needed).await;
        let facts = facts.map_err(|error| NamedImportError::Failed(error.into()))?;
        let adoption = AdoptionTarget {
            target,
            info: connections.info(target)?,
            live,
            check: &|set| check_target(set, target, &facts),
        };
        pending = docker::import::adopt::adopt(import, &adoption, pending)?;
    }
    Ok(pending)
}

/// Opens a target to read it, to compare it and to plan. The object has no writer, and nothing was
/// read yet.
///
/// # Errors
/// The target has no connection.
pub fn open(connections: &Connections, target: &Target) -> Result<Box<dyn Reads>, ConnectError> {
    let info = connections.info(target)?;
    Ok(match &target.settings {
        ServiceSettings::Docker(_) => Box::new(connections.docker(target)?.target(target, info)?),
        ServiceSettings::Pulumi(_) => Box::new(connections.pulumi(target)?.target(target, info)?),
        ServiceSettings::Chainloop(_) => {
            Box::new(connections.chainloop(target)?.target(target, info)?)
        }
    })
}

/// Opens a target to write to it. Only commands that change a server call this.
///
/// # Errors
/// The target has no connection.
pub fn open_for_writing(
    connections: &Connections,
    target: &Target,
) -> Result<Box<dyn Writes>, ConnectError> {
    let info = connections.info(target)?;
    Ok(match &target.settings {
        ServiceSettings::Docker(_) => Box::new(connections.docker(target)?.writable(target, info)?),
        ServiceSettings::Pulumi(_) => Box::new(connections.pulumi(target)?.writable(target, info)?),
        ServiceSettings::Chainloop(_) => {
            Box::new(connections.chainloop(target)?.writable(target, info)?)
        }
    })
}
