//! `polwarden emulate pulumi`.

use std::net::SocketAddr;

use clap::Args;

use crate::service::emulate::{
    AccessToken, EmulateError, FaultArgs, ListenArgs, RequestArgs, Serving, StateArgs, address,
    fault_help,
};
use emulator::pulumi;
use emulator::pulumi::{PulumiFault, PulumiOptions, PulumiOrganizationSeed, PulumiSeed};

/// Run an emulator of Pulumi Cloud's policy packs and groups.
#[derive(Debug, Args)]
#[command(after_long_help = FAULTS)]
pub struct EmulatePulumi {
    #[command(flatten)]
    place: ListenArgs,
    /// Address for uploads of archives.
    #[arg(help_heading = "Server", long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen_uploads: SocketAddr,
    #[command(flatten)]
    contents: StateArgs,
    /// Accept stacks that are not declared.
    ///
    /// A stack exists as soon as a group contains it.
    #[arg(help_heading = "Behavior", long)]
    any_stack: bool,
    #[command(flatten)]
    access: AccessToken,
    /// Number of packs or versions on a page of the registry.
    #[arg(help_heading = "Behavior", long, value_name = "N", default_value_t = PulumiOptions::default().page_size)]
    page_size: usize,
    /// Send this text as `X-Pulumi-Warning` with every answer.
    #[arg(help_heading = "Behavior", long, value_name = "TEXT")]
    warning: Option<String>,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    faults: FaultArgs<PulumiFault>,
}

const FAULTS: &str = fault_help!(
    "    publish-version=PACK, delete-version=[PACK/]TAG, add-pack=[GROUP/]PACK,
    switch-pack=[GROUP/]PACK, configure-pack=[GROUP/]PACK, remove-pack=[GROUP/]PACK,
    add-group=NAME, delete-group=NAME",
    "CompletePolicyPack",
    "  polwarden emulate pulumi --fault after-500@write:3
  polwarden emulate pulumi --fault before-503@UploadPolicyPack:1 --fault before-429=2s@5
  polwarden emulate pulumi --fault switch-pack=prod/guard@UpdatePolicyGroup:1
  polwarden emulate pulumi --fault hang@p=0.05,seed=7,writes"
);

impl EmulatePulumi {
    /// Starts the emulator.
    ///
    /// # Errors
    /// The seed cannot be used, or the emulator does not start.
    pub async fn start(self) -> Result<Serving, EmulateError> {
        let port_file = self.place.port_file.clone();
        let running = pulumi::start(self.options()?).await?;
        Ok(Serving { running, port_file })
    }

    fn options(self) -> Result<PulumiOptions, EmulateError> {
        let Self {
            place,
            listen_uploads,
            contents,
            any_stack,
            access,
            page_size,
            warning,
            requests,
            faults: FaultArgs { faults },
        } = self;
        let organization = |name| PulumiOrganizationSeed {
            name,
            ..PulumiOrganizationSeed::default()
        };
        Ok(PulumiOptions {
            listen: place.listen,
            listen_uploads,
            state: contents.location(),
            seed: contents.seed(PulumiSeed::from_json)?,
            organizations: contents
                .organization
                .into_iter()
                .map(organization)
                .collect(),
            any_stack,
            token: access.token,
            page_size,
            warning,
            latency: requests.latency(),
            requests_per_second: requests.requests_per_second,
            request_log: requests.request_log.map(Into::into),
            faults,
        })
    }
}
