//! A token that calls too often waits, and holds up nobody else.

use bulletin::db::Db;
use bulletin::token::Scope;
use bulletin::web::limits::MOST_CALLS;
use chrono::Duration;
use serde_json::Value;

use crate::support::program::Program;
use crate::support::{News, each_database};

each_database!(a_token_that_calls_too_often_is_told_when_to_call_again);
async fn a_token_that_calls_too_often_is_told_when_to_call_again(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, &[Scope::IssuesRead]).await;
    let other = program.with(&news, &[Scope::IssuesRead]).await;
    // What it may not do counts as well.
    for _ in 0..MOST_CALLS / 2 {
        assert_eq!(program.ask("GET", "/issues", "", "").await.status, 200);
        assert_eq!(program.ask("GET", "/readers", "", "").await.status, 403);
    }
    news.wait(Duration::seconds(20));
    let (status, told) = program.call("GET", "/issues", Value::Null).await;
    assert_eq!(
        (status, &told["type"]),
        (429, &"urn:bulletin:problem:too-many".into())
    );
    let refused = program.ask("GET", "/issues", "", "").await;
    assert!(
        refused.header.contains("\r\nretry-after: 41"),
        "{}",
        refused.header
    );
    assert_eq!(other.ask("GET", "/issues", "", "").await.status, 200);
    news.wait(Duration::seconds(41));
    assert_eq!(program.ask("GET", "/issues", "", "").await.status, 200);
}
