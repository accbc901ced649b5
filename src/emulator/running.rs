//! A server on loopback that runs until it is told to stop, or is dropped.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running emulator. Dropping it stops it too, without waiting for requests that are under way.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    /// Sending to it, or dropping it, begins the shutdown.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Serves `router` on `listener`, whose address is `address`.
    pub(super) fn serve(listener: TcpListener, address: SocketAddr, router: Router) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        // Small answers must not wait for the acknowledgement of the last: that costs 40 ms.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move {
                    // An error means that the sender was dropped, which asks for the same.
                    let _ = stopped.await;
                })
                .await
        });
        Self { address, stop: Some(stop), task }
    }

    /// The address that it listens on, with the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint for clients, for example `http://127.0.0.1:40321`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no new request, finishes those under way, and returns when the state is closed.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the server has ended already.
            let _ = stop.send(());
        }
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the emulator ended with an error"),
            Err(error) => tracing::warn!(%error, "the emulator's task failed"),
        }
    }
}
