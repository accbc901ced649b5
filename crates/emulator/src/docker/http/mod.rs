//! HTTP: the routes of a profile, and the middleware.

mod governance;
mod hub;
mod middleware;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, patch, post};

use super::app::DockerApp;
use super::operation::{GROUPS_ROUTE, LOGIN_ROUTE, POLICIES_ROUTE, TOKEN_ROUTE};
use super::profile::EmulatorProfile;
use super::refusal::DockerRefusal;
use crate::http::{delivered, observed};
use crate::service::EmulatedService as _;

/// The service below `/v2`.
pub(super) fn router(app: Arc<DockerApp>) -> Router {
    let profile = app.profile;
    let governance =
        governance(profile).route_layer(from_fn_with_state(app.clone(), middleware::require_token));
    let groups = get(hub::groups).route_layer(from_fn_with_state(
        app.clone(),
        middleware::require_hub_token,
    ));
    let sign_in = match profile {
        EmulatorProfile::Seed => Router::new().route(LOGIN_ROUTE, post(hub::login)),
        EmulatorProfile::Intermediate | EmulatorProfile::Current => {
            Router::new().route(TOKEN_ROUTE, post(hub::create_token))
        }
    };
    let router = Router::new()
        .nest(POLICIES_ROUTE, governance)
        .route(GROUPS_ROUTE, groups)
        .merge(sign_in)
        .method_not_allowed_fallback(async || DockerRefusal::no_such_operation())
        .fallback(hub::not_found)
        .layer(DefaultBodyLimit::max(DockerApp::BODY_LIMIT));
    let router =
        observed(router, &app).layer(from_fn_with_state(app.clone(), middleware::identify));
    delivered(router, app)
}

fn governance(profile: EmulatorProfile) -> Router<Arc<DockerApp>> {
    let mut policy: MethodRouter<Arc<DockerApp>> = get(governance::get_policy);
    if profile.has_policy_writes() {
        policy = policy
            .patch(governance::update_policy)
            .delete(governance::delete_policy);
    }
    Router::new()
        .route(
            "/",
            get(governance::list_policies).post(governance::create_policy),
        )
        .route("/{policy}", policy)
        .route("/{policy}/rules", post(governance::create_rule))
        .route(
            "/{policy}/rules/{rule}",
            patch(governance::update_rule).delete(governance::delete_rule),
        )
}
