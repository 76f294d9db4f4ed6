//! The server under the pages.

use std::time::{Duration, Instant};

use bulletin::web::server::Patience;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::pages::Pages;
use crate::support::{News, databases};

/// T26. Five hundred visitors send half a header, or half a body, and hold on.
#[tokio::test(flavor = "multi_thread")]
async fn visitors_who_send_slowly_hold_nobody_up_and_are_cut_off() {
    let database = databases::sqlite().await;
    let news = News::start(database.db.clone()).await;
    let patience = Patience {
        header: Duration::from_secs(2),
        answer: Duration::from_secs(2),
        ..Patience::default()
    };
    let pages = Pages::with(&news, patience).await;
    let mut slow = Vec::new();
    for number in 0..500 {
        let mut stream = TcpStream::connect(pages.address).await.unwrap();
        let half = match number % 2 {
            0 => "GET / HTTP/1.1\r\nHost: news\r\n",
            _ => "POST /subscribe HTTP/1.1\r\nHost: news\r\nContent-Length: 100\r\n\r\nadd",
        };
        stream.write_all(half.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(pages.ask("GET", "/issues", "").await.0, 200);
    }
    let others = began.elapsed() / 20;
    assert!(others < Duration::from_secs(1), "{others:?} each");
    for mut stream in slow {
        let mut answer = Vec::new();
        // Cut off: the end comes, with or without an answer before it.
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
}
