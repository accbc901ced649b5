//! From arguments to targets that can be read and written.

use std::num::NonZeroUsize;
use std::sync::Arc;

use clap::Args;

use super::console::Console;
use super::progress::Readings;
use crate::plan::TargetInfo;
use crate::render::text::neutral;
use crate::run::service::{ReadProgress, Reads, Writes};
use crate::service::registry;
use crate::service::registry::{Connections, LivePolicies};
use manifest::config::Target;

/// How to reach the services.
#[derive(Debug, Args)]
pub(super) struct Connect {
    #[arg(long = "endpoint", value_name = "PROVIDER=URL|embedded", help = registry::ENDPOINT_HELP)]
    // Read later than other arguments: clap repeats a wrong value in its error, and this one may hold a password.
    endpoints: Vec<String>,
    /// How many requests may be under way at a time.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(super) concurrency: NonZeroUsize,
}

/// Open connections for the targets of one command.
pub(super) struct Session {
    connections: Connections,
    readings: Arc<Readings>,
    console: Console,
}

/// How a command opens its targets: [`Session::reads`] or [`Session::writes`].
pub(super) type Open<T> = fn(&Session, &Target) -> anyhow::Result<Box<T>>;

impl Session {
    /// Connects to what the targets need. Nothing is sent before the first read.
    ///
    /// # Errors
    /// An endpoint or credentials that cannot be used, or an embedded service that does not start.
    pub(super) async fn open(
        arguments: &Connect,
        targets: &[&Target],
        console: Console,
    ) -> anyhow::Result<Self> {
        let Connect {
            endpoints,
            concurrency,
        } = arguments;
        Ok(Self {
            connections: Connections::open(endpoints, *concurrency, targets).await?,
            readings: Arc::default(),
            console,
        })
    }

    /// The connections, for what only one service can do.
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// What a plan says about a target.
    ///
    /// # Errors
    /// The target is not one of those that the session was opened for.
    pub(super) fn info(&self, target: &Target) -> anyhow::Result<TargetInfo> {
        Ok(self.connections.info(target)?)
    }

    /// Opens a target to read it: it has no way to write.
    ///
    /// # Errors
    /// The target has no connection.
    pub(super) fn reads(&self, target: &Target) -> anyhow::Result<Box<dyn Reads>> {
        Ok(registry::open(&self.connections, target)?)
    }

    /// Opens a target to write to it.
    ///
    /// # Errors
    /// The target has no connection.
    pub(super) fn writes(&self, target: &Target) -> anyhow::Result<Box<dyn Writes>> {
        Ok(registry::open_for_writing(&self.connections, target)?)
    }

    /// All policies of a target's organization, for questions about access.
    ///
    /// # Errors
    /// They cannot be read, or the target's service has no rules of access.
    pub(super) async fn policies(&self, target: &Target) -> anyhow::Result<LivePolicies> {
        let begin = self.begin_reading();
        Ok(registry::policies(&self.connections, target, &begin).await?)
    }

    /// Begins to show how far a reading is.
    pub(super) fn begin_reading(&self) -> impl Fn() -> ReadProgress + Send + Sync + use<> {
        let readings = Arc::clone(&self.readings);
        let console = self.console;
        move || readings.begin(console)
    }

    /// Tells what services warned of, and stops the embedded ones, if there are any.
    pub(super) async fn close(self) {
        for warning in self.connections.take_warnings() {
            self.console
                .warn(&format!("The service warns: {}", neutral(&warning)));
        }
        self.connections.close().await;
    }
}
