//! From arguments to targets that can be read and written.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::{HttpClient, HttpOptions, RateLimitNotice, RetryPolicy};
use jiff::SignedDuration;

use super::console::Console;
use super::progress::Readings;
use crate::plan::TargetInfo;
use crate::render::apply_events::ApplyEvent;
use crate::render::text::neutral;
use crate::run::service::{ReadProgress, Reads, Writes};
use crate::service::registry;
use crate::service::registry::{Connections, LivePolicies};
use manifest::config::Target;

/// How to reach the services.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct Connect {
    #[arg(long = "endpoint", value_name = "PROVIDER=URL|embedded", help = registry::ENDPOINT_HELP, long_help = registry::ENDPOINT_LONG_HELP)]
    // Parsed later than other arguments: clap repeats an invalid value in its error, and this one may contain a password.
    endpoints: Vec<String>,
    /// Maximum number of concurrent requests.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(super) concurrency: NonZeroUsize,
    /// Maximum time to wait for a rate limit, such as `90s` or `1h`.
    ///
    /// If a service asks for a longer pause, the command fails.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    max_wait: Duration,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| "not a duration such as `90s`, `10m` or `1h 30m`".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a duration is not negative".to_owned())
}

impl Connect {
    /// The endpoints as arguments of another command. `None` if one of them may contain a password.
    pub(super) fn repeated(&self) -> Option<Vec<String>> {
        let endpoints = self.endpoints.iter();
        let words = endpoints.map(|endpoint| {
            (!endpoint.contains('@')).then(|| ["--endpoint".to_owned(), endpoint.clone()])
        });
        let words: Option<Vec<[String; 2]>> = words.collect();
        words.map(|words| words.into_iter().flatten().collect())
    }
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
            max_wait,
        } = arguments;
        let retry = RetryPolicy {
            max_wait: *max_wait,
            ..RetryPolicy::default()
        };
        let options = HttpOptions {
            concurrency: *concurrency,
            retry,
            ..HttpOptions::default()
        };
        let http = HttpClient::new(options).on_rate_limit(move |host, notice| {
            let reason = rate_limit_notice(host, notice);
            console.status(&reason);
            console.emit(&ApplyEvent::Waiting { reason });
        });
        Ok(Self {
            connections: Connections::open(endpoints, &http, *concurrency, targets).await?,
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

/// What the rate limit of a service does to the run, in a line.
fn rate_limit_notice(host: &str, notice: RateLimitNotice) -> String {
    match notice {
        RateLimitNotice::Paused(wait) => {
            let seconds = wait.as_millis().div_ceil(1000);
            format!("Waiting {seconds} s: the rate limit of {host} is used up.")
        }
        RateLimitNotice::Slowed(interval) => {
            let per_minute = (60.0 / interval.as_secs_f64()).round();
            format!(
                "{host} limits the rate of requests; continuing with about {per_minute} requests per minute."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_say_why_nothing_happens() {
        let host = "hub.example.com";
        assert_eq!(
            rate_limit_notice(host, RateLimitNotice::Paused(Duration::from_millis(6100))),
            "Waiting 7 s: the rate limit of hub.example.com is used up."
        );
        assert_eq!(
            rate_limit_notice(host, RateLimitNotice::Slowed(Duration::from_millis(250))),
            "hub.example.com limits the rate of requests; continuing with about 240 requests per minute."
        );
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["10", "-1s", "soon", ""] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
