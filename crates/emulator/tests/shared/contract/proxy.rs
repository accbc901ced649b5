//! A proxy on loopback that records violations of the contract.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::{Direction, Operation, check, contract};

/// A proxy in front of an emulator. It forwards everything and stops when it is dropped.
pub(crate) struct Recorder {
    url: String,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    profile: String,
    upstream: String,
    client: reqwest::Client,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    exchanges: Vec<Exchange>,
    violations: Vec<String>,
}

/// A request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// The operation; empty if the contract does not define one.
    pub(crate) operation: String,
    pub(crate) status: u16,
    /// The request's media type; empty if there is none.
    pub(crate) media_type: String,
    /// The request's body; null if there is none.
    pub(crate) body: Value,
}

impl Recorder {
    /// Starts a proxy in front of `upstream`, a URL such as `http://127.0.0.1:40321`.
    pub(crate) async fn start(profile: &str, upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            profile: profile.to_owned(),
            upstream: upstream.to_owned(),
            client: super::super::emulator::client(),
            log: Mutex::default(),
        });
        let router = Router::new().fallback(forward).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
            .abort_handle();
        Self { url, shared, task }
    }

    /// The endpoint for clients.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// All violations of the contract so far, in requests and answers.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().violations.clone()
    }

    /// All exchanges so far, in the order of the answers.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.log.lock().unwrap().exchanges.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = format!("{}{uri}", shared.upstream);
    // The host header is unchanged, so that links in answers lead back to the proxy.
    let request = shared
        .client
        .request(method.clone(), target)
        .headers(headers.clone())
        .body(body.clone());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let answer_headers = answer.headers().clone();
    let answer_body = answer.bytes().await.unwrap();

    let operation = contract(&shared.profile).operation(method.as_str(), uri.path());
    let mut faults = Vec::new();
    match operation {
        None => faults.push("the contract has no such operation".to_owned()),
        Some(operation) => {
            faults.extend(faults_of_request(
                &shared.profile,
                operation,
                &uri,
                &headers,
                &body,
            ));
            let content_type = essence(&answer_headers);
            faults.extend(fault_of_answer(
                &shared.profile,
                operation,
                status.as_u16(),
                content_type,
                &answer_body,
            ));
        }
    }
    let exchange = Exchange {
        operation: operation
            .map(|operation| operation.name.clone())
            .unwrap_or_default(),
        status: status.as_u16(),
        media_type: essence(&headers).to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mut log = shared.log.lock().unwrap();
    log.violations.extend(
        faults
            .into_iter()
            .map(|fault| format!("{method} {} ({}): {fault}", uri.path(), exchange.status)),
    );
    log.exchanges.push(exchange);
    drop(log);

    let mut response = Response::new(Body::from(answer_body));
    *response.status_mut() = status;
    *response.headers_mut() = answer_headers;
    response
}

fn faults_of_request(
    profile: &str,
    operation: &Operation,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Vec<String> {
    let mut faults = Vec::new();
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match (operation.authenticated, token) {
        (true, Some(token)) if token.starts_with("Bearer ") => {}
        (true, _) => faults.push("the request carries no bearer token".to_owned()),
        (false, Some(_)) => {
            faults.push("the request carries a token where none belongs".to_owned())
        }
        (false, None) => {}
    }
    let parameters = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    for pair in parameters {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !operation.query.iter().any(|known| known == name) {
            faults.push(format!("the contract has no parameter `{name}` here"));
        }
    }
    match &operation.request_media_type {
        None if body.is_empty() => {}
        None => faults.push("the request has a body".to_owned()),
        Some(expected) => {
            if essence(headers) != expected {
                faults.push(format!(
                    "the request's content type is `{}`, not `{expected}`",
                    essence(headers)
                ));
            }
            faults.extend(fault_of_body(
                profile,
                operation,
                Direction::Request,
                0,
                body,
            ));
        }
    }
    faults
}

fn fault_of_answer(
    profile: &str,
    operation: &Operation,
    status: u16,
    content_type: &str,
    body: &[u8],
) -> Option<String> {
    if content_type != "application/json" {
        return Some(format!("the answer's content type is `{content_type}`"));
    }
    fault_of_body(profile, operation, Direction::Response, status, body)
}

fn fault_of_body(
    profile: &str,
    operation: &Operation,
    direction: Direction,
    status: u16,
    body: &[u8],
) -> Option<String> {
    match serde_json::from_slice(body) {
        Err(error) => Some(format!(
            "the body of the {direction:?} is not JSON: {error}"
        )),
        Ok(body) => check(profile, &operation.name, direction, status, &body).err(),
    }
}

/// The media type without its parameters.
fn essence(headers: &HeaderMap) -> &str {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}
