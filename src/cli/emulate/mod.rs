//! `polwarden emulate`: the services on loopback, for trying things out and for tests.

mod chainloop;
mod docker;
mod pulumi;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use emulator::{Running, StateLocation};

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
    Docker(Box<docker::Docker>),
    Pulumi(Box<pulumi::Pulumi>),
    Chainloop(Box<chainloop::Chainloop>),
}

/// Where a service listens.
#[derive(Debug, Args)]
struct Place {
    /// The address to listen on: loopback only. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Write the port to this file once the service listens.
    #[arg(long, value_name = "FILE")]
    port_file: Option<Utf8PathBuf>,
}

/// What a service holds.
#[derive(Debug, Args)]
struct Contents {
    /// Keep the state in this SQLite file; without it, the state ends with the service.
    #[arg(long, value_name = "FILE")]
    state: Option<Utf8PathBuf>,
    /// What organizations hold when they are created, as JSON (docs/emulator.md).
    #[arg(long, value_name = "FILE")]
    seed_file: Option<Utf8PathBuf>,
    /// An organization to serve; may be given more than once.
    #[arg(long, value_name = "NAME")]
    organization: Vec<String>,
}

/// How requests are served and told.
#[derive(Debug, Args)]
struct Requests {
    /// How long each request waits before it is served, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// Append one JSON line for each request to this file; credentials are left out.
    #[arg(long, value_name = "FILE")]
    request_log: Option<Utf8PathBuf>,
}

/// Who may send requests, at services with access tokens.
#[derive(Debug, Args)]
struct AccessToken {
    /// Accept this access token only; without it, any that is not empty will do. The variable keeps it out of the
    /// process list.
    #[arg(
        long,
        env = "POLWARDEN_EMULATOR_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<SecretString>,
}

/// The grammar of `--fault`, from what differs: what another writer can do, operations to name, and examples.
macro_rules! fault_help {
    ($changes:literal, $operations:literal, $examples:literal) => {
        concat!(
            "\
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
",
            $changes,
            "
                                    another writer does this first. `any`, or no name, is the object
                                    that the request is about, or else the oldest
  Without a word for it, reset, hang and crash come before, and undecodable after.

  WHERE says at which requests, all of them if it is left out; joined by commas:
    N                               the N-th request since the start
    reads, writes, OPERATION        those alone; an operation is, for example, ",
            $operations,
            "
    read:N, write:N, OPERATION:N    the N-th of those; also N..M, and N.. for all from the N-th on
    p=0.05,seed=7                   with this probability; a seed always draws the same
    once, times=N                   no more often than this

Examples:
",
            $examples
        )
    };
}
use fault_help;

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
    pub(super) fn run(self, console: Console) -> CommandResult {
        let runtime = super::runtime()?;
        match self.service {
            Service::Docker(docker) => runtime.block_on(docker.run(console)),
            Service::Pulumi(pulumi) => runtime.block_on(pulumi.run(console)),
            Service::Chainloop(chainloop) => runtime.block_on(chainloop.run(console)),
        }
    }
}

impl Contents {
    /// Reads the seed file, if there is one.
    fn seed<S, E: std::error::Error + Send + Sync + 'static>(
        &self,
        read: impl FnOnce(&str) -> Result<S, E>,
    ) -> anyhow::Result<Option<S>> {
        let Some(path) = &self.seed_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the seed file `{path}`"))?;
        read(&text)
            .map(Some)
            .with_context(|| format!("the seed file `{path}` cannot be used"))
    }

    fn location(&self) -> StateLocation {
        self.state.as_ref().map_or(StateLocation::Memory, |path| {
            StateLocation::File(path.into())
        })
    }
}

impl Requests {
    fn latency(&self) -> Duration {
        Duration::from_millis(self.latency)
    }
}

/// Tells where a service listens, and waits until it is interrupted or crashes.
async fn serve(running: Running, port_file: Option<&Utf8Path>, console: Console) -> CommandResult {
    if let Some(path) = port_file {
        let port = running.address().port();
        // A reader that waits for the file must never see it half written.
        let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| ".".into()))?;
        std::io::Write::write_all(&mut file, format!("{port}\n").as_bytes())?;
        file.persist(path)
            .with_context(|| format!("cannot write the port to `{path}`"))?;
    }
    console.say(&format!(
        "Listening on {} (stop with Ctrl-C)",
        running.url()
    ));
    let crashed = tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).context("cannot wait for Ctrl-C")?,
        () = running.crashed() => true,
    };
    running.shutdown().await;
    if crashed {
        return Err(CommandError::error(
            "the emulator has crashed, as a --fault asked for",
        ));
    }
    Ok(Exit::Done)
}
