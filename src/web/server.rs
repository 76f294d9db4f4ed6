//! The server under the pages: who sends slowly, or holds on, takes nothing from others.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

/// How long visitors may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To send a header.
    pub header: Duration,
    /// To send a body, and for the answer to be made.
    pub answer: Duration,
    /// To use a connection at all: who reads slowly is cut off then.
    pub connection: Duration,
    /// Of those that are being answered when the service is to stop.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            header: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            connection: Duration::from_secs(300),
            stop: Duration::from_secs(10),
        }
    }
}

/// Open connections at most; more wait until one is free.
const MOST_CONNECTIONS: usize = 1_000;

/// A request line with its header is no larger: more is answered with 431 before anything reads it.
const MOST_HEADER_BYTES: usize = 64 * 1024;

/// How long to wait when no connection can be taken, as when the process has too many files open.
const TAKE_AGAIN: Duration = Duration::from_millis(200);

/// Serves until `stop`, and finishes what it has begun.
pub async fn serve(
    listener: TcpListener,
    pages: Router,
    patience: Patience,
    stop: CancellationToken,
) {
    let (room, open) = (
        Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        TaskTracker::new(),
    );
    loop {
        let taken = async {
            let place = room.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, taken) = tokio::select! {
            taken = taken => taken,
            () = stop.cancelled() => break,
        };
        match taken {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, pages.clone(), patience, stop.clone());
                open.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no visitor can be let in"
                );
                tokio::time::sleep(TAKE_AGAIN).await;
            }
        }
    }
    drop(listener);
    open.close();
    drop(tokio::time::timeout(patience.stop, open.wait()).await);
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    pages: Router,
    patience: Patience,
    stop: CancellationToken,
) {
    // Without it, a short answer may wait for the visitor's acknowledgement of the one before.
    drop(stream.set_nodelay(true));
    let answering = service_fn(move |request| answer(pages.clone(), peer, request, patience));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.header)
            .max_buf_size(MOST_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), answering)
    );
    let mut over = std::pin::pin!(tokio::time::sleep(patience.connection));
    let mut stopping = false;
    loop {
        tokio::select! {
            // Whatever ended it concerns the visitor alone.
            _ = connection.as_mut() => return,
            () = over.as_mut() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    mut pages: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
    patience: Patience,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    match tokio::time::timeout(patience.answer, pages.call(request)).await {
        Ok(answered) => answered,
        Err(_) => Ok(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}
