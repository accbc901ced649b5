//! A server on loopback that runs until it is told to stop, or is dropped.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::wire::{Connection, Switch, Wires};

/// A running emulator. Dropping it stops it too, without waiting for requests that are under way.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: StopOnDrop,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct StopOnDrop(Switch);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Running {
    /// Serves `router` on `listener`, whose address is `address`.
    pub(super) fn serve(listener: TcpListener, address: SocketAddr, router: Router) -> Self {
        let switch = Switch::default();
        let stop = StopOnDrop(switch.clone());
        let wires = Wires::new(listener, switch.clone());
        let task = tokio::spawn(async move {
            let stopping = switch.clone();
            let serving = axum::serve(wires, router.into_make_service_with_connect_info::<Connection>())
                .with_graceful_shutdown(async move { stopping.stopping().await });
            tokio::select! {
                // Leaving drops the listener, so that a crashed server cannot be reached.
                biased;
                () = switch.crashed() => Ok(()),
                ended = serving => ended,
            }
        });
        Self { address, stop, task }
    }

    /// The address that it listens on, with the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint for clients, for example `http://127.0.0.1:40321`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a fault crashes the emulator; without such a fault, for ever.
    pub async fn crashed(&self) {
        self.stop.0.crashed().await;
    }

    /// Takes no new request, finishes those under way, and returns when the state is closed. Requests that a fault
    /// keeps from being answered are not waited for.
    pub async fn shutdown(self) {
        let Self { address: _, stop, task } = self;
        drop(stop);
        match task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the emulator ended with an error"),
            Err(error) => tracing::warn!(%error, "the emulator's task failed"),
        }
    }
}
