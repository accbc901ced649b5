//! HTTP handlers of policy groups, stacks and accounts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;

use super::{Answer, JSON, JSON_LIST, no_content, ok};
use crate::http::{At, RawBody, body};
use crate::pulumi::app::App;
use crate::pulumi::objects::StackReference;
use crate::pulumi::operations::{groups, members, update};
use crate::service::Service as _;

type Shared = State<Arc<App>>;
type Parameters = Query<HashMap<String, String>>;

pub(super) async fn list(State(app): Shared, At(org): At<String>) -> Answer {
    app.run(move |app| groups::list(app, &org)).await.map(ok)
}

pub(super) async fn create(
    State(app): Shared,
    At(org): At<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> Answer {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| groups::create(app, &org, fields))
        .await
        .map(no_content)
}

pub(super) async fn counts(State(app): Shared, At(org): At<String>) -> Answer {
    app.run(move |app| groups::counts(app, &org)).await.map(ok)
}

pub(super) async fn get(State(app): Shared, At((org, group)): At<(String, String)>) -> Answer {
    app.run(move |app| groups::get(app, &org, &group))
        .await
        .map(ok)
}

pub(super) async fn update(
    State(app): Shared,
    At((org, group)): At<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> Answer {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| update::update(app, &org, &group, vec![fields]))
        .await
        .map(no_content)
}

pub(super) async fn update_in_batch(
    State(app): Shared,
    At((org, group)): At<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> Answer {
    let fields = body(&headers, raw, JSON_LIST)?;
    app.run(move |app| update::update(app, &org, &group, fields))
        .await
        .map(no_content)
}

pub(super) async fn delete(State(app): Shared, At((org, group)): At<(String, String)>) -> Answer {
    app.run(move |app| groups::delete(app, &org, &group))
        .await
        .map(no_content)
}

pub(super) async fn groups_with_stack(
    State(app): Shared,
    At((org, routing_project, name)): At<(String, String, String)>,
) -> Answer {
    let stack = StackReference {
        name,
        routing_project,
    };
    app.run(move |app| members::groups_with_stack(app, &org, &stack))
        .await
        .map(ok)
}

pub(super) async fn packs_of_stack(
    State(app): Shared,
    At((org, routing_project, name)): At<(String, String, String)>,
    Query(query): Parameters,
) -> Answer {
    let stack = StackReference {
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
    State(app): Shared,
    At((org, account)): At<(String, String)>,
    Query(query): Parameters,
) -> Answer {
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
