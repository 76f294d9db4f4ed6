//! The site of a test's news service, over real HTTP.

use std::sync::Arc;

use axum::Router;
use bulletin::metrics::Metrics;
use bulletin::web::server::{self, Patience};
use bulletin::web::{self, Privacy, Publisher, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::News;

/// Pages that are served until the last clone is gone.
#[derive(Clone)]
pub struct Pages {
    pub address: std::net::SocketAddr,
    _stop: Arc<DropGuard>,
}

impl Pages {
    pub async fn start(news: &News) -> Pages {
        Pages::with(news, Patience::default()).await
    }

    pub async fn with(news: &News, patience: Patience) -> Pages {
        Pages::of(web::routes(Pages::site(news)), patience).await
    }

    /// What the pages of a test's service need.
    pub fn site(news: &News) -> Site {
        Site {
            db: news.db.clone(),
            keys: news.keys.clone(),
            vocabulary: Arc::new(news.vocabulary.clone()),
            name: "Research News".to_owned(),
            publisher: Publisher {
                name: "Research Network".to_owned(),
                postal_address: "1 Sample Street, Ottawa".to_owned(),
                contact: "editor@example.org".to_owned(),
                site_url: "https://news.example.org".to_owned(),
                privacy: Privacy {
                    officer: "The privacy officer, privacy@example.org".to_owned(),
                    ..Privacy::default()
                },
            },
            clock: news.clock(),
            new_id: uuid::Uuid::new_v4,
            asked: Arc::default(),
            limits: Arc::default(),
            goodbye: true,
            trusted_proxies: Arc::new([]),
            retention: news.retention(),
            metrics: Metrics::default(),
        }
    }

    /// These routes alone, as the service serves them.
    pub async fn of(routes: Router, patience: Patience) -> Pages {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = web::guarded(routes);
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(listener, pages, patience, stop.clone()));
        Pages {
            address,
            _stop: Arc::new(stop.drop_guard()),
        }
    }

    /// Status, header and body of the answer.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask_with(method, path, form, body).await
    }

    /// The same with header fields of the caller's, each ended by CRLF.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        fields: &str,
        body: &str,
    ) -> (u16, String, String) {
        let (header, body) = self.exchange(method, path, fields, body).await;
        let status = header[9..12].parse().unwrap();
        (status, header.to_lowercase(), body)
    }

    /// The tag by which a page is known again.
    pub async fn tag(&self, path: &str) -> String {
        let (header, _) = self.exchange("GET", path, "", "").await;
        let mut fields = header.lines().filter_map(|line| line.split_once(": "));
        let tag = fields.find(|(name, _)| name.eq_ignore_ascii_case("etag"));
        tag.unwrap().1.to_owned()
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        fields: &str,
        body: &str,
    ) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: news\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (header, body) = answer.split_once("\r\n\r\n").unwrap();
        (header.to_owned(), body.to_owned())
    }
}
