//! Writing: what goes over the wire, and what is never sent.

use http::{ApiError, ErrorKind, FailedCallOutcome};
use model::Name;
use model::docker::{
    Cedar, Decision, HttpResource, NewPolicy, PolicyId, PolicyPatch, Profile, Resources, Rule,
    RuleAccess, RuleId, RulePatch, Scope, TeamId,
};
use polwarden::service::docker::client::DockerWriter;
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{POLICIES, answers, asked, error, policy, rule, writer};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn network_rule() -> Rule {
    let actions = ["connect:udp", "connect:tcp"].map(|text| text.parse().unwrap());
    let resources = Resources::Plain(vec!["b.example.com".to_owned(), "a.example.com".to_owned()]);
    Rule {
        extensions: model::docker::Extensions::default(),
        name: name("r"),
        decision: Decision::Allow,
        access: RuleAccess::new(actions, resources).unwrap(),
    }
}

fn http_rule() -> Rule {
    let target = HttpResource {
        host: "h.example.com".to_owned(),
        port: None,
        path: "/".to_owned(),
    };
    let access = RuleAccess::new(
        ["request:get".parse().unwrap()],
        Resources::Http(vec![target]),
    )
    .unwrap();
    Rule {
        extensions: model::docker::Extensions::default(),
        name: name("h"),
        decision: Decision::Deny,
        access,
    }
}

fn p() -> PolicyId {
    PolicyId::new("pol_1")
}

fn r() -> RuleId {
    RuleId::new("rule_1")
}

/// The last request: method, path, media type and body.
async fn last(server: &MockServer) -> (String, String, String, Value) {
    let request = server.received_requests().await.unwrap().pop().unwrap();
    let media_type = request
        .headers
        .get("content-type")
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let body = serde_json::from_slice(&request.body).unwrap_or_default();
    (
        request.method.to_string(),
        request.url.path().to_owned(),
        media_type,
        body,
    )
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn policies_are_created_changed_and_deleted() {
    for profile in [Profile::Intermediate, Profile::Current] {
        let (server, writer) = writer(profile).await;
        let one = format!("{POLICIES}/pol_1");
        answers(&server, "POST", POLICIES, 201, policy("pol_1")).await;
        let both = json!({"old": policy("pol_1"), "new": policy("pol_1")});
        answers(&server, "PATCH", &one, 200, both).await;
        answers(
            &server,
            "DELETE",
            &one,
            200,
            json!({"deleted": policy("pol_1")}),
        )
        .await;

        let new = NewPolicy {
            extensions: model::docker::Extensions::default(),
            name: name("p"),
            scope: Scope::default(),
            cedar: None,
        };
        assert_eq!(writer.create_policy(&new).await.unwrap().id, p());
        let json = "application/json".to_owned();
        assert_eq!(
            last(&server).await,
            (
                "POST".to_owned(),
                POLICIES.to_owned(),
                json.clone(),
                json!({"name": "p"})
            )
        );

        let teams = ["t2", "t1"].map(TeamId::new).into();
        let patch = PolicyPatch {
            teams: Some(teams),
            ..PolicyPatch::default()
        };
        assert_eq!(
            writer.update_policy(&p(), &patch).await.unwrap().old.id,
            p()
        );
        let body = json!({"scope": {"teams": ["t1", "t2"]}});
        assert_eq!(
            last(&server).await,
            ("PATCH".to_owned(), one.clone(), json, body)
        );

        assert_eq!(writer.delete_policy(&p()).await.unwrap().id, p());
        assert_eq!(
            last(&server).await,
            ("DELETE".to_owned(), one, String::new(), Value::Null)
        );
    }
}

#[tokio::test]
async fn rules_are_created_changed_and_deleted() {
    for (profile, media_type) in [
        (Profile::Seed, "application/merge-patch+json"),
        (Profile::Intermediate, "application/json"),
        (Profile::Current, "application/json"),
    ] {
        let (server, writer) = writer(profile).await;
        let all = format!("{POLICIES}/pol_1/rules");
        let one = format!("{POLICIES}/pol_1/rules/rule_1");
        answers(&server, "POST", &all, 201, rule("rule_1")).await;
        answers(
            &server,
            "PATCH",
            &one,
            200,
            json!({"old": rule("rule_1"), "new": rule("rule_1")}),
        )
        .await;
        answers(
            &server,
            "DELETE",
            &one,
            200,
            json!({"deleted": rule("rule_1")}),
        )
        .await;

        assert_eq!(
            writer.create_rule(&p(), &network_rule()).await.unwrap().id,
            r()
        );
        let body = json!({"name": "r", "decision": "allow", "actions": ["connect:tcp", "connect:udp"],
            "resources": ["a.example.com", "b.example.com"]});
        assert_eq!(
            last(&server).await,
            ("POST".to_owned(), all, "application/json".to_owned(), body)
        );

        let patch = RulePatch {
            decision: Some(Decision::Deny),
            ..RulePatch::default()
        };
        assert_eq!(
            writer.update_rule(&p(), &r(), &patch).await.unwrap().new.id,
            r()
        );
        let body = json!({"decision": "deny"});
        assert_eq!(
            last(&server).await,
            ("PATCH".to_owned(), one.clone(), media_type.to_owned(), body),
            "{profile}"
        );

        assert_eq!(writer.delete_rule(&p(), &r()).await.unwrap().id, r());
        assert_eq!(
            last(&server).await,
            ("DELETE".to_owned(), one, String::new(), Value::Null)
        );
    }
}

fn assert_not_sent<T: std::fmt::Debug>(result: Result<T, ApiError>) {
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotSent { .. }), "{error}");
    assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
}

