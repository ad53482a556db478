//! The acceptor: bounds the connections, does the handshakes beside one another, asks whether the peer is admitted, and
//! hands over streams that close themselves when they fall silent or their certificate stops being good.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::server::Limits;
use super::tls::{Place, Seen, TlsHandle, Verified, reason_of};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{NodeService, Peer, TlsFacts};

/// What every handshake needs.
pub(super) struct Acceptor {
    pub tls: Arc<TlsHandle>,
    pub service: Arc<dyn NodeService>,
    pub limits: Limits,
    pub open: Arc<Open>,
}

/// Counts the open connections, handshakes included, in all and per address.
#[derive(Default)]
pub(super) struct Open(Mutex<BTreeMap<IpAddr, usize>>);

/// One counted connection.
pub(super) struct Counted {
    open: Arc<Open>,
    address: IpAddr,
}

impl Open {
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = counts.values().sum();
        let here = counts.get(&address).copied().unwrap_or(0);
        if total >= limits.connections || here >= limits.connections_per_address {
            return None;
        }
        counts.insert(address, here + 1);
        Some(Counted { open: Arc::clone(self), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl Acceptor {
    /// Accepts until `out` is closed.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener, out: mpsc::Sender<io::Result<PeerStream>>) {
        loop {
            let accepted = tokio::select! {
                () = out.closed() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.admit_connection(stream, address.ip(), &out),
                Err(error) => {
                    // Out of file handles, or the connection is gone already: others must go on.
                    tracing::warn!(%error, "een verbinding kon niet worden aangenomen");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn admit_connection(
        self: &Arc<Self>,
        stream: TcpStream,
        address: IpAddr,
        out: &mpsc::Sender<io::Result<PeerStream>>,
    ) {
        let Some(counted) = self.open.enter(address, &self.limits) else {
            self.refuse(ReasonCode::TooManyConnections, None);
            return;
        };
        let (acceptor, out) = (Arc::clone(self), out.clone());
        tokio::spawn(async move {
            if let Some(stream) = acceptor.handshake(stream, counted).await {
                let _stopping = out.send(Ok(stream)).await;
            }
        });
    }

    fn refuse(&self, reason: ReasonCode, claimed: Option<Oin>) {
        // A flood must not fill the journal; the node counts these.
        if reason == ReasonCode::TooManyConnections {
            tracing::debug!(code = %reason, "verbinding geweigerd");
        } else {
            tracing::warn!(code = %reason, oin = ?claimed, "verbinding geweigerd: {}", reason.sentence());
        }
        self.service.connection_refused(reason, claimed);
    }

    async fn handshake(&self, stream: TcpStream, counted: Counted) -> Option<PeerStream> {
        let state = self.tls.state();
        let (config, gate) = match state.incoming() {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(%error, "TLS kan niet worden ingesteld");
                return None;
            }
        };
        let _best_effort = stream.set_nodelay(true);
        let accepted = tokio::time::timeout(self.limits.handshake, TlsAcceptor::from(config).accept(stream)).await;
        let seen = gate.seen();
        let admitted = match accepted {
            Err(_) => Err(ReasonCode::TooSlow),
            Ok(Err(error)) => Err(reason_of_failure(&error, &seen)),
            Ok(Ok(stream)) => self.admit(&stream, &seen, state.generation()).map(|found| (stream, found)),
        };
        match admitted {
            Ok((tls, (peer, place))) => Some(PeerStream::new(self, tls, peer, place, counted)),
            Err(reason) => {
                self.refuse(reason, seen.claimed);
                None
            }
        }
    }

    /// Asked when the handshake is complete, so that possession of the key is proven.
    fn admit(&self, stream: &TlsStream<TcpStream>, seen: &Seen, under: u64) -> Result<(Arc<Peer>, Place), ReasonCode> {
        let Verified { oin, identity } = seen.verdict.ok_or(ReasonCode::NoClientCertificate)??;
        self.service.admit(&oin, &identity.pin)?;
        let connection = stream.get_ref().1;
        if connection.alpn_protocol() != Some(b"h2") {
            return Err(ReasonCode::TlsUnusable);
        }
        let place = self.tls.enter(seen, under)?;
        let tls = TlsFacts {
            version: connection.protocol_version().map(|v| format!("{v:?}").replace("v1_", "1.")).unwrap_or_default(),
            suite: connection.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite())).unwrap_or_default(),
            group: connection.negotiated_key_exchange_group().map(|g| format!("{:?}", g.name())).unwrap_or_default(),
        };
        Ok((Arc::new(Peer { oin, pin: identity.pin, certificate: identity.certificate, tls }), place))
    }
}

fn reason_of_failure(error: &io::Error, seen: &Seen) -> ReasonCode {
    if let Some(Err(reason)) = seen.verdict {
        return reason;
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => reason_of(error),
        // It went away, or hung up, in the middle.
        None => ReasonCode::TlsUnusable,
    }
}

/// A connection of an admitted peer.
pub(super) struct PeerStream {
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    place: Place,
    service: Arc<dyn NodeService>,
    silence: Pin<Box<Sleep>>,
    idle: Duration,
    over: bool,
    _counted: Counted,
}

impl PeerStream {
    fn new(acceptor: &Acceptor, stream: TlsStream<TcpStream>, peer: Arc<Peer>, place: Place, counted: Counted) -> Self {
        let idle = acceptor.limits.idle;
        let silence = Box::pin(tokio::time::sleep(idle));
        let service = Arc::clone(&acceptor.service);
        Self { stream, peer, place, service, silence, idle, over: false, _counted: counted }
    }

    /// Fails when the certificate stopped being good or the peer fell silent; both wake the reader.
    fn still_good(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let reason = if self.over {
            return Err(io::ErrorKind::ConnectionAborted.into());
        } else if let Poll::Ready(Ok(reason)) = pin!(&mut self.place.must_close).poll(cx) {
            reason
        } else if self.silence.as_mut().poll(cx).is_ready() {
            ReasonCode::TooSlow
        } else {
            return Ok(());
        };
        self.over = true;
        tracing::warn!(code = %reason, oin = %self.peer.oin, "verbinding gesloten: {}", reason.sentence());
        self.service.connection_refused(reason, Some(self.peer.oin));
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.still_good(cx)?;
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            let until = Instant::now() + self.idle;
            self.silence.as_mut().reset(until);
        }
        polled
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.over {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
