//! Docker Hub's own operations that clients of the governance API need: sign-in and teams.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::docker::app::DockerApp;
use crate::docker::operations::require_organization;
use crate::docker::refusal::DockerRefusal;
use crate::http::{BodyFormat, PathParameters, RawBody, body};
use crate::service::EmulatedService as _;

const JSON: BodyFormat = BodyFormat {
    media_type: "application/json",
    is_list: false,
    free: &[],
};

/// The default and the maximum page size of the team list.
const GROUPS_PAGE: usize = 10;
const GROUPS_PAGE_MAX: usize = 100;

/// The body of `POST /v2/users/login`. No `Debug`, because it contains a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    username: String,
    password: String,
}

/// The body of `POST /v2/auth/token`. No `Debug`, because it contains a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    identifier: String,
    secret: String,
}

/// Sign-in of profile `seed`; answers `{token}`.
pub(super) async fn login(
    State(app): State<Arc<DockerApp>>,
    headers: HeaderMap,
    raw: RawBody,
) -> Response {
    match body::<LoginRequest>(&headers, raw, JSON) {
        Ok(LoginRequest { username, password }) => sign_in(&app, &username, &password, "token"),
        Err(_) => malformed(),
    }
}

/// Sign-in from `intermediate` on; answers `{access_token}`.
pub(super) async fn create_token(
    State(app): State<Arc<DockerApp>>,
    headers: HeaderMap,
    raw: RawBody,
) -> Response {
    match body::<TokenRequest>(&headers, raw, JSON) {
        Ok(TokenRequest { identifier, secret }) => {
            sign_in(&app, &identifier, &secret, "access_token")
        }
        Err(_) => malformed(),
    }
}

fn sign_in(app: &DockerApp, subject: &str, secret: &str, member: &str) -> Response {
    match app.tokens.sign_in(subject, secret) {
        Ok(Some(token)) => Json(json!({member: token})).into_response(),
        Ok(None) => DockerRefusal::unauthenticated()
            .with_message("Incorrect authentication credentials")
            .into_hub_response(),
        Err(error) => DockerRefusal::from(error).into_hub_response(),
    }
}

/// The parser's message is dropped, because it could quote the credentials.
fn malformed() -> Response {
    DockerRefusal::invalid("the credentials are malformed").into_hub_response()
}

/// The organization's teams, paged: `{count, next, previous, results}`.
pub(super) async fn groups(
    State(app): State<Arc<DockerApp>>,
    PathParameters(organization): PathParameters<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let base = format!("http://{}{}", host(&headers), uri.path());
    match app
        .run(move |app| page_of_groups(app, &organization, &query, &base))
        .await
    {
        Ok(page) => Json(page).into_response(),
        Err(refusal) => refusal.into_hub_response(),
    }
}

fn page_of_groups(
    app: &DockerApp,
    organization: &str,
    query: &HashMap<String, String>,
    base: &str,
) -> Result<Value, DockerRefusal> {
    let page = number(query, "page", 1)?;
    let size = number(query, "page_size", GROUPS_PAGE)?.min(GROUPS_PAGE_MAX);
    let teams = app.store.read(|records| {
        require_organization(app, records, organization)?;
        Ok::<_, DockerRefusal>(records.teams(organization)?)
    })?;
    let pages = teams.len().div_ceil(size).max(1);
    if page > pages {
        return Err(DockerRefusal::not_found("page"));
    }
    let link = |page: usize| format!("{base}?page={page}&page_size={size}");
    Ok(json!({
        "count": teams.len(),
        "next": (page < pages).then(|| link(page + 1)),
        "previous": (page > 1).then(|| link(page - 1)),
        "results": teams.iter().skip((page - 1) * size).take(size).collect::<Vec<_>>(),
    }))
}

fn number(
    query: &HashMap<String, String>,
    name: &str,
    default: usize,
) -> Result<usize, DockerRefusal> {
    let Some(text) = query.get(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| DockerRefusal::invalid(format!("{name} must be positive")))
}

fn host(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
}

/// Unknown paths answer in the format of their part of the API. The sign-in path of other profiles
/// is unknown.
pub(super) async fn not_found(OriginalUri(uri): OriginalUri) -> Response {
    let refusal = DockerRefusal::not_found("endpoint");
    if uri.path().contains("/governance/") {
        refusal.into_response()
    } else {
        refusal.into_hub_response()
    }
}
