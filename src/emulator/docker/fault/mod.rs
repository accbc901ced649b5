//! Faults: what goes wrong, and at which requests.
//!
//! [`Fault`] is the description, with the grammar of `--fault` as its text form (`parse` reads it, `show` writes it).
//! [`Armed`] counts requests and says which faults a request meets; `other_writer` changes the state behind a client's
//! back. Spoiling the request itself is the work of `http`.

mod armed;
mod error;
mod other_writer;
mod parse;
mod select;
mod show;

use std::time::Duration;

use axum::http::StatusCode;

pub use error::FaultError;
pub use select::{Among, Chance, Probability, Range, Selection};

pub(super) use armed::{Armed, Arrival};
pub(super) use other_writer::{About, interfere};

/// Something that goes wrong on purpose. Its text form is the argument of `--fault`: `after-500@write:3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// At which requests.
    pub at: Selection,
}

/// Whether the service does what a request asks for before the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// The fault strikes first, and nothing is done.
    Before,
    /// It is done and stored, and then the fault strikes.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// An error is the answer.
    Answer {
        /// Before or after the work.
        when: When,
        /// The status of the answer.
        status: ErrorStatus,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The connection is reset, without an answer.
    Reset(When),
    /// No answer comes until the client or the emulator gives up.
    Hang(When),
    /// The emulator ends for good: all connections are reset and it listens no more.
    Crash(When),
    /// The answer is 200 with a text that is not JSON.
    Undecodable(When),
    /// The work is done, and the connection closes after half of the answer's body.
    Truncated,
    /// The request waits before anything else happens.
    Delay(Duration),
    /// All tokens are revoked: this request and those after it need a new sign-in.
    RevokeTokens,
    /// Another writer changes the organization just before the request is served.
    OtherWriter(Change),
}

/// How a fault ends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an error.
    Answer { status: ErrorStatus, retry_after: Option<u32> },
    /// With a text that is not JSON.
    Undecodable,
    /// With an answer that does not arrive as a whole.
    Broken(Delivery),
}

/// How an answer leaves that does not leave as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The connection is reset in its place.
    Reset,
    /// Not at all.
    Hang,
    /// The emulator ends in its place.
    Crash,
    /// Half of it.
    Truncated,
}

impl FaultKind {
    /// How the fault ends its request, if it does. One such fault strikes a request, and any number of others.
    pub(super) fn ending(&self) -> Option<(When, Ending)> {
        match *self {
            Self::Answer { when, status, retry_after } => Some((when, Ending::Answer { status, retry_after })),
            Self::Reset(when) => Some((when, Ending::Broken(Delivery::Reset))),
            Self::Hang(when) => Some((when, Ending::Broken(Delivery::Hang))),
            Self::Crash(when) => Some((when, Ending::Broken(Delivery::Crash))),
            Self::Undecodable(when) => Some((when, Ending::Undecodable)),
            Self::Truncated => Some((When::After, Ending::Broken(Delivery::Truncated))),
            Self::Delay(_) | Self::RevokeTokens | Self::OtherWriter(_) => None,
        }
    }
}

/// The status of an error: 400 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorStatus(StatusCode);

impl ErrorStatus {
    /// The number.
    pub fn get(self) -> u16 {
        self.0.as_u16()
    }

    pub(super) fn code(self) -> StatusCode {
        self.0
    }
}

impl TryFrom<u16> for ErrorStatus {
    type Error = FaultError;

    fn try_from(number: u16) -> Result<Self, FaultError> {
        let status = StatusCode::from_u16(number).ok().filter(|status| (400..600).contains(&status.as_u16()));
        status.map(Self).ok_or_else(|| FaultError::Status(number.to_string()))
    }
}

/// What another writer does. An object that is not there is left alone, and the fault waits for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Creates an empty policy of this name; `Any` gives it one of its own.
    AddPolicy(Which),
    /// Gives a policy another name.
    RenamePolicy(Which),
    /// Limits a policy to the organization's first team or, if it is limited to teams, lifts that.
    ChangePolicy(Which),
    /// Deletes a policy.
    DeletePolicy(Which),
    /// Adds a rule to a policy; `Any` gives it a name of its own.
    AddRule(WhichRule),
    /// Turns a rule's decision into the other one.
    ChangeRule(WhichRule),
    /// Deletes a rule.
    DeleteRule(WhichRule),
}

/// Which object another writer takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    /// The one that the request is about, or else the oldest.
    #[default]
    Any,
    /// The one of this name.
    Named(String),
}

impl Which {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(wanted) => wanted == name,
        }
    }
}

/// Which rule another writer takes, and in which policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichRule {
    /// The policy.
    pub policy: Which,
    /// The rule.
    pub rule: Which,
}
