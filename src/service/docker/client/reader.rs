//! Everything that reads, and nothing that writes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use tokio::task::JoinSet;

use super::connection::{DockerConnection, DockerOrganizationClient};
use super::listing::{self, ListingState, PolicyPage};
use super::teams;
use super::wire::{PolicyTypeSource, policy};
use crate::run::service::ReadProgress;
use http::OrganizationName;
use http::json::ROOT;
use http::operation::ReadRequest;
use http::{ApiError, ErrorKind, HttpCall};
use model::docker::{DockerLiveState, LivePolicy, PolicySummary, Profile, Team};

/// A personal access token cannot read the teams, whatever its account may do.
const TEAMS_REFUSED: &str = "Personal access tokens cannot read the teams of an organization. Sign in with an organization access token, or \
     write the UUIDs of the teams under `teams` of the target in polwarden.yaml.";

/// Reads the policies of one organization. It has no way to change anything.
#[derive(Clone)]
pub struct DockerReader {
    target: DockerOrganizationClient,
    progress: Option<ReadProgress>,
}

impl DockerReader {
    /// Reads an organization's policies.
    pub fn new(
        connection: &DockerConnection,
        organization: &OrganizationName,
        profile: Profile,
    ) -> Self {
        Self {
            target: DockerOrganizationClient::new(connection, organization, profile),
            progress: None,
        }
    }

    /// The same reader, telling how far it is.
    #[must_use]
    pub fn with_progress(mut self, progress: ReadProgress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// listPolicies: all summaries, all pages, in the server's order.
    ///
    /// # Errors
    /// Any page that cannot be read, and a list that repeats itself or does not end: never a part of the list.
    pub async fn list_policies(&self) -> Result<Vec<PolicySummary>, ApiError> {
        let mut policies = Vec::new();
        let mut progression = ListingState::default();
        let mut cursor = None;
        loop {
            let page = self.page(cursor.as_deref()).await?;
            progression
                .accept(&page)
                .map_err(|kind| self.listing_failed(kind))?;
            policies.extend(page.policies);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(policies),
            }
        }
    }

    /// getPolicy: the full policy behind a summary, which says its type.
    ///
    /// # Errors
    /// It cannot be read, does not fit the contract, or is another policy than was asked for.
    pub async fn policy(&self, summary: &PolicySummary) -> Result<LivePolicy, ApiError> {
        let path = self.target.policies_path(&[summary.id.as_str()]);
        let call = HttpCall::read(
            "getPolicy",
            format!("policy `{}` ({})", summary.name, summary.id),
            path,
        );
        let policy = self
            .target
            .ask(&call, |answer| {
                policy(answer, ROOT, PolicyTypeSource::Listed(&summary.kind))
            })
            .await?;
        if policy.id != summary.id {
            let at = "$.id".to_owned();
            let expected = "the requested id".to_owned();
            return Err(self
                .target
                .failed(&call, ErrorKind::Malformed { at, expected }));
        }
        Ok(policy)
    }

    /// The current state of one policy of the list, or `None` if the complete list does not contain it. Only the list
    /// shows that a policy is deleted: a 404 may also mean that the organization cannot be seen.
    ///
    /// # Errors
    /// Anything that could not be read.
    pub async fn find_policy(
        &self,
        wanted: impl Fn(&PolicySummary) -> bool + Send,
    ) -> Result<Option<LivePolicy>, ApiError> {
        for last in [false, true] {
            let listed = self.list_policies().await?;
            let Some(summary) = listed.iter().find(|summary| wanted(summary)) else {
                return Ok(None);
            };
            match self.policy(summary).await {
                // It was deleted between the two readings; the list decides.
                Err(error) if error.status() == Some(404) && !last => {}
                read => return read.map(Some),
            }
        }
        Ok(None)
    }

    /// Everything: the list, and all policies of it, as many at a time as the client allows.
    ///
    /// A policy that is gone before it could be read makes the whole reading start again, once.
    ///
    /// # Errors
    /// Anything that could not be read. There is no partial result.
    pub async fn live_state(&self) -> Result<DockerLiveState, ApiError> {
        match self.read_all().await {
            Err(error) if error.operation() == "getPolicy" && error.status() == Some(404) => {
                self.read_all().await
            }
            result => result,
        }
    }

