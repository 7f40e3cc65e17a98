//! Connections: accepted, bounded in number, and given up when they are slow.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, watch};
use tower::ServiceExt as _;

use super::peer::Peer;

/// Connections at a time. When there are as many, the oldest one that is not
/// being answered makes room for a new one, so that whoever collects
/// connections and says nothing keeps nobody out.
const MOST_CONNECTIONS: usize = 256;

/// How long a client may take to say what it wants, and to say the next thing.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// Longest request line with all headers; more is answered with status 431. That
/// answer, and the 400 to what is no HTTP at all, have no JSON in them: the
/// library gives them by itself, from a table of its own, before there is a
/// request that it could hand over, and takes no body for them.
const HEAD_BYTES: usize = 32 * 1024;

/// How long answers may still take when the server is told to end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How long to wait before the next attempt where no descriptor is free.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves both listeners until `stopping` turns true.
pub(super) async fn serve(
    tcp: TcpListener,
    unix: UnixListener,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    let mut ending = stopping.clone();
    let connections = Arc::new(Connections::default());
    let here = tcp.local_addr();
    loop {
        tokio::select! {
            accepted = tcp.accept() => match (accepted, &here) {
                (Ok((stream, peer)), Ok(here)) => {
                    drop(stream.set_nodelay(true));
                    let peer = Peer::of_tcp(peer, *here);
                    connections.spawn(stream, peer, router.clone(), stopping.clone());
                }
                _ => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            accepted = unix.accept() => match accepted {
                Ok((stream, _)) => {
                    let peer = Peer::of_unix(&stream);
                    connections.spawn(stream, peer, router.clone(), stopping.clone());
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            _ = ending.wait_for(|ending| *ending) => break,
        }
    }
    drop((tcp, unix));
    drop(tokio::time::timeout(LAST_ANSWERS, connections.all_gone()).await);
}

/// The open connections, by age.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<(u64, BTreeMap<u64, Arc<Connection>>)>,
    gone: Notify,
}

/// One connection, as its requests see it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// Requests that are being answered.
    busy: AtomicUsize,
    close: Notify,
}

impl Connection {
    /// Ends the connection, whatever is under way.
    pub(super) fn close(&self) {
        self.close.notify_one();
    }

    /// Says that an answer is under way, until what it gives is dropped.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }
}

/// An answer under way.
#[derive(Debug)]
pub(super) struct Held(Arc<Connection>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    fn spawn<S>(
        self: &Arc<Self>,
        stream: S,
        peer: Peer,
        router: Router,
        stopping: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (number, connection) = self.enter();
        let connections = Arc::clone(self);
        tokio::spawn(async move {
            talk(stream, peer, router, &connection, stopping).await;
            connections.leave(number);
        });
    }

    fn enter(&self) -> (u64, Arc<Connection>) {
        let connection = Arc::new(Connection::default());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.1.len() >= MOST_CONNECTIONS {
            let silent = open
                .1
                .iter()
                .find(|(_, one)| one.busy.load(Ordering::Relaxed) == 0)
                .or_else(|| open.1.iter().next())
                .map(|(number, _)| *number);
            if let Some(oldest) = silent.and_then(|number| open.1.remove(&number)) {
                oldest.close();
            }
        }
        open.0 += 1;
        let number = open.0;
        open.1.insert(number, Arc::clone(&connection));
        drop(open);
        (number, connection)
    }

    fn leave(&self, number: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.1.remove(&number);
        if open.1.is_empty() {
            self.gone.notify_waiters();
        }
    }

    async fn all_gone(&self) {
        loop {
            let gone = self.gone.notified();
            let none = {
                let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.1.is_empty()
            };
            if none {
                return;
            }
            gone.await;
        }
    }
}

async fn talk<S>(
    stream: S,
    peer: Peer,
    router: Router,
    connection: &Arc<Connection>,
    mut stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = Arc::clone(connection);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, connection) = (router.clone(), Arc::clone(&answering));
        async move {
            let held = connection.hold();
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(connection);
            let response = router.oneshot(request).await;
            drop(held);
            response
        }
    });
    let mut talking = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut talking = Pin::new(&mut talking);
    tokio::select! {
        _ = talking.as_mut() => return,
        () = connection.close.notified() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    talking.as_mut().graceful_shutdown();
    tokio::select! {
        _ = talking => {}
        () = connection.close.notified() => {}
    }
}