#[tokio::test]
async fn what_a_profile_does_not_have_is_not_sent() {
    let (server, seed) = writer(Profile::Seed).await;
    let rename = PolicyPatch {
        name: Some(name("q")),
        ..PolicyPatch::default()
    };
    assert_not_sent(seed.update_policy(&p(), &rename).await);
    assert_not_sent(seed.delete_policy(&p()).await);
    assert_not_sent(seed.create_rule(&p(), &http_rule()).await);
    assert_eq!(requests(&server).await, 0);

    let (server, middle) = writer(Profile::Intermediate).await;
    assert_not_sent(middle.create_rule(&p(), &http_rule()).await);
    let cedar = Cedar {
        text: String::new(),
        schema_url: String::new(),
    };
    let new = |scope, cedar| NewPolicy {
        extensions: model::docker::Extensions::default(),
        name: name("p"),
        scope,
        cedar,
    };
    assert_not_sent(
        middle
            .create_policy(&new(Scope::default(), Some(cedar)))
            .await,
    );
    let scope = Scope {
        profiles: ["security".to_owned()].into(),
        ..Scope::default()
    };
    assert_not_sent(middle.create_policy(&new(scope, None)).await);
    assert_not_sent(middle.update_policy(&p(), &PolicyPatch::default()).await);
    assert_not_sent(middle.update_rule(&p(), &r(), &RulePatch::default()).await);
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn an_id_that_leads_elsewhere_is_not_sent() {
    let (server, writer) = writer(Profile::Current).await;
    for id in ["..", "a/../../x", "a/b", "", "%2e%2e", "x\u{1b}[2J"] {
        assert_not_sent(writer.delete_policy(&PolicyId::new(id)).await);
        assert_not_sent(writer.delete_rule(&p(), &RuleId::new(id)).await);
        let error = writer.delete_policy(&PolicyId::new(id)).await.unwrap_err();
        assert!(
            !error.to_string().chars().any(char::is_control),
            "{error:?}"
        );
    }
    assert!(
        server
            .received_requests()
            .await
            .unwrap()
            .iter()
            .all(|request| request.url.path() == "/v2/auth/token")
    );
}

#[tokio::test]
async fn a_write_with_an_old_token_is_sent_again_with_a_new_one() {
    let (server, writer) = writer(Profile::Current).await;
    let one = format!("{POLICIES}/pol_1/rules/rule_1");
    let refusal =
        ResponseTemplate::new(401).set_body_json(error("unauthenticated", "unauthenticated"));
    Mock::given(path(one.as_str()))
        .respond_with(refusal)
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&server)
        .await;
    answers(
        &server,
        "DELETE",
        &one,
        200,
        json!({"deleted": rule("rule_1")}),
    )
    .await;
    assert_eq!(writer.delete_rule(&p(), &r()).await.unwrap().id, r());
    assert_eq!(
        (
            asked(&server, "/v2/auth/token").await,
            asked(&server, &one).await
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_conflict_was_not_applied_and_says_so() {
    let (server, writer) = writer(Profile::Current).await;
    let all = format!("{POLICIES}/pol_1/rules");
    answers(
        &server,
        "POST",
        &all,
        409,
        error("conflict", "rule name already in use"),
    )
    .await;
    let error = writer.create_rule(&p(), &network_rule()).await.unwrap_err();
    assert_eq!(
        (error.status(), error.code(), error.outcome()),
        (Some(409), Some("conflict"), FailedCallOutcome::NotApplied)
    );
    assert!(
        error
            .to_string()
            .starts_with("createRule of rule `r` of policy pol_1 at 127.0.0.1:"),
        "{error}"
    );
}

/// The outcome of an update and a deletion that are answered with this.
async fn outcomes(answer: Value) -> [FailedCallOutcome; 2] {
    let (server, writer): (MockServer, DockerWriter) = writer(Profile::Current).await;
    let one = format!("{POLICIES}/pol_1/rules/rule_1");
    answers(&server, "PATCH", &one, 200, answer.clone()).await;
    answers(&server, "DELETE", &one, 200, answer).await;
    let patch = RulePatch {
        decision: Some(Decision::Deny),
        ..RulePatch::default()
    };
    let update = writer.update_rule(&p(), &r(), &patch).await.unwrap_err();
    let delete = writer.delete_rule(&p(), &r()).await.unwrap_err();
    assert!(
        matches!(update.kind(), ErrorKind::Malformed { .. }),
        "{update}"
    );
    [update.outcome(), delete.outcome()]
}

#[tokio::test]
async fn an_answer_that_is_not_understood_leaves_the_outcome_unknown() {
    let other = rule("rule_2");
    for answer in [
        json!({}),
        json!([]),
        json!({"old": rule("rule_1"), "new": null, "deleted": null}),
        json!({"old": other, "new": other, "deleted": other}),
    ] {
        assert_eq!(
            outcomes(answer.clone()).await,
            [FailedCallOutcome::Unknown; 2],
            "{answer}"
        );
    }
}
