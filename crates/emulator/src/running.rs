//! A server on loopback that runs until it is told to stop, or is dropped.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use futures_util::future::try_join_all;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::EmulatorError;
use crate::wire::{Connection, Switch, Wires};

/// A running emulator. Dropping it stops it too, without waiting for requests that are under way.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: StopOnDrop,
    task: JoinHandle<io::Result<()>>,
}

/// A place on loopback where a router can be served.
#[derive(Debug)]
pub(super) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Takes an address; port 0 takes a free one.
    pub(super) async fn on(address: SocketAddr) -> Result<Self, EmulatorError> {
        if !address.ip().is_loopback() {
            return Err(EmulatorError::NotLoopback { address });
        }
        let failed = |cause| EmulatorError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address, with the real port where port 0 was asked for.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

#[derive(Debug)]
struct StopOnDrop(Switch);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Running {
    /// Serves each router at its place. They stop and crash as one; the first place is the address of the whole.
    pub(super) fn serve(places: Vec<(Listening, Router)>) -> Self {
        let switch = Switch::default();
        let stop = StopOnDrop(switch.clone());
        let address = places.first().map_or_else(
            || SocketAddr::from(([127, 0, 0, 1], 0)),
            |(place, _)| place.address,
        );
        let servings: Vec<_> = places
            .into_iter()
            .map(|(place, router)| serving(place, router, &switch))
            .collect();
        let task = tokio::spawn(async move {
            tokio::select! {
                // Leaving drops the listeners, so that a crashed server cannot be reached.
                biased;
                () = switch.crashed() => Ok(()),
                ended = try_join_all(servings) => ended.map(drop),
            }
        });
        Self {
            address,
            stop,
            task,
        }
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
        let Self {
            address: _,
            stop,
            task,
        } = self;
        drop(stop);
        match task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the emulator ended with an error"),
            Err(error) => tracing::warn!(%error, "the emulator's task failed"),
        }
    }
}

/// Serves one router until the switch is turned.
fn serving(
    place: Listening,
    router: Router,
    switch: &Switch,
) -> impl Future<Output = io::Result<()>> + use<> {
    let wires = Wires::new(place.listener, switch.clone());
    let stopping = switch.clone();
    axum::serve(
        wires,
        router.into_make_service_with_connect_info::<Connection>(),
    )
    .with_graceful_shutdown(async move { stopping.stopping().await })
    .into_future()
}
