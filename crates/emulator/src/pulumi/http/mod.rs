//! HTTP: the routes and the middleware.

mod around;
mod groups;
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

use super::app::App;
use super::operation::{Operation, PREVIEW_REGISTRY, REGISTRY};
use super::refusal::Refusal;
use crate::http::{Form, delivered, observed};
use crate::service::Service as _;

/// The maximum size of a JSON body in bytes.
const JSON_LIMIT: usize = 4 * 1024 * 1024;

/// The form of request bodies. Config schemas and configurations may contain null.
const JSON: Form = Form {
    media_type: "application/json",
    is_list: false,
    free: &["config", "properties"],
};
/// The form of a batch.
const JSON_LIST: Form = Form {
    is_list: true,
    ..JSON
};

type Answer = Result<Response, Refusal>;

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
pub(super) fn api(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for operation in Operation::ALL
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
        .route_layer(from_fn_with_state(Arc::clone(app), around::require_token))
        .method_not_allowed_fallback(around::no_such_operation)
        .fallback(around::not_here)
        .layer(DefaultBodyLimit::max(JSON_LIMIT));
    let router = observed(router, app).layer(from_fn_with_state(Arc::clone(app), around::mark));
    delivered(router, Arc::clone(app))
}

/// The upload host.
pub(super) fn uploads(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for operation in Operation::ALL
        .into_iter()
        .filter(|operation| operation.is_of_uploads())
    {
        router = router.route(operation.route(), handler(operation));
    }
    let router = router
        .method_not_allowed_fallback(uploads::no_such_operation)
        .fallback(uploads::not_here)
        .layer(DefaultBodyLimit::max(App::BODY_LIMIT));
    delivered(observed(router, &app), app)
}

fn handler(operation: Operation) -> MethodRouter<Arc<App>> {
    match operation {
        Operation::ListOrgPacks => get(organization::list),
        Operation::CreatePack => post(organization::create),
        Operation::DeleteOrgPack => delete(organization::delete),
        Operation::GetPack => get(organization::get),
        Operation::DeletePackVersion => delete(organization::delete_version),
        Operation::CompletePack => post(organization::complete),
        Operation::GetConfigSchema => get(organization::config_schema),
        Operation::GetOrgRegistryPack => get(registry::get_of_organization),
        Operation::ListRegistryPacks => get(registry::list),
        Operation::QueryRegistryPacks => post(registry::query),
        Operation::DeleteRegistryPack => delete(registry::delete),
        Operation::ListRegistryVersions => get(registry::versions),
        Operation::PublishRegistryVersion => post(registry::publish),
        Operation::GetRegistryVersion => get(registry::get),
        Operation::DeleteRegistryVersion => delete(registry::delete_version),
        Operation::CompleteRegistryVersion => post(registry::complete),
        Operation::ListGroups => get(groups::list),
        Operation::CreateGroup => post(groups::create),
        Operation::GetGroupMetadata => get(groups::counts),
        Operation::GetGroup => get(groups::get),
        Operation::UpdateGroup => patch(groups::update),
        Operation::BatchUpdateGroup => patch(groups::update_in_batch),
        Operation::DeleteGroup => delete(groups::delete),
        Operation::ListStackGroups => get(groups::groups_with_stack),
        Operation::ListStackPacks => get(groups::packs_of_stack),
        Operation::ListAccountPacks => get(groups::packs_of_account),
        Operation::Upload => put(uploads::upload),
        Operation::Download => get(uploads::download),
    }
}
