//! How the services are spoken to: wire format, readers, writers, and the one HTTP client.

use std::sync::Arc;

use http::ApiError;
use model::Live;

/// Told how far a reading is: what was read, and what is known of so far.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Reads one organization, whichever service it is at. It has no way to change anything.
#[derive(Clone)]
pub enum Reader {
    /// At the Docker AI Governance API.
    Docker(crate::service::docker::client::Reader),
    /// At Pulumi Cloud.
    Pulumi(crate::service::pulumi::client::Reader),
    /// At Chainloop, of the documents that it is told to ask for.
    Chainloop(crate::service::chainloop::client::Reader),
}

/// Changes one organization, whichever service it is at.
#[derive(Clone)]
pub enum Writer {
    /// At the Docker AI Governance API.
    Docker(crate::service::docker::client::Writer),
    /// At Pulumi Cloud.
    Pulumi(crate::service::pulumi::client::Writer),
    /// At Chainloop.
    Chainloop(crate::service::chainloop::client::Writer),
}

impl Reader {
    /// The same reader, telling how far it is with reading everything.
    #[must_use]
    pub fn with_progress(self, progress: Progress) -> Self {
        match self {
            Self::Docker(reader) => Self::Docker(reader.with_progress(progress)),
            Self::Pulumi(reader) => Self::Pulumi(reader.with_progress(progress)),
            Self::Chainloop(reader) => Self::Chainloop(reader.with_progress(progress)),
        }
    }

    /// Everything that the organization holds; at Chainloop, what the reader was told to ask for.
    ///
    /// # Errors
    /// Anything that could not be read. There is no partial result.
    pub async fn live_state(&self) -> Result<Live, ApiError> {
        match self {
            Self::Docker(reader) => reader.live_state().await.map(Live::Docker),
            Self::Pulumi(reader) => reader.live_state().await.map(Live::Pulumi),
            Self::Chainloop(reader) => reader.live_state().await.map(Live::Chainloop),
        }
    }
}
