//! Chainloop on loopback, called with plain HTTP requests. Every answer about a policy is checked
//! against the reference page.

mod faults;
mod reads;
mod schemas;
mod serving;
mod writes;

use data_encoding::{BASE64, HEXLOWER};
use emulator::RunningEmulator;
use emulator::chainloop::{
    ChainloopOptions, ChainloopOrganizationSeed, DocumentSeed, VersionSeed, start,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::shared::contract::chainloop as contract;
use crate::shared::emulator::client;

/// A running emulator and a client.
pub(crate) struct Service {
    pub(crate) running: RunningEmulator,
    pub(crate) client: Client,
    /// Whether answers are checked against the contract.
    pub(crate) is_checked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) async fn with(options: ChainloopOptions) -> Self {
        let running = start(options).await.unwrap();
        Self {
            running,
            client: client(),
            is_checked: true,
        }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self
            .client
            .request(method, format!("{}{path}", self.running.url()));
        let mut request = request.header("authorization", "Bearer t");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    /// Reads a policy of `my-org`.
    pub(crate) async fn get(&self, name: &str) -> Answer {
        self.get_with(name, "organization_name=my-org").await
    }

    pub(crate) async fn get_with(&self, name: &str, query: &str) -> Answer {
        let answer = self
            .call(Method::GET, &format!("/v1/policies/{name}?{query}"), None)
            .await;
        if answer.status == 200 && self.is_checked {
            contract::check("PolicyAnswer", &answer.body);
        }
        answer
    }

    pub(crate) async fn create(&self, text: &str) -> Answer {
        self.call(Method::POST, "/v1/policies", Some(write(text)))
            .await
    }

    pub(crate) async fn update(&self, text: &str) -> Answer {
        self.call(Method::PUT, "/v1/policies", Some(write(text)))
            .await
    }

    /// The bytes of a policy of `my-org`.
    pub(crate) async fn bytes(&self, name: &str) -> Vec<u8> {
        BASE64
            .decode(
                self.get(name).await.body["raw"]["body"]
                    .as_str()
                    .unwrap()
                    .as_bytes(),
            )
            .unwrap()
    }
}

/// A policy's text with this line as its script.
pub(crate) fn policy(name: &str, script: &str) -> String {
    format!(
        "apiVersion: chainloop.dev/v1\nkind: Policy\nmetadata:\n  name: {name}\nspec:\n  policies:\n    - kind: SARIF\n      \
         embedded: |\n        {script}\n  inputs:\n    - name: limit\n      description: how many\n      default: 1.10\n    \
         - name: must\n      required: true\n"
    )
}

/// The body of a write. Its fields are those of `policy`, regardless of the text.
pub(crate) fn write(text: &str) -> Value {
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("  name: "))
        .unwrap_or("p")
        .trim();
    let policy = json!({
        "apiVersion": "chainloop.dev/v1", "kind": "Policy", "metadata": {"name": name},
        "spec": {"policies": [{"kind": "SARIF", "embedded": "package main"}]},
    });
    json!({"policy": policy, "raw_schema": BASE64.encode(text.as_bytes())})
}

pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

pub(crate) fn document(name: &str, texts: &[String]) -> DocumentSeed {
    let version = |text: &String| VersionSeed {
        text: text.clone(),
        ..VersionSeed::default()
    };
    DocumentSeed {
        name: name.to_owned(),
        versions: texts.iter().map(version).collect(),
    }
}

/// `my-org` with a policy `p` of two versions, and a foreign organization with policies `p` and
/// `q`.
pub(crate) fn two() -> Vec<ChainloopOrganizationSeed> {
    let versions = [policy("p", "first"), policy("p", "second")];
    let own = ChainloopOrganizationSeed {
        name: "my-org".to_owned(),
        policies: vec![document("p", &versions)],
        groups: vec![document("g", &["apiVersion: chainloop.dev/v1\nkind: PolicyGroup\nmetadata:\n  name: g\n  description: d\nspec:\n  policies:\n    attestation:\n      - ref: p\n  inputs:\n    - name: limit\n".to_owned()])],
        ..ChainloopOrganizationSeed::default()
    };
    let other = ChainloopOrganizationSeed {
        name: "other".to_owned(),
        foreign: true,
        policies: vec![
            document("p", &[policy("p", "theirs")]),
            document("q", &[policy("q", "theirs")]),
        ],
        ..ChainloopOrganizationSeed::default()
    };
    vec![own, other]
}
