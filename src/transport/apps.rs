//! The door for applications of the organisation itself: gRPC over mutual TLS 1.3 on a listener of its own. Who may come in is decided by the
//! key of the certificate, looked up anew at every call.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::accept::{Counted, Open};
use super::proto;
use super::proto::applications_server::{Applications, ApplicationsServer};
use super::server::{Limits, ServeError};
use super::tls::{Identity, TlsHandle};
use super::wire::MAX_MESSAGE;
use crate::crypto::Digest;

/// Calls at a time on one connection.
const CALLS: usize = 8;
/// Calls that are done at the same time, of all applications together.
const AT_ONCE: usize = 16;

/// What an application asks.
pub enum AppCall {
    /// Ask or offer fields of a child.
    Order {
        /// To offer.
        offer: bool,
        /// The described situation, JSON.
        situation: String,
        /// Digits of the BSN; wiped when dropped.
        number: Zeroizing<Vec<u8>>,
        /// How many seconds the other side may take; 0 is the default.
        seconds: u32,
    },
    /// What came; with a transfer that one, with its content.
    Inbox(Option<String>),
    /// This transfer was taken over.
    Confirm(String),
}

/// What an application is answered.
pub enum AppSaid {
    /// Done or refused, with the JSON of the command.
    Said(bool, String),
    /// The application may not do this; it is in the log.
    OutOfScope,
    /// The call cannot be read, in words.
    Unreadable(String),
}

/// The node, as its applications see it.
pub trait AppDoor: Send + Sync {
    /// Whether a key is that of an application that may come in now.
    fn knows(&self, pin: &Digest) -> bool;
    /// Does what the application with this key asks; `None` when it may not come in any more.
    fn call(&self, pin: &Digest, call: AppCall) -> Option<AppSaid>;
}

/// Serves applications until it is dropped.
///
/// # Errors
/// [`ServeError`] when the server cannot go on.
pub async fn serve(listener: TcpListener, tls: Arc<TlsHandle>, door: Arc<dyn AppDoor>) -> Result<(), ServeError> {
    let limits = Limits { connections: 64, connections_per_address: 32, ..Limits::default() };
    let service =
        ApplicationsServer::new(Doorman { door: Arc::clone(&door), permits: Arc::new(Semaphore::new(AT_ONCE)) })
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
    let router = tonic::transport::Server::builder()
        .concurrency_limit_per_connection(CALLS)
        .http2_max_header_list_size(limits.header_bytes)
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive))
        .add_service(service);
    let (out, incoming) = mpsc::channel(16);
    let accepting = accept(listener, (tls, door), limits, out);
    let serving = router.serve_with_incoming(ReceiverStream::new(incoming));
    tokio::select! {
        () = accepting => Ok(()),
        served = serving => served.map_err(|error| ServeError(error.to_string())),
    }
}

type Opened = mpsc::Sender<io::Result<AppStream>>;

async fn accept(listener: TcpListener, (tls, door): (Arc<TlsHandle>, Arc<dyn AppDoor>), limits: Limits, out: Opened) {
    let open = Arc::new(Open::default());
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let Some(counted) = open.enter(address.ip(), &limits) else { continue };
                let (tls, door, out) = (Arc::clone(&tls), Arc::clone(&door), out.clone());
                let patience = limits.handshake;
                tokio::spawn(async move {
                    match handshake(stream, (&tls, door), patience).await {
                        Ok((stream, pin)) => drop(out.send(Ok(AppStream { stream, pin, _counted: counted })).await),
                        Err(error) => tracing::warn!(%error, "verbinding van een toepassing geweigerd"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "een verbinding van een toepassing kon niet worden aangenomen");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn handshake(
    stream: TcpStream,
    (tls, door): (&TlsHandle, Arc<dyn AppDoor>),
    patience: Duration,
) -> io::Result<(TlsStream<TcpStream>, Digest)> {
    let known: super::tls::Known = Arc::new(move |pin| door.knows(pin));
    let config = tls.state().for_applications(known).map_err(io::Error::other)?;
    let stream = tokio::time::timeout(patience, TlsAcceptor::from(config).accept(stream)).await??;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(Identity::read);
    let identity = shown.ok_or_else(|| io::Error::other("geen certificaat"))?;
    Ok((stream, identity.pin))
}

/// A connection of an application.
struct AppStream {
    stream: TlsStream<TcpStream>,
    pin: Digest,
    _counted: Counted,
}

/// The key with which a connection was made.
#[derive(Clone, Copy)]
struct AppKey(Digest);

impl Connected for AppStream {
    type ConnectInfo = AppKey;

    fn connect_info(&self) -> AppKey {
        AppKey(self.pin)
    }
}

impl AsyncRead for AppStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for AppStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

struct Doorman {
    door: Arc<dyn AppDoor>,
    /// One for each call that is being done.
    permits: Arc<Semaphore>,
}

impl Doorman {
    async fn answer(&self, key: Option<AppKey>, call: AppCall) -> Result<Response<proto::AppAnswer>, Status> {
        let AppKey(pin) = key.ok_or_else(|| Status::unauthenticated("geen certificaat"))?;
        let door = Arc::clone(&self.door);
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit =
            permit.map_err(|_| Status::resource_exhausted("te veel opdrachten tegelijk; probeer het zo weer"))?;
        let work = move || {
            let _permit = permit;
            door.call(&pin, call)
        };
        let said = tokio::task::spawn_blocking(work).await;
        match said.map_err(|_| Status::internal("de opdracht liep vast in het programma"))? {
            None => Err(Status::unauthenticated("deze toepassing mag niet (meer) binnen")),
            Some(AppSaid::OutOfScope) => Err(Status::permission_denied("deze toepassing mag dit niet")),
            Some(AppSaid::Unreadable(why)) => Err(Status::invalid_argument(why)),
            Some(AppSaid::Said(done, json)) => Ok(Response::new(proto::AppAnswer { done, json })),
        }
    }
}

fn key_of<T>(request: &Request<T>) -> Option<AppKey> {
    request.extensions().get::<AppKey>().copied()
}

#[tonic::async_trait]
impl Applications for Doorman {
    async fn exchange(&self, request: Request<proto::AppOrder>) -> Result<Response<proto::AppAnswer>, Status> {
        let key = key_of(&request);
        let proto::AppOrder { offer, situation, bsn, seconds } = request.into_inner();
        self.answer(key, AppCall::Order { offer, situation, number: Zeroizing::new(bsn), seconds }).await
    }

    async fn inbox(&self, request: Request<proto::AppInbox>) -> Result<Response<proto::AppAnswer>, Status> {
        let key = key_of(&request);
        let transfer = Some(request.into_inner().transfer).filter(|transfer| !transfer.is_empty());
        self.answer(key, AppCall::Inbox(transfer)).await
    }

    async fn confirm(&self, request: Request<proto::AppConfirm>) -> Result<Response<proto::AppAnswer>, Status> {
        let key = key_of(&request);
        self.answer(key, AppCall::Confirm(request.into_inner().transfer)).await
    }
}
