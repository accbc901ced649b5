//! Connections to Chainloop.

use anyhow::{Context as _, bail};
use secrecy::SecretString;

use super::{Connect, Session, endpoints, organization, state_folder};

use crate::service::chainloop::client::{Connection, DEFAULT_ENDPOINT, Reader, Writer, token_from};
use http::HttpClient;
use http::Organization;
use manifest::config::{Provider, Target};

impl Session {
    pub(super) async fn open_chainloop(
        &mut self,
        arguments: &Connect,
        http: &HttpClient,
        targets: &[&Target],
    ) -> anyhow::Result<()> {
        let choice = endpoints::choice(&arguments.endpoints, Provider::Chainloop)?;
        let connection = match choice.endpoint(DEFAULT_ENDPOINT)? {
            Some(endpoint) => {
                let token = token_from(|name| std::env::var(name).ok())?;
                tracing::info!(endpoint = %endpoint, concurrency = arguments.concurrency, "using a service");
                Connection::new(http, &endpoint, &token)?
            }
            None => self.embed_chainloop(http, targets).await?,
        };
        self.chainloop = Some(connection);
        Ok(())
    }

    /// Starts the embedded service and connects to it. What `raw_schema` holds there is what the targets send.
    async fn embed_chainloop(
        &mut self,
        http: &HttpClient,
        targets: &[&Target],
    ) -> anyhow::Result<Connection> {
        let organization = |target: &&Target| emulator::chainloop::OrganizationSeed {
            name: target.organization.clone(),
            ..emulator::chainloop::OrganizationSeed::default()
        };
        let options = emulator::chainloop::Options {
            state: emulator::StateLocation::File(state_folder()?.join("chainloop.sqlite")),
            organizations: targets.iter().map(organization).collect(),
            raw_schema: emulator::chainloop::RawSchema::Either,
            ..emulator::chainloop::Options::default()
        };
        let running = emulator::chainloop::start(options)
            .await
            .context("cannot start the embedded service")?;
        let endpoint = running
            .url()
            .parse()
            .context("the embedded service has no usable address")?;
        self.embedded.push((Provider::Chainloop, running));
        Ok(Connection::new(
            http,
            &endpoint,
            &SecretString::from("embedded".to_owned()),
        )?)
    }

    /// A reader for a target's organization at Chainloop; it asks for nothing yet.
    ///
    /// # Errors
    /// The target is at another service, or the organization's name cannot be used.
    pub(crate) fn chainloop_reader(&self, target: &Target) -> anyhow::Result<Reader> {
        let (connection, organization) = self.find_chainloop(target)?;
        Ok(connection.reader(&organization))
    }

    /// A writer for a target's organization at Chainloop.
    ///
    /// # Errors
    /// As for [`chainloop_reader`](Self::chainloop_reader).
    pub(crate) fn chainloop_writer(&self, target: &Target) -> anyhow::Result<Writer> {
        let (connection, organization) = self.find_chainloop(target)?;
        let settings = target.chainloop().cloned().unwrap_or_default();
        Ok(connection.writer(&organization, settings.raw_schema_encoding))
    }

    pub(super) fn find_chainloop(
        &self,
        target: &Target,
    ) -> anyhow::Result<(&Connection, Organization)> {
        let organization = organization(target)?;
        match (&self.chainloop, target.provider()) {
            (Some(connection), Provider::Chainloop) => Ok((connection, organization)),
            (Some(_) | None, Provider::Docker | Provider::Pulumi | Provider::Chainloop) => {
                bail!("target `{}` has no connection", target.name)
            }
        }
    }
}
