//! HTTP handlers of an organization's packs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;

use super::{JSON, PulumiResponse, created, no_content, ok};
use crate::http::{PathParameters, RawBody, body};
use crate::pulumi::app::PulumiApp;
use crate::pulumi::operations::{packs, publish};
use crate::service::EmulatedService as _;

type OrganizationRouteState = State<Arc<PulumiApp>>;
type OrganizationQuery = Query<HashMap<String, String>>;

pub(super) async fn list(
    State(app): OrganizationRouteState,
    PathParameters(org): PathParameters<String>,
    Query(query): OrganizationQuery,
) -> PulumiResponse {
    app.run(move |app| packs::list(app, &org, query.get("policypack").map(String::as_str)))
        .await
        .map(ok)
}

pub(super) async fn create(
    State(app): OrganizationRouteState,
    PathParameters(org): PathParameters<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| publish::create(app, &org, fields))
        .await
        .map(created)
}

pub(super) async fn get(
    State(app): OrganizationRouteState,
    PathParameters((org, pack, version)): PathParameters<(String, String, String)>,
) -> PulumiResponse {
    app.run(move |app| packs::get(app, &org, &pack, &version))
        .await
        .map(ok)
}

pub(super) async fn config_schema(
    State(app): OrganizationRouteState,
    PathParameters((org, pack, version)): PathParameters<(String, String, String)>,
) -> PulumiResponse {
    app.run(move |app| packs::config_schema(app, &org, &pack, &version))
        .await
        .map(ok)
}

pub(super) async fn complete(
    State(app): OrganizationRouteState,
    PathParameters((org, pack, version)): PathParameters<(String, String, String)>,
) -> PulumiResponse {
    app.run(move |app| publish::complete(app, &org, &pack, &version))
        .await
        .map(no_content)
}

pub(super) async fn delete(
    State(app): OrganizationRouteState,
    PathParameters((org, pack)): PathParameters<(String, String)>,
) -> PulumiResponse {
    app.run(move |app| packs::delete(app, &org, &pack))
        .await
        .map(|()| StatusCode::OK.into_response())
}

pub(super) async fn delete_version(
    State(app): OrganizationRouteState,
    PathParameters((org, pack, version)): PathParameters<(String, String, String)>,
) -> PulumiResponse {
    app.run(move |app| packs::delete_version(app, &org, &pack, &version))
        .await
        .map(|()| StatusCode::OK.into_response())
}
