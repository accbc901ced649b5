//! The organization's teams (Hub API: `GET /v2/orgs/{org}/groups`).

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use http::json::{DecodeError, ROOT, decode, id};
use http::{Endpoint, ErrorKind};
use model::docker::{Team, TeamId};

/// More pages than any organization fills.
pub(super) const MOST_PAGES: usize = 1_000;

/// A query that asks for a page.
pub(super) type PageQuery = Vec<(String, String)>;

/// One page of teams.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TeamPage {
    pub(super) teams: Vec<Team>,
    /// How many there are in all, where the server says it.
    pub(super) count: Option<u64>,
    /// The query of the next page; none on the last.
    pub(super) next: Option<PageQuery>,
}

/// Asks for the first page.
pub(super) fn first() -> PageQuery {
    vec![("page_size".to_owned(), "100".to_owned())]
}

#[derive(Deserialize)]
struct TeamsPageAnswer<'v> {
    #[serde(borrow)]
    results: Vec<TeamAnswer<'v>>,
    next: Option<&'v str>,
    #[serde(default)]
    count: Value,
}

#[derive(Deserialize)]
struct TeamAnswer<'v> {
    #[serde(deserialize_with = "id")]
    uuid: &'v str,
    name: String,
}

/// Decodes `{count, next, previous, results: [{uuid, name, …}]}`. Of `next`, a URL, only the query is taken: where
/// requests go is not for the server to say.
pub(super) fn page(answer: &Value, endpoint: &Endpoint) -> Result<TeamPage, ErrorKind> {
    let page: TeamsPageAnswer<'_> = decode(answer, ROOT)?;
    let query = |next| {
        query_of(next, endpoint)
            .ok_or_else(|| DecodeError::new("$.next", "a URL with a query or null, found a string"))
    };
    let team = |team: TeamAnswer<'_>| Team {
        id: TeamId::new(team.uuid),
        name: team.name,
    };
    Ok(TeamPage {
        teams: page.results.into_iter().map(team).collect(),
        count: page.count.as_u64(),
        next: page.next.map(query).transpose()?,
    })
}

fn query_of(next: &str, endpoint: &Endpoint) -> Option<PageQuery> {
    let url = Url::parse(&endpoint.to_string())
        .and_then(|base| base.join(next))
        .ok()?;
    let query: PageQuery = url.query_pairs().into_owned().collect();
    (!query.is_empty()).then_some(query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::hostile;

    #[test]
    fn pages_are_read_and_foreign_hosts_ignored() {
        let endpoint: Endpoint = "https://hub.example.com/v2".parse().unwrap();
        let read = |next: Value| {
            let results = json!([{"id": 1, "uuid": "u-1", "name": "security", "description": ""}]);
            page(
                &json!({"count": 1, "next": next, "previous": null, "results": results}),
                &endpoint,
            )
        };
        let team = Team {
            id: TeamId::new("u-1"),
            name: "security".to_owned(),
        };
        assert_eq!(
            read(Value::Null).unwrap(),
            TeamPage {
                teams: vec![team],
                count: Some(1),
                next: None
            }
        );
        for next in [
            "https://evil.example.com/x?page=2",
            "/v2/orgs/o/groups?page=2",
            "?page=2",
        ] {
            assert_eq!(
                read(json!(next)).unwrap().next,
                Some(vec![("page".to_owned(), "2".to_owned())]),
                "{next}"
            );
        }
        for next in [json!(7), json!("https://hub.example.com/x"), json!("")] {
            assert!(read(next).is_err());
        }
        assert!(page(&json!([]), &endpoint).is_err());
        assert!(page(&json!({"results": [{"name": "no uuid"}]}), &endpoint).is_err());
    }

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let endpoint: Endpoint = "https://hub.example.com/v2".parse().unwrap();
        let team = json!({"id": 1, "uuid": "u-1", "name": "security"});
        let answer = json!({"count": 2, "next": "?page=2", "results": [team]});
        hostile::check(&answer, |answer| page(answer, &endpoint));
    }
}
