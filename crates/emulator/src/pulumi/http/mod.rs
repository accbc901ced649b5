//! HTTP: the routes and the middleware.

mod groups;
mod middleware;
mod organization;
mod registry;
mod uploads;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use serde_json::Value;

use super::app::PulumiApp;
use super::operation::{PREVIEW_REGISTRY, PulumiOperationId, REGISTRY};
use super::refusal::PulumiRefusal;
use crate::http::{BodyFormat, delivered, observed};
use crate::service::EmulatedService as _;

/// The maximum size of a JSON body in bytes.
const JSON_LIMIT: usize = 4 * 1024 * 1024;

/// The form of request bodies. Config schemas and configurations may contain null.
const JSON: BodyFormat = BodyFormat {
    media_type: "application/json",
    is_list: false,
    free: &["config", "properties"],
};
/// The form of a batch.
const JSON_LIST: BodyFormat = BodyFormat {
    is_list: true,
    ..JSON
};

type PulumiResponse = Result<Response, PulumiRefusal>;

fn ok(value: Value) -> Response {
    (StatusCode::OK, Json(value)).into_response()
}

fn created(value: Value) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

fn no_content((): ()) -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The API. The registry's paths exist with and without `preview`.
pub(super) fn api(app: &Arc<PulumiApp>) -> Router {
    let mut router = Router::new();
    for operation in PulumiOperationId::ALL
        .into_iter()
        .filter(|operation| !operation.is_of_uploads())
    {
        let route = operation.route();
        router = router.route(route, handler(operation));
        if let Some(rest) = route.strip_prefix(REGISTRY) {
            router = router.route(&format!("{PREVIEW_REGISTRY}{rest}"), handler(operation));
        }
    }
    let router = router
        .route_layer(from_fn_with_state(
            Arc::clone(app),
            middleware::require_token,
        ))
        .method_not_allowed_fallback(middleware::no_such_operation)
        .fallback(middleware::not_found)
        .layer(DefaultBodyLimit::max(JSON_LIMIT));
    let router = observed(router, app).layer(from_fn_with_state(Arc::clone(app), middleware::mark));
    delivered(router, Arc::clone(app))
}

/// The upload host.
pub(super) fn uploads(app: Arc<PulumiApp>) -> Router {
    let mut router = Router::new();
    for operation in PulumiOperationId::ALL
        .into_iter()
        .filter(|operation| operation.is_of_uploads())
    {
        router = router.route(operation.route(), handler(operation));
    }
    let router = router
        .method_not_allowed_fallback(uploads::no_such_operation)
        .fallback(uploads::not_found)
        .layer(DefaultBodyLimit::max(PulumiApp::BODY_LIMIT));
    delivered(observed(router, &app), app)
}

fn handler(operation: PulumiOperationId) -> MethodRouter<Arc<PulumiApp>> {
    match operation {
        PulumiOperationId::ListOrgPacks => get(organization::list),
        PulumiOperationId::CreatePack => post(organization::create),
        PulumiOperationId::DeleteOrgPack => delete(organization::delete),
        PulumiOperationId::GetPack => get(organization::get),
        PulumiOperationId::DeletePackVersion => delete(organization::delete_version),
        PulumiOperationId::CompletePack => post(organization::complete),
        PulumiOperationId::GetConfigSchema => get(organization::config_schema),
        PulumiOperationId::GetOrgRegistryPack => get(registry::get_of_organization),
        PulumiOperationId::ListRegistryPacks => get(registry::list),
        PulumiOperationId::QueryRegistryPacks => post(registry::query),
        PulumiOperationId::DeleteRegistryPack => delete(registry::delete),
        PulumiOperationId::ListRegistryVersions => get(registry::versions),
        PulumiOperationId::PublishRegistryVersion => post(registry::publish),
        PulumiOperationId::GetRegistryVersion => get(registry::get),
        PulumiOperationId::DeleteRegistryVersion => delete(registry::delete_version),
        PulumiOperationId::CompleteRegistryVersion => post(registry::complete),
        PulumiOperationId::ListGroups => get(groups::list),
        PulumiOperationId::CreateGroup => post(groups::create),
        PulumiOperationId::GetGroupMetadata => get(groups::counts),
        PulumiOperationId::GetGroup => get(groups::get),
        PulumiOperationId::UpdateGroup => patch(groups::update),
        PulumiOperationId::BatchUpdateGroup => patch(groups::update_in_batch),
        PulumiOperationId::DeleteGroup => delete(groups::delete),
        PulumiOperationId::ListStackGroups => get(groups::groups_with_stack),
        PulumiOperationId::ListStackPacks => get(groups::packs_of_stack),
        PulumiOperationId::ListAccountPacks => get(groups::packs_of_account),
        PulumiOperationId::Upload => put(uploads::upload),
        PulumiOperationId::Download => get(uploads::download),
    }
}
