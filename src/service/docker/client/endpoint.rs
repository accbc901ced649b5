//! Where the service is.

/// Where the service is when nobody says otherwise (contract: `servers`; `/v2` is appended by the connection).
pub const DEFAULT_ENDPOINT: &str = "https://hub.docker.com";
/// The variable that holds another endpoint, in the form of [`EndpointChoice`](http::EndpointChoice).
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_DOCKER_ENDPOINT";
