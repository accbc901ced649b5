//! HTTP: the routes and the middleware.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::ChainloopApp;
use super::document::StoredDocumentKind;
use super::operation::ChainloopOperationId;
use super::operations::{self, DocumentAddress, SubmittedDocument};
use super::refusal::ChainloopRefusal;
use crate::access_tokens::token;
use crate::http::{BodyFormat, PathParameters, RawBody, body, delivered, observed};
use crate::service::EmulatedService as _;

/// The form of request bodies. A policy may contain null where its author wrote an empty value.
const JSON: BodyFormat = BodyFormat {
    media_type: "application/json",
    is_list: false,
    free: &["policy"],
};

type ChainloopResponse = Result<Json<Value>, ChainloopRefusal>;
type ChainloopAppState = State<Arc<ChainloopApp>>;
type DocumentQuery = Query<HashMap<String, String>>;

pub(super) fn router(app: Arc<ChainloopApp>) -> Router {
    let router = Router::new()
        .route(ChainloopOperationId::Get.route(), get(policy))
        .route(ChainloopOperationId::GetGroup.route(), get(group))
        .route(
            ChainloopOperationId::Create.route(),
            post(create).put(update),
        )
        .route_layer(from_fn_with_state(Arc::clone(&app), require_token))
        .method_not_allowed_fallback(no_such_operation)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(ChainloopApp::BODY_LIMIT));
    let router = observed(router, &app).layer(from_fn_with_state(Arc::clone(&app), shape_errors));
    delivered(router, app)
}

async fn policy(
    State(app): ChainloopAppState,
    PathParameters(name): PathParameters<String>,
    Query(query): DocumentQuery,
) -> ChainloopResponse {
    read(app, StoredDocumentKind::Policy, name, query).await
}

async fn group(
    State(app): ChainloopAppState,
    PathParameters(name): PathParameters<String>,
    Query(query): DocumentQuery,
) -> ChainloopResponse {
    read(app, StoredDocumentKind::Group, name, query).await
}

async fn read(
    app: Arc<ChainloopApp>,
    kind: StoredDocumentKind,
    name: String,
    mut query: HashMap<String, String>,
) -> ChainloopResponse {
    let mut parameter = |snake: &str, camel: &str| {
        query
            .remove(snake)
            .or_else(|| query.remove(camel))
            .unwrap_or_default()
    };
    let digest = parameter("digest", "digest");
    let organization = parameter("organization_name", "organizationName");
    let asked = DocumentAddress {
        name,
        digest,
        organization,
    };
    app.run(move |app| operations::get(app, kind, &asked))
        .await
        .map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteBody {
    policy: Value,
    #[serde(alias = "rawSchema")]
    raw_schema: String,
}

impl From<WriteBody> for SubmittedDocument {
    fn from(WriteBody { policy, raw_schema }: WriteBody) -> Self {
        Self { policy, raw_schema }
    }
}

async fn create(
    State(app): ChainloopAppState,
    headers: HeaderMap,
    raw: RawBody,
) -> ChainloopResponse {
    let sent = body::<WriteBody>(&headers, raw, JSON)?.into();
    app.run(move |app| operations::create(app, &sent))
        .await
        .map(|()| Json(json!({})))
}

async fn update(
    State(app): ChainloopAppState,
    headers: HeaderMap,
    raw: RawBody,
) -> ChainloopResponse {
    let sent = body::<WriteBody>(&headers, raw, JSON)?.into();
    app.run(move |app| operations::update(app, &sent))
        .await
        .map(|()| Json(json!({})))
}

/// Gives a refusal the configured error shape.
async fn shape_errors(State(app): ChainloopAppState, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(refusal) = response.extensions_mut().remove::<ChainloopRefusal>() else {
        return response;
    };
    let mut shaped = refusal.shaped(app.errors);
    // Keeps the extensions of the fault and the request log.
    std::mem::swap(shaped.extensions_mut(), response.extensions_mut());
    for (name, value) in response.headers() {
        if !shaped.headers().contains_key(name) && name != "content-length" {
            shaped.headers_mut().insert(name.clone(), value.clone());
        }
    }
    shaped
}

/// Rejects requests without a valid token.
async fn require_token(State(app): ChainloopAppState, request: Request, next: Next) -> Response {
    if token(request.headers(), "bearer").is_some_and(|token| app.tokens.accepts(token)) {
        next.run(request).await
    } else {
        ChainloopRefusal::unauthorized().into_response()
    }
}

/// Unknown paths answer with plain text.
async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

async fn no_such_operation() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n").into_response()
}
