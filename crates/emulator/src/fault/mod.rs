//! Faults: what goes wrong, and for which requests.
//!
//! [`Fault`] describes a fault; its text form is the argument of `--fault` (`parse` reads it,
//! `show` writes it). `ActiveFaults` counts requests and decides which faults apply to a request. The
//! module `http` carries them out.
//!
//! All services share this module. A service adds the names of its operations ([`OperationName`])
//! and the changes that another client can make ([`Interference`]).

mod active;
mod error;
mod kind;
mod parse;
mod select;
mod show;
mod value;

pub use error::FaultError;
pub use kind::{Access, ErrorStatus, Fault, FaultKind, FaultTiming, Interference, OperationName};
pub use select::{Chance, OrdinalRange, Probability, RequestClass, RequestSelection};
pub use value::{FaultArgument, ObjectChoice};

pub(crate) use active::{ActiveFaults, ArrivedRequest};
pub(crate) use kind::{Delivery, RequestEnding};
pub(crate) use value::show_pair;
