//! Tokens: what they open, and how they are made and revoked.

use bulletin::admin::Role;
use bulletin::audit::{self, Deed};
use bulletin::db::Db;
use bulletin::token::{self, Scope};
use bulletin::web::api::{self, Operation};
use chrono::Duration;
use serde_json::Value;

use crate::support::editor::Editor;
use crate::support::program::Program;
use crate::support::{News, each_database};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A path with something in each of its holes.
fn filled(operation: &Operation) -> String {
    operation
        .path
        .replace("{month}", "2026-03")
        .replace("{id}", NOBODY)
}

each_database!(each_call_wants_a_token_with_its_scope_and_nothing_else_will_do);
async fn each_call_wants_a_token_with_its_scope_and_nothing_else_will_do(db: Db) {
    let news = News::start(db).await;
    let all = Program::start(&news, Scope::ALL).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let revoked = all.with(&news, Scope::ALL).await;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        token::revoke(&mut tx, revoked.id, news.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let mut lacking = Vec::new();
    for scope in Scope::ALL {
        let others = Scope::ALL.iter().copied().filter(|other| other != scope);
        let others: Vec<Scope> = others.collect();
        lacking.push((*scope, all.with(&news, &others).await));
    }
    for operation in api::table() {
        let (method, path) = (operation.method.as_str(), filled(&operation));
        let whole = format!("/api/v1{path}");
        let json = "Content-Type: application/json\r\n";
        let cookie = owner.of_a_page();
        for (what, header) in [
            ("nothing", String::new()),
            ("a cookie", cookie.clone()),
            (
                "no token of ours",
                "Authorization: Bearer blt_abc\r\n".to_owned(),
            ),
            (
                "another scheme",
                format!("Authorization: Basic {}\r\n", all.token),
            ),
            (
                "two tokens",
                format!("Authorization: Bearer {0}\r\n", all.token).repeat(2),
            ),
            (
                "a revoked one",
                format!("Authorization: Bearer {}\r\n", revoked.token),
            ),
        ] {
            let (status, answer, body) = all
                .pages
                .ask_with(method, &whole, &(header + json), "{}")
                .await;
            assert_eq!(status, 401, "{what}: {method} {path}");
            assert!(answer.contains("www-authenticate: bearer"), "{answer}");
            let wrongs = operation.check_answer(status, &answer, &body, &news.vocabulary);
            assert_eq!(wrongs, "", "{body}");
        }
        let (_, without) = lacking
            .iter()
            .find(|(scope, _)| *scope == operation.scope)
            .unwrap();
        let refused = without.ask(method, &path, json, "{}").await;
        assert_eq!(refused.status, 403, "{method} {path}");
        assert!(
            refused.body.contains(operation.scope.as_str()),
            "{}",
            refused.body
        );
        let only = all.with(&news, &[operation.scope]).await;
        let let_in = only.ask(method, &path, json, "{}").await;
        assert!(
            !matches!(let_in.status, 401 | 403),
            "{method} {path}: {}",
            let_in.body
        );
        for odd in [
            format!("{whole}/"),
            whole.replacen("/api", "/API", 1),
            whole.replacen("/v1", "/v2", 1),
            whole.replacen("/api", "//api", 1),
        ] {
            let (status, ..) = all.pages.ask_with(method, &odd, "", "").await;
            assert!(
                matches!(status, 401 | 404 | 405),
                "{method} {odd}: {status}"
            );
        }
    }
    // What an address does not take is refused before anything else.
    for operation in api::table() {
        let whole = format!("/api/v1{}", filled(&operation));
        for method in ["OPTIONS", "TRACE", "PROPFIND"] {
            let (status, header, _) = all.pages.ask_with(method, &whole, "", "").await;
            assert_eq!(status, 405, "{method} {whole}");
            assert!(header.contains("\r\nallow: "), "{header}");
        }
    }
    news.wait(Duration::days(31));
    let (status, told) = all.call("GET", "/issues", Value::Null).await;
    assert_eq!(status, 401, "it has come to its end: {told}");
}

each_database!(a_token_is_made_shown_once_and_worth_nothing_once_revoked);
async fn a_token_is_made_shown_once_and_worth_nothing_once_revoked(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let fields = [
        ("name", "Library <b>"),
        ("scope", "issues:read"),
        ("scope", "readers:read"),
        ("ends", "2026-03-04"),
    ];
    let made = owner.post("/desk/tokens", &fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let (_, rest) = made.body.split_once("<pre>").unwrap();
    let token = rest.split('<').next().unwrap().to_owned();
    assert!(token.starts_with("blt_") && token.len() == 47, "{token}");
    let page = owner.get("/desk/tokens").await;
    assert!(!page.body.contains(&token[8..]) && page.body.contains("Library &lt;b&gt;"));
    let again = owner.post("/desk/tokens", &fields).await;
    assert_eq!(
        again.status, 400,
        "another token of this name could not be told apart"
    );
    for wrong in [
        vec![("name", "x")],
        vec![("name", ""), ("scope", "issues:read")],
        vec![("name", "x"), ("scope", "everything")],
        vec![
            ("name", "x"),
            ("scope", "issues:read"),
            ("ends", "2026-03-01"),
        ],
    ] {
        assert_eq!(
            owner.post("/desk/tokens", &wrong).await.status,
            400,
            "{wrong:?}"
        );
    }
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let works = async || {
        owner
            .pages
            .ask_with("GET", "/api/v1/issues", &bearer, "")
            .await
            .0
    };
    assert_eq!(works().await, 200);
    assert!(
        owner
            .get("/desk/tokens")
            .await
            .body
            .contains("3\u{A0}March 2026, 09:00"),
        "when it was used last"
    );
    let (_, rest) = page.body.split_once("action=\"/desk/tokens/").unwrap();
    let id = rest.split('/').next().unwrap();
    let revoked = owner.post(&format!("/desk/tokens/{id}/revoke"), &[]).await;
    assert_eq!(revoked.location(), "/desk/tokens?done=revoked");
    assert_eq!(works().await, 401, "at once");
    let mut tx = news.db.read().await.unwrap();
    let deeds = audit::newest(&mut tx, None, 2).await.unwrap();
    let deeds: Vec<_> = deeds
        .iter()
        .map(|line| (line.deed, &*line.subject))
        .collect();
    assert_eq!(
        deeds,
        [
            (Deed::TokenRevoked, "Library <b>"),
            (Deed::TokenMade, "Library <b>")
        ]
    );
}
