//! HTTP handlers of the eight operations.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::docker::app::DockerApp;
use crate::docker::check::RuleFields;
use crate::docker::operations::{policies, rules};
use crate::docker::refusal::DockerRefusal;
use crate::http::{BodyFormat, PathParameters, RawBody, body_with_extras};
use crate::service::{EmulatedService as _, InvalidInput};

type DockerResponse = Result<(StatusCode, Json<Value>), DockerRefusal>;
type DockerAppState = State<Arc<DockerApp>>;

const JSON: BodyFormat = form("application/json");

const fn form(media_type: &'static str) -> BodyFormat {
    BodyFormat {
        media_type,
        is_list: false,
        free: &[],
    }
}

fn ok(value: Value) -> (StatusCode, Json<Value>) {
    (StatusCode::OK, Json(value))
}

fn created(value: Value) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(value))
}

pub(super) async fn list_policies(
    State(app): DockerAppState,
    PathParameters(organization): PathParameters<String>,
    Query(query): Query<HashMap<String, String>>,
) -> DockerResponse {
    app.run(move |app| {
        let parameter = |name| query.get(name).map(String::as_str);
        policies::list(
            app,
            &organization,
            parameter("page_size"),
            parameter("page_token"),
        )
    })
    .await
    .map(ok)
}

pub(super) async fn create_policy(
    State(app): DockerAppState,
    PathParameters(organization): PathParameters<String>,
    headers: HeaderMap,
    raw: RawBody,
) -> DockerResponse {
    let (fields, extra) = extended_body(&app, &headers, raw, JSON)?;
    app.run(move |app| policies::create(app, &organization, fields, extra))
        .await
        .map(created)
}

pub(super) async fn get_policy(
    State(app): DockerAppState,
    PathParameters((organization, policy)): PathParameters<(String, String)>,
) -> DockerResponse {
    app.run(move |app| policies::get(app, &organization, &policy))
        .await
        .map(ok)
}

pub(super) async fn update_policy(
    State(app): DockerAppState,
    PathParameters((organization, policy)): PathParameters<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> DockerResponse {
    let (fields, extra) = extended_body(&app, &headers, raw, JSON)?;
    app.run(move |app| policies::update(app, &organization, &policy, fields, extra))
        .await
        .map(ok)
}

pub(super) async fn delete_policy(
    State(app): DockerAppState,
    PathParameters((organization, policy)): PathParameters<(String, String)>,
) -> DockerResponse {
    app.run(move |app| policies::delete(app, &organization, &policy))
        .await
        .map(ok)
}

pub(super) async fn create_rule(
    State(app): DockerAppState,
    PathParameters((organization, policy)): PathParameters<(String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> DockerResponse {
    let (fields, extra) = extended_body(&app, &headers, raw, JSON)?;
    app.run(move |app| rules::create(app, &organization, &policy, fields, extra))
        .await
        .map(created)
}

pub(super) async fn update_rule(
    State(app): DockerAppState,
    PathParameters((organization, policy, rule)): PathParameters<(String, String, String)>,
    headers: HeaderMap,
    raw: RawBody,
) -> DockerResponse {
    let form = form(app.profile.rule_patch_media_type());
    let (fields, extra): (RuleFields, _) = extended_body(&app, &headers, raw, form)?;
    app.run(move |app| rules::update(app, &organization, &policy, &rule, (fields, extra)))
        .await
        .map(ok)
}

pub(super) async fn delete_rule(
    State(app): DockerAppState,
    PathParameters((organization, policy, rule)): PathParameters<(String, String, String)>,
) -> DockerResponse {
    app.run(move |app| rules::delete(app, &organization, &policy, &rule))
        .await
        .map(ok)
}

/// A body with the fields of a later version. Those that this server loses are missing.
fn extended_body<T: DeserializeOwned>(
    app: &DockerApp,
    headers: &HeaderMap,
    raw: RawBody,
    form: BodyFormat,
) -> Result<(T, Map<String, Value>), InvalidInput> {
    let accepted = [&app.extra_fields[..], &app.dropped_fields[..]].concat();
    let (fields, mut extra) = body_with_extras(headers, raw, form, &accepted)?;
    extra.retain(|name, _| !app.dropped_fields.contains(name));
    Ok((fields, extra))
}
