//! A proxy that spoils some answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A request, as the one who decides sees it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The position among writes to policies, from 1; 0 for everything else.
    pub(crate) write: usize,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing special.
    Pass,
    /// The service does not see it; this is the answer.
    Answer(u16, &'static str),
    /// The service does it; this is the answer.
    AfterAll(u16, &'static str),
    /// Half of the answer.
    Truncate,
}

impl Fault {
    pub(crate) fn answer_if(condition: bool, status: u16, body: &'static str) -> Self {
        if condition {
            Self::Answer(status, body)
        } else {
            Self::Pass
        }
    }
}

pub(crate) type Decide = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;

/// The running proxy; it ends when it is dropped.
pub(crate) struct Faulty {
    url: String,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    upstream: String,
    client: reqwest::Client,
    decide: Decide,
    writes: AtomicUsize,
    asked: Mutex<Vec<Asked>>,
}

impl Faulty {
    pub(crate) async fn start(upstream: &str, decide: Decide) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client: crate::emulator::client(),
            decide,
            writes: AtomicUsize::new(0),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
            .abort_handle();
        Self { url, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// The writes so far, in the order in which they came.
    pub(crate) fn writes(&self) -> Vec<Asked> {
        self.shared
            .asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| asked.write > 0)
            .cloned()
            .collect()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: u16, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let is_write = method != Method::GET && uri.path().contains("/governance/");
    let write = if is_write {
        shared.writes.fetch_add(1, Ordering::SeqCst) + 1
    } else {
        0
    };
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        write,
    };
    let fault = (shared.decide)(&asked);
    shared.asked.lock().unwrap().push(asked);
    if let Fault::Answer(status, text) = fault {
        return answer(status, text);
    }
    let request = shared
        .client
        .request(method, format!("{}{uri}", shared.upstream))
        .headers(headers)
        .body(body);
    let upstream = request.send().await.unwrap();
    let status = upstream.status();
    let upstream_headers = upstream.headers().clone();
    let bytes = upstream.bytes().await.unwrap();
    match fault {
        Fault::AfterAll(status, text) => answer(status, text),
        Fault::Truncate => answer(status.as_u16(), bytes.slice(..bytes.len() / 2)),
        Fault::Pass | Fault::Answer(..) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            *response.headers_mut() = upstream_headers;
            response
        }
    }
}
