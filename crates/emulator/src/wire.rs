//! Connections that can be broken on purpose, and the switch that stops a server.
//!
//! A network fault cannot be expressed as an answer: the connection itself must break. Every
//! accepted connection is a [`Wire`], and every request has the [`Connection`] that it arrived on
//! in its extensions (`ConnectInfo`).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
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
enum Stage {
    Serving,
    /// New requests are refused; running ones are finished.
    Stopping,
    /// Everything ended at once.
    Crashed,
}

/// The switch of one server. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Switch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stage: watch::Sender<Stage>,
    links: Mutex<Vec<Weak<Link>>>,
}

impl Default for Switch {
    fn default() -> Self {
        Self(Arc::new(Shared {
            stage: watch::Sender::new(Stage::Serving),
            links: Mutex::default(),
        }))
    }
}

impl Switch {
    /// Asks the server to finish running requests and stop.
    pub(super) fn stop(&self) {
        self.0.stage.send_if_modified(|stage| {
            let serving = *stage == Stage::Serving;
            if serving {
                *stage = Stage::Stopping;
            }
            serving
        });
    }

    /// Stops the server at once: it closes its listeners and resets all connections.
    pub(super) fn crash(&self) {
        self.0.stage.send_replace(Stage::Crashed);
        let links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        links
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|link| link.turn(State::Broken));
    }

    /// Waits until the server stops or crashes.
    pub(super) async fn stopping(&self) {
        self.reaches(|stage| stage != Stage::Serving).await;
    }

    /// Waits until the server crashes.
    pub(super) async fn crashed(&self) {
        self.reaches(|stage| stage == Stage::Crashed).await;
    }

    async fn reaches(&self, wanted: impl Fn(Stage) -> bool) {
        // This cannot fail: the switch owns the sender.
        let _ = self
            .0
            .stage
            .subscribe()
            .wait_for(|stage| wanted(*stage))
            .await;
    }

    fn link(&self) -> Arc<Link> {
        let link = Arc::new(Link::default());
        let mut links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        // A crash before the link was registered did not reach it.
        if *self.0.stage.borrow() == Stage::Crashed {
            link.turn(State::Broken);
        }
        link
    }
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Data written so far is sent, then the connection is closed.
    Closing,
    /// Nothing more is read or written, and the peer receives a reset.
    Broken,
}

/// The state that a connection shares with its requests.
#[derive(Debug, Default)]
struct Link {
    state: Mutex<State>,
    reader: AtomicWaker,
}

impl Link {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.reader.wake();
    }
}

/// The connection that a request arrived on.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    link: Arc<Link>,
    switch: Switch,
}

impl Connection {
    /// Resets the connection: later answers do not arrive.
    pub(super) fn reset(&self) {
        self.link.turn(State::Broken);
    }

    /// Closes the connection normally once pending data is sent.
    pub(super) fn close_when_sent(&self) {
        self.link.turn(State::Closing);
    }

    pub(super) fn switch(&self) -> &Switch {
        &self.switch
    }
}

impl Connected<IncomingStream<'_, Wires>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().connection.clone()
    }
}

/// A listener whose connections are [`Wire`]s.
pub(super) struct Wires {
    listener: TcpListener,
    switch: Switch,
}

impl Wires {
    pub(super) fn new(listener: TcpListener, switch: Switch) -> Self {
        Self { listener, switch }
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without this, small answers wait for the acknowledgement of the previous one, which costs
        // 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let connection = Connection {
            link: self.switch.link(),
            switch: self.switch.clone(),
        };
        (Wire { stream, connection }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A TCP connection that can be broken from outside.
pub(super) struct Wire {
    stream: TcpStream,
    connection: Connection,
}

impl Wire {
    fn state(&self) -> State {
        self.connection.link.state()
    }

    fn unless_broken(&self) -> io::Result<()> {
        match self.state() {
            State::Open | State::Closing => Ok(()),
            State::Broken => Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "reset on purpose",
            )),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.state() == State::Broken {
            // With a zero linger time, closing the socket sends a reset instead of a normal end.
            if let Err(error) = self.stream.set_zero_linger() {
                tracing::debug!(%error, "cannot reset a connection; it is closed instead");
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Breaking the connection wakes the reader, and with it the task that owns this value.
        self.connection.link.reader.register(cx.waker());
        self.unless_broken()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unless_broken()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(match self.state() {
            State::Open => Ok(()),
            State::Closing => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "closed on purpose",
            )),
            State::Broken => self.unless_broken(),
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_broken()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unless_broken()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
