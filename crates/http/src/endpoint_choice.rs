//! The `--endpoint` option.

use std::str::FromStr;

use super::{Endpoint, EndpointError};

/// The value after `docker=`, `pulumi=` or `chainloop=` in `--endpoint`: a URL or `embedded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointChoice {
    /// No value: the public service.
    #[default]
    Default,
    /// A server by scheme, host, port and path prefix. For Docker, `/v2` is optional.
    Url(Endpoint),
    /// The embedded service. Its URL is known when it has started.
    Embedded,
}

impl EndpointChoice {
    /// The endpoint to connect to, or `None` for the embedded service. `default` is the URL of the
    /// public service.
    ///
    /// # Errors
    /// `default` is invalid. A test shows that the defaults of all services are valid.
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
