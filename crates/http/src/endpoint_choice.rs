//! Which server is meant.

use std::str::FromStr;

use super::{Endpoint, EndpointError};

/// What follows `docker=`, `pulumi=` or `chainloop=` in `--endpoint`: nothing, a URL, or `embedded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointChoice {
    /// The public service.
    #[default]
    Default,
    /// This server: scheme, host, port and path prefix; Docker's with or without `/v2`.
    Url(Endpoint),
    /// The embedded service. Whoever starts it gives its URL.
    Embedded,
}

impl EndpointChoice {
    /// The endpoint to speak to, with `default` as that of the public service; nothing for the embedded service.
    ///
    /// # Errors
    /// The default is no endpoint; those of the services are, which a test shows.
    pub fn endpoint(&self, default: &str) -> Result<Option<Endpoint>, EndpointError> {
        match self {
            Self::Default => default.parse().map(Some),
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
    const CHAINLOOP: &str = "https://api.app.chainloop.dev";
    const DOCKER: &str = "https://hub.docker.com";
    const PULUMI: &str = "https://api.pulumi.com";

    #[test]
    fn choices_are_parsed() {
        assert_eq!("embedded".parse(), Ok(EndpointChoice::Embedded));
        let choice: EndpointChoice = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!(
            choice.endpoint(DOCKER).unwrap().unwrap().to_string(),
            "http://127.0.0.1:8080"
        );
        let default = EndpointChoice::default().endpoint(DOCKER).unwrap().unwrap();
        assert_eq!(default.under("v2").to_string(), "https://hub.docker.com/v2");
        let pulumi = EndpointChoice::default().endpoint(PULUMI).unwrap().unwrap();
        assert_eq!(pulumi.to_string(), "https://api.pulumi.com");
        let chainloop = EndpointChoice::default()
            .endpoint(CHAINLOOP)
            .unwrap()
            .unwrap();
        assert_eq!(chainloop.to_string(), "https://api.app.chainloop.dev");
        assert_eq!(EndpointChoice::Embedded.endpoint(DOCKER), Ok(None));
        for bad in ["", "Embedded", "hub.docker.com", "http://hub.docker.com"] {
            assert!(bad.parse::<EndpointChoice>().is_err(), "{bad}");
        }
    }
}
