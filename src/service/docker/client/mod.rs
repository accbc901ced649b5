//! The Docker AI Governance API: sign-in, reader and writer for its three published shapes
//! ([`Profile`](model::docker::Profile)).
//!
//! A [`DockerReader`] has no method that writes, so code that has only a reader cannot change anything. A read either
//! succeeds completely or fails: no error is treated as an absent object.

mod connection;
mod credentials;
mod listing;
mod operations;
mod reader;
mod session;
mod teams;
mod token;
mod wire;
mod writer;

pub use connection::{DEFAULT_ENDPOINT, DockerConnection, ENDPOINT_VARIABLE};
pub use credentials::{
    DockerCredentials, DockerCredentialsError, IDENTIFIER_VARIABLE, SECRET_VARIABLE,
    TOKEN_VARIABLE, credentials_from,
};
pub use http::EndpointChoice;
pub use http::{OrganizationName, OrganizationNameError};
pub use operations::OPERATIONS;
pub use reader::DockerReader;
pub use writer::DockerWriter;
