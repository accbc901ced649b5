//! Faults: what the client receives, whether the request is performed, and what the request log
//! contains.

mod breaking;
mod endings;
mod grammar;
mod selecting;
mod writers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use emulator::{DockerOptions, EmulatorProfile};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Service, network};
use crate::shared::emulator::faults::faults;

/// A service with faults and its request log.
pub(crate) struct Faulted {
    pub(crate) service: Service,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Faulted {
    async fn new(profile: EmulatorProfile, specs: &[&str]) -> Self {
        Self::with(
            DockerOptions {
                profile,
                ..DockerOptions::default()
            },
            specs,
        )
        .await
    }

    async fn with(options: DockerOptions, specs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let request_log = Some(folder.path().join("requests.jsonl"));
        let service = Service::with(DockerOptions {
            request_log,
            faults: faults(specs),
            ..options
        })
        .await;
        Self { service, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("requests.jsonl")
    }

    /// The request log so far.
    fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The log entries of requests that a fault applied to.
    fn struck(&self) -> Vec<Value> {
        self.log()
            .into_iter()
            .filter(|line| line["faults"] != Value::Array(Vec::new()))
            .collect()
    }

    /// Waits until faults were applied to this many requests.
    async fn wait_for_struck(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.struck().len() < count {
            assert!(
                Instant::now() < deadline,
                "no {count} requests were struck: {:?}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let media_type = self.service.media_type(&method, path);
        let url = format!(
            "{}/v2/orgs/my-org/governance/policies{path}",
            self.service.base
        );
        let request = self
            .service
            .client
            .request(method, url)
            .bearer_auth(&self.service.token);
        match body {
            Some(body) => request
                .header("content-type", media_type)
                .body(body.to_string()),
            None => request,
        }
    }

    /// Sends a request below the policies and reads the complete answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        receive(self.request(method, path, body)).await
    }

    async fn create_rule(&self, policy: &str, name: &str) -> Result<Answer, reqwest::Error> {
        self.send(
            Method::POST,
            &format!("/{policy}/rules"),
            Some(network(name, "a.example.com")),
        )
        .await
    }

    /// The statuses of `count` list requests.
    async fn list(&self, count: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(
                self.send(Method::GET, "", None)
                    .await
                    .unwrap()
                    .status
                    .as_u16(),
            );
        }
        statuses
    }

    /// The names of a policy's rules.
    async fn rules(&self, policy: &str) -> Vec<String> {
        names(&self.service.get(policy).await)
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    let headers = response.headers().clone();
    Ok(Answer {
        status,
        headers,
        text: response.text().await?,
    })
}

fn names(policy: &Value) -> Vec<String> {
    let rules = policy["allowlist_v0"]["rules"]
        .as_array()
        .into_iter()
        .flatten();
    rules
        .map(|rule| rule["name"].as_str().unwrap().to_owned())
        .collect()
}
