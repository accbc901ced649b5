//! HTTP handlers of policy groups, stacks and accounts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;

use super::{JSON, JSON_LIST, PulumiResponse, no_content, ok};
use crate::http::{PathParameters, RawBody, body};
use crate::pulumi::app::PulumiApp;
use crate::pulumi::objects::StackIdentity;
use crate::pulumi::operations::{groups, members, update};
use crate::service::EmulatedService as _;

type GroupRouteState = State<Arc<PulumiApp>>;
type GroupQuery = Query<HashMap<String, String>>;

pub(super) async fn list(
    State(app): GroupRouteState,
    PathParameters(org): PathParameters<String>,
) -> PulumiResponse {
    app.run(move |app| groups::list(app, &org)).await.map(ok)
}

pub(super) async fn create(
    State(app): GroupRouteState,
    PathParameters(org): PathParameters<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| groups::create(app, &org, fields))
        .await
        .map(no_content)
}

pub(super) async fn counts(
    State(app): GroupRouteState,
    PathParameters(org): PathParameters<String>,
) -> PulumiResponse {
    app.run(move |app| groups::counts(app, &org)).await.map(ok)
}

pub(super) async fn get(
    State(app): GroupRouteState,
    PathParameters((org, group)): PathParameters<(String, String)>,
) -> PulumiResponse {
    app.run(move |app| groups::get(app, &org, &group))
        .await
        .map(ok)
}

pub(super) async fn update(
    State(app): GroupRouteState,
    PathParameters((org, group)): PathParameters<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| update::update(app, &org, &group, vec![fields]))
        .await
        .map(no_content)
}

pub(super) async fn update_in_batch(
    State(app): GroupRouteState,
    PathParameters((org, group)): PathParameters<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let fields = body(&headers, raw, JSON_LIST)?;
    app.run(move |app| update::update(app, &org, &group, fields))
        .await
        .map(no_content)
}

pub(super) async fn delete(
    State(app): GroupRouteState,
    PathParameters((org, group)): PathParameters<(String, String)>,
) -> PulumiResponse {
    app.run(move |app| groups::delete(app, &org, &group))
        .await
        .map(no_content)
}

pub(super) async fn groups_with_stack(
    State(app): GroupRouteState,
    PathParameters((org, routing_project, name)): PathParameters<(String, String, String)>,
) -> PulumiResponse {
    let stack = StackIdentity {
        name,
        routing_project,
    };
    app.run(move |app| members::groups_with_stack(app, &org, &stack))
        .await
        .map(ok)
}

pub(super) async fn packs_of_stack(
    State(app): GroupRouteState,
    PathParameters((org, routing_project, name)): PathParameters<(String, String, String)>,
    Query(query): GroupQuery,
) -> PulumiResponse {
    let stack = StackIdentity {
        name,
        routing_project,
    };
    app.run(move |app| {
        members::packs_of_stack(app, &org, &stack, query.get("mode").map(String::as_str))
    })
    .await
    .map(ok)
}

pub(super) async fn packs_of_account(
    State(app): GroupRouteState,
    PathParameters((org, account)): PathParameters<(String, String)>,
    Query(query): GroupQuery,
) -> PulumiResponse {
    app.run(move |app| {
        members::packs_of_account(
            app,
            &org,
            &account,
            query.get("continuationToken").map(String::as_str),
        )
    })
    .await
    .map(ok)
}
