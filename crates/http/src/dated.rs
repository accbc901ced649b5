//! Answers with the server's clock.

use jiff::Timestamp;

/// What a server answered, and when by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<T> {
    /// What it answered.
    pub what: T,
    /// The `Date` of its answer, if it gave one that can be read.
    pub date: Option<Timestamp>,
}

impl<T> Dated<T> {
    /// The same date on something else.
    pub fn map<U>(self, other: impl FnOnce(T) -> U) -> Dated<U> {
        Dated {
            what: other(self.what),
            date: self.date,
        }
    }
}

impl<T> std::ops::Deref for Dated<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.what
    }
}
