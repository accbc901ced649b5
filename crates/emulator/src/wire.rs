//! Connections that can be broken on purpose, and the switch that stops a server.
//!
//! A network fault cannot be expressed as an answer: the connection itself must break. Every
//! accepted connection is a [`BreakableStream`], and every request has the [`ClientConnection`] that it arrived on
//! in its extensions (`ConnectInfo`).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The life cycle of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerStage {
    Serving,
    /// New requests are refused; running ones are finished.
    Stopping,
    /// Everything ended at once.
    Crashed,
}

/// The switch of one server. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct ServerSwitch(Arc<SwitchState>);

#[derive(Debug)]
struct SwitchState {
    stage: watch::Sender<ServerStage>,
    links: Mutex<Vec<Weak<ConnectionLink>>>,
    writes: AtomicU64,
}

impl Default for ServerSwitch {
    fn default() -> Self {
        Self(Arc::new(SwitchState {
            stage: watch::Sender::new(ServerStage::Serving),
            links: Mutex::default(),
            writes: AtomicU64::new(0),
        }))
    }
}

impl ServerSwitch {
    /// Asks the server to finish running requests and stop.
    pub(super) fn stop(&self) {
        self.0.stage.send_if_modified(|stage| {
            let serving = *stage == ServerStage::Serving;
            if serving {
                *stage = ServerStage::Stopping;
            }
            serving
        });
    }

    /// Stops the server at once: it closes its listeners and resets all connections.
    pub(super) fn crash(&self) {
        self.0.stage.send_replace(ServerStage::Crashed);
        let links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        links
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|link| link.set_state(ConnectionState::Broken));
    }

    /// Counts the arrival of a request that may change the state.
    pub(super) fn count_write(&self) {
        self.0.writes.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of requests that may change the state and have arrived.
    pub(super) fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::SeqCst)
    }

    /// Waits until the server stops or crashes.
    pub(super) async fn stopping(&self) {
        self.wait_for_stage(|stage| stage != ServerStage::Serving)
            .await;
    }

    /// Waits until the server crashes.
    pub(super) async fn crashed(&self) {
        self.wait_for_stage(|stage| stage == ServerStage::Crashed)
            .await;
    }

    async fn wait_for_stage(&self, wanted: impl Fn(ServerStage) -> bool) {
        // This cannot fail: the switch owns the sender.
        let _ = self
            .0
            .stage
            .subscribe()
            .wait_for(|stage| wanted(*stage))
            .await;
    }

    fn link(&self) -> Arc<ConnectionLink> {
        let link = Arc::new(ConnectionLink::default());
        let mut links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        // A crash before the link was registered did not reach it.
        if *self.0.stage.borrow() == ServerStage::Crashed {
            link.set_state(ConnectionState::Broken);
        }
        link
    }
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ConnectionState {
    #[default]
    Open,
    /// Data written so far is sent, then the connection is closed.
    Closing,
    /// Nothing more is read or written, and the peer receives a reset.
    Broken,
}

/// The state that a connection shares with its requests.
#[derive(Debug, Default)]
struct ConnectionLink {
    state: Mutex<ConnectionState>,
    reader: AtomicWaker,
}

impl ConnectionLink {
    fn state(&self) -> ConnectionState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_state(&self, state: ConnectionState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.reader.wake();
    }
}

/// The connection that a request arrived on.
#[derive(Debug, Clone)]
pub(super) struct ClientConnection {
    link: Arc<ConnectionLink>,
    switch: ServerSwitch,
}

impl ClientConnection {
    /// Resets the connection: later answers do not arrive.
    pub(super) fn reset(&self) {
        self.link.set_state(ConnectionState::Broken);
    }

    /// Closes the connection normally once pending data is sent.
    pub(super) fn close_when_sent(&self) {
        self.link.set_state(ConnectionState::Closing);
    }

    pub(super) fn switch(&self) -> &ServerSwitch {
        &self.switch
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for ClientConnection {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.io().connection.clone()
    }
}

/// A listener whose connections are [`BreakableStream`]s.
pub(super) struct BreakableListener {
    listener: TcpListener,
    switch: ServerSwitch,
}

impl BreakableListener {
    pub(super) fn new(listener: TcpListener, switch: ServerSwitch) -> Self {
        Self { listener, switch }
    }
}

impl Listener for BreakableListener {
    type Io = BreakableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BreakableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without this, small answers wait for the acknowledgement of the previous one, which costs
        // 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let connection = ClientConnection {
            link: self.switch.link(),
            switch: self.switch.clone(),
        };
        (BreakableStream { stream, connection }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A TCP connection that can be broken from outside.
pub(super) struct BreakableStream {
    stream: TcpStream,
    connection: ClientConnection,
}

impl BreakableStream {
    fn state(&self) -> ConnectionState {
        self.connection.link.state()
    }

    fn check_not_broken(&self) -> io::Result<()> {
        match self.state() {
            ConnectionState::Open | ConnectionState::Closing => Ok(()),
            ConnectionState::Broken => Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "reset on purpose",
            )),
        }
    }
}

impl Drop for BreakableStream {
    fn drop(&mut self) {
        if self.state() == ConnectionState::Broken {
            // With a zero linger time, closing the socket sends a reset instead of a normal end.
            if let Err(error) = self.stream.set_zero_linger() {
                tracing::debug!(%error, "cannot reset a connection; it is closed instead");
            }
        }
    }
}

impl AsyncRead for BreakableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Breaking the connection wakes the reader, and with it the task that owns this value.
        self.connection.link.reader.register(cx.waker());
        self.check_not_broken()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BreakableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_not_broken()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(match self.state() {
            ConnectionState::Open => Ok(()),
            ConnectionState::Closing => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "closed on purpose",
            )),
            ConnectionState::Broken => self.check_not_broken(),
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_not_broken()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_not_broken()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
