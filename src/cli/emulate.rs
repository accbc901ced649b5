//! `polwarden emulate`: the services on loopback, for trying things out and for tests.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::console::Console;
use super::exit::Exit;
use crate::emulator::{self, Fault, Limits, Options, OrganizationSeed, Profile, Seed, StateLocation};

/// Serve one of the services on loopback, until interrupted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  polwarden emulate docker
  polwarden emulate docker --listen 127.0.0.1:8080")]
pub(super) struct Emulate {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    Docker(Box<Docker>),
}

/// The Docker AI Governance API.
#[derive(Debug, Args)]
#[command(after_long_help = FAULTS)]
struct Docker {
    /// The address to listen on: loopback only. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Write the port to this file once the service listens.
    #[arg(long, value_name = "FILE")]
    port_file: Option<Utf8PathBuf>,
    /// The shape of the API: seed, intermediate or current.
    #[arg(long, default_value_t)]
    profile: Profile,
    /// Keep the state in this SQLite file; without it, the state ends with the service.
    #[arg(long, value_name = "FILE")]
    state: Option<Utf8PathBuf>,
    /// What organizations hold when they are created, as JSON (docs/emulator.md).
    #[arg(long, value_name = "FILE")]
    seed_file: Option<Utf8PathBuf>,
    /// An organization to serve; may be given more than once.
    #[arg(long, value_name = "NAME")]
    organization: Vec<String>,
    /// Sign in nobody but who has this secret; without it, any that is not empty will do. The variable keeps it out
    /// of the process list.
    #[arg(long, env = "POLWARDEN_EMULATOR_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<SecretString>,
    /// How long a token is good for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    token_ttl: u64,
    /// How long each request waits before it is served, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// Append one JSON line for each request to this file; credentials are left out.
    #[arg(long, value_name = "FILE")]
    request_log: Option<Utf8PathBuf>,
    /// How many policies an organization takes.
    #[arg(long, value_name = "N", default_value_t = Limits::default().policies)]
    max_policies: usize,
    /// Something that goes wrong on purpose, such as after-500@write:3; may be given more than once. What SPEC may be
    /// stands below.
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<Fault>,
}

/// The grammar of `--fault`.
const FAULTS: &str = "\
Faults: SPEC is KIND, or KIND@WHERE

  KIND says what goes wrong. `before-` means that the service does nothing of what is asked,
  `after-` that it has done it.
    before-STATUS, after-STATUS     an error is the answer; before-429=2s adds Retry-After: 2
    before-reset, after-reset       the connection is reset, without an answer
    before-hang, after-hang         no answer comes until the client or the emulator gives up
    before-crash, after-crash       the emulator ends for good
    before-undecodable, after-undecodable
                                    the answer is 200 with a text that is not JSON
    truncated                       it is done; the connection closes after half of the answer
    delay=DURATION                  the request waits first: delay=200ms
    revoke-tokens                   all tokens are revoked first, so this request gets a 401
    add-policy=NAME, rename-policy=NAME, change-policy=NAME, delete-policy=NAME,
    add-rule=[POLICY/]RULE, change-rule=[POLICY/]RULE, delete-rule=[POLICY/]RULE
                                    another writer does this first. `any`, or no name, is the object
                                    that the request is about, or else the oldest
  Without a word for it, reset, hang and crash come before, and undecodable after.

  WHERE says at which requests, all of them if it is left out; joined by commas:
    N                               the N-th request since the start
    reads, writes, OPERATION        those alone; an operation is, for example, createRule or signIn
    read:N, write:N, OPERATION:N    the N-th of those; also N..M, and N.. for all from the N-th on
    p=0.05,seed=7                   with this probability; a seed always draws the same
    once, times=N                   no more often than this

Examples:
  polwarden emulate docker --fault after-500@write:3
  polwarden emulate docker --fault before-reset@createRule:1 --fault before-429=2s@5
  polwarden emulate docker --fault hang@p=0.05,seed=7,writes
  polwarden emulate docker --fault 'change-rule=\"allow the mirrors\"@updateRule:1'";

/// An address with a port, or one without, for a free port.
fn address(text: &str) -> Result<SocketAddr, String> {
    let free = |ip: IpAddr| SocketAddr::new(ip, 0);
    text.parse()
        .or_else(|_| text.parse().map(free))
        .map_err(|_| "expected an address such as 127.0.0.1:8080".to_owned())
}

impl Emulate {
    /// Runs the command.
    ///
    /// # Errors
    /// The service cannot be started.
    pub(super) fn run(self, console: Console) -> anyhow::Result<Exit> {
        let Service::Docker(docker) = self.service;
        super::runtime()?.block_on(docker.run(console))
    }
}

impl Docker {
    async fn run(self, console: Console) -> anyhow::Result<Exit> {
        let port_file = self.port_file.clone();
        let running = emulator::start(self.options()?).await?;
        if let Some(path) = port_file {
            let port = running.address().port();
            // A reader that waits for the file must never see it half written.
            let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
            let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| ".".into()))?;
            std::io::Write::write_all(&mut file, format!("{port}\n").as_bytes())?;
            file.persist(&path).with_context(|| format!("cannot write the port to `{path}`"))?;
        }
        console.say(&format!("Listening on {} (stop with Ctrl-C)", running.url()));
        let crashed = tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).context("cannot wait for Ctrl-C")?,
            () = running.crashed() => true,
        };
        running.shutdown().await;
        if crashed {
            bail!("the emulator has crashed, as a --fault asked for");
        }
        Ok(Exit::Done)
    }

    fn options(self) -> anyhow::Result<Options> {
        let seed = self.seed_file.map(|path| -> anyhow::Result<Seed> {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read the seed file `{path}`"))?;
            Seed::from_json(&text).with_context(|| format!("the seed file `{path}` cannot be used"))
        });
        let organization = |name| OrganizationSeed { name, ..OrganizationSeed::default() };
        Ok(Options {
            listen: self.listen,
            profile: self.profile,
            state: self.state.map_or(StateLocation::Memory, |path| StateLocation::File(path.into())),
            organizations: self.organization.into_iter().map(organization).collect(),
            seed: seed.transpose()?,
            secret: self.secret,
            token_ttl: Duration::from_secs(self.token_ttl),
            latency: Duration::from_millis(self.latency),
            request_log: self.request_log.map(Into::into),
            limits: Limits { policies: self.max_policies, ..Limits::default() },
            faults: self.faults,
        })
    }
}
