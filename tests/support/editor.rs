//! Somebody at the editor's desk of a test's news service, over real HTTP.

use axum::Router;
use bulletin::admin::{self, New, Role, session};
use bulletin::config::{Config, Secret};
use bulletin::render::{House, Renderer};
use bulletin::secret::random_token;
use bulletin::subscriber::Address;
use bulletin::subscription::Language;
use bulletin::suggest::Suggester;
use bulletin::web;
use bulletin::web::desk::{self, Desk};
use bulletin::web::server::Patience;
use chrono::Duration;
use uuid::Uuid;

use super::News;
use super::pages::Pages;

/// Where the desk of tests stands.
pub const SITE: &str = "https://news.example.org";

pub struct Editor {
    pub pages: Pages,
    pub id: Uuid,
    /// What the browser holds; a test may change it.
    pub cookie: String,
    /// What forms carry.
    pub token: String,
}

/// An answer of the desk.
pub struct Answered {
    pub status: u16,
    /// In small letters.
    pub header: String,
    pub body: String,
}

impl Answered {
    /// Where it leads.
    pub fn location(&self) -> &str {
        let field = self
            .header
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        field.unwrap_or_default()
    }
}

/// The routes of the desk and of the site.
pub fn routes(news: &News) -> Router {
    let site = Pages::site(news);
    let desk = self::desk(news, site.clone());
    web::routes(site)
        .merge(desk::routes(desk.clone()))
        .merge(web::api::routes(desk))
}

/// The settings of a test's service.
pub fn config() -> Config {
    config_with("")
}

/// The same with more of them.
pub fn config_with(more: &str) -> Config {
    let text = format!(
        "[database]\nurl = 'sqlite://unused'\n[smtp]\nurl = 'smtp://127.0.0.1:1'\n\
         [site]\nurl = '{SITE}'\nname = 'Research News'\n\
         [sender]\nfrom = 'Research News <news@example.org>'\nreply_to = 'editor@example.org'\n\
         postal_address = '1 Sample Street'\ncontact = 'editor@example.org'\n{more}"
    );
    let environment = std::collections::BTreeMap::new();
    Config::read(std::path::Path::new("test"), &text, &environment).unwrap()
}

pub fn desk(news: &News, site: web::Site) -> Desk {
    let mut config = config();
    config.smtp_url = Secret(format!("smtp://{}", news.peer.address));
    desk_with(news, site, config)
}

/// The same with settings of the test's own.
pub fn desk_with(news: &News, site: web::Site, config: Config) -> Desk {
    let renderer = Renderer::new(
        House::draft(&config),
        news.keys.clone(),
        None,
        news.vocabulary.clone(),
    );
    Desk::new(site, config, Suggester::new(&news.vocabulary), renderer)
}

impl Editor {
    /// Signs somebody in who has that role, and proved just now who they are. An owner has a second factor.
    pub async fn sign_in(news: &News, role: Role) -> Editor {
        Editor::sign_in_at(news, role, routes(news)).await
    }

    /// The same at a desk of the test's own.
    pub async fn sign_in_at(news: &News, role: Role, routes: Router) -> Editor {
        let pages = Pages::of(routes, Patience::default()).await;
        let (id, cookie) = Editor::of_role(news, role).await;
        Editor::with(news, pages, id, cookie)
    }

    /// Another one at the same desk.
    pub async fn beside(&self, news: &News, role: Role) -> Editor {
        let (id, cookie) = Editor::of_role(news, role).await;
        let pages = self.pages.clone();
        Editor::with(news, pages, id, cookie)
    }

    fn with(news: &News, pages: Pages, id: Uuid, cookie: String) -> Editor {
        let session = bulletin::secret::token_hash(&cookie);
        let code = news.keys.code_over("desk form", &session);
        Editor {
            pages,
            id,
            cookie,
            token: data_encoding::BASE64URL_NOPAD.encode(&code[..18]),
        }
    }

    async fn of_role(news: &News, role: Role) -> (Uuid, String) {
        let (id, cookie, now) = (Uuid::new_v4(), random_token(), news.now());
        let address = Address::parse(&format!("{}@desk.test", id.simple())).unwrap();
        let new = New {
            id,
            address: &address,
            name: &format!("A {role}"),
            role,
            language: Language::English,
            time_zone: chrono_tz::America::Toronto,
        };
        let mut tx = news.db.begin().await.unwrap();
        assert!(admin::add(&mut tx, &new, now).await.unwrap());
        admin::set_password(&mut tx, id, "none that fits")
            .await
            .unwrap();
        if role == Role::Owner {
            let key = [7; 20];
            let set = admin::set_second(&mut tx, &news.keys, id, Some(&key), 0);
            set.await.unwrap();
        }
        session::begin(&mut tx, id, &cookie, now).await.unwrap();
        tx.commit().await.unwrap();
        (id, cookie)
    }

    /// A link by which this account sets its password.
    pub async fn password_link(&self, news: &News) -> String {
        let mut tx = news.db.begin().await.unwrap();
        let link = admin::new_link(&mut tx, self.id, news.now()).await.unwrap();
        tx.commit().await.unwrap();
        admin::link_path(&news.keys, link)
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.ask(
            "GET",
            path,
            &format!("Cookie: __Host-desk={}\r\n", self.cookie),
            "",
        )
        .await
    }

    /// Sends a form as a page of the desk does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let form = self.form(fields);
        self.ask("POST", path, &self.of_a_page(), &form).await
    }

    /// The form with the session's token.
    pub fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", &self.token);
        form.extend_pairs(fields);
        form.finish()
    }

    /// Sends a form with a file as a page of the desk does.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: (&str, &str, &str),
    ) -> Answered {
        let (field, name, content) = file;
        let mut body = String::new();
        for (name, value) in [("token", &*self.token)].iter().chain(fields) {
            body += &format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += &format!(
            "--x\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n{content}\r\n--x--\r\n"
        );
        let header = self.of_a_page().replace(
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        );
        self.ask("POST", path, &header, &body).await
    }

    /// The header fields that a browser sends with a form of a page of the desk.
    pub fn of_a_page(&self) -> String {
        format!(
            "Cookie: __Host-desk={}\r\nOrigin: {SITE}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n",
            self.cookie
        )
    }

    pub async fn ask(&self, method: &str, path: &str, header: &str, body: &str) -> Answered {
        let (status, header, body) = self.pages.ask_with(method, path, header, body).await;
        Answered {
            status,
            header,
            body,
        }
    }
}

impl News {
    /// Lets the proof of everybody who is signed in grow old.
    pub fn outlast_freshness(&self) {
        self.wait(Duration::minutes(11));
    }
}

/// The key for a phone, as the page that sets it up writes it.
pub fn key_on(page: &str) -> String {
    let (_, behind) = page.split_once("<code>").unwrap();
    behind.split('<').next().unwrap().to_owned()
}
