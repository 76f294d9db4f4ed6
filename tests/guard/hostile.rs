//! T8, T9, T10, T18, T31. What strangers, colleagues and servers write stands on the desk's pages as text, or is refused; on
//! no database does it make anything fail.

use bulletin::admin::Role;
use bulletin::db::{Db, Tx};
use sqlx::AssertSqlSafe;

use super::crawl::{Form, crawl};
use crate::support::editor::{Answered, Editor};
use crate::support::news::{DEPRESSION, issue};
use crate::support::{News, each_database};

/// Tags, turned letters, letters of four bytes, a text far too long, what ends texts, lines and statements, and what
/// templates run.
fn texts() -> Vec<String> {
    vec![
        "\"'><script>alert(1)</script><img src=x onerror=alert(1)>".to_owned(),
        "</title></textarea></script><svg onload=alert(1)><a href=javascript:alert(1)>x".to_owned(),
        "\u{202e}moc.live\u{2066} \u{200f}x".to_owned(),
        "𝔸 😀 𝕫".to_owned(),
        "a".repeat(10_000),
        "nul\0byte".to_owned(),
        "one\r\nSet-Cookie: evil=1\r\n\r\n<b>two".to_owned(),
        "'; DROP TABLE admin; -- \\".to_owned(),
        "{{7*191}}${7*191}<%= 7*191 %>{% include '/etc/passwd' %}".to_owned(),
    ]
}

/// Whether anything hostile is more than text in an answer.
fn look_through(path: &str, answer: &Answered) {
    assert!(
        answer.status < 500,
        "{path}: {}\n{}",
        answer.status,
        answer.body
    );
    assert!(!answer.header.contains("\r\nset-cookie: evil"), "{path}");
    let body = answer.body.to_lowercase();
    let is_page = answer.header.contains("content-type: text/html");
    for wrong in [
        "<script>alert",
        "<img src=x",
        "<svg onload",
        "href=\"javascript",
        "<a href=javascript",
        "<b>two",
        "1337",
    ] {
        let at = body.find(wrong).filter(|_| is_page || wrong == "1337");
        if let Some(at) = at {
            let from = answer.body.floor_char_boundary(at.saturating_sub(300));
            panic!("{path}: {wrong} in {}", &answer.body[from..]);
        }
    }
    assert!(!body.contains('\0'), "{path}");
}

/// A desk at which something stands on every page: a month that was sent and came back, one that is written, accounts,
/// readers, programs, tokens, addresses without mail, and a mail kept aside.
async fn furnished(news: &News) -> Editor {
    let owner = Editor::sign_in(news, Role::Owner).await;
    owner.beside(news, Role::Editor).await;
    for address in ["ann@peer.test", "550.bob@peer.test", "450.carl@peer.test"] {
        news.subscribe(address, &[DEPRESSION]).await;
    }
    news.publish(&issue("2026-02", &[&[DEPRESSION]])).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[DEPRESSION]]))
        .await;
    news.plan("2026-02").await;
    news.deliver_all().await;
    for (path, fields) in [
        ("/desk/issues", vec![("month", "2026-04")]),
        (
            "/desk/tokens",
            vec![("name", "Library"), ("scope", "issues:read")],
        ),
        (
            "/desk/hooks",
            vec![("url", "https://hook.test/x"), ("event", "bounced")],
        ),
        (
            "/desk/suppressions",
            vec![("address", "dora@peer.test"), ("note", "wrote to us")],
        ),
    ] {
        let answer = owner.post(path, &fields).await;
        assert!(answer.status < 400, "{path}: {}", answer.body);
    }
    let markdown = "# 2026-01\n\n## A study\n\nIt says so.\n";
    owner
        .upload("/desk/issues/bring", &[], ("file", "month.md", markdown))
        .await;
    let mut tx = news.db.begin().await.unwrap();
    let kept = bulletin::returned::kept::New {
        mark: "one",
        at: news.now(),
        way: bulletin::returned::Way::Pipe,
        why: "a person wrote",
        delivery: None,
        address_hash: None,
        mail: b"From: ann@peer.test\r\nSubject: <script>alert(1)</script>\r\n\r\n<img src=x>\r\n",
    };
    bulletin::returned::kept::add(&mut tx, &kept).await.unwrap();
    tx.commit().await.unwrap();
    owner
}

/// Where no link leads.
const ALSO: [&str; 3] = ["/desk/sign-in", "/desk/forgotten", "/desk/again"];

/// Forms that end the session with which all of this is done, and those whose every try costs a second.
const LEFT_ALONE: [&str; 6] = [
    "/desk/sign-out",
    "/desk/me/sessions",
    "/desk/me/password",
    "/desk/sign-in",
    "/desk/again",
    "/desk/forgotten",
];

