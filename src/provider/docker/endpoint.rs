//! Which server is meant.

use std::str::FromStr;

use crate::provider::http::{Endpoint, EndpointError};

/// Where the service is when nobody says otherwise (contract: `servers`; `/v2` is appended by the connection).
pub const DEFAULT_ENDPOINT: &str = "https://hub.docker.com";
/// The variable that holds another endpoint, in the form of [`EndpointChoice`].
pub const ENDPOINT_VARIABLE: &str = "POLWARDEN_DOCKER_ENDPOINT";

/// What follows `docker=` in `--endpoint`: nothing, a URL, or `embedded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointChoice {
    /// [`DEFAULT_ENDPOINT`].
    #[default]
    Default,
    /// This server: scheme, host, port and path prefix, with or without `/v2`.
    Url(Endpoint),
    /// The embedded service. Whoever starts it gives its URL.
    Embedded,
}

impl EndpointChoice {
    /// The endpoint to speak to; nothing for the embedded service.
    ///
    /// # Errors
    /// None in practice: the default is a valid endpoint, which a test shows.
    pub fn endpoint(&self) -> Result<Option<Endpoint>, EndpointError> {
        match self {
            Self::Default => DEFAULT_ENDPOINT.parse().map(Some),
            Self::Url(endpoint) => Ok(Some(endpoint.clone())),
            Self::Embedded => Ok(None),
        }
    }
}

impl FromStr for EndpointChoice {
    type Err = EndpointError;
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text {
            "embedded" => Ok(Self::Embedded),
            url => url.parse().map(Self::Url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_parsed() {
        assert_eq!("embedded".parse(), Ok(EndpointChoice::Embedded));
        let choice: EndpointChoice = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!(choice.endpoint().unwrap().unwrap().to_string(), "http://127.0.0.1:8080");
        let default = EndpointChoice::default().endpoint().unwrap().unwrap();
        assert_eq!(default.under("v2").to_string(), "https://hub.docker.com/v2");
        assert_eq!(EndpointChoice::Embedded.endpoint(), Ok(None));
        for bad in ["", "Embedded", "hub.docker.com", "http://hub.docker.com"] {
            assert!(bad.parse::<EndpointChoice>().is_err(), "{bad}");
        }
    }
}
