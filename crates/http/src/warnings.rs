//! What servers warn of in the headers of good answers.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::header::HeaderMap;

use super::redact::Redactor;

/// The headers in which services warn.
const HEADERS: &[&str] = &["x-pulumi-warning"];
/// How many different texts are kept.
const MOST: usize = 20;

/// Warnings that nobody was told yet, each text once.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<BTreeSet<String>>);

impl Warnings {
    /// Keeps what an answer warns of.
    pub(super) fn hear(&self, headers: &HeaderMap, redactor: &Redactor) {
        for text in HEADERS
            .iter()
            .filter_map(|name| headers.get(*name)?.to_str().ok())
        {
            let text = redactor.clean(text);
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !text.is_empty() && kept.len() < MOST {
                kept.insert(text);
            }
        }
    }

    /// What was kept since this was asked last.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }
}
