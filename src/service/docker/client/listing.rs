//! The three shapes of the list of policies.

use std::collections::HashSet;

use serde_json::Value;

use super::wire::summary;
use http::ErrorKind;
use http::json::{At, DecodeError, Object};
use model::docker::{PolicyId, PolicySummary, Profile};

/// How many elements are asked for a page; the service gives no more (contract: `page_size`).
const PAGE_SIZE: usize = 100;
/// More pages than any organization fills: a server that goes on is at fault.
const MOST_PAGES: usize = 1_000;

/// One page of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
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

/// Reads a page in the shape of the profile: a bare list, `{data}`, or `{data, next_page_token}` with both always there.
pub(super) fn page(answer: &Value, profile: Profile) -> Result<Page, ErrorKind> {
    let (list, at, next) = match profile {
        Profile::Seed => {
            let list = answer.as_array().ok_or_else(|| DecodeError {
                at: At::ROOT.to_string(),
                expected: "a list, as profile `seed` has it".to_owned(),
            })?;
            (list.as_slice(), At::ROOT, None)
        }
        Profile::Intermediate => {
            let object = Object::new(answer, At::ROOT)?;
            if object.present("next_page_token").is_some() {
                let why = "the server lists in pages, which profile `intermediate` does not have"
                    .to_owned();
                return Err(ErrorKind::Incomplete { why });
            }
            (object.list("data")?, At::ROOT.key("data"), None)
        }
        Profile::Current => {
            let object = Object::new(answer, At::ROOT)?;
            let next = match object.get("next_page_token") {
                Some(Value::Null) => None,
                Some(Value::String(cursor)) if !cursor.is_empty() => Some(cursor.clone()),
                _ => {
                    return Err(object
                        .mismatch("next_page_token", "a cursor text or null")
                        .into());
                }
            };
            (object.list("data")?, At::ROOT.key("data"), next)
        }
    };
    let policies = list
        .iter()
        .enumerate()
        .map(|(index, value)| summary(value, at.index(index)));
    Ok(Page {
        policies: policies.collect::<Result<_, _>>()?,
        next,
    })
}

/// Watches over a listing while its pages come in.
#[derive(Default)]
pub(super) struct Progression {
    pages: usize,
    cursors: HashSet<String>,
    ids: HashSet<PolicyId>,
}

impl Progression {
    /// Takes the next page.
    ///
    /// # Errors
    /// An id that came before, a cursor that came before, or pages without end: the list cannot be trusted.
    pub(super) fn accept(&mut self, page: &Page) -> Result<(), ErrorKind> {
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
            return incomplete("a policy is listed twice");
        }
        if page
            .next
            .as_ref()
            .is_some_and(|cursor| !self.cursors.insert(cursor.clone()))
        {
            return incomplete("a page leads back to one that was read before");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
                expected: "a text, found a number".to_owned()
            }
        );
        for id in ["../x", "", "a/b", "a\u{0}", "%2e"] {
            assert!(page(&json!([element(id)]), Profile::Seed).is_err(), "{id}");
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
        let mut list = Progression::default();
        assert!(list.accept(&page("a", Some("1"))).is_ok());
        assert!(list.accept(&page("a", Some("2"))).is_err());
        let mut list = Progression::default();
        assert!(list.accept(&page("a", Some("1"))).is_ok());
        assert!(list.accept(&page("b", Some("1"))).is_err());
        let mut list = Progression::default();
        let accepted = (0..).take_while(|n| {
            list.accept(&page(&format!("p{n}"), Some(&n.to_string())))
                .is_ok()
        });
        assert_eq!(accepted.count(), MOST_PAGES);
    }
}
