//! Where services are, as the command line and the environment say.

use std::str::FromStr;

use anyhow::Context as _;

use crate::service::chainloop::client as chainloop;
use crate::service::docker::client as docker;
use crate::service::pulumi::client as pulumi;
use http::EndpointChoice;
use http::EndpointError;
use manifest::config::Provider;

#[derive(Debug, Clone)]
struct EndpointArgument {
    provider: Provider,
    choice: EndpointChoice,
}

#[derive(Debug, thiserror::Error)]
enum EndpointArgumentError {
    #[error("expected PROVIDER=URL or PROVIDER=embedded, for example docker=embedded")]
    Form,
    #[error(
        "what stands before `=` is not a provider; this version knows docker, pulumi and chainloop"
    )]
    Provider,
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl FromStr for EndpointArgument {
    type Err = EndpointArgumentError;
    fn from_str(text: &str) -> Result<Self, EndpointArgumentError> {
        let (provider, choice) = text.split_once('=').ok_or(EndpointArgumentError::Form)?;
        let provider = Provider::ALL
            .iter()
            .find(|known| known.as_str() == provider);
        Ok(Self {
            provider: *provider.ok_or(EndpointArgumentError::Provider)?,
            choice: choice.parse()?,
        })
    }
}

/// The last `--endpoint PROVIDER=…`, else the variable of the provider, else its public service.
///
/// # Errors
/// One of them cannot be used.
pub(super) fn choice(given: &[String], provider: Provider) -> anyhow::Result<EndpointChoice> {
    let given: Result<Vec<EndpointArgument>, _> = given.iter().map(|text| text.parse()).collect();
    let given = given.context("--endpoint cannot be used")?;
    if let Some(argument) = given
        .into_iter()
        .rev()
        .find(|argument| argument.provider == provider)
    {
        return Ok(argument.choice);
    }
    let variable = match provider {
        Provider::Docker => docker::ENDPOINT_VARIABLE,
        Provider::Pulumi => pulumi::ENDPOINT_VARIABLE,
        Provider::Chainloop => chainloop::ENDPOINT_VARIABLE,
    };
    match std::env::var(variable) {
        Ok(text) if !text.trim().is_empty() => text
            .trim()
            .parse()
            .with_context(|| format!("{variable} cannot be used")),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(EndpointChoice::Default),
        Err(error) => Err(error).with_context(|| format!("{variable} cannot be used")),
    }
}
