//! The HTTP API: who may call, what is told who may not, that it is described as it is, and that it sends once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulletin::admin::Role;
use bulletin::audit::{self, Deed};
use bulletin::config::OnUnknown;
use bulletin::db::Db;
use bulletin::plan::Terms;
use bulletin::record;
use bulletin::sending::orders::Orders;
use bulletin::token::{self, Scope};
use bulletin::topic::Vocabulary;
use bulletin::web::api::{self, Body, Operation};
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::editor::Editor;
use crate::support::news::{DEPRESSION, EMPATHY, issue};
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

/// What settles orders beside the site.
async fn settle(news: &News) {
    let orders = Orders {
        db: news.db.clone(),
        terms: Terms {
            on_nothing: news.settings.on_nothing,
            on_unknown: OnUnknown::Retry,
            undo: Duration::seconds(10),
            zone: chrono_tz::UTC,
        },
        clock: news.clock(),
        placed: Arc::default(),
    };
    orders.settle().await.unwrap();
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

#[test]
fn every_row_of_the_api_is_described_and_leads_somewhere() {
    let described = api::described(&Vocabulary::built_in(), "https://news.example.org/api/v1");
    let mut ids = BTreeSet::new();
    for operation in api::table() {
        let method = operation.method.as_str().to_lowercase();
        let row = &described["paths"][operation.path][&method];
        assert!(ids.insert(operation.id), "{} stands twice", operation.id);
        assert_eq!(row["operationId"], operation.id);
        assert_eq!(
            row["security"],
            json!([{"token": [operation.scope.as_str()]}])
        );
        assert!(!operation.gives.is_empty(), "{}", operation.id);
        for gives in &operation.gives {
            assert!(row["responses"][gives.status.to_string()].is_object());
        }
        assert_eq!(
            row["requestBody"].is_object(),
            !matches!(operation.body, Body::Nothing)
        );
        let parameters = row["parameters"].as_array().unwrap();
        let named = operation.names().len() + operation.query.len();
        assert_eq!(parameters.len(), named + usize::from(operation.wants_key));
    }
    let rows = described["paths"].as_object().unwrap().values();
    let rows: usize = rows.map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(rows, ids.len(), "nothing else is described");
    // What is referred to is there.
    let text = described.to_string();
    let parts = text.split("\"#/components/schemas/").skip(1);
    for name in parts.map(|part| part.split('"').next().unwrap()) {
        assert!(
            described["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

each_database!(a_month_is_written_sent_watched_and_held_up_over_the_api);
async fn a_month_is_written_sent_watched_and_held_up_over_the_api(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, Scope::ALL).await;
    let given = json!({"teaser": "This month", "summaries": [
        {"title": "Empathy helps", "summary": ["It does."], "implications": ["Listen."], "topics": [EMPATHY]},
        {"title": "Sadness passes", "citation": null, "summary": ["It does, too."], "topics": [DEPRESSION]},
    ]});
    let path = "/issues/2026-03";
    let changes = program.done("PUT", path, given.clone()).await;
    assert!(changes.as_array().unwrap().len() >= 3, "{changes}");
    assert_eq!(
        program.done("PUT", path, given).await,
        json!([]),
        "the same again changes nothing"
    );
    let shown = program.done("GET", path, Value::Null).await;
    assert_eq!(shown["summaries"][1]["topics"], json!([DEPRESSION]));
    let markdown = program.ask("GET", "/issues/2026-03/markdown", "", "").await;
    let back = program
        .ask(
            "PUT",
            path,
            "Content-Type: text/markdown\r\n",
            &markdown.body,
        )
        .await;
    assert_eq!(
        (back.status, &*back.body),
        (200, "[]"),
        "what is taken out can be put in again"
    );
    program
        .done("POST", "/issues/2026-03/confirm", Value::Null)
        .await;
    program
        .done(
            "PUT",
            "/issues/2026-02",
            json!({"summaries": [{"title": "Old", "summary": ["x"]}]}),
        )
        .await;
    let first = program.ask("GET", "/issues?limit=1", "", "").await;
    assert!(
        first.body.contains("2026-03") && !first.body.contains("2026-02"),
        "{}",
        first.body
    );
    assert!(
        first
            .header
            .contains("link: </api/v1/issues?limit=1&after=2026-03>; rel=\"next\""),
        "{}",
        first.header
    );
    let rest = program
        .ask("GET", "/issues?limit=1&after=2026-03", "", "")
        .await;
    assert!(rest.body.contains("2026-02") && !rest.header.contains("\r\nlink: "));
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    news.subscribe("bob@peer.test", &[]).await;
    program.done("GET", "/topics", Value::Null).await;
    let plan = program
        .done("GET", "/issues/2026-03/plan", Value::Null)
        .await;
    assert_eq!(plan["recipients"], 2);

    let send = json!({"fingerprint": plan["fingerprint"]});
    let header = "Content-Type: application/json\r\nIdempotency-Key: march-of-2026\r\n";
    let stale = json!({"fingerprint": "0123456789abcdef"}).to_string();
    let refused = program
        .ask("POST", "/issues/2026-03/send", header, &stale)
        .await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let sent = program
        .ask("POST", "/issues/2026-03/send", header, &send.to_string())
        .await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let order = program
        .done("GET", "/issues/2026-03/order", Value::Null)
        .await;
    assert_eq!(order["state"], "placed");
    settle(&news).await;
    let status = program.done("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(
        (&status["planned"], &status["waiting"]),
        (&json!(2), &json!(2))
    );
    for (act, state) in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
    ] {
        let status = program
            .done("POST", &format!("/campaigns/2026-03/{act}"), Value::Null)
            .await;
        assert_eq!(status["state"], state, "{act}");
    }
    let back = program
        .done("DELETE", "/issues/2026-03/order", Value::Null)
        .await;
    assert_eq!(back["state"], "recalled", "nothing of it went out yet");
    settle(&news).await;
    let (status, _) = program.call("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(status, 404, "it was undone");
    let again = header.replace("march", "March");
    let sent = program
        .ask("POST", "/issues/2026-03/send", &again, &send.to_string())
        .await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    settle(&news).await;
    news.wait(Duration::seconds(11));
    news.deliver_all().await;
    let status = program.done("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(
        (&status["state"], &status["accepted"]),
        (&json!("finished"), &json!(2))
    );
    program
        .done("POST", "/campaigns/2026-03/cancel", Value::Null)
        .await;
    let (status, _) = program
        .call("POST", "/campaigns/2026-03/resume", Value::Null)
        .await;
    assert_eq!(status, 409, "cancelled is for good");
    assert_eq!(
        program.done("GET", "/campaigns", Value::Null).await[0]["state"],
        "cancelled"
    );
}

each_database!(fifty_orders_at_once_send_once);
async fn fifty_orders_at_once_send_once(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    news.publish(&issue("2026-03", &[&[EMPATHY]])).await;
    let scopes = [Scope::CampaignsRead, Scope::CampaignsSend];
    let program = Program::start(&news, &scopes).await;
    let plan = program
        .done("GET", "/issues/2026-03/plan", Value::Null)
        .await;
    let body = json!({"fingerprint": plan["fingerprint"]}).to_string();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (program, body) = (program.clone(), body.clone());
        calls.spawn(async move {
            let key = match number % 2 {
                0 => "the-same-key".to_owned(),
                _ => format!("another-key-{number}"),
            };
            let header = format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n");
            let answer = program
                .ask("POST", "/issues/2026-03/send", &header, &body)
                .await;
            let json: Value = serde_json::from_str(&answer.body).unwrap();
            (answer.status, json["id"].as_str().map(str::to_owned))
        });
    }
    let answers = calls.join_all().await;
    let ids: BTreeSet<_> = answers.iter().filter_map(|(_, id)| id.clone()).collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(status, _)| matches!(status, 202 | 409)),
        "{answers:?}"
    );
    settle(&news).await;
    settle(&news).await;
    news.wait(Duration::seconds(11));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
    assert_eq!(news.peer.taken().len(), 1);
}

each_database!(readers_are_found_added_changed_and_erased_and_all_of_it_is_written_down);
async fn readers_are_found_added_changed_and_erased_and_all_of_it_is_written_down(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, Scope::ALL).await;
    let ann = json!({
        "address": "Ann@peer.test", "name": "Ann", "topics": [EMPATHY], "time_zone": "Europe/Paris",
        "consent": {"source": "paper form of the conference", "at": "2026-02-01T10:00:00Z"},
    });
    let answered = program
        .ask(
            "POST",
            "/readers",
            "Content-Type: application/json\r\n",
            &ann.to_string(),
        )
        .await;
    assert_eq!(answered.status, 201, "{}", answered.body);
    let added: Value = serde_json::from_str(&answered.body).unwrap();
    let path = format!("/readers/{}", added["id"].as_str().unwrap());
    assert_eq!(answered.location(), format!("/api/v1{path}"));
    assert_eq!(
        (&added["state"], &added["since"]),
        (&json!("active"), &json!("2026-02-01T10:00:00Z"))
    );
    let (status, told) = program.call("POST", "/readers", ann).await;
    assert_eq!(
        (status, &told["errors"][0]["at"]),
        (409, &json!("body /address"))
    );
    let later = json!({"address": "bea@peer.test", "consent": {"source": "form", "at": "2027-01-01T00:00:00Z"}});
    assert_eq!(program.call("POST", "/readers", later).await.0, 409);

    // Without a consent the address is asked, and nobody is told who has it.
    for address in ["carl@peer.test", "ann@peer.test"] {
        let (status, told) = program
            .call("POST", "/readers", json!({"address": address}))
            .await;
        assert_eq!((status, told), (202, json!({"asked": true})));
    }
    news.requests().settle().await.unwrap();
    assert_eq!(
        news.reader("carl@peer.test").await.state.as_str(),
        "pending"
    );

    for (wanted, found) in [
        (json!({"part": "NN@peer"}), 1),
        (json!({"part": "peer.test", "state": "active"}), 1),
        (json!({"topic": DEPRESSION, "state": "active"}), 0),
        (json!({"suppressed": false}), 2),
        (json!({}), 2),
    ] {
        let listed = program
            .done("POST", "/readers/search", wanted.clone())
            .await;
        assert_eq!(listed.as_array().unwrap().len(), found, "{wanted}");
    }
    let part = program.ask("GET", "/readers?limit=1", "", "").await;
    assert!(part.header.contains("rel=\"next\""), "{}", part.header);
    let changed = program
        .done("PATCH", &path, json!({"topics": [], "language": "fr"}))
        .await;
    assert_eq!(
        (&changed["topics"], &changed["language"], &changed["name"]),
        (&json!([]), &json!("fr"), &json!("Ann"))
    );
    let whole = program.done("GET", &path, Value::Null).await;
    assert_eq!(whole["consents"].as_array().unwrap().len(), 2);
    let left = program
        .done("POST", &format!("{path}/unsubscribe"), Value::Null)
        .await;
    assert_eq!(left["state"], "ended");

    let added = program
        .done(
            "POST",
            "/suppressions",
            json!({"address": "dora@peer.test", "note": "wrote to us"}),
        )
        .await;
    assert_eq!(added, json!({"added": true}));
    let dora = json!({"address": "dora@peer.test", "consent": {"source": "form"}});
    assert_eq!(
        program.call("POST", "/readers", dora).await.0,
        409,
        "a suppression wins"
    );
    let listed = program.done("GET", "/suppressions", Value::Null).await;
    assert_eq!(
        (listed[0]["reason"].as_str(), &listed[0]["address"]),
        (Some("manual"), &Value::Null)
    );
    let lift = json!({"address": "dora@peer.test", "note": "she asked for it"});
    assert_eq!(
        program
            .done("POST", "/suppressions/lift", lift.clone())
            .await,
        json!({"released": "manual"})
    );
    assert_eq!(
        program.call("POST", "/suppressions/lift", lift).await.0,
        404
    );

    assert_eq!(program.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(program.call("GET", &path, Value::Null).await.0, 404);
    assert!(news.is_suppressed("ann@peer.test").await);

    let hook = json!({"url": "https://hook.test/x", "events": ["bounced", "bounced"]});
    let made = program.done("POST", "/hooks", hook).await;
    let hook = format!("/hooks/{}", made["id"].as_str().unwrap());
    assert_eq!(
        program.done("GET", "/hooks", Value::Null).await[0]["events"],
        json!(["bounced"])
    );
    program
        .done("POST", &format!("{hook}/test"), Value::Null)
        .await;
    assert_eq!(program.call("DELETE", &hook, Value::Null).await.0, 204);
    assert_eq!(program.call("DELETE", &hook, Value::Null).await.0, 404);

    let mut tx = news.db.read().await.unwrap();
    let token = token::by_id(&mut tx, program.id).await.unwrap().unwrap();
    assert_eq!(token.used_at, Some(news.now()));
    let deeds = audit::newest(&mut tx, None, 100).await.unwrap();
    assert!(
        deeds
            .iter()
            .all(|line| line.who == token.who() && !line.subject.contains('@'))
    );
    for deed in [
        Deed::ReaderAdded,
        Deed::ReaderAsked,
        Deed::ReaderChanged,
        Deed::ReaderUnsubscribed,
        Deed::ReaderErased,
        Deed::AddressSuppressed,
        Deed::AddressReleased,
    ] {
        assert!(deeds.iter().any(|line| line.deed == deed), "{deed}");
    }
    // Five searches, a list, one reader twice, and the suppressions.
    let readings = record::newest(&mut tx, None, 100).await.unwrap();
    assert_eq!(readings.len(), 9, "{readings:?}");
}

each_database!(what_is_wrong_is_told_with_its_place_and_its_mend);
async fn what_is_wrong_is_told_with_its_place_and_its_mend(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, Scope::ALL).await;
    let json = "Content-Type: application/json\r\n";
    for (method, path, header, body, status, says) in [
        (
            "GET",
            "/issues?limit=0",
            "",
            "",
            422,
            "query limit: must be a whole number from 1 to 1000",
        ),
        ("GET", "/issues?limit=1&limit=2", "", "", 422, "given twice"),
        (
            "GET",
            "/issues?limt=1",
            "",
            "",
            422,
            "there are: after, limit",
        ),
        ("GET", "/issues/march", "", "", 404, "written as 2020-12"),
        (
            "GET",
            "/issues/2026-03",
            "",
            "",
            404,
            "there is no issue 2026-03",
        ),
        ("GET", "/readers/1%00", "", "", 404, "must be an id"),
        ("POST", "/readers", json, "{", 400, "the body is not JSON"),
        (
            "POST",
            "/readers",
            json,
            "[]",
            422,
            "body: must be an object",
        ),
        (
            "POST",
            "/readers",
            "Content-Type: text/plain\r\n",
            "{}",
            415,
            "application/json",
        ),
        (
            "POST",
            "/readers",
            json,
            "{}",
            422,
            "body /address: is missing",
        ),
        (
            "POST",
            "/readers",
            json,
            r#"{"address": "ann"}"#,
            422,
            "ada@example.org",
        ),
        (
            "POST",
            "/readers",
            json,
            r#"{"address": "a@b.test", "topics": ["x"]}"#,
            422,
            "/topics/0: must be one of",
        ),
        (
            "POST",
            "/readers",
            json,
            r#"{"address": "a@b.test", "nam": "x"}"#,
            422,
            "/nam: is not known here",
        ),
        (
            "POST",
            "/readers",
            json,
            "{\"address\": \"a@b.test\", \"name\": \"x\\u0000\"}",
            422,
            "/name: must be one line",
        ),
        (
            "POST",
            "/issues/2026-03/send",
            json,
            r#"{"fingerprint": "0123456789abcdef"}"#,
            422,
            "Idempotency-Key",
        ),
        (
            "PUT",
            "/issues/2026-03",
            json,
            r#"{"summaries": []}"#,
            409,
            "at least one summary",
        ),
        (
            "PUT",
            "/issues/2026-03",
            json,
            r#"{"summaries": [{"title": "A"}]}"#,
            409,
            "/summaries/0",
        ),
    ] {
        let answer = program.ask(method, path, header, body).await;
        assert_eq!(
            answer.status, status,
            "{method} {path} {body}: {}",
            answer.body
        );
        assert!(
            answer.body.contains(says),
            "{method} {path} {body}: {}",
            answer.body
        );
    }
    let large = format!("{{\"address\": \"{}\"}}", "x".repeat(api::MOST_BYTES));
    let answer = program.ask("POST", "/readers", json, &large).await;
    assert_eq!(answer.status, 413);
    let nothing = program.ask("GET", "/isues", "", "").await;
    assert!(nothing.status == 404 && nothing.body.contains("/api/v1/openapi.json"));
    let (status, header, described) = program
        .pages
        .ask_with("GET", "/api/v1/openapi.json", "", "")
        .await;
    assert!(status == 200 && header.contains("content-type: application/json"));
    assert!(described.starts_with('{') && described.contains("\"openapi\":\"3.1.0\""));
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
