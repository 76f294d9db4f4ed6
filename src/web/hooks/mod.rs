//! Where mail providers post their events. An answer says no more than what keeps the post from being taken.

mod certificates;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::{DateTime, Duration, Utc};
use ring::digest::{Digest, SHA256, digest};

pub use self::certificates::{Certificates, fetch};
use crate::receive::{Receiver, Taken};
use crate::webhook::{self, MOST_BYTES, Provider, Refused, Secret, WINDOW_MINUTES, sns};

/// What posts are taken with.
pub struct Hooks {
    pub receiver: Receiver,
    /// Providers that are listened to, and what was agreed on with each.
    pub secrets: BTreeMap<Provider, Secret>,
    pub certificates: Certificates,
    pub spent: Spent,
}

/// One address for each provider; who has no secret here is not known.
pub fn routes(hooks: Arc<Hooks>) -> Router {
    Router::new()
        .route("/hooks/{provider}", post(take))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(hooks)
}

async fn take(
    State(hooks): State<Arc<Hooks>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Answer> {
    let provider: Provider = name.parse().map_err(|_| Answer::Unknown)?;
    let secret = hooks.secrets.get(&provider).ok_or(Answer::Unknown)?;
    match hooks.check(provider, secret, &headers, &body).await {
        Err(Answer::Refused(why)) => {
            hooks.receiver.metrics.hook_refused();
            tracing::warn!(provider = provider.as_str(), "a post was refused: {why}");
            Err(Answer::Refused(why))
        }
        Err(other) => Err(other),
        Ok(()) => hooks.act(provider, &body).await,
    }
}

/// What keeps a post from being taken.
enum Answer {
    Unknown,
    Refused(Refused),
    /// It is theirs, and cannot be read.
    Unreadable,
    /// Not now: it is to come again.
    Later,
}

impl axum::response::IntoResponse for Answer {
    fn into_response(self) -> axum::response::Response {
        let (status, words) = match self {
            Answer::Unknown => (StatusCode::NOT_FOUND, "no such hook".to_owned()),
            Answer::Refused(why) => (StatusCode::UNAUTHORIZED, why.to_string()),
            Answer::Unreadable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "the body is not what this provider posts".to_owned(),
            ),
            Answer::Later => (StatusCode::SERVICE_UNAVAILABLE, "not now".to_owned()),
        };
        (status, words).into_response()
    }
}

impl Hooks {
    async fn check(
        &self,
        provider: Provider,
        secret: &Secret,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Answer> {
        let now = (self.receiver.clock)();
        if let Secret::Topics(topics) = secret {
            return self.check_topic(topics, body, now).await;
        }
        let header = |name: &str| headers.get(name)?.to_str().ok();
        webhook::check(provider, secret, &header, body, now).map_err(Answer::Refused)?;
        let token = webhook::token(provider, body);
        match token.is_none_or(|token| self.spent.spend(token, body, now)) {
            true => Ok(()),
            false => Err(Answer::Refused(Refused::Wrong(
                "token, which was used for another post,",
            ))),
        }
    }

    /// A topic's post, and what it asks once: whether we want what it passes on.
    async fn check_topic(
        &self,
        topics: &[String],
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Answer> {
        let post = sns::open(body, topics).map_err(Answer::Refused)?;
        let place = post.certificate();
        let place = place.ok_or(Answer::Refused(Refused::Wrong("SigningCertURL")))?;
        let certificate = self.certificates.get(&place).await.map_err(|error| {
            tracing::warn!("the certificate of SNS cannot be had: {error}");
            Answer::Later
        })?;
        post.check(&certificate, now).map_err(Answer::Refused)?;
        if let Some(place) = post.confirmation() {
            fetch(&place).await.map_err(|error| {
                tracing::warn!("the topic cannot be told that we want its posts: {error}");
                Answer::Later
            })?;
            tracing::info!("a topic of SNS passes events on to us now");
        }
        Ok(())
    }

    /// Acts on each event by itself: one that cannot be acted on yet makes all come again, and the others are known then.
    async fn act(&self, provider: Provider, body: &[u8]) -> Result<StatusCode, Answer> {
        let events = webhook::read(provider, body, &self.receiver.keys);
        let events = events.map_err(|error| {
            tracing::warn!("{error}");
            Answer::Unreadable
        })?;
        let mut is_early = false;
        for event in events {
            let id = format!("{provider} {}", event.id);
            let taken = self.receiver.posted(event.reading, id.as_bytes()).await;
            is_early |= taken.map_err(|error| {
                tracing::error!("an event cannot be kept: {error}");
                Answer::Later
            })? == Taken::TooEarly;
        }
        match is_early {
            true => Err(Answer::Later),
            false => Ok(StatusCode::OK),
        }
    }
}

/// Tokens that were used, for as long as a post may be old: a signature over a token alone serves one body.
#[derive(Default)]
pub struct Spent(Mutex<HashMap<String, (DateTime<Utc>, Digest)>>);

impl Spent {
    /// `false` if the token came with another body before.
    fn spend(&self, token: String, body: &[u8], now: DateTime<Utc>) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = Duration::minutes(2 * WINDOW_MINUTES);
        spent.retain(|_, (at, _)| now - *at < window);
        let body = digest(&SHA256, body);
        let (_, first) = spent.entry(token).or_insert((now, body));
        first.as_ref() == body.as_ref()
    }
}
