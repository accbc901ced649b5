//! The types of a fault, and the traits that a service implements for them.

use std::fmt::{Debug, Display};
use std::time::Duration;

use axum::http::StatusCode;

use super::error::FaultError;
use super::select::RequestSelection;
use super::value::FaultArgument;

/// The operations of a service, by their names in its contract.
pub trait OperationName: Copy + Ord + Debug + Display + Send + Sync + 'static {
    /// An operation's name for messages.
    const EXAMPLE: &'static str;

    fn all() -> &'static [Self];

    fn as_str(self) -> &'static str;

    fn access(self) -> Access;
}

/// How an operation uses the service's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It reads the state.
    Read,
    /// It may change the state.
    Write,
    /// Neither, like a sign-in.
    Neither,
}

/// The changes that another client can make. If the object does not exist, nothing changes and the
/// fault waits for the next request.
pub trait Interference: Clone + PartialEq + Debug + Display + Send + Sync + 'static {
    /// The names of all changes, for example `add-policy`.
    const WORDS: &'static [&'static str];
    /// A summary for messages.
    const IN_SHORT: &'static str;

    /// Parses a change; `word` is one of `WORDS`.
    ///
    /// # Errors
    /// The value does not fit the change.
    fn read(word: &'static str, value: FaultArgument) -> Result<Self, FaultError>;
}

/// A fault. Its text form is the argument of `--fault`: `after-500@write:3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault<O, C> {
    /// What goes wrong.
    pub kind: FaultKind<C>,
    /// The requests it applies to.
    pub at: RequestSelection<O>,
}

/// Whether the service performs the request before the fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultTiming {
    /// The service does not perform the request.
    Before,
    /// The service performs the request and stores the result first.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind<C> {
    /// The answer is an error.
    Answer {
        when: FaultTiming,
        /// The status of the answer.
        status: ErrorStatus,
        /// The header `Retry-After` in seconds.
        retry_after: Option<u32>,
    },
    /// The connection is reset without an answer.
    Reset(FaultTiming),
    /// No answer arrives until the client or the emulator gives up.
    Hang(FaultTiming),
    /// The emulator stops for good: it resets all connections and closes its listeners.
    Crash(FaultTiming),
    /// The answer is 200 with a body that is not JSON.
    Undecodable(FaultTiming),
    /// The request is performed, and the connection closes after half of the answer's body.
    Truncated,
    /// The request is delayed.
    Delay(Duration),
    /// All tokens are revoked: this request and later ones need a new sign-in.
    RevokeTokens,
    /// Another client changes the state just before the request is served.
    OtherWriter(C),
}

/// How a fault ends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestEnding {
    /// With an error.
    Answer {
        status: ErrorStatus,
        retry_after: Option<u32>,
    },
    /// With a body that is not JSON.
    Undecodable,
    /// With an answer that is not delivered completely.
    Broken(Delivery),
}

/// The delivery of an answer that does not arrive completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The connection is reset instead.
    Reset,
    /// Nothing is sent.
    Hang,
    /// The emulator crashes instead.
    Crash,
    /// Half of the body is sent.
    Truncated,
}

impl<C> FaultKind<C> {
    /// How the fault ends its request, if it does. At most one such fault applies to a request.
    pub(crate) fn ending(&self) -> Option<(FaultTiming, RequestEnding)> {
        match *self {
            Self::Answer {
                when,
                status,
                retry_after,
            } => Some((
                when,
                RequestEnding::Answer {
                    status,
                    retry_after,
                },
            )),
            Self::Reset(when) => Some((when, RequestEnding::Broken(Delivery::Reset))),
            Self::Hang(when) => Some((when, RequestEnding::Broken(Delivery::Hang))),
            Self::Crash(when) => Some((when, RequestEnding::Broken(Delivery::Crash))),
            Self::Undecodable(when) => Some((when, RequestEnding::Undecodable)),
            Self::Truncated => Some((
                FaultTiming::After,
                RequestEnding::Broken(Delivery::Truncated),
            )),
            Self::Delay(_) | Self::RevokeTokens | Self::OtherWriter(_) => None,
        }
    }
}

/// The status of an error: 400 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorStatus(StatusCode);

impl ErrorStatus {
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
