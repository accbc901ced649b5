//! What a fault is, and what a service says about its operations and changes.

use std::fmt::{Debug, Display};
use std::time::Duration;

use axum::http::StatusCode;

use super::error::FaultError;
use super::select::Selection;
use super::value::Value;

/// The operations of a service, by their names in its contract.
pub trait OperationName: Copy + Ord + Debug + Display + Send + Sync + 'static {
    /// One of the names, for messages.
    const EXAMPLE: &'static str;

    /// All operations.
    fn all() -> &'static [Self];

    /// The name.
    fn as_str(self) -> &'static str;

    /// What the operation is to what the service holds.
    fn access(self) -> Access;
}

/// What an operation is to what a service holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It may change.
    Write,
    /// Neither: a sign-in.
    Neither,
}

/// What another writer can do to what a service holds. An object that is not there is left alone, and the fault waits
/// for the next request.
pub trait Change: Clone + PartialEq + Debug + Display + Send + Sync + 'static {
    /// The words of all changes, such as `add-policy`.
    const WORDS: &'static [&'static str];
    /// The same in short, for messages.
    const IN_SHORT: &'static str;

    /// Reads a change; `word` is one of `WORDS`.
    ///
    /// # Errors
    /// The value does not fit the change.
    fn read(word: &'static str, value: Value) -> Result<Self, FaultError>;
}

/// Something that goes wrong on purpose. Its text form is the argument of `--fault`: `after-500@write:3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault<O, C> {
    /// What goes wrong.
    pub kind: FaultKind<C>,
    /// At which requests.
    pub at: Selection<O>,
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
pub enum FaultKind<C> {
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
    /// Another writer changes what the service holds just before the request is served.
    OtherWriter(C),
}

/// How a fault ends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an error.
    Answer {
        status: ErrorStatus,
        retry_after: Option<u32>,
    },
    /// With a text that is not JSON.
    Undecodable,
    /// With an answer that does not arrive as a whole.
    Broken(Delivery),
}

/// How an answer leaves that does not leave as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The connection is reset in its place.
    Reset,
    /// Not at all.
    Hang,
    /// The emulator ends in its place.
    Crash,
    /// Half of it.
    Truncated,
}

impl<C> FaultKind<C> {
    /// How the fault ends its request, if it does. One such fault strikes a request, and any number of others.
    pub(crate) fn ending(&self) -> Option<(When, Ending)> {
        match *self {
            Self::Answer {
                when,
                status,
                retry_after,
            } => Some((
                when,
                Ending::Answer {
                    status,
                    retry_after,
                },
            )),
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

    pub(crate) fn code(self) -> StatusCode {
        self.0
    }
}

impl TryFrom<u16> for ErrorStatus {
    type Error = FaultError;

    fn try_from(number: u16) -> Result<Self, FaultError> {
        let status = StatusCode::from_u16(number)
            .ok()
            .filter(|status| (400..600).contains(&status.as_u16()));
        status
            .map(Self)
            .ok_or_else(|| FaultError::Status(number.to_string()))
    }
}
