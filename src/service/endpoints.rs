//! Where services are, as the command line and the environment say.

use std::env::VarError;

use thiserror::Error;

use super::connect::{ConnectError, ServiceInfo};
use http::EndpointChoice;
use http::EndpointError;
use manifest::config::Provider;

#[derive(Debug, Error)]
enum EndpointArgumentError {
    #[error("expected PROVIDER=URL or PROVIDER=embedded, for example docker=embedded")]
    Form,
    #[error("unknown provider before `=`; expected docker, pulumi or chainloop")]
    Provider,
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

fn parse(text: &str) -> Result<(Provider, EndpointChoice), EndpointArgumentError> {
    let (provider, choice) = text.split_once('=').ok_or(EndpointArgumentError::Form)?;
    let provider = Provider::ALL
        .iter()
        .find(|known| known.as_str() == provider);
    Ok((
        *provider.ok_or(EndpointArgumentError::Provider)?,
        choice.parse()?,
    ))
}

/// What an endpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSource {
    /// The option `--endpoint`.
    Option,
    /// This environment variable.
    Variable(&'static str),
    /// The public service.
    Default,
}

/// The last `--endpoint PROVIDER=…`, else the variable of the provider, else its public service.
///
/// # Errors
/// One of them cannot be used.
pub(super) fn choice(
    given: &[String],
    service: &ServiceInfo,
) -> Result<EndpointChoice, ConnectError> {
    sourced_choice(given, service).map(|(choice, _)| choice)
}

/// Like [`choice`], with its source.
///
/// # Errors
/// As for `choice`.
pub(super) fn sourced_choice(
    given: &[String],
    service: &ServiceInfo,
) -> Result<(EndpointChoice, EndpointSource), ConnectError> {
    let given: Result<Vec<_>, _> = given.iter().map(|text| parse(text)).collect();
    let given = given.map_err(|error| ConnectError::Choice {
        what: "--endpoint",
        cause: error.into(),
    })?;
    let chosen = given.into_iter().rev();
    if let Some((_, choice)) = chosen
        .into_iter()
        .find(|(provider, _)| *provider == service.provider)
    {
        return Ok((choice, EndpointSource::Option));
    }
    let variable = service.endpoint_variable;
    let unusable = |cause| ConnectError::Choice {
        what: variable,
        cause,
    };
    match std::env::var(variable) {
        Ok(text) if !text.trim().is_empty() => {
            let parsed: Result<_, EndpointError> = text.trim().parse();
            let choice = parsed.map_err(|error| unusable(error.into()))?;
            Ok((choice, EndpointSource::Variable(variable)))
        }
        Ok(_) | Err(VarError::NotPresent) => Ok((EndpointChoice::Default, EndpointSource::Default)),
        Err(error) => Err(unusable(error.into())),
    }
}
