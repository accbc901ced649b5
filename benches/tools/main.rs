//! What `benches/peers.py` measures polwarden against: makes repositories, and sends bare requests.

#[path = "../corpus/mod.rs"]
mod corpus;
mod floor;
mod repository;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Makes repositories for measurements, and measures floors.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a repository, and emulator seeds with the same policies (`seed.json`) and without policies (`empty.json`).
    Corpus {
        /// A folder that is not there yet.
        folder: PathBuf,
        /// How many policies, a hundred for each organization.
        #[arg(long)]
        policies: usize,
        /// One of this many files has a mistake; none at 0.
        #[arg(long, default_value_t = 0)]
        invalid_once_in: usize,
    },
    /// Send the requests of a plan without changes, and no more.
    Plan(Service),
    /// Send the requests of the first apply of a repository, in its order, and no more.
    Apply {
        /// The `seed.json` of the repository.
        seed: PathBuf,
        #[command(flatten)]
        service: Service,
    },
    /// Read all manifests of a repository to `yaml_serde`'s own values, on all cores, and check nothing.
    Values {
        /// The repository.
        folder: PathBuf,
    },
}

/// The emulator to send requests to.
#[derive(Debug, Args)]
struct Service {
    /// The base URL.
    #[arg(long)]
    endpoint: String,
    /// How many organizations there are.
    #[arg(long)]
    organizations: usize,
    /// Maximum number of concurrent requests.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Corpus {
            folder,
            policies,
            invalid_once_in,
        } => repository::write(
            &folder,
            corpus::Shape {
                policies,
                invalid_once_in,
            },
        ),
        Command::Plan(service) => run(floor::plan(&service)),
        Command::Apply { seed, service } => {
            run(floor::apply(&service, &std::fs::read_to_string(seed)?))
        }
        Command::Values { folder } => values::read(&folder),
    }
}

fn run(requests: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(requests)
}