each_database!(whatever_is_written_into_any_form_is_text_or_refused);
async fn whatever_is_written_into_any_form_is_text_or_refused(db: Db) {
    let news = News::start(db).await;
    let mut owner = furnished(&news).await;
    let found = crawl(&owner, &ALSO).await;
    assert!(found.pages.len() >= 45, "{:?}", found.pages.keys());
    assert!(found.forms.len() >= 40, "{:?}", found.forms.keys());
    let own = format!("/desk/people/{}", owner.id);
    let is_tried =
        |form: &&Form| !LEFT_ALONE.contains(&&*form.action) && !form.action.starts_with(&own);
    for form in found.forms.values().filter(is_tried) {
        for text in &texts() {
            for everything in [false, true] {
                let answer = fill(&owner, form, text, everything).await;
                look_through(&form.action, &answer);
            }
        }
        if owner.get("/desk").await.status != 200 {
            owner = owner.beside(&news, Role::Owner).await;
        }
    }
    let found = crawl(&owner, &ALSO).await;
    for (path, page) in &found.pages {
        look_through(path, page);
    }
    for path in found.pages.keys().filter(|path| !path.contains('?')) {
        for text in texts().iter().step_by(5) {
            let text: String = form_urlencoded::byte_serialize(text.as_bytes())
                .take(700)
                .collect();
            for odd in [
                format!("{path}?q={text}&done={text}&page={text}&before={text}&after={text}"),
                format!("{path}/{}", text.replace('+', "%20")),
            ] {
                look_through(&odd, &owner.get(&odd).await);
            }
        }
    }
}

/// Sends a form with one text in each field that somebody writes into, or in `everything`.
async fn fill(who: &Editor, form: &Form, text: &str, everything: bool) -> Answered {
    let fields: Vec<(&str, &str)> = form
        .fields
        .iter()
        .map(|field| match field.is_written || everything {
            true => (&*field.name, text),
            false => (&*field.name, &*field.value),
        })
        .collect();
    match form.has_files {
        true => {
            let name = text.replace(['"', '\r', '\n'], "_");
            who.upload(&form.action, &fields, ("file", &name, text))
                .await
        }
        false => who.post(&form.action, &fields).await,
    }
}

/// Texts in tables that come from elsewhere, whatever guards them on their way in: what servers, readers and reports said.
const FROM_ELSEWHERE: [(&str, &str); 20] = [
    ("subscriber", "name"),
    ("consent", "source"),
    ("consent", "proof"),
    ("consent_file", "name"),
    ("suppression", "note"),
    ("released", "note"),
    ("delivery", "reply"),
    ("returned", "words"),
    ("returned", "because"),
    ("returned", "note"),
    ("returned", "status"),
    ("kept", "why"),
    ("campaign", "paused_because"),
    ("draft", "made_by"),
    ("brought", "name"),
    ("brought", "brought_by"),
    ("api_token", "name"),
    ("api_token", "made_by"),
    ("hook", "made_by"),
    ("admin", "name"),
];

each_database!(whatever_stands_in_the_tables_is_shown_as_text);
async fn whatever_stands_in_the_tables_is_shown_as_text(db: Db) {
    let news = News::start(db).await;
    let owner = furnished(&news).await;
    for text in texts().iter().filter(|text| !text.contains('\0')) {
        let mut tx = news.db.begin().await.unwrap();
        for table in ["consent", "consent_file"] {
            let without = match &tx {
                Tx::Sqlite(_) => format!("DROP TRIGGER IF EXISTS {table}_is_never_changed"),
                Tx::Postgres(_) => format!("ALTER TABLE {table} DISABLE TRIGGER USER"),
            };
            execute(&mut tx, &without, None).await;
        }
        for (table, column) in FROM_ELSEWHERE {
            let unique = match (table, column, &tx) {
                ("api_token" | "admin", "name", Tx::Sqlite(_)) => " || hex(id)",
                ("api_token" | "admin", "name", Tx::Postgres(_)) => " || CAST(id AS text)",
                _ => "",
            };
            let sql = format!("UPDATE {table} SET {column} = $1{unique}");
            execute(&mut tx, &sql, Some(text)).await;
        }
        tx.commit().await.unwrap();
        for (path, page) in &crawl(&owner, &ALSO).await.pages {
            look_through(path, page);
        }
    }
}

async fn execute(tx: &mut Tx, sql: &str, text: Option<&str>) {
    let sql = AssertSqlSafe(sql.to_owned());
    let done = match tx {
        Tx::Sqlite(tx) => {
            let query = sqlx::query(sql);
            let query = match text {
                Some(text) => query.bind(text.to_owned()),
                None => query,
            };
            query.execute(&mut **tx).await.map(|_| ())
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query(sql);
            let query = match text {
                Some(text) => query.bind(text.to_owned()),
                None => query,
            };
            query.execute(&mut **tx).await.map(|_| ())
        }
    };
    done.unwrap();
}
