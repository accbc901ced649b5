//! The six operations that change something.

use reqwest::Method;
use serde_json::Value;

use super::connection::{DockerConnection, DockerOrganizationClient};
use super::wire::{self, BodyError, PolicyTypeSource, live_rule, policy};
use http::OrganizationName;
use http::json::{DecodeError, ROOT, required};
use http::operation::WriteRequest;
use http::{ApiError, DatedAnswer, HttpCall};
use model::docker::{
    LivePolicy, LiveRule, NewPolicy, PolicyId, PolicyPatch, Profile, Rule, RuleId, RulePatch,
    UpdateAnswer,
};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Changes the policies of one organization, one call at a time. What the target's profile does not have is an error
/// before anything is sent. An answer comes with the server's date. [`ApiError::outcome`] says whether a failed call may have been applied; after
/// `Outcome::Unknown`, read back.
#[derive(Clone)]
pub struct DockerWriter {
    target: DockerOrganizationClient,
}

impl DockerWriter {
    /// Changes an organization's policies.
    pub fn new(
        connection: &DockerConnection,
        organization: &OrganizationName,
        profile: Profile,
    ) -> Self {
        Self {
            target: DockerOrganizationClient::new(connection, organization, profile),
        }
    }

    /// createPolicy: a policy without rules, or a Cedar policy.
    ///
    /// # Errors
    /// The server refuses it, or the profile cannot express it.
    pub async fn create_policy(
        &self,
        new: &NewPolicy,
    ) -> Result<DatedAnswer<LivePolicy>, ApiError> {
        let path = self.target.policies_path(&[]);
        let call = HttpCall::write(
            "createPolicy",
            format!("policy `{}`", new.name),
            Method::POST,
            path,
        );
        let call = self.body(call, JSON, wire::new_policy(new, self.target.profile))?;
        let settings: Vec<&str> = new.extensions.set_names().collect();
        self.target
            .ask_with_date(&call, |answer| {
                policy(answer, ROOT, PolicyTypeSource::Shown(&settings))
            })
            .await
            .map_err(|error| name_extensions(error, new.extensions.set_names()))
    }

    /// updatePolicy: name, teams or Cedar text.
    ///
    /// # Errors
    /// The server refuses it, or the profile has no such operation (`seed`).
    pub async fn update_policy(
        &self,
        id: &PolicyId,
        patch: &PolicyPatch,
    ) -> Result<DatedAnswer<UpdateAnswer<LivePolicy>>, ApiError> {
        let call = self.on_policy("updatePolicy", Method::PATCH, id);
        self.policy_writes(&call)?;
        let call = self.body(call, JSON, wire::policy_patch(patch, self.target.profile))?;
        let settings: Vec<&str> = patch.extensions.names().collect();
        let decode = |value: &Value, at: &str| {
            let shown = policy(value, at, PolicyTypeSource::Shown(&settings))?;
            expect(shown, at, |policy| policy.id == *id)
        };
        self.target
            .ask_with_date(&call, |answer| updated(answer, decode))
            .await
            .map_err(|error| name_extensions(error, patch.extensions.names()))
    }

    /// deletePolicy, with all its rules.
    ///
    /// # Errors
    /// The server refuses it, or the profile has no such operation (`seed`).
    pub async fn delete_policy(&self, id: &PolicyId) -> Result<DatedAnswer<LivePolicy>, ApiError> {
        let call = self.on_policy("deletePolicy", Method::DELETE, id);
        self.policy_writes(&call)?;
        let decode = |value: &Value, at: &str| {
            expect(
                policy(value, at, PolicyTypeSource::Shown(&[]))?,
                at,
                |policy| policy.id == *id,
            )
        };
        self.target
            .ask_with_date(&call, |answer| deleted(answer, decode))
            .await
    }

    /// createRule.
    ///
    /// # Errors
    /// The server refuses it, or the profile cannot express it.
    pub async fn create_rule(
        &self,
        id: &PolicyId,
        rule: &Rule,
    ) -> Result<DatedAnswer<LiveRule>, ApiError> {
        let path = self.target.policies_path(&[id.as_str(), "rules"]);
        let resource = format!("rule `{}` of policy {id}", rule.name);
        let call = HttpCall::write("createRule", resource, Method::POST, path);
        let call = self.body(call, JSON, wire::rule(rule, self.target.profile))?;
        self.target
            .ask_with_date(&call, |answer| live_rule(answer, ROOT))
            .await
            .map_err(|error| name_extensions(error, rule.extensions.set_names()))
    }

    /// updateRule, with the media type of the profile.
    ///
    /// # Errors
    /// The server refuses it, or the profile cannot express it.
    pub async fn update_rule(
        &self,
        policy: &PolicyId,
        id: &RuleId,
        patch: &RulePatch,
    ) -> Result<DatedAnswer<UpdateAnswer<LiveRule>>, ApiError> {
        let call = self.on_rule("updateRule", Method::PATCH, policy, id);
        let call = self.body(
            call,
            self.media_type("updateRule"),
            wire::rule_patch(patch, self.target.profile),
        )?;
        let decode =
            |value: &Value, at: &str| expect(live_rule(value, at)?, at, |rule| rule.id == *id);
        self.target
            .ask_with_date(&call, |answer| updated(answer, decode))
            .await
            .map_err(|error| name_extensions(error, patch.extensions.names()))
    }