    /// The organization's teams, all pages.
    ///
    /// # Errors
    /// Any page that cannot be read, and a list that does not end or is shorter than the server says.
    pub async fn teams(&self) -> Result<Vec<Team>, ApiError> {
        let mut found = Vec::new();
        let mut query = teams::first();
        let mut seen = HashSet::new();
        loop {
            let path = self.target.path(&["groups"]);
            let call =
                HttpCall::read("listGroups", self.target.name(), path).with_query(query.clone());
            let failed = |kind| self.target.failed(&call, kind);
            let incomplete = |why: &str| {
                failed(ErrorKind::Incomplete {
                    why: why.to_owned(),
                })
            };
            if !seen.insert(query) || seen.len() > teams::MOST_PAGES {
                return Err(incomplete(
                    "a page links to an earlier page, or there are too many pages",
                ));
            }
            let answer = self.target.send(&call).await;
            let answer = answer.map_err(|error| match error.status() {
                Some(403) => error.with_help(TEAMS_REFUSED),
                _ => error,
            })?;
            let page = teams::page(&answer, self.target.endpoint()).map_err(failed)?;
            found.extend(page.teams);
            match page.next {
                Some(next) => query = next,
                None if page.count.is_some_and(|count| count > found.len() as u64) => {
                    return Err(incomplete(
                        "it contains fewer teams than the server's count",
                    ));
                }
                None => return Ok(found),
            }
        }
    }

    /// Makes one reading request, as it is.
    ///
    /// # Errors
    /// The server refuses the request, or the answer is not JSON.
    pub async fn call(&self, request: &ReadRequest) -> Result<Value, ApiError> {
        self.target
            .send(&request.call(self.target.organization.as_str(), "application/json"))
            .await
    }

    fn list_call(&self) -> HttpCall {
        HttpCall::read(
            "listPolicies",
            self.target.name(),
            self.target.policies_path(&[]),
        )
    }

    fn listing_failed(&self, kind: ErrorKind) -> ApiError {
        self.target.failed(&self.list_call(), kind)
    }

    async fn page(&self, cursor: Option<&str>) -> Result<PolicyPage, ApiError> {
        let call = self
            .list_call()
            .with_query(listing::query(self.target.profile, cursor));
        let answer = self.target.send(&call).await?;
        listing::page(&answer, self.target.profile).map_err(|kind| self.listing_failed(kind))
    }

    /// Reads pages and policies side by side: the policies of one page are read while the next page is on its way, so
    /// that there is always a request for every slot of the client.
    async fn read_all(&self) -> Result<DockerLiveState, ApiError> {
        let mut progression = ListingState::default();
        let mut known = 0_usize;
        let mut policies = BTreeMap::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().page_step(None));
        while let Some(step) = tasks.join_next().await {
            let step = step.map_err(|_| {
                self.listing_failed(ErrorKind::Incomplete {
                    why: "it was stopped".to_owned(),
                })
            })?;
            match step? {
                DockerReadItem::Page(page) => {
                    progression
                        .accept(&page)
                        .map_err(|kind| self.listing_failed(kind))?;
                    // First in line: the sooner the next page is here, the sooner its policies can be asked for.
                    if let Some(cursor) = page.next {
                        tasks.spawn(self.clone().page_step(Some(cursor)));
                    }
                    for summary in page.policies {
                        tasks.spawn(self.clone().policy_step(known, summary));
                        known += 1;
                    }
                }
                DockerReadItem::Policy(position, policy) => {
                    policies.insert(position, *policy);
                }
            }
            if let Some(progress) = &self.progress {
                progress(policies.len(), known);
            }
        }
        Ok(DockerLiveState {
            policies: policies.into_values().collect(),
        })
    }

    async fn page_step(self, cursor: Option<String>) -> Result<DockerReadItem, ApiError> {
        self.page(cursor.as_deref()).await.map(DockerReadItem::Page)
    }

    async fn policy_step(
        self,
        position: usize,
        summary: PolicySummary,
    ) -> Result<DockerReadItem, ApiError> {
        let policy = self.policy(&summary).await?;
        Ok(DockerReadItem::Policy(position, Box::new(policy)))
    }
}

/// What one task of a reading brings.
enum DockerReadItem {
    Page(PolicyPage),
    /// With its position in the list.
    Policy(usize, Box<LivePolicy>),
}
