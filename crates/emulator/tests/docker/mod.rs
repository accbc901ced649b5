//! The Docker service, called with plain HTTP requests. Each test states a rule of the contract and
//! the profiles that it applies to.

mod contract;
mod faults;
mod limits;
mod paging;
mod policies;
mod rules;
mod schemas;
mod seeds;
mod serving;
mod sign_in;

use emulator::{DockerOptions, EmulatorProfile, start};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::shared::emulator::{Service, TEAM, client, files, network, organization};

impl Service {
    /// An emulator of `profile` with the organization `my-org` and one team.
    pub(crate) async fn new(profile: EmulatorProfile) -> Self {
        Self::with(DockerOptions {
            profile,
            ..DockerOptions::default()
        })
        .await
    }

    pub(crate) async fn with(mut options: DockerOptions) -> Self {
        if options.organizations.is_empty() && options.seed.is_none() {
            options.organizations = vec![organization("my-org")];
        }
        let profile = options.profile;
        let running = start(options).await.unwrap();
        let base = running.url();
        Self::at(running, profile, base).await
    }
}

/// An HTTP rule.
pub(crate) fn http(name: &str) -> Value {
    json!({"name": name, "actions": ["request:get"], "decision": "deny",
           "http_resources": [{"host": "api.github.com", "port": 443, "path": "/repos/**"}]})
}

/// The status and the error code (or an empty string) of an answer, for tables.
pub(crate) fn outcome((status, body): &(StatusCode, Value)) -> (u16, String) {
    (
        status.as_u16(),
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}
