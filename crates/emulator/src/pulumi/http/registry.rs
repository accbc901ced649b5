//! HTTP handlers of the registry.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;

use super::middleware::Authenticated;
use super::{JSON, PulumiResponse, created, no_content, ok};
use crate::http::{PathParameters, RawBody, body};
use crate::pulumi::app::PulumiApp;
use crate::pulumi::operations::registry::{self, PackAddress};
use crate::service::EmulatedService as _;

type RegistryRouteState = State<Arc<PulumiApp>>;
type RegistryQuery = Query<HashMap<String, String>>;

/// The contract defines where the token comes from, but not how a request sends it. Other
/// operations use this parameter.
const CONTINUATION_TOKEN: &str = "continuationToken";

/// The path parameters of a version in the registry.
#[derive(Debug, Deserialize)]
pub(super) struct VersionAddress {
    #[serde(flatten)]
    pack: PackAddress,
    version: String,
}

fn parameter<'q>(query: &'q HashMap<String, String>, name: &str) -> Option<&'q str> {
    query
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

pub(super) async fn list(
    State(app): RegistryRouteState,
    Extension(Authenticated(is_known)): Extension<Authenticated>,
    Query(query): RegistryQuery,
) -> PulumiResponse {
    app.run(move |app| {
        let [org, access, token] =
            ["orgLogin", "access", CONTINUATION_TOKEN].map(|name| parameter(&query, name));
        registry::list(app, is_known, org, access, token)
    })
    .await
    .map(ok)
}

pub(super) async fn query(
    State(app): RegistryRouteState,
    Extension(Authenticated(is_known)): Extension<Authenticated>,
    Query(query): RegistryQuery,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let fields = body(&headers, raw, JSON)?;
    app.run(move |app| {
        registry::query(
            app,
            is_known,
            &fields,
            parameter(&query, CONTINUATION_TOKEN),
        )
    })
    .await
    .map(ok)
}

pub(super) async fn versions(
    State(app): RegistryRouteState,
    PathParameters(pack): PathParameters<PackAddress>,
    Query(query): RegistryQuery,
) -> PulumiResponse {
    app.run(move |app| registry::versions(app, &pack, parameter(&query, CONTINUATION_TOKEN)))
        .await
        .map(ok)
}

pub(super) async fn get(
    State(app): RegistryRouteState,
    PathParameters(at): PathParameters<VersionAddress>,
) -> PulumiResponse {
    app.run(move |app| registry::get(app, &at.pack, &at.version))
        .await
        .map(ok)
}

pub(super) async fn get_of_organization(
    State(app): RegistryRouteState,
    PathParameters((org, pack)): PathParameters<(String, String)>,
    Query(query): RegistryQuery,
) -> PulumiResponse {
    app.run(move |app| registry::get_of_organization(app, &org, &pack, parameter(&query, "tag")))
        .await
        .map(ok)
}

pub(super) async fn publish(
    State(app): RegistryRouteState,
    PathParameters(pack): PathParameters<PackAddress>,
    headers: HeaderMap,
    raw: RawBody,
) -> PulumiResponse {
    let is_empty = raw.as_ref().is_ok_and(|bytes| bytes.is_empty());
    let fields = if is_empty {
        None
    } else {
        Some(body(&headers, raw, JSON)?)
    };
    app.run(move |app| registry::publish(app, &pack, fields))
        .await
        .map(created)
}

pub(super) async fn complete(
    State(app): RegistryRouteState,
    PathParameters(at): PathParameters<VersionAddress>,
) -> PulumiResponse {
    app.run(move |app| registry::finish_version(app, &at.pack, &at.version))
        .await
        .map(no_content)
}

pub(super) async fn delete(
    State(app): RegistryRouteState,
    PathParameters(pack): PathParameters<PackAddress>,
) -> PulumiResponse {
    app.run(move |app| registry::delete(app, &pack))
        .await
        .map(no_content)
}

pub(super) async fn delete_version(
    State(app): RegistryRouteState,
    PathParameters(at): PathParameters<VersionAddress>,
) -> PulumiResponse {
    app.run(move |app| registry::delete_version(app, &at.pack, &at.version))
        .await
        .map(no_content)
}
