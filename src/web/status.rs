//! How the service is: for supervisors (`/health`), for load balancers and people (`/ready`), for Prometheus
//! (`/metrics`). What is said names no reader.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::PageError;
use crate::campaign;
use crate::clock::Clock;
use crate::db::{Db, on};
use crate::metrics::Metrics;
use crate::standing::Standing;

/// How long what the database said holds: however often somebody asks, it is asked no more often.
const HOLDS_FOR: Duration = Duration::from_secs(5);

/// How long the database may take to say whether it can write.
const PATIENCE: Duration = Duration::from_secs(3);

/// The backlog of a long list takes its time: of all time, at most one part in so many.
const SHARE_OF_TIME: u32 = 50;

/// What `/health`, `/ready` and `/metrics` tell of. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Told>);

struct Told {
    db: Db,
    clock: Clock,
    standing: Standing,
    metrics: Metrics,
    /// Since when, and whether, the database can write.
    writes: Mutex<Option<(Instant, bool)>>,
    /// Until when the backlog in the metrics holds.
    backlog: Mutex<Option<Instant>>,
}

impl Status {
    pub fn new(db: Db, clock: Clock, standing: Standing, metrics: Metrics) -> Status {
        Status(Arc::new(Told {
            db,
            clock,
            standing,
            metrics,
            writes: Mutex::default(),
            backlog: Mutex::default(),
        }))
    }

    /// Whether the database can write now. A question that is not answered in time goes on, for whoever asks next.
    async fn writes(&self) -> Result<bool, tokio::time::error::Elapsed> {
        let told = self.0.clone();
        let asked = tokio::spawn(async move {
            let mut writes = told.writes.lock().await;
            let known = writes.filter(|(at, _)| at.elapsed() < HOLDS_FOR);
            let can = match known {
                Some((_, can)) => can,
                None => probe(&told.db, (told.clock)()).await.is_ok(),
            };
            *writes = known.or(Some((Instant::now(), can)));
            can
        });
        let answer = tokio::time::timeout(PATIENCE, asked).await?;
        Ok(answer.unwrap_or(false))
    }

    async fn refresh_backlog(&self) -> sqlx::Result<()> {
        let mut holds_until = self.0.backlog.lock().await;
        if holds_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let began = Instant::now();
        let backlog = campaign::backlog(&mut self.0.db.read().await?).await?;
        self.0.metrics.backlog(&backlog, (self.0.clock)());
        *holds_until = Some(Instant::now() + began.elapsed() * SHARE_OF_TIME);
        Ok(())
    }
}

/// All three, for an address that only the operator's machines reach.
pub fn routes(status: Status) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(status)
}

/// All three, beside the readers' pages: the metrics only for a program on this machine.
pub fn public_routes(status: Status) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics_for_neighbours))
        .with_state(status)
}

/// 200 while the process lives and its tasks run.
async fn health(State(Status(told)): State<Status>) -> (StatusCode, String) {
    match told.standing.dead().as_slice() {
        [] => (StatusCode::OK, "ok\n".to_owned()),
        dead => {
            let words = format!(
                "stopped by a mistake of ours: {}; start the service again\n",
                dead.join(", ")
            );
            (StatusCode::SERVICE_UNAVAILABLE, words)
        }
    }
}

/// 200 when the database can write and nothing keeps us from sending; otherwise what does, and what to do.
async fn ready(State(status): State<Status>) -> (StatusCode, String) {
    let mut troubles = status.0.standing.keeps_from_sending();
    match status.writes().await {
        Ok(true) => {}
        Ok(false) => troubles.push(
            "the database cannot be written to; nothing is lost, and all goes on once it can: look at its disk, or at its server".to_owned(),
        ),
        Err(_) => troubles.push(
            "the database does not answer in time: somebody may be writing much to it, or its disk or server hangs".to_owned(),
        ),
    }
    if troubles.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n")
}

async fn metrics(State(status): State<Status>) -> Response {
    if let Err(error) = status.refresh_backlog().await {
        // The counters are worth reading all the more while the database fails.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the backlog cannot be counted"
        );
    }
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, openmetrics)], status.0.metrics.text()).into_response()
}

async fn metrics_for_neighbours(state: State<Status>, request: Request) -> Response {
    if is_neighbour(&request) {
        metrics(state).await
    } else {
        PageError::NotFound.into_response()
    }
}

/// Whether a program on this machine asks for itself, and not as a proxy for somebody else.
fn is_neighbour(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let for_another = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    is_local
        && !for_another
            .iter()
            .any(|name| request.headers().contains_key(*name))
}

/// Writes a row and makes it durable: that a database answers does not mean that its disk is not full.
async fn probe(db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    on!(&mut tx, |conn| sqlx::query(
        "INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
    )
    .bind(now)
    .execute(conn)
    .await
    .map(drop))?;
    tx.commit().await
}
