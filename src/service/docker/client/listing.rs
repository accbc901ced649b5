//! The three shapes of the list of policies.

use std::collections::HashSet;

use serde_json::Value;

use super::wire::SummaryAnswer;
use http::ErrorKind;
use http::json::{DecodeError, ROOT, decode, present, required};
use model::docker::{PolicyId, PolicySummary, Profile};

/// The page size of requests, which is the maximum of the service (contract: `page_size`).
const PAGE_SIZE: usize = 100;
/// More pages than any organization fills: a server that goes on is at fault.
const MOST_PAGES: usize = 1_000;

/// One page of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PolicyPage {
    pub(super) policies: Vec<PolicySummary>,
    /// The cursor of the next page; none on the last.
    pub(super) next: Option<String>,
}

/// The query that asks for a page.
pub(super) fn query(profile: Profile, cursor: Option<&str>) -> Vec<(String, String)> {
    match profile {
        Profile::Seed | Profile::Intermediate => Vec::new(),
        Profile::Current => {
            let size = ("page_size".to_owned(), PAGE_SIZE.to_string());
            let cursor = cursor.map(|cursor| ("page_token".to_owned(), cursor.to_owned()));
            std::iter::once(size).chain(cursor).collect()
        }
    }
}

/// Decodes a page in the shape of the profile: a bare list, `{data}`, or `{data, next_page_token}` with both always there.
pub(super) fn page(answer: &Value, profile: Profile) -> Result<PolicyPage, ErrorKind> {
    let next = match profile {
        Profile::Seed => None,
        Profile::Intermediate if present(answer, "next_page_token").is_some() => {
            let why = "the server lists in pages, which profile `intermediate` does not have";
            return Err(ErrorKind::Incomplete {
                why: why.to_owned(),
            });
        }
        Profile::Intermediate => None,
        Profile::Current => {
            let at = "$.next_page_token";
            let next: Option<String> = decode(required(answer, ROOT, "next_page_token")?, at)?;
            if next.as_ref().is_some_and(String::is_empty) {
                return Err(DecodeError::new(at, "a cursor or null, found a string").into());
            }
            next
        }
    };
    let policies: Vec<SummaryAnswer<'_>> = match profile {
        Profile::Seed => decode(answer, ROOT)?,
        Profile::Intermediate | Profile::Current => {
            decode(required(answer, ROOT, "data")?, "$.data")?
        }
    };
    Ok(PolicyPage {
        policies: policies.into_iter().map(PolicySummary::from).collect(),
        next,
    })
}

/// Watches over a listing while its pages come in.
#[derive(Default)]
pub(super) struct ListingState {
    pages: usize,
    cursors: HashSet<String>,
    ids: HashSet<PolicyId>,
}

impl ListingState {
    /// Takes the next page.
    ///
    /// # Errors
    /// An id that came before, a cursor that came before, or pages without end: the list cannot be trusted.
    pub(super) fn accept(&mut self, page: &PolicyPage) -> Result<(), ErrorKind> {
        let incomplete = |why: &str| {
            Err(ErrorKind::Incomplete {
                why: why.to_owned(),
            })
        };
        self.pages += 1;
        if self.pages > MOST_PAGES {
            return incomplete("it has no end");
        }
        if page
            .policies
            .iter()
            .any(|policy| !self.ids.insert(policy.id.clone()))
        {
            return incomplete("duplicate policy in the list");
        }
        if page
            .next
            .as_ref()
            .is_some_and(|cursor| !self.cursors.insert(cursor.clone()))
        {
            return incomplete("a page links to an earlier page");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::hostile;

    fn element(id: &str) -> Value {
        json!({"id": id, "name": "n", "org": "o", "scope": {}, "created_at": "", "updated_at": "", "type": "allowlist_v0"})
    }

    #[test]
    fn each_profile_has_its_shape_and_no_other() {
        let list = json!([element("a")]);
        let data = json!({"data": [element("a")]});
        let last = json!({"data": [element("a")], "next_page_token": null});
        let more = json!({"data": [element("a")], "next_page_token": "c"});
        let empty = json!({"data": [element("a")], "next_page_token": ""});
        let none = json!({"next_page_token": null});
        for (answer, seed, intermediate, current) in [
            (&list, true, false, false),
            (&data, false, true, false),
            (&last, false, true, true),
            (&more, false, false, true),
            (&empty, false, false, false),
            (&none, false, false, false),
            (&json!(null), false, false, false),
            (&json!({}), false, false, false),
        ] {
            assert_eq!(page(answer, Profile::Seed).is_ok(), seed, "{answer}");
            assert_eq!(
                page(answer, Profile::Intermediate).is_ok(),
                intermediate,
                "{answer}"
            );
            assert_eq!(page(answer, Profile::Current).is_ok(), current, "{answer}");
        }
    }

    #[test]
    fn an_element_that_cannot_be_read_fails_the_page() {
        let broken = json!([element("a"), {"id": "b", "name": 7, "type": "allowlist_v0"}]);
        let error = page(&broken, Profile::Seed).unwrap_err();
        assert_eq!(
            error,
            ErrorKind::Malformed {
                at: "$[1].name".to_owned(),
                expected: "a string, found a number".to_owned()
            }
        );
        for id in ["../x", "", "a/b", "a\u{0}", "%2e"] {
            assert!(page(&json!([element(id)]), Profile::Seed).is_err(), "{id}");
        }
    }

    #[test]
    fn hostile_text_is_not_repeated_in_errors() {
        let list = json!([element("a"), element("b")]);
        hostile::check(&list, |answer| page(answer, Profile::Seed));
        let data = json!({"data": list});
        hostile::check(&data, |answer| page(answer, Profile::Intermediate));
        for next in [json!(null), json!("c")] {
            let answer = json!({"data": list, "next_page_token": next});
            hostile::check(&answer, |answer| page(answer, Profile::Current));
        }
    }

    #[test]
    fn repetition_and_endlessness_are_found() {
        let page = |id: &str, next: Option<&str>| {
            page(
                &json!({"data": [element(id)], "next_page_token": next}),
                Profile::Current,
            )
            .unwrap()
        };
        let mut list = ListingState::default();
        assert!(list.accept(&page("a", Some("1"))).is_ok());
        assert!(list.accept(&page("a", Some("2"))).is_err());
        let mut list = ListingState::default();
        assert!(list.accept(&page("a", Some("1"))).is_ok());
        assert!(list.accept(&page("b", Some("1"))).is_err());
        let mut list = ListingState::default();
        let accepted = (0..).take_while(|n| {
            list.accept(&page(&format!("p{n}"), Some(&n.to_string())))
                .is_ok()
        });
        assert_eq!(accepted.count(), MOST_PAGES);
    }
}
