//! T21, T22, T23, T26, T32. Sessions end with what they were founded on, and passwords cost what they may.

use bulletin::admin::{Role, session};
use bulletin::db::Db;
use bulletin::web::desk as the_desk;
use bulletin::web::server::Patience;
use totp_rs::{Algorithm, TOTP};

use crate::support::desk::Desk;
use crate::support::editor::{self, Editor, key_on};
use crate::support::pages::Pages;
use crate::support::{News, databases, each_database};

const PASSWORD: &str = "kettle fjord nine maple";

/// The cookie of an answer.
fn cookie_of(header: &str) -> Option<&str> {
    let line = header
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: __host-desk="))?;
    line.split(';').next()
}

/// What a page has in a field.
fn value<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .expect(page);
    rest.split('"').next().unwrap()
}

async fn is_in(who: &Editor) -> bool {
    who.get("/desk/me").await.status == 200
}

each_database!(every_session_ends_when_the_password_or_the_second_factor_changes);
async fn every_session_ends_when_the_password_or_the_second_factor_changes(db: Db) {
    let news = News::start(db).await;
    let here = Editor::sign_in(&news, Role::Editor).await;
    let mut cookie = String::new();
    let elsewhere = async |cookie: &mut String| {
        *cookie = bulletin::secret::random_token();
        let mut tx = news.db.begin().await.unwrap();
        session::begin(&mut tx, here.id, cookie, news.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let seen = async |cookie: &str| {
        let field = format!("Cookie: __Host-desk={cookie}\r\n");
        here.ask("GET", "/desk/me", &field, "").await.status == 200
    };
    elsewhere(&mut cookie).await;
    assert!(seen(&cookie).await);
    // The second factor is set up, with the code that the key on the page makes.
    let page = here.get("/desk/me/second").await.body;
    let sealed = value(&page, "key").to_owned();
    let written = key_on(&page).replace(' ', "");
    let key = data_encoding::BASE32_NOPAD
        .decode(written.as_bytes())
        .unwrap();
    let phone = TOTP::new(Algorithm::SHA1, 6, 0, 30, key).unwrap();
    let code = phone.generate(news.now().timestamp().unsigned_abs());
    let set = here
        .post("/desk/me/second", &[("key", &sealed), ("code", &code)])
        .await;
    assert_eq!(set.status, 200, "{}", set.body);
    assert!(
        cookie_of(&set.header).is_some(),
        "who did it stays signed in, under another cookie"
    );
    assert!(
        !seen(&cookie).await && !is_in(&here).await,
        "the old cookies are worth nothing"
    );
    // It is removed.
    let here = here.beside(&news, Role::Editor).await;
    let removed = here.post("/desk/me/second/remove", &[]).await;
    assert_eq!(removed.location(), "/desk/me?done=removed");
    assert!(!is_in(&here).await);
    // The password is set anew, by a link.
    let here = here.beside(&news, Role::Editor).await;
    let link = here.password_link(&news).await;
    let set = here
        .post(&link, &[("password", PASSWORD), ("repeated", PASSWORD)])
        .await;
    assert_eq!((set.status, set.location()), (303, "/desk"));
    let new = cookie_of(&set.header).expect("a new session");
    assert_ne!(new, here.cookie.to_lowercase());
    assert!(
        !is_in(&here).await,
        "a stolen cookie ends with the old password"
    );
}

each_database!(signing_in_begins_a_new_session_whatever_cookie_came_along);
async fn signing_in_begins_a_new_session_whatever_cookie_came_along(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Editor).await;
    let link = owner.password_link(&news).await;
    owner
        .post(&link, &[("password", PASSWORD), ("repeated", PASSWORD)])
        .await;
    let mut tx = news.db.read().await.unwrap();
    let address = bulletin::admin::by_id(&mut tx, owner.id)
        .await
        .unwrap()
        .unwrap()
        .address;
    drop(tx);
    // A cookie that somebody else planted counts for nothing, before and after.
    let planted = "planted-by-somebody-else".to_owned();
    let mut visitor = Editor {
        cookie: planted.clone(),
        ..owner
    };
    let page = visitor.get("/desk/sign-in").await.body;
    visitor.token = value(&page, "token").to_owned();
    let fields = [("address", &*address), ("password", PASSWORD)];
    let signed_in = visitor.post("/desk/sign-in", &fields).await;
    assert_eq!(signed_in.status, 303);
    let new = cookie_of(&signed_in.header).unwrap();
    assert!(
        new.len() >= 22 && new != planted,
        "128 bits, and not the visitor's: {new}"
    );
    assert!(!is_in(&visitor).await);
    // Who proves again that it is them goes on under another cookie.
    let (mut tx, old) = (
        news.db.begin().await.unwrap(),
        bulletin::secret::random_token(),
    );
    session::begin(&mut tx, visitor.id, &old, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut owner = Editor {
        cookie: old,
        ..visitor
    };
    news.outlast_freshness();
    let page = owner.get("/desk/again").await.body;
    owner.token = value(&page, "token").to_owned();
    assert!(is_in(&owner).await);
    let proved = owner.post("/desk/again", &[("password", PASSWORD)]).await;
    assert_eq!(proved.status, 303);
    assert!(cookie_of(&proved.header).is_some() && !is_in(&owner).await);
}

each_database!(passwords_that_are_checked_hold_up_no_page);
async fn passwords_that_are_checked_hold_up_no_page(db: Db) {
    let news = News::start(db).await;
    let desk = editor::desk(&news, Pages::site(&news));
    // As many are being checked as may be at once, each with 19 MiB.
    let places = desk.checks.available_permits();
    assert!(places <= 4, "{places}");
    let all = u32::try_from(places).unwrap();
    let checked = desk.checks.clone().acquire_many_owned(all).await.unwrap();
    let routes = the_desk::routes(desk);
    let editor = Editor::sign_in_at(&news, Role::Editor, routes).await;
    let visitor = Editor {
        cookie: String::new(),
        ..editor.beside(&news, Role::Viewer).await
    };
    let page = visitor.get("/desk/sign-in").await.body;
    let token = value(&page, "token").to_owned();
    let waiting = tokio::spawn(async move {
        let visitor = Editor { token, ..visitor };
        let fields = [("address", "ada@desk.test"), ("password", PASSWORD)];
        visitor.post("/desk/sign-in", &fields).await.status
    });
    for _ in 0..100 {
        assert_eq!(editor.get("/desk").await.status, 200);
    }
    assert!(!waiting.is_finished(), "it waits for its place");
    drop(checked);
    assert_eq!(waiting.await.unwrap(), 401);
}

/// T32. Nobody can use a desk before somebody at the machine has made an account, and no page makes the first one.
#[test]
fn the_first_account_is_made_at_the_terminal_and_by_no_page() {
    first_account(None);
    if let Some(database) = databases::new_postgres_url() {
        first_account(Some(database));
    }
}

fn first_account(database: Option<String>) {
    let desk =
        Desk::new(database, "smtp://127.0.0.1:1").with("SITE_URL", "https://news.example.org");
    assert_eq!(
        desk.json(&["admin", "list"]).as_array().unwrap().len(),
        0,
        "there is no account by itself"
    );
    let made = desk.json(&["admin", "create", "ada@example.org", "--name", "Ada"]);
    let link = made.to_string();
    assert!(
        link.contains("https://news.example.org/desk/set/"),
        "{link}"
    );
    assert_eq!(desk.json(&["admin", "list"])[0]["role"], "owner");
    desk.refused(
        &["admin", "create", "ada@example.org", "--name", "Eve"],
        "has an account",
    );
    desk.refused(
        &["admin", "create", "eve@example.org", "--name", "ada"],
        "another account has this name",
    );
    for name in [
        "token Library",
        "root on the host",
        "two\nlines",
        "\u{202e}adA",
    ] {
        desk.refused(
            &["admin", "create", "eve@example.org", "--name", name],
            "--name says how",
        );
    }
}

each_database!(where_there_is_no_account_no_form_makes_one);
async fn where_there_is_no_account_no_form_makes_one(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::of(editor::routes(&news), Patience::default()).await;
    let (_, _, page) = pages.ask("GET", "/desk/sign-in", "").await;
    let token = value(&page, "token").to_owned();
    let header = format!(
        "Origin: {}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        editor::SITE
    );
    for route in the_desk::table()
        .into_iter()
        .filter(|route| route.method() == "POST")
    {
        let path = route
            .path
            .replace("{token}", "x")
            .replace("{id}", "00000000-0000-4000-8000-000000000000");
        let path = path.replace(['{', '}'], "");
        for (name, password) in [("admin", "admin"), ("", "")] {
            let form = format!(
                "token={token}&address={name}%40example.org&name={name}&role=owner&password={password}&repeated={password}"
            );
            let (status, header, _) = pages.ask_with("POST", &path, &header, &form).await;
            assert!(
                status >= 400 || path == "/desk/forgotten",
                "{path}: {status}"
            );
            assert!(!header.contains("set-cookie"), "{path}");
        }
    }
    assert_eq!(news.dump("admin").await.len(), 0);
    assert_eq!(news.dump("desk_session").await.len(), 0);
}
