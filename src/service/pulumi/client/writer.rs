//! Everything that changes something.

use reqwest::Method;
use serde_json::{Value, json};

use super::connection::{PulumiConnection, PulumiOrganizationClient};
use super::wire::{self, CreatedVersion};
use http::OrganizationName;
use http::operation::WriteRequest;
use http::{ApiError, DatedAnswer, ErrorKind, HttpCall, Upload};
use model::pulumi::{
    GroupChange, GroupName, NewGroup, NewVersion, PackName, VersionRef, VersionTag,
};

const JSON: &str = "application/json";
/// The organization's list does not contain the version; otherwise the plan would not create it.
const TAKEN: &str = "Its tag belongs to a version that was started and not completed, or that was deleted, and cannot be \
                     reused: raise `versionTag`, run `polwarden lock`, and apply again.";

/// Whether a tag is published already (contract: FACTS, republishing a tag).
fn is_taken(error: &ApiError) -> bool {
    matches!(error.kind(), ErrorKind::Refused { status, message, .. }
        if *status == 409 || message.as_ref().is_some_and(|message| message.contains("already been published")))
}

/// Changes the packs and groups of one organization, one call at a time. [`ApiError::outcome`] says whether a failed call
/// may have been applied; after `Outcome::Unknown`, read back.
#[derive(Clone)]
pub struct PulumiWriter {
    target: PulumiOrganizationClient,
}

impl PulumiWriter {
    /// Changes an organization's packs and groups.
    pub fn new(connection: &PulumiConnection, organization: &OrganizationName) -> Self {
        Self {
            target: PulumiOrganizationClient::new(connection, organization),
        }
    }

    /// Makes one writing request, as it is.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn call(&self, request: &WriteRequest) -> Result<Value, ApiError> {
        Ok(self
            .target
            .send(request.call(self.target.organization.as_str(), JSON))
            .await?
            .what)
    }

    /// CreatePolicyPack: the first step of publishing. The version is not visible before the last step.
    ///
    /// # Errors
    /// The server refuses it: the tag is taken, or the pack is of another publisher.
    pub async fn create_version(
        &self,
        version: &NewVersion,
    ) -> Result<DatedAnswer<CreatedVersion>, ApiError> {
        let resource = format!("version {} of pack `{}`", version.version_tag, version.name);
        let call = || {
            HttpCall::write(
                "CreatePolicyPack",
                resource.clone(),
                Method::POST,
                self.target.path(&["policypacks"]),
            )
            .with_body(JSON, &json!(version))
        };
        let taken = |error| {
            if is_taken(&error) {
                error.with_help(TAKEN)
            } else {
                error
            }
        };
        let answer = self.target.send(call()).await.map_err(taken)?;
        let created =
            wire::created(&answer).map_err(|error| self.target.failed(&call(), error.into()))?;
        Ok(DatedAnswer {
            what: created,
            date: answer.date,
        })
    }

    /// Puts the archive to where the first step said: another host, without the token.
    ///
    /// # Errors
    /// The place cannot be trusted, or it does not take the archive.
    pub async fn put_archive(
        &self,
        pack: &PackName,
        tag: &VersionTag,
        upload: &Upload,
        archive: Vec<u8>,
    ) -> Result<(), ApiError> {
        let resource = format!("the archive of version {tag} of pack `{pack}`");
        self.target
            .put(
                &HttpCall::write("UploadPolicyPack", resource, Method::PUT, Vec::new()),
                upload,
                archive,
            )
            .await
    }

    /// CompletePolicyPack: the last step of publishing.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn complete_version(
        &self,
        pack: &PackName,
        tag: &VersionTag,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let path = self.target.path(&[
            "policypacks",
            pack.as_str(),
            "versions",
            tag.as_str(),
            "complete",
        ]);
        self.done(
            "CompletePolicyPack",
            format!("version {tag} of pack `{pack}`"),
            Method::POST,
            path,
            None,
        )
        .await
    }

    /// DeletePolicyPackVersion. No group may use it. Its tag is never free again.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn delete_version(
        &self,
        pack: &PackName,
        version: &VersionRef,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let path = self.target.path(&[
            "policypacks",
            pack.as_str(),
            "versions",
            &version.to_string(),
        ]);
        let resource = format!("version {version} of pack `{pack}`");
        self.done(
            "DeletePolicyPackVersion",
            resource,
            Method::DELETE,
            path,
            None,
        )
        .await
    }

    /// DeletePolicyPack_orgs_policypacks, with all versions. No group may use one of them.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn delete_pack(&self, pack: &PackName) -> Result<DatedAnswer<()>, ApiError> {
        let path = self.target.path(&["policypacks", pack.as_str()]);
        let operation = "DeletePolicyPack_orgs_policypacks";
        self.done(
            operation,
            format!("pack `{pack}`"),
            Method::DELETE,
            path,
            None,
        )
        .await
    }

    /// NewPolicyGroup: a group without stacks and packs.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn create_group(&self, group: &NewGroup) -> Result<DatedAnswer<()>, ApiError> {
        let path = self.target.path(&["policygroups"]);
        let resource = format!("group `{}`", group.name);
        self.done(
            "NewPolicyGroup",
            resource,
            Method::POST,
            path,
            Some(json!(group)),
        )
        .await
    }

    /// UpdatePolicyGroup: one change, which is made or not.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn update_group(
        &self,
        group: &GroupName,
        change: &GroupChange,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let body = Some(wire::group_change(change));
        self.on_group("UpdatePolicyGroup", Method::PATCH, group, body)
            .await
    }

    /// DeletePolicyGroup.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn delete_group(&self, group: &GroupName) -> Result<DatedAnswer<()>, ApiError> {
        self.on_group("DeletePolicyGroup", Method::DELETE, group, None)
            .await
    }

    async fn on_group(
        &self,
        operation: &'static str,
        method: Method,
        group: &GroupName,
        body: Option<Value>,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let path = self.target.path(&["policygroups", group.as_str()]);
        self.done(operation, format!("group `{group}`"), method, path, body)
            .await
    }

    /// A write whose answer says no more than that it was done.
    async fn done(
        &self,
        operation: &'static str,
        resource: String,
        method: Method,
        path: Vec<String>,
        body: Option<Value>,
    ) -> Result<DatedAnswer<()>, ApiError> {
        let call = HttpCall::write(operation, resource, method, path).with_empty_answer();
        let call = match body {
            Some(body) => call.with_body(JSON, &body),
            None => call,
        };
        Ok(self.target.send(call).await?.map(|_| ()))
    }
}
