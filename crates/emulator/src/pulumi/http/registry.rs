//! HTTP handlers of the registry.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;

use super::around::Known;
use super::{Answer, JSON, created, no_content, ok};
use crate::http::{At, RawBody, body};
use crate::pulumi::app::App;
use crate::pulumi::operations::registry::{self, Address};
use crate::service::Service as _;

type Shared = State<Arc<App>>;
type Parameters = Query<HashMap<String, String>>;

/// The contract defines where the token comes from, but not how a request sends it. Other
/// operations use this parameter.
const CONTINUATION_TOKEN: &str = "continuationToken";

/// The path parameters of a version in the registry.
#[derive(Debug, Deserialize)]
pub(super) struct VersionAddress {
    #[serde(flatten)]
    pack: Address,
    version: String,
}

fn parameter<'q>(query: &'q HashMap<String, String>, name: &str) -> Option<&'q str> {
    query
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

pub(super) async fn list(
    State(app): Shared,
    Extension(Known(is_known)): Extension<Known>,
    Query(query): Parameters,
) -> Answer {
    app.run(move |app| {
        let [org, access, token] =
            ["orgLogin", "access", CONTINUATION_TOKEN].map(|name| parameter(&query, name));
        registry::list(app, is_known, org, access, token)
    })
    .await
    .map(ok)
}

pub(super) async fn query(
    State(app): Shared,
    Extension(Known(is_known)): Extension<Known>,
    Query(query): Parameters,
    headers: HeaderMap,
    raw: RawBody,
) -> Answer {
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
    State(app): Shared,
    At(pack): At<Address>,
    Query(query): Parameters,
) -> Answer {
    app.run(move |app| registry::versions(app, &pack, parameter(&query, CONTINUATION_TOKEN)))
        .await
        .map(ok)
}

pub(super) async fn get(State(app): Shared, At(at): At<VersionAddress>) -> Answer {
    app.run(move |app| registry::get(app, &at.pack, &at.version))
        .await
        .map(ok)
}

pub(super) async fn get_of_organization(
    State(app): Shared,
    At((org, pack)): At<(String, String)>,
    Query(query): Parameters,
) -> Answer {
    app.run(move |app| registry::get_of_organization(app, &org, &pack, parameter(&query, "tag")))
        .await
        .map(ok)
}

pub(super) async fn publish(
    State(app): Shared,
    At(pack): At<Address>,
    headers: HeaderMap,
    raw: RawBody,
) -> Answer {
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

pub(super) async fn complete(State(app): Shared, At(at): At<VersionAddress>) -> Answer {
    app.run(move |app| registry::finish_version(app, &at.pack, &at.version))
        .await
        .map(no_content)
}

pub(super) async fn delete(State(app): Shared, At(pack): At<Address>) -> Answer {
    app.run(move |app| registry::delete(app, &pack))
        .await
        .map(no_content)
}

pub(super) async fn delete_version(State(app): Shared, At(at): At<VersionAddress>) -> Answer {
    app.run(move |app| registry::delete_version(app, &at.pack, &at.version))
        .await
        .map(no_content)
}
