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

    /// Adds a comment of another user.
    pub(super) fn says(&self, author: &str, body: &str) {
        add(&mut self.shared.lock().unwrap(), author, body);
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
    let inner = shared.lock().unwrap();
    let page = query.get("page").copied().unwrap_or(1);
    let size = query.get("per_page").copied().unwrap_or(30);
    let comments: Vec<&Value> = inner
        .comments
        .iter()
        .skip((page - 1) * size)
        .take(size.min(100))
        .collect();
    axum::Json(json!(comments)).into_response()
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
