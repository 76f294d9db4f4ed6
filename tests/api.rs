//! The HTTP API: who may call, what is told who may not, that it is described as it is, and that it sends once.

mod readers;
mod sending;
mod tokens;

use std::collections::BTreeSet;

use bulletin::db::Db;
use bulletin::token::Scope;
use bulletin::topic::Vocabulary;
use bulletin::web::api::{self, Body};
use serde_json::json;

use crate::support::program::Program;
use crate::support::{News, each_database};

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
