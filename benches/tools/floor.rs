//! The requests of a plan and of an apply, by a client that does nothing else: it checks the status of every answer and
//! takes ids out of lists and of created policies.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Service;
use crate::corpus::organization;

/// Signs in, lists every organization and gets every policy of it.
///
/// # Errors
/// The server answered with an error.
pub(crate) async fn plan(service: &Service) -> anyhow::Result<()> {
    let client = Arc::new(Bare::sign_in(service).await?);
    read_all(&client, service.organizations).await
}

/// Reads all organizations, empty ones on a first apply; makes the policies, then their denies, then their allows, each
/// step only after the one before it (the order of polwarden's plans); reads everything back.
///
/// # Errors
/// The server answered with an error, or the seed is invalid.
pub(crate) async fn apply(service: &Service, seed: &str) -> anyhow::Result<()> {
    let seed: Seed = serde_json::from_str(seed)?;
    let client = Arc::new(Bare::sign_in(service).await?);
    read_all(&client, service.organizations).await?;
    for organization in &seed.organizations {
        let path = format!("orgs/{}/governance/policies", organization.name);
        let create = |policy: &SeedPolicy| {
            let body = json!({"name": policy.name, "scope": policy.scope});
            post(Arc::clone(&client), path.clone(), body)
        };
        let created = at_once(service, organization.policies.iter().map(create)).await?;
        for decision in ["deny", "allow"] {
            let policies = organization.policies.iter().zip(&created);
            let rules =
                policies.flat_map(|(policy, id)| policy.rules.iter().map(move |rule| (rule, id)));
            let rules = rules.filter(|(rule, _)| rule["decision"] == decision);
            let create = |(rule, id): (&Value, &String)| {
                post(
                    Arc::clone(&client),
                    format!("{path}/{id}/rules"),
                    rule.clone(),
                )
            };
            at_once(service, rules.map(create)).await?;
        }
    }
    read_all(&client, service.organizations).await
}

#[derive(Deserialize)]
struct Seed {
    organizations: Vec<SeedOrganization>,
}

#[derive(Deserialize)]
struct SeedOrganization {
    name: String,
    policies: Vec<SeedPolicy>,
}

#[derive(Deserialize)]
struct SeedPolicy {
    name: String,
    scope: Value,
    rules: Vec<Value>,
}

/// Runs posts side by side; the ids, in the order of the posts.
async fn at_once(
    service: &Service,
    posts: impl Iterator<Item = impl Future<Output = anyhow::Result<String>> + Send + 'static>,
) -> anyhow::Result<Vec<String>> {
    let tasks: Vec<_> = posts
        .map(|post| async move { tokio::spawn(post).await? })
        .collect();
    stream::iter(tasks)
        .buffered(service.concurrency)
        .try_collect()
        .await
}

async fn post(client: Arc<Bare>, path: String, body: Value) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    let answer = client
        .send(client.http.post(client.url(&path)).json(&body))
        .await?;
    let Created { id } = serde_json::from_slice(&answer)?;
    Ok(id)
}

async fn read_all(client: &Arc<Bare>, organizations: usize) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for number in 0..organizations {
        tasks.spawn(read(
            Arc::clone(client),
            format!("orgs/{}/governance/policies", organization(number)),
        ));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

async fn read(client: Arc<Bare>, path: String) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Page {
        data: Vec<Summary>,
        next_page_token: Option<String>,
    }
    #[derive(Deserialize)]
    struct Summary {
        id: String,
    }
    let answer = client
        .send(
            client
                .http
                .get(client.url(&format!("{path}?page_size=100"))),
        )
        .await?;
    let Page {
        data,
        next_page_token,
    } = serde_json::from_slice(&answer)?;
    anyhow::ensure!(
        next_page_token.is_none(),
        "an organization has more than a page of policies"
    );
    let mut tasks = JoinSet::new();
    for Summary { id } in data {
        let client = Arc::clone(&client);
        let path = format!("{path}/{id}");
        tasks.spawn(async move { client.send(client.http.get(client.url(&path))).await });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// A client with a token and a bound on concurrency, and nothing more.
struct Bare {
    http: Client,
    endpoint: String,
    token: String,
    slots: Semaphore,
}

impl Bare {
    async fn sign_in(service: &Service) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        // Certificates are not loaded: only loopback is spoken to.
        let http = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .tcp_nodelay(true);
        let http = http.pool_max_idle_per_host(service.concurrency).build()?;
        let endpoint = format!("{}/v2", service.endpoint.trim_end_matches('/'));
        let slots = Semaphore::new(service.concurrency);
        let mut client = Self {
            http,
            endpoint,
            token: "none".to_owned(),
            slots,
        };
        let body = json!({"identifier": "bench", "secret": "bench"});
        let answer = client
            .send(client.http.post(client.url("auth/token")).json(&body))
            .await?;
        let Token { access_token } = serde_json::from_slice(&answer)?;
        client.token = access_token;
        Ok(client)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        let _slot = self.slots.acquire().await?;
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await?
            .error_for_status();
        let answer = answer.context("the emulator refuses a request")?;
        Ok(answer.bytes().await?.to_vec())
    }
}
