//! `polwarden emulate chainloop`.

use clap::Args;

use crate::service::emulate::{
    AccessToken, EmulateError, FaultArgs, ListenArgs, RequestArgs, Serving, StateArgs, fault_help,
};
use emulator::chainloop;
use emulator::chainloop::{
    ChainloopFault, ChainloopOptions, ChainloopOrganizationSeed, ChainloopSeed, ErrorShape,
    RawSchema, Spelling,
};

/// Run an emulator of Chainloop's policies and policy groups.
#[derive(Debug, Args)]
#[command(after_long_help = FAULTS)]
pub struct EmulateChainloop {
    #[command(flatten)]
    place: ListenArgs,
    #[command(flatten)]
    contents: StateArgs,
    #[command(flatten)]
    access: AccessToken,
    /// Spelling of field names in answers: snake or camel.
    #[arg(help_heading = "Behavior", long, default_value_t)]
    spelling: Spelling,
    /// Accepted form of `raw_schema`: base64, text or either.
    #[arg(help_heading = "Behavior", long, default_value_t)]
    raw_schema: RawSchema,
    /// Body of errors: code, level, text or empty.
    #[arg(help_heading = "Behavior", long, default_value_t)]
    errors: ErrorShape,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    faults: FaultArgs<ChainloopFault>,
}

const FAULTS: &str = fault_help!(
    "    add-policy=NAME, change-policy=NAME, restore-policy=NAME, delete-policy=NAME,
    change-group=NAME",
    "PolicyService_Update",
    "  polwarden emulate chainloop --fault after-500@write:3
  polwarden emulate chainloop --fault before-reset@PolicyService_Create:1 --fault before-429=2s@5
  polwarden emulate chainloop --fault change-policy=sbom-licenses@PolicyService_Update:1
  polwarden emulate chainloop --fault hang@p=0.05,seed=7,writes"
);

impl EmulateChainloop {
    /// Starts the emulator.
    ///
    /// # Errors
    /// The seed cannot be used, or the emulator does not start.
    pub async fn start(self) -> Result<Serving, EmulateError> {
        let port_file = self.place.port_file.clone();
        let running = chainloop::start(self.options()?).await?;
        Ok(Serving { running, port_file })
    }

    fn options(self) -> Result<ChainloopOptions, EmulateError> {
        let Self {
            place,
            contents,
            access,
            spelling,
            raw_schema,
            errors,
            requests,
            faults: FaultArgs { faults },
        } = self;
        let organization = |name| ChainloopOrganizationSeed {
            name,
            ..ChainloopOrganizationSeed::default()
        };
        Ok(ChainloopOptions {
            listen: place.listen,
            state: contents.location(),
            seed: contents.seed(ChainloopSeed::from_json)?,
            organizations: contents
                .organization
                .into_iter()
                .map(organization)
                .collect(),
            token: access.token,
            spelling,
            raw_schema,
            errors,
            latency: requests.latency(),
            requests_per_second: requests.requests_per_second,
            request_log: requests.request_log.map(Into::into),
            faults,
        })
    }
}
