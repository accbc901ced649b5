//! What GitHub and GitLab serve: comments that are listed, written and changed, and the files of a release.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The credential of the service. It must be in no file and in no list of processes.
pub(super) const TOKEN: &str = "ghs_correct-horse-battery-staple";

/// Who the credential writes as.
pub(super) const BOT: &str = "github-actions[bot]";

#[derive(Default)]
struct Inner {
    comments: Vec<Value>,
    /// The merged pull request of each commit.
    merged: BTreeMap<String, u64>,
    labels: Vec<String>,
    events: Vec<Value>,
    permissions: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
    writes: usize,
}

type Shared = Arc<Mutex<Inner>>;

/// A service on loopback.
pub(super) struct Service {
    shared: Shared,
    pub(super) url: String,
    _runtime: Runtime,
}

impl Service {
    pub(super) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Shared::default();
        let notes = "/projects/{project}/merge_requests/{number}/notes";
        let router = Router::new()
            .route(
                "/repos/{owner}/{name}/issues/{number}/comments",
                get(list).post(write),
            )
            .route(
                "/repos/{owner}/{name}/issues/comments/{id}",
                patch(change_comment),
            )
            .route("/repos/{owner}/{name}/commits/{sha}/pulls", get(pulls))
            .route("/repos/{owner}/{name}/issues/{number}/labels", get(labels))
            .route("/repos/{owner}/{name}/issues/{number}/events", get(events))
            .route(
                "/repos/{owner}/{name}/collaborators/{person}/permission",
                get(permission),
            )
            .route("/user", get(user))
            .route(notes, get(list).post(write))
            .route(&format!("{notes}/{{id}}"), axum::routing::put(change_note))
            .fallback(file)
            .with_state(Arc::clone(&shared));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            shared,
            url,
            _runtime: runtime,
        }
    }

    /// A comment that somebody wrote.
    pub(super) fn says(&self, author: &str, body: &str) {
        add(&mut self.shared.lock().unwrap(), author, body);
    }

    /// Takes all comments back.
    pub(super) fn delete_comments(&self) {
        self.shared.lock().unwrap().comments.clear();
    }

    /// A commit is what a pull request was merged as.
    pub(super) fn merge(&self, commit: &str, number: u64) {
        let mut inner = self.shared.lock().unwrap();
        inner.merged.insert(commit.to_owned(), number);
    }

    /// What a person may do in the repository.
    pub(super) fn allow(&self, person: &str, permission: &str) {
        let mut inner = self.shared.lock().unwrap();
        inner
            .permissions
            .insert(person.to_owned(), permission.to_owned());
    }

    /// A person sets a label.
    pub(super) fn label(&self, person: &str, label: &str) {
        let mut inner = self.shared.lock().unwrap();
        if !inner.labels.iter().any(|known| known == label) {
            inner.labels.push(label.to_owned());
        }
        let event =
            json!({"event": "labeled", "actor": {"login": person}, "label": {"name": label}});
        inner.events.push(event);
    }

    /// A person removes a label.
    pub(super) fn unlabel(&self, person: &str, label: &str) {
        let mut inner = self.shared.lock().unwrap();
        inner.labels.retain(|known| known != label);
        let event =
            json!({"event": "unlabeled", "actor": {"login": person}, "label": {"name": label}});
        inner.events.push(event);
    }

    /// All comments: who wrote each, and what.
    pub(super) fn comments(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let inner = self.shared.lock().unwrap();
        inner
            .comments
            .iter()
            .map(|comment| (text(&comment["user"]["login"]), text(&comment["body"])))
            .collect()
    }

    /// The comments of the credential.
    pub(super) fn own(&self) -> Vec<String> {
        self.comments()
            .into_iter()
            .filter(|(author, _)| author == BOT)
            .map(|(_, body)| body)
            .collect()
    }

    /// How many comments were written or changed.
    pub(super) fn writes(&self) -> usize {
        self.shared.lock().unwrap().writes
    }

    /// Serves a file.
    pub(super) fn file(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.shared
            .lock()
            .unwrap()
            .files
            .insert(path.to_owned(), bytes.into());
    }
}

fn add(inner: &mut Inner, author: &str, body: &str) -> Value {
    let id = inner.comments.len() + 1;
    let comment = json!({
        "id": id, "body": body, "user": {"login": author}, "author": {"id": if author == BOT { 7 } else { 8 }},
        "html_url": format!("https://github.com/comments/{id}"),
    });
    inner.comments.push(comment.clone());
    comment
}

fn signed_in(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    is("authorization", &format!("Bearer {TOKEN}")) || is("private-token", TOKEN)
}

async fn list(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, usize>>,
) -> Response {
    page(&shared.lock().unwrap().comments, &query)
}

/// A page of a list.
fn page(all: &[Value], query: &BTreeMap<String, usize>) -> Response {
    let page = query.get("page").copied().unwrap_or(1);
    let size = query.get("per_page").copied().unwrap_or(30).min(100);
    let shown: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
    axum::Json(json!(shown)).into_response()
}

async fn pulls(
    State(shared): State<Shared>,
    Path((_, _, sha)): Path<(String, String, String)>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, usize>>,
) -> Response {
    if !signed_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let inner = shared.lock().unwrap();
    let merged = inner.merged.get(&sha);
    let mut pulls: Vec<Value> = merged
        .map(|number| json!({"number": number, "merged_at": "2026-11-30T10:00:00Z"}))
        .into_iter()
        .collect();
    // One that is still open, with the same commit.
    pulls.push(json!({"number": 99, "merged_at": null}));
    page(&pulls, &query)
}

async fn labels(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, usize>>,
) -> Response {
    let inner = shared.lock().unwrap();
    let labels: Vec<Value> = inner
        .labels
        .iter()
        .map(|name| json!({"name": name}))
        .collect();
    page(&labels, &query)
}

async fn events(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, usize>>,
) -> Response {
    page(&shared.lock().unwrap().events, &query)
}

async fn permission(
    State(shared): State<Shared>,
    Path((_, _, person)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if !signed_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let inner = shared.lock().unwrap();
    inner.permissions.get(&person).map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |permission| axum::Json(json!({"permission": permission})).into_response(),
    )
}

async fn user() -> Response {
    axum::Json(json!({"id": 7})).into_response()
}

async fn write(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    if !signed_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut inner = shared.lock().unwrap();
    inner.writes += 1;
    (
        StatusCode::CREATED,
        axum::Json(add(&mut inner, BOT, body["body"].as_str().unwrap())),
    )
        .into_response()
}

async fn change_comment(
    State(shared): State<Shared>,
    Path((_, _, id)): Path<(String, String, usize)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    change(&shared, id, &headers, &body)
}

async fn change_note(
    State(shared): State<Shared>,
    Path((_, _, id)): Path<(String, String, usize)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    change(&shared, id, &headers, &body)
}

fn change(shared: &Shared, id: usize, headers: &HeaderMap, body: &str) -> Response {
    if !signed_in(headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let mut inner = shared.lock().unwrap();
    inner.writes += 1;
    inner.comments[id - 1]["body"] = body["body"].clone();
    axum::Json(inner.comments[id - 1].clone()).into_response()
}

async fn file(State(shared): State<Shared>, request: Request) -> Response {
    let inner = shared.lock().unwrap();
    let found = inner.files.get(request.uri().path()).cloned();
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        IntoResponse::into_response,
    )
}
