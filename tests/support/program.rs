//! A program that uses the API of a test's news service, over real HTTP. Every answer is held against the description.

use bulletin::secret::random_token;
use bulletin::token::{self, New, Scope};
use bulletin::topic::Vocabulary;
use bulletin::web::api::operation_of;
use bulletin::web::server::Patience;
use serde_json::Value;
use uuid::Uuid;

use super::News;
use super::editor::{Answered, routes};
use super::pages::Pages;

#[derive(Clone)]
pub struct Program {
    pub pages: Pages,
    pub token: String,
    pub id: Uuid,
    vocabulary: Vocabulary,
}

impl Program {
    /// With a token that may do this.
    pub async fn start(news: &News, scopes: &[Scope]) -> Program {
        let pages = Pages::of(routes(news), Patience::default()).await;
        let (id, token) = Program::token(news, scopes).await;
        Program {
            pages,
            token,
            id,
            vocabulary: news.vocabulary.clone(),
        }
    }

    /// The same program with another token.
    pub async fn with(&self, news: &News, scopes: &[Scope]) -> Program {
        let (id, token) = Program::token(news, scopes).await;
        Program {
            id,
            token,
            ..self.clone()
        }
    }

    async fn token(news: &News, scopes: &[Scope]) -> (Uuid, String) {
        let (id, name) = (Uuid::new_v4(), random_token());
        let new = New {
            id,
            name: &name[..8],
            scopes,
            made_by: "Ada",
            ends_at: Some(news.now() + chrono::Duration::days(30)),
        };
        let mut tx = news.db.begin().await.unwrap();
        let made = token::add(&mut tx, &new, news.now()).await.unwrap();
        tx.commit().await.unwrap();
        (id, made.unwrap())
    }

    /// Asks with these header fields beside the token.
    pub async fn ask(&self, method: &str, path: &str, header: &str, body: &str) -> Answered {
        let path = format!("/api/v1{path}");
        let header = format!("Authorization: Bearer {}\r\n{header}", self.token);
        let (status, header, body) = self.pages.ask_with(method, &path, &header, body).await;
        let answered = Answered {
            status,
            header,
            body,
        };
        self.hold_against_the_description(method, &path, &answered);
        answered
    }

    /// Asks with JSON, and gives the status with the answer's JSON.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (mut header, mut text) = (String::new(), String::new());
        if !body.is_null() {
            header += "Content-Type: application/json\r\n";
            text = body.to_string();
        }
        let answered = self.ask(method, path, &header, &text).await;
        let json = serde_json::from_str(&answered.body).unwrap_or_default();
        (answered.status, json)
    }

    /// The same, for what goes well.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, json) = self.call(method, path, body).await;
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {json}"
        );
        json
    }

    fn hold_against_the_description(&self, method: &str, path: &str, answered: &Answered) {
        let Some(operation) = operation_of(method, path) else {
            assert!(matches!(answered.status, 404 | 405), "{method} {path}");
            return;
        };
        let wrongs = operation.check_answer(
            answered.status,
            &answered.header,
            &answered.body,
            &self.vocabulary,
        );
        assert_eq!(wrongs, "", "{method} {path}: {}", answered.body);
    }
}
