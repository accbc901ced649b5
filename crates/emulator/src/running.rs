//! A server on loopback that runs until it is stopped or dropped.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use futures_util::future::try_join_all;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::EmulatorError;
use crate::wire::{BreakableListener, ClientConnection, ServerSwitch};

/// A running emulator. Dropping it stops it without waiting for running requests.
#[derive(Debug)]
pub struct RunningEmulator {
    address: SocketAddr,
    stop: StopOnDrop,
    task: JoinHandle<io::Result<()>>,
}

/// A bound address on loopback.
#[derive(Debug)]
pub(super) struct BoundListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundListener {
    /// Binds an address; port 0 selects a free port.
    pub(super) async fn bind(address: SocketAddr) -> Result<Self, EmulatorError> {
        if !address.ip().is_loopback() {
            return Err(EmulatorError::NotLoopback { address });
        }
        let failed = |cause| EmulatorError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The bound address, with the actual port.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

#[derive(Debug)]
struct StopOnDrop(ServerSwitch);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl RunningEmulator {
    /// Serves each router at its address. They stop and crash together. `address` returns the first
    /// address.
    pub(super) fn serve(places: Vec<(BoundListener, Router)>) -> Self {
        let switch = ServerSwitch::default();
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
                // Returning drops the listeners, so that a crashed server refuses connections.
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

    /// The address it listens on, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint for clients without a trailing slash, for example `http://127.0.0.1:40321`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of requests that may change the state and have arrived, answered or not.
    pub fn writes(&self) -> u64 {
        self.stop.0.writes()
    }

    /// Waits until a fault crashes the emulator. Without such a fault, it never returns.
    pub async fn crashed(&self) {
        self.stop.0.crashed().await;
    }

    /// Accepts no new requests, finishes running ones, and returns when the state is closed. It
    /// does not wait for requests that a fault keeps from being answered.
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

/// Serves one router until the switch is turned off.
fn serving(
    place: BoundListener,
    router: Router,
    switch: &ServerSwitch,
) -> impl Future<Output = io::Result<()>> + use<> {
    let wires = BreakableListener::new(place.listener, switch.clone());
    let stopping = switch.clone();
    axum::serve(
        wires,
        router.into_make_service_with_connect_info::<ClientConnection>(),
    )
    .with_graceful_shutdown(async move { stopping.stopping().await })
    .into_future()
}
