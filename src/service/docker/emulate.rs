//! `polwarden emulate docker`.

use std::time::Duration;

use clap::Args;
use secrecy::SecretString;

use crate::service::emulate::{
    EmulateError, FaultArgs, ListenArgs, RequestArgs, Serving, StateArgs, fault_help,
};
use emulator::{
    DockerFault, DockerOptions, DockerOrganizationSeed, DockerSeed, EmulatorProfile, ServiceLimits,
};

/// Run an emulator of the Docker AI Governance API.
#[derive(Debug, Args)]
#[command(after_long_help = FAULTS)]
pub struct EmulateDocker {
    #[command(flatten)]
    place: ListenArgs,
    /// Shape of the API: seed, intermediate or current.
    #[arg(help_heading = "Behavior", long, default_value_t)]
    profile: EmulatorProfile,
    #[command(flatten)]
    contents: StateArgs,
    /// Accept only this secret at sign-in.
    ///
    /// Without it, any secret that is not empty is accepted. The variable keeps it out of the process list.
    #[arg(
        help_heading = "Authentication",
        long,
        env = "POLWARDEN_EMULATOR_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    secret: Option<SecretString>,
    /// Lifetime of a token in seconds.
    #[arg(
        help_heading = "Authentication",
        long,
        value_name = "SECONDS",
        default_value_t = 600
    )]
    token_ttl: u64,
    #[command(flatten)]
    requests: RequestArgs,
    /// Maximum number of policies in an organization.
    #[arg(help_heading = "Behavior", long, value_name = "N", default_value_t = ServiceLimits::default().policies)]
    max_policies: usize,
    /// Accept and store this undocumented field (repeatable).
    ///
    /// Policies and rules then have a field that the contract does not define, like a later version of the service.
    #[arg(help_heading = "Behavior", long, value_name = "NAME")]
    extra_field: Vec<String>,
    #[command(flatten)]
    faults: FaultArgs<DockerFault>,
}

const FAULTS: &str = fault_help!(
    "    add-policy=NAME, rename-policy=NAME, change-policy=NAME, delete-policy=NAME,
    add-rule=[POLICY/]RULE, change-rule=[POLICY/]RULE, delete-rule=[POLICY/]RULE",
    "createRule or signIn",
    "  polwarden emulate docker --fault after-500@write:3
  polwarden emulate docker --fault before-reset@createRule:1 --fault before-429=2s@5
  polwarden emulate docker --fault hang@p=0.05,seed=7,writes
  polwarden emulate docker --fault 'change-rule=\"allow the mirrors\"@updateRule:1'"
);

impl EmulateDocker {
    /// Starts the emulator.
    ///
    /// # Errors
    /// The seed cannot be used, or the emulator does not start.
    pub async fn start(self) -> Result<Serving, EmulateError> {
        let port_file = self.place.port_file.clone();
        let running = emulator::start(self.options()?).await?;
        Ok(Serving { running, port_file })
    }

    fn options(self) -> Result<DockerOptions, EmulateError> {
        let Self {
            place,
            profile,
            contents,
            secret,
            token_ttl,
            requests,
            max_policies,
            extra_field,
            faults: FaultArgs { faults },
        } = self;
        let organization = |name| DockerOrganizationSeed {
            name,
            ..DockerOrganizationSeed::default()
        };
        Ok(DockerOptions {
            listen: place.listen,
            profile,
            state: contents.location(),
            seed: contents.seed(DockerSeed::from_json)?,
            organizations: contents
                .organization
                .into_iter()
                .map(organization)
                .collect(),
            secret,
            token_ttl: Duration::from_secs(token_ttl),
            latency: requests.latency(),
            requests_per_second: requests.requests_per_second,
            request_log: requests.request_log.map(Into::into),
            limits: ServiceLimits {
                policies: max_policies,
                ..ServiceLimits::default()
            },
            extra_fields: extra_field,
            faults,
        })
    }
}
