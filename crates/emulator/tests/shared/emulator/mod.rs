//! A running Docker service and a client for it. The tests of the root package include this file by
//! its path. Items that only one of the two test binaries uses belong into that binary, because
//! they would be dead code in the other.

pub(crate) mod faults;

use emulator::{DockerOrganizationSeed, EmulatorProfile, RunningEmulator, TeamSeed};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// The team of every test service.
pub(crate) const TEAM: &str = "d290f1ee-6c54-4b01-90e6-d701748f0851";

/// A running emulator and a client that has signed in.
pub(crate) struct Service {
    pub(crate) running: RunningEmulator,
    pub(crate) client: Client,
    pub(crate) profile: EmulatorProfile,
    pub(crate) token: String,
    /// The endpoint for requests: the emulator, or a proxy in front of it.
    pub(crate) base: String,
}

/// A client without TLS: all requests stay on loopback.
pub(crate) fn client() -> Client {
    // A second installation fails, which is fine: any provider works.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

impl Service {
    /// Signs in through `base`.
    pub(crate) async fn at(
        running: RunningEmulator,
        profile: EmulatorProfile,
        base: String,
    ) -> Self {
        let mut service = Self {
            running,
            client: client(),
            profile,
            token: String::new(),
            base,
        };
        let (path, body, member) = match profile {
            EmulatorProfile::Seed => (
                "/v2/users/login",
                json!({"username": "me", "password": "s"}),
                "token",
            ),
            _ => (
                "/v2/auth/token",
                json!({"identifier": "me", "secret": "s"}),
                "access_token",
            ),
        };
        let (status, answer) = service.call(Method::POST, path, Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        service.token = answer[member].as_str().unwrap().to_owned();
        service
    }

    /// The media type of a request body.
    pub(crate) fn media_type(&self, method: &Method, path: &str) -> &'static str {
        let is_rule_patch = *method == Method::PATCH && path.contains("/rules/");
        if is_rule_patch && self.profile == EmulatorProfile::Seed {
            "application/merge-patch+json"
        } else {
            "application/json"
        }
    }

    /// Sends a request to an absolute path.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let media_type = self.media_type(&method, path);
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", media_type)
                .body(body.to_string());
        }
        let response = request.send().await;
        let response =
            response.unwrap_or_else(|error| panic!("{}: {error}", self.running.address()));
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Sends a request below the policies of `my-org`.
    pub(crate) async fn policies(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.call(
            method,
            &format!("/v2/orgs/my-org/governance/policies{path}"),
            body,
        )
        .await
    }

    /// Creates a policy and returns its id.
    pub(crate) async fn policy(&self, name: &str) -> String {
        let (status, policy) = self
            .policies(Method::POST, "", Some(json!({"name": name})))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{policy}");
        policy["id"].as_str().unwrap().to_owned()
    }

    /// Creates a rule and returns its id.
    pub(crate) async fn rule(&self, policy: &str, rule: Value) -> String {
        let (status, rule) = self
            .policies(Method::POST, &format!("/{policy}/rules"), Some(rule))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{rule}");
        rule["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, policy: &str) -> Value {
        let (status, policy) = self
            .policies(Method::GET, &format!("/{policy}"), None)
            .await;
        assert_eq!(status, StatusCode::OK, "{policy}");
        policy
    }
}

/// An organization with one team.
pub(crate) fn organization(name: &str) -> DockerOrganizationSeed {
    let teams = vec![TeamSeed {
        uuid: TEAM.to_owned(),
        name: "security".to_owned(),
    }];
    DockerOrganizationSeed {
        name: name.to_owned(),
        teams,
        policies: Vec::new(),
    }
}

pub(crate) fn network(name: &str, host: &str) -> Value {
    json!({"name": name, "actions": ["connect:tcp"], "resources": [host], "decision": "allow"})
}

pub(crate) fn files(name: &str) -> Value {
    json!({"name": name, "actions": ["read"], "resources": ["/data"], "decision": "allow"})
}
