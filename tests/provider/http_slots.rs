//! The limit of concurrent requests, and that all slots are used.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Json;
use axum::routing::{get, post};
use http::{Endpoint, HttpClient, HttpOptions};
use model::docker::Profile;
use polwarden::service::docker::client::{DockerConnection, DockerReader};
use serde_json::{Value, json};

use super::{acme, policy, quick, sign_in, summary};

const LATENCY: Duration = Duration::from_millis(20);
const PAGES: usize = 3;
const PAGE: usize = 60;

#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    requests: AtomicUsize,
}

impl Gauge {
    async fn answer(&self, body: Value) -> Json<Value> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(
            self.now.fetch_add(1, Ordering::SeqCst) + 1,
            Ordering::SeqCst,
        );
        tokio::time::sleep(LATENCY).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Json(body)
    }
}

type Params = std::collections::HashMap<String, String>;

async fn list(State(gauge): State<Arc<Gauge>>, Query(params): Query<Params>) -> Json<Value> {
    let page: usize = params
        .get("page_token")
        .map_or(0, |token| token.parse().unwrap());
    let data: Vec<Value> = (0..PAGE)
        .map(|n| summary(&format!("p{:04}", page * PAGE + n)))
        .collect();
    let next = (page + 1 < PAGES).then(|| (page + 1).to_string());
    gauge
        .answer(json!({"data": data, "next_page_token": next}))
        .await
}

async fn one(State(gauge): State<Arc<Gauge>>, Path(id): Path<String>) -> Json<Value> {
    gauge.answer(policy(&id)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_places_are_used_and_not_one_more() {
    let gauge = Arc::new(Gauge::default());
    let policies = "/v2/orgs/acme/governance/policies";
    let app = Router::new()
        .route(
            "/v2/auth/token",
            post(|| async { Json(json!({"access_token": "t-t-t-t"})) }),
        )
        .route(policies, get(list))
        .route(&format!("{policies}/{{id}}"), get(one))
        .with_state(Arc::clone(&gauge));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: Endpoint = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let concurrency = NonZeroUsize::new(8).unwrap();
    let http = HttpClient::new(HttpOptions {
        concurrency,
        ..quick()
    });
    let connection = DockerConnection::new(&http, &endpoint, sign_in()).unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&seen);
    let progress = Arc::new(move |done, _| {
        told.fetch_max(done, Ordering::SeqCst);
    });
    let reader = DockerReader::new(&connection, &acme(), Profile::Current).with_progress(progress);
    let live = reader.live_state().await.unwrap();
    let requests = gauge.requests.load(Ordering::SeqCst);
    server.abort();

    let ids: Vec<&str> = live
        .policies
        .iter()
        .map(|policy| policy.id.as_str())
        .collect();
    assert_eq!(ids.len(), PAGES * PAGE);
    assert!(ids.is_sorted(), "the server's order is kept");
    assert_eq!(
        requests,
        PAGES + PAGES * PAGE,
        "each page and each policy once"
    );
    assert_eq!(gauge.most.load(Ordering::SeqCst), 8);
    assert_eq!(seen.load(Ordering::SeqCst), PAGES * PAGE);
}
