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

use super::app::App;
use super::document::Kind;
use super::operation::Operation;
use super::operations::{self, Asked, Sent};
use super::refusal::Refusal;
use crate::access_tokens::token;
use crate::http::{At, Form, RawBody, body, delivered, observed};
use crate::service::Service as _;

/// The form of request bodies. A policy may contain null where its author wrote an empty value.
const JSON: Form = Form {
    media_type: "application/json",
    is_list: false,
    free: &["policy"],
};

type Answer = Result<Json<Value>, Refusal>;
type Shared = State<Arc<App>>;
type Parameters = Query<HashMap<String, String>>;

pub(super) fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route(Operation::Get.route(), get(policy))
        .route(Operation::GetGroup.route(), get(group))
        .route(Operation::Create.route(), post(create).put(update))
        .route_layer(from_fn_with_state(Arc::clone(&app), require_token))
        .method_not_allowed_fallback(no_such_operation)
        .fallback(not_here)
        .layer(DefaultBodyLimit::max(App::BODY_LIMIT));
    let router = observed(router, &app).layer(from_fn_with_state(Arc::clone(&app), shape));
    delivered(router, app)
}

async fn policy(State(app): Shared, At(name): At<String>, Query(query): Parameters) -> Answer {
    read(app, Kind::Policy, name, query).await
}

async fn group(State(app): Shared, At(name): At<String>, Query(query): Parameters) -> Answer {
    read(app, Kind::Group, name, query).await
}

async fn read(
    app: Arc<App>,
    kind: Kind,
    name: String,
    mut query: HashMap<String, String>,
) -> Answer {
    let mut parameter = |snake: &str, camel: &str| {
        query
            .remove(snake)
            .or_else(|| query.remove(camel))
            .unwrap_or_default()
    };
    let digest = parameter("digest", "digest");
    let organization = parameter("organization_name", "organizationName");
    let asked = Asked {
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
struct Write {
    policy: Value,
    #[serde(alias = "rawSchema")]
    raw_schema: String,
}

impl From<Write> for Sent {
    fn from(Write { policy, raw_schema }: Write) -> Self {
        Self { policy, raw_schema }
    }
}

async fn create(State(app): Shared, headers: HeaderMap, raw: RawBody) -> Answer {
    let sent = body::<Write>(&headers, raw, JSON)?.into();
    app.run(move |app| operations::create(app, &sent))
        .await
        .map(|()| Json(json!({})))
}

async fn update(State(app): Shared, headers: HeaderMap, raw: RawBody) -> Answer {
    let sent = body::<Write>(&headers, raw, JSON)?.into();
    app.run(move |app| operations::update(app, &sent))
        .await
        .map(|()| Json(json!({})))
}

/// Gives a refusal the configured error shape.
async fn shape(State(app): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else {
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
async fn require_token(State(app): Shared, request: Request, next: Next) -> Response {
    if token(request.headers(), "bearer").is_some_and(|token| app.tokens.accepts(token)) {
        next.run(request).await
    } else {
        Refusal::unauthorized().into_response()
    }
}

/// Unknown paths answer with plain text.
async fn not_here() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

async fn no_such_operation() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n").into_response()
}
