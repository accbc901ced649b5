//! Pulumi Cloud on loopback, called with plain HTTP requests. Every answer of the API is checked
//! against the contract.

mod contract;
mod faults;
mod groups;
mod packs;
mod publishing;
mod registry;
mod seeds;
mod serving;
mod updates;

use emulator::RunningEmulator;
use emulator::pulumi::{AccountSeed, PulumiOptions, PulumiOrganizationSeed, StackSeed, start};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::shared::emulator::client;

/// A running emulator and a client with a token.
pub(crate) struct Service {
    pub(crate) running: RunningEmulator,
    pub(crate) client: Client,
    pub(crate) token: String,
    /// Whether answers are checked against the contract.
    pub(crate) is_checked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Service {
    /// An emulator with the organization `my-org`, which has stacks `web/dev` and `web/prod` and an
    /// account `aws`.
    pub(crate) async fn new() -> Self {
        Self::with(PulumiOptions::default()).await
    }

    pub(crate) async fn with(mut options: PulumiOptions) -> Self {
        if options.organizations.is_empty() && options.seed.is_none() {
            options.organizations = vec![organization("my-org")];
        }
        let running = start(options).await.unwrap();
        Self {
            running,
            client: client(),
            token: "t".to_owned(),
            is_checked: true,
        }
    }

    /// Sends a request to an absolute path.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.running.url()));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("token {}", self.token));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        if self.is_checked {
            contract::check(method.as_str(), path, status, &text).unwrap();
        }
        Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        }
    }

    /// Sends a request below `my-org`.
    pub(crate) async fn org(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call(method, &format!("/api/orgs/my-org{path}"), body)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.org(Method::GET, path, None).await
    }

    /// Uploads bytes as the answer to a creation requires.
    pub(crate) async fn upload(&self, created: &Value, bytes: &str) -> StatusCode {
        let mut request = self
            .client
            .put(created["uploadURI"].as_str().unwrap())
            .body(bytes.to_owned());
        for (name, value) in created["requiredHeaders"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.send().await.unwrap().status()
    }

    /// Publishes a version in all three steps.
    pub(crate) async fn publish(&self, name: &str, tag: &str) {
        self.publish_with(pack(name, tag)).await;
    }

    pub(crate) async fn publish_with(&self, pack: Value) {
        let name = pack["name"].as_str().unwrap().to_owned();
        let tag = pack["versionTag"].as_str().unwrap().to_owned();
        let created = self.org(Method::POST, "/policypacks", Some(pack)).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(
            self.upload(&created.body, &format!("{name} {tag}")).await,
            200
        );
        let path = format!("/policypacks/{name}/versions/{tag}/complete");
        assert_eq!(self.org(Method::POST, &path, None).await.status, 204);
    }

    pub(crate) async fn update(&self, group: &str, change: Value) -> Answer {
        self.org(
            Method::PATCH,
            &format!("/policygroups/{group}"),
            Some(change),
        )
        .await
    }

    /// The packs of a group, as `name tag`.
    pub(crate) async fn packs_of(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/policygroups/{group}")).await;
        let packs = group.body["appliedPolicyPacks"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        packs
            .iter()
            .map(|pack| format!("{} {}", text(&pack["name"]), text(&pack["versionTag"])))
            .collect()
    }

    /// Creates a group of stacks.
    pub(crate) async fn group(&self, name: &str) {
        let answer = self
            .org(
                Method::POST,
                "/policygroups",
                Some(json!({"name": name, "entityType": "stacks"})),
            )
            .await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
}

/// An organization with two stacks and an account.
pub(crate) fn organization(name: &str) -> PulumiOrganizationSeed {
    let stack = |name: &str| StackSeed {
        name: name.to_owned(),
        routing_project: "web".to_owned(),
        resources: 10,
    };
    PulumiOrganizationSeed {
        name: name.to_owned(),
        stacks: vec![stack("dev"), stack("prod")],
        accounts: vec![AccountSeed {
            name: "aws".to_owned(),
            resources: 5,
        }],
        ..PulumiOrganizationSeed::default()
    }
}

/// A policy with a configuration.
pub(crate) fn policy(name: &str) -> Value {
    json!({
        "name": name, "displayName": "Size", "description": "d", "enforcementLevel": "mandatory", "message": "m",
        "severity": "high", "tags": ["cost"], "remediationSteps": "s", "url": "https://example.com",
        "framework": {"name": "CIS", "version": "1", "reference": "1.1", "specification": "x"},
        "configSchema": {"type": "object", "required": ["max"], "properties": {"max": {"type": "integer", "maximum": 10}}},
    })
}

/// The body that publishes a version with the policies `size` and `plain`.
pub(crate) fn pack(name: &str, tag: &str) -> Value {
    let plain = json!({"name": "plain", "displayName": "Plain", "description": "", "enforcementLevel": "advisory",
                       "message": "m"});
    json!({"name": name, "displayName": format!("The {name}"), "versionTag": tag, "policies": [policy("size"), plain]})
}

/// The message of an error answer.
pub(crate) fn message(answer: &Answer) -> &str {
    answer.body["message"].as_str().unwrap_or_default()
}
