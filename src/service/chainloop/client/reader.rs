//! Everything that reads, and nothing that writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::connection::{ChainloopConnection, ChainloopOrganizationClient};
use super::wire;
use crate::run::service::ReadProgress;
use http::OrganizationName;
use http::operation::ReadRequest;
use http::{ApiError, ErrorKind, HttpCall};
use model::chainloop::{ChainloopLiveState, DocumentKind, LiveDocument, PolicyName};
use model::digest::Digest;

/// Reads the policies and groups of one organization. It has no way to change anything.
#[derive(Clone)]
pub struct ChainloopReader {
    target: ChainloopOrganizationClient,
    /// What to ask for.
    wanted: Arc<BTreeSet<(DocumentKind, PolicyName)>>,
    progress: Option<ReadProgress>,
}

impl ChainloopReader {
    /// Reads an organization's policies and groups.
    pub fn new(connection: &ChainloopConnection, organization: &OrganizationName) -> Self {
        Self {
            target: ChainloopOrganizationClient::new(connection, organization),
            wanted: Arc::default(),
            progress: None,
        }
    }

    /// The organization that is asked for.
    pub fn organization(&self) -> &str {
        self.target.organization.as_str()
    }

    /// The same reader for the documents of another organization, which a reference can name.
    #[must_use]
    pub fn for_organization(mut self, organization: OrganizationName) -> Self {
        self.target.organization = organization;
        self
    }

    /// The same reader, telling how far it is.
    #[must_use]
    pub fn with_progress(mut self, progress: ReadProgress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// The same reader, asking for these documents and no others: the service documents no list.
    #[must_use]
    pub fn with_documents(
        mut self,
        wanted: impl IntoIterator<Item = (DocumentKind, PolicyName)>,
    ) -> Self {
        self.wanted = Arc::new(wanted.into_iter().collect());
        self
    }

    /// Makes one reading request, as it is; the organization is the target's where the request names none.
    ///
    /// # Errors
    /// The server refuses the request, or the answer is not JSON.
    pub async fn call(&self, request: &ReadRequest) -> Result<Value, ApiError> {
        let call = request.call(self.target.organization.as_str(), "application/json");
        Ok(self
            .target
            .send(&self.target.of_organization(call))
            .await?
            .what)
    }

    /// PolicyService_Get: a policy, in its latest version or the one with this digest; nothing if it is not there. It may
    /// be a builtin policy, or another owner's: see [`LiveDocument::is_of`].
    ///
    /// # Errors
    /// It cannot be read, does not fit the contract, is another one than was asked for, or its bytes are not those of
    /// the digest.
    pub async fn policy(
        &self,
        name: &PolicyName,
        digest: Option<&Digest>,
    ) -> Result<Option<LiveDocument>, ApiError> {
        self.document(DocumentKind::Policy, name, digest).await
    }

    /// PolicyService_GetGroup: a group in its latest version; nothing if it is not there.
    ///
    /// # Errors
    /// As for [`policy`](Self::policy).
    pub async fn group(&self, name: &PolicyName) -> Result<Option<LiveDocument>, ApiError> {
        self.document(DocumentKind::PolicyGroup, name, None).await
    }

    /// A document of either kind; nothing if it is not there.
    ///
    /// # Errors
    /// As for [`policy`](Self::policy).
    pub async fn document(
        &self,
        kind: DocumentKind,
        name: &PolicyName,
        digest: Option<&Digest>,
    ) -> Result<Option<LiveDocument>, ApiError> {
        let call = self.call_of(kind, name, digest);
        let answer = match self.target.send(&call).await {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let document = wire::document(&answer, kind, name, digest)
            .map_err(|kind| self.target.failed(&call, kind))?;
        Ok(Some(document))
    }

    fn call_of(&self, kind: DocumentKind, name: &PolicyName, digest: Option<&Digest>) -> HttpCall {
        let (operation, folder) = match kind {
            DocumentKind::Policy => ("PolicyService_Get", "policies"),
            DocumentKind::PolicyGroup => ("PolicyService_GetGroup", "groups"),
        };
        let path = ["v1", folder, name.as_str()].map(str::to_owned).to_vec();
        let query = digest
            .map(|digest| ("digest".to_owned(), digest.to_string()))
            .into_iter()
            .collect();
        let call =
            HttpCall::read(operation, format!("{} `{name}`", kind.words()), path).with_query(query);
        self.target.of_organization(call)
    }

    /// The latest versions of the documents that this reader was created for.
    ///
    /// # Errors
    /// Anything that could not be read. There is no partial result.
    pub async fn live_state(&self) -> Result<ChainloopLiveState, ApiError> {
        let mut tasks = JoinSet::new();
        for (kind, name) in self.wanted.iter() {
            let reader = self.clone();
            let kind = *kind;
            let name = name.clone();
            tasks.spawn(async move {
                let document = reader.document(kind, &name, None).await?;
                Ok(((kind, name), document))
            });
        }
        let all = tasks.len();
        let mut live = ChainloopLiveState::default();
        while let Some(read) = tasks.join_next().await {
            let (key, document) = read.unwrap_or_else(|_| Err(self.stopped()))?;
            live.documents.insert(key, document);
            if let Some(progress) = &self.progress {
                progress(live.documents.len(), all);
            }
        }
        Ok(live)
    }

    fn stopped(&self) -> ApiError {
        let organization = format!("organization `{}`", self.target.organization);
        let call = HttpCall::read("PolicyService_Get", organization, Vec::new());
        self.target.failed(
            &call,
            ErrorKind::Incomplete {
                why: "it was stopped".to_owned(),
            },
        )
    }
}
