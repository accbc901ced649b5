//! How the services are spoken to: wire format, readers, writers, and the one HTTP client.

pub mod docker;
pub mod http;
