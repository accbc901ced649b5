//! The three services behind one interface: the only shared file that names all of them.
//!
//! [`open`] and [`open_for_writing`] answer an object of one service; everything else reaches it
//! through the traits [`Reads`] and [`Writes`].

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::chainloop::references::{ReferenceError, schemas};
use super::chainloop::{self, ChainloopConnections, EmulateChainloop};
use super::connect::{ConnectError, Connecting, ServiceInfo, organization};
use super::diagnostics::sort;
use super::docker::check::{
    KnownTeams, PolicyInput, check as check_policies, check_tests as check_policy_tests,
};
use super::docker::{self, DockerConnections, EmulateDocker};
use super::emulate::{EmulateError, Serving};
use super::endpoints::choice;
use super::invalid::InvalidManifests;
use super::pulumi::{self, EmulatePulumi, PulumiConnections};
use crate::plan::TargetInfo;
use crate::run::service::{BeginReading, Reads, ServiceError, Writes};
use crate::workspace::NamedSource;
use clap::Subcommand;
use http::{ApiError, HttpClient, HttpOptions};
use manifest::Document;
use manifest::config::{Provider, ServiceSettings, Target};
use manifest::lock::LockFile;
use model::Desired;
use model::chainloop::DesiredDocument;
use model::diag::{Diagnostic, DocumentId};
use model::docker::{DockerLiveState, Team};
use thiserror::Error;

// Access gates, policy tests and lints are about requests, which one service decides about. At targets
// of the others there is nothing to check.
pub use super::docker::check::{
    CheckedTests, TargetGates as ConfiguredGates, check_gates, check_test_targets,
    covered_place as resource_place, gates as configured_gates, gates_of_all, lint,
    needs_server_teams, tests_need_server_teams,
};

// The lock file: digests of pack sources, and versions of documents that manifests refer to.
pub use super::chainloop::check::{
    CheckedDocuments, DocumentInput, InputsSchemas, check_documents,
};
pub use super::chainloop::lock::{PinMode, Pins};
pub use super::chainloop::references::all as references;
pub use super::pulumi::check::{CheckedPacks, PackInput, check_packs};
pub use super::pulumi::lock::lock_packs;

/// The manifests of one target, as they were read.
#[derive(Debug, Clone, Copy)]
pub struct Manifests<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its documents.
    pub documents: &'a [&'a Document],
    /// The text of `spec.cedar.file`, for each document that names one.
    pub cedar_files: &'a HashMap<DocumentId, Arc<str>>,
    /// The source of each policy pack.
    pub pack_sources: &'a HashMap<DocumentId, NamedSource>,
    /// The lock file; an empty one if there is none.
    pub lock: &'a LockFile,
    /// The manifests that are not valid.
    pub invalid: InvalidManifests<'a>,
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

/// The outcome of a check of one target's manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the manifests declare. Something is missing if there is an error about it, or if the
    /// server has to confirm it: a caller that plans must refuse while there is any error.
    pub desired: Desired,
    /// The findings, by document, in the order of the rules.
    pub diagnostics: Vec<Diagnostic>,
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
pub const ENDPOINT_HELP: &str = "Where a service is: `docker=URL`, `pulumi=URL` or `chainloop=URL`, or \
    `docker=embedded` for one that runs inside this command and keeps its state in `.polwarden/`. The variables \
    POLWARDEN_DOCKER_ENDPOINT, POLWARDEN_PULUMI_ENDPOINT and POLWARDEN_CHAINLOOP_ENDPOINT have the same effect. May be \
    given more than once";

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
pub enum EmulatedService {
    Docker(Box<EmulateDocker>),
    Pulumi(Box<EmulatePulumi>),
    Chainloop(Box<EmulateChainloop>),
}

impl EmulatedService {
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
        concurrency: NonZeroUsize,
        targets: &[&Target],
    ) -> Result<Self, ConnectError> {
        let options = HttpOptions {
            concurrency,
            ..HttpOptions::default()
        };
        let http = HttpClient::new(options);
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
                http: &http,
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
    Reference(#[from] ReferenceError),
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

/// The teams of a target's organization, as its server knows them.
///
/// # Errors
/// The target has no connection, its service has no teams, or they cannot be read.
pub async fn teams(connections: &Connections, target: &Target) -> Result<Vec<Team>, OpenError> {
    let reader = connections.docker(target)?.reader(target)?;
    Ok(reader.teams().await?)
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

/// Pins the references in the documents of one target.
///
/// # Errors
/// The target has no connection, or the server does not answer as expected.
pub async fn pin(
    connections: &Connections,
    target: &Target,
    documents: &[DesiredDocument],
    pins: &mut Pins,
    lock: &mut LockFile,
    aim: PinMode,
) -> Result<(), OpenError> {
    let reader = connections.chainloop(target)?.reader(target)?;
    Ok(pins.take(&reader, target, documents, lock, aim).await?)
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
