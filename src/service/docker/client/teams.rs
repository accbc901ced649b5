//! The organization's teams (Hub API: `GET /v2/orgs/{org}/groups`).

use reqwest::Url;
use serde_json::Value;

use http::json::{At, Object};
use http::{Endpoint, ErrorKind};
use model::docker::{Team, TeamId};

/// More pages than any organization fills.
pub(super) const MOST_PAGES: usize = 1_000;

/// A query that asks for a page.
pub(super) type Query = Vec<(String, String)>;

/// One page of teams.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) teams: Vec<Team>,
    /// How many there are in all, where the server says it.
    pub(super) count: Option<u64>,
    /// The query of the next page; none on the last.
    pub(super) next: Option<Query>,
}

/// Asks for the first page.
pub(super) fn first() -> Query {
    vec![("page_size".to_owned(), "100".to_owned())]
}

/// Reads `{count, next, previous, results: [{uuid, name, …}]}`. Of `next`, a URL, only the query is taken: where
/// requests go is not for the server to say.
pub(super) fn page(answer: &Value, endpoint: &Endpoint) -> Result<Page, ErrorKind> {
    let object = Object::new(answer, At::ROOT)?;
    let results = At::ROOT.key("results");
    let mut teams = Vec::new();
    for (index, value) in object.list("results")?.iter().enumerate() {
        let at = results.index(index);
        let team = Object::new(value, at)?;
        teams.push(Team {
            id: TeamId::new(team.id("uuid")?),
            name: team.text("name")?.to_owned(),
        });
    }
    let next = match object.present("next") {
        None => None,
        Some(next) => {
            let query = next.as_str().and_then(|next| query_of(next, endpoint));
            Some(query.ok_or_else(|| object.mismatch("next", "a URL with a query or null"))?)
        }
    };
    Ok(Page {
        teams,
        count: object.present("count").and_then(Value::as_u64),
        next,
    })
}

fn query_of(next: &str, endpoint: &Endpoint) -> Option<Query> {
    let url = Url::parse(&endpoint.to_string())
        .and_then(|base| base.join(next))
        .ok()?;
    let query: Query = url.query_pairs().into_owned().collect();
    (!query.is_empty()).then_some(query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            Page {
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
}