    /// deleteRule.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn delete_rule(
        &self,
        policy: &PolicyId,
        id: &RuleId,
    ) -> Result<DatedAnswer<LiveRule>, ApiError> {
        let call = self.on_rule("deleteRule", Method::DELETE, policy, id);
        let decode =
            |value: &Value, at: &str| expect(live_rule(value, at)?, at, |rule| rule.id == *id);
        self.target
            .ask_with_date(&call, |answer| deleted(answer, decode))
            .await
    }

    /// Makes one writing request, as it is.
    ///
    /// # Errors
    /// The server refuses it, or the profile has no such operation.
    pub async fn call(&self, request: &WriteRequest) -> Result<Value, ApiError> {
        let operation = request.request().operation();
        let call = request.call(
            self.target.organization.as_str(),
            self.media_type(operation.name),
        );
        if matches!(operation.name, "updatePolicy" | "deletePolicy") {
            self.policy_writes(&call)?;
        }
        self.target.send(&call).await
    }

    /// That of an operation's body.
    fn media_type(&self, operation: &str) -> &'static str {
        match (operation, self.target.profile) {
            ("updateRule", Profile::Seed) => MERGE_PATCH,
            (_, Profile::Seed | Profile::Intermediate | Profile::Current) => JSON,
        }
    }

    fn on_policy(&self, operation: &'static str, method: Method, id: &PolicyId) -> HttpCall {
        HttpCall::write(
            operation,
            format!("policy {id}"),
            method,
            self.target.policies_path(&[id.as_str()]),
        )
    }

    fn on_rule(
        &self,
        operation: &'static str,
        method: Method,
        policy: &PolicyId,
        id: &RuleId,
    ) -> HttpCall {
        let path = self
            .target
            .policies_path(&[policy.as_str(), "rules", id.as_str()]);
        HttpCall::write(
            operation,
            format!("rule {id} of policy {policy}"),
            method,
            path,
        )
    }

    fn policy_writes(&self, call: &HttpCall) -> Result<(), ApiError> {
        if self.target.profile.has_policy_writes() {
            return Ok(());
        }
        Err(self
            .target
            .failed(call, BodyError::Operation(self.target.profile).into()))
    }

    fn body(
        &self,
        call: HttpCall,
        media_type: &'static str,
        body: Result<Value, BodyError>,
    ) -> Result<HttpCall, ApiError> {
        match body {
            Ok(body) => Ok(call.with_body(media_type, &body)),
            Err(unfit) => Err(self.target.failed(&call, unfit.into())),
        }
    }
}

/// Names the settings of a refused request that this version does not know, because one of them may
/// be the reason.
fn name_extensions<'n>(error: ApiError, names: impl Iterator<Item = &'n str>) -> ApiError {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() || !matches!(error.status(), Some(400 | 422)) {
        return error;
    }
    let names = names.join(", ");
    error.with_help(format!(
        "The request contains {names} from `extensions`, which this version does not support: if the service does not \
         accept it, correct or remove it there."
    ))
}

fn updated<T>(
    answer: &Value,
    decode: impl Fn(&Value, &str) -> Result<T, DecodeError>,
) -> Result<UpdateAnswer<T>, DecodeError> {
    Ok(UpdateAnswer {
        old: decode(required(answer, ROOT, "old")?, "$.old")?,
        new: decode(required(answer, ROOT, "new")?, "$.new")?,
    })
}

fn deleted<T>(
    answer: &Value,
    decode: impl Fn(&Value, &str) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    decode(required(answer, ROOT, "deleted")?, "$.deleted")
}

/// An answer about another object than was asked for says nothing about ours.
fn expect<T>(object: T, at: &str, is_ours: impl Fn(&T) -> bool) -> Result<T, DecodeError> {
    if is_ours(&object) {
        return Ok(object);
    }
    Err(DecodeError::new(format!("{at}.id"), "the requested id"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::hostile;

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let rule = json!({"id": "r", "name": "n", "actions": ["read"], "resources": ["/a"], "decision": "allow"});
        let ours = |value: &Value, at: &str| {
            expect(live_rule(value, at)?, at, |rule| rule.id.as_str() == "r")
        };
        let updates = json!({"old": rule, "new": rule});
        hostile::check(&updates, |answer| updated(answer, ours));
        hostile::check(&json!({"deleted": rule}), |answer| deleted(answer, ours));
        let foreign = json!({"old": rule, "new": {"id": "x", "name": "n", "actions": [], "decision": "allow"}});
        let error = updated(&foreign, ours).unwrap_err();
        assert_eq!(error.to_string(), "at $.new.id, expected the requested id");
    }
}
