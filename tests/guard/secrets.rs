//! T25. What the desk and programs are trusted with stands in no log and in no answer but the one that shows it.

use bulletin::admin::Role;
use bulletin::db::Db;
use bulletin::token::Scope;

use crate::support::News;
use crate::support::editor::{Editor, key_on};
use crate::support::log::{Log, logged};
use crate::support::program::Program;

const PASSWORD: &str = "kanarie fjord nine maple";

#[test]
fn no_log_names_what_people_and_programs_are_let_in_by() {
    logged(all_ways);
}

/// Goes the ways of the desk and of the API with passwords, codes, cookies, tokens, secrets and readers that are known.
async fn all_ways(db: Db, log: &Log) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    news.subscribe("kanarie@peer.test", &[]).await;
    let link = owner.password_link(&news).await;
    owner
        .post(
            &link,
            &[("password", PASSWORD), ("repeated", "kanarie mistyped it")],
        )
        .await;
    owner
        .post(&link, &[("password", PASSWORD), ("repeated", PASSWORD)])
        .await;
    let owner = owner.beside(&news, Role::Owner).await;
    let page = owner.get("/desk/me/second").await.body;
    let key = key_on(&page);
    owner
        .post(
            "/desk/again",
            &[("password", PASSWORD), ("code", "kanarie")],
        )
        .await;
    let token = shown(
        &owner,
        "/desk/tokens",
        &[("name", "Library"), ("scope", "readers:read")],
    )
    .await;
    let hook = [
        ("url", "https://hook.test/kanarie?key=kanarie"),
        ("event", "bounced"),
    ];
    let secret = shown(&owner, "/desk/hooks", &hook).await;
    owner
        .post(
            "/desk/people",
            &[
                ("name", "Kim"),
                ("address", "kanarie2@desk.test"),
                ("role", "editor"),
            ],
        )
        .await;
    owner
        .post("/desk/forgotten", &[("address", "kanarie2@desk.test")])
        .await;
    owner.post("/desk/readers", &[("q", "kanarie")]).await;
    owner
        .post(
            "/desk/readers/add",
            &[("address", "kanarie3@peer.test"), ("name", "Kanarie")],
        )
        .await;
    owner
        .post(
            "/desk/suppressions",
            &[("address", "kanarie4@peer.test"), ("note", "kanarie")],
        )
        .await;
    let program = Program::start(&news, Scope::ALL).await;
    for (method, path, body) in [
        ("POST", "/readers/search", r#"{"part": "kanarie"}"#),
        ("POST", "/readers", r#"{"address": "kanarie5@peer.test"}"#),
        ("POST", "/readers", r#"{"address": "kanarie5@peer.test""#),
        (
            "POST",
            "/suppressions",
            r#"{"address": "kanarie6@peer.test", "note": "kanarie"}"#,
        ),
    ] {
        let answer = program
            .ask(method, path, "Content-Type: application/json\r\n", body)
            .await;
        assert!(answer.status < 500, "{}", answer.body);
    }
    let wrong = format!("Authorization: Bearer {token}kanarie\r\n");
    program
        .pages
        .ask_with("GET", "/api/v1/readers", &wrong, "")
        .await;
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let said = news.metrics.text();
    assert!(!said.contains("kanarie"), "{said}");
    let link = link.rsplit('/').next().unwrap().to_owned();
    let secrets = [
        "kanarie".to_owned(),
        link,
        key,
        token,
        secret,
        program.token.clone(),
        owner.cookie.clone(),
        owner.token.clone(),
    ];
    log.names_none_of(secrets, &["debug"]);
}

/// What a page shows this once.
async fn shown(owner: &Editor, path: &str, fields: &[(&str, &str)]) -> String {
    let made = owner.post(path, fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let shown = made.body.split("<pre>").nth(1).unwrap();
    shown.split('<').next().unwrap().to_owned()
}
