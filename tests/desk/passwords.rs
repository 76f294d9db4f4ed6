//! Passwords: set by a link, guessed, forgotten, and with a second factor beside them.

use bulletin::admin::{self, Role};
use bulletin::db::Db;
use chrono::{DateTime, Duration, Utc};
use ring::hmac;

use crate::support::editor::{Editor, SITE};
use crate::support::{News, each_database};

const PASSWORD: &str = "kettle fjord nine maple";

/// A link for a new account, as the terminal or the page of people shows it.
async fn linked(news: &News, name: &str, role: Role) -> String {
    let mut tx = news.db.begin().await.unwrap();
    let address = bulletin::subscriber::Address::parse(&format!("{name}@desk.test")).unwrap();
    let new = admin::New {
        id: uuid::Uuid::new_v4(),
        address: &address,
        name,
        role,
        language: bulletin::subscription::Language::English,
        time_zone: chrono_tz::UTC,
    };
    assert!(admin::add(&mut tx, &new, news.now()).await.unwrap());
    let link = admin::new_link(&mut tx, new.id, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    admin::link_path(&news.keys, link)
}

/// The value of a form's hidden token.
fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect(page);
    rest.split('"').next().unwrap().to_owned()
}

each_database!(a_password_is_set_by_a_link_that_works_once_and_signs_in);
async fn a_password_is_set_by_a_link_that_works_once_and_signs_in(db: Db) {
    let news = News::start(db).await;
    let mut editor = Editor::sign_in(&news, Role::Viewer).await;
    let link = linked(&news, "ada", Role::Editor).await;
    editor.cookie = String::new();
    editor.token = token_of(&editor.get(&link).await.body);
    for (password, repeated, says) in [
        ("short", "short", "too short"),
        (PASSWORD, "kettle fjord nine mapel", "not the same"),
        ("passwordpassword", "passwordpassword", "stranger would try"),
        ("ada@desk.test ada", "ada@desk.test ada", "your own name"),
    ] {
        let fields = [("password", password), ("repeated", repeated)];
        let refused = editor.post(&link, &fields).await;
        assert_eq!(
            (refused.status, refused.body.contains(says)),
            (400, true),
            "{password}"
        );
    }
    let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
    let set = editor.post(&link, &fields).await;
    assert_eq!((set.status, set.location()), (303, "/desk"));
    let field = "set-cookie: __host-desk=";
    let cookie = set
        .header
        .lines()
        .find(|line| line.starts_with(field))
        .unwrap();
    for part in ["; path=/", "; httponly", "; samesite=lax", "; secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(editor.get(&link).await.status, 409, "a link works once");
    // Signing in with it, and with what is wrong.
    let sign_in = |address: &'static str, password: &'static str| {
        [
            ("address", address),
            ("password", password),
            ("next", "/desk/readers"),
        ]
    };
    let wrong = editor
        .post(
            "/desk/sign-in",
            &sign_in("ada@desk.test", "kettle fjord nine"),
        )
        .await;
    let nobody = editor
        .post("/desk/sign-in", &sign_in("eve@desk.test", PASSWORD))
        .await;
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(
        wrong.body.replace("ada@", "eve@"),
        nobody.body,
        "they tell nothing apart"
    );
    let right = editor
        .post("/desk/sign-in", &sign_in("ADA@desk.test", PASSWORD))
        .await;
    assert_eq!((right.status, right.location()), (303, "/desk/readers"));
}

each_database!(a_link_ends_after_a_day_and_with_a_newer_one);
async fn a_link_ends_after_a_day_and_with_a_newer_one(db: Db) {
    let news = News::start(db).await;
    let mut editor = Editor::sign_in(&news, Role::Owner).await;
    let old = linked(&news, "ada", Role::Editor).await;
    assert_eq!(editor.get(&old).await.status, 200);
    let people = editor.get("/desk/people").await.body;
    let (_, rest) = people
        .split_once(">ada<")
        .map(|(before, _)| before.rsplit_once("/desk/people/").unwrap())
        .unwrap();
    let id = rest.split('"').next().unwrap().to_owned();
    let made = editor.post(&format!("/desk/people/{id}/link"), &[]).await;
    assert_eq!(made.status, 200);
    assert_eq!(editor.get(&old).await.status, 409, "a newer one ends it");
    let new = made
        .body
        .split_once(SITE)
        .unwrap()
        .1
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(editor.get(&new).await.status, 200);
    news.wait(Duration::hours(25));
    editor.cookie = String::new();
    assert_eq!(editor.get(&new).await.status, 409, "and a day does");
}

each_database!(guesses_are_slowed_and_the_right_password_waits_too);
async fn guesses_are_slowed_and_the_right_password_waits_too(db: Db) {
    let news = News::start(db).await;
    let mut editor = Editor::sign_in(&news, Role::Viewer).await;
    let link = linked(&news, "ada", Role::Editor).await;
    editor.cookie = String::new();
    editor.token = token_of(&editor.get(&link).await.body);
    editor
        .post(&link, &[("password", PASSWORD), ("repeated", PASSWORD)])
        .await;
    let tried = async |password: &str| {
        let fields = [("address", "ada@desk.test"), ("password", password)];
        editor.post("/desk/sign-in", &fields).await.status
    };
    let mut checked = 0;
    for _ in 0..30 {
        checked += u32::from(tried("a wrong password").await == 401);
    }
    assert_eq!(checked, 6, "the seventh waits");
    assert_eq!(tried(PASSWORD).await, 429, "whoever is right waits as well");
    news.wait(Duration::seconds(31));
    assert_eq!(tried(PASSWORD).await, 303);
}

each_database!(a_second_factor_is_asked_for_and_each_code_is_good_once);
async fn a_second_factor_is_asked_for_and_each_code_is_good_once(db: Db) {
    let news = News::start(db).await;
    let mut editor = Editor::sign_in(&news, Role::Viewer).await;
    let link = linked(&news, "ada", Role::Owner).await;
    editor.cookie = String::new();
    editor.token = token_of(&editor.get(&link).await.body);
    editor
        .post(&link, &[("password", PASSWORD), ("repeated", PASSWORD)])
        .await;
    let key = [9; 20];
    let mut tx = news.db.begin().await.unwrap();
    let address = bulletin::subscriber::Address::parse("ada@desk.test").unwrap();
    let ada = admin::of_address(&mut tx, &address).await.unwrap().unwrap();
    let codes = admin::set_second(&mut tx, &news.keys, ada.id, Some(&key), 0)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let tried = async |code: &str| {
        let fields = [
            ("address", "ada@desk.test"),
            ("password", PASSWORD),
            ("code", code),
        ];
        editor.post("/desk/sign-in", &fields).await.status
    };
    assert_eq!(tried("").await, 401);
    assert_eq!(tried("000000").await, 401);
    let code = shown_by_a_phone(&key, news.now());
    assert_eq!(tried(&code).await, 303);
    assert_eq!(tried(&code).await, 401, "a code is good once");
    assert_eq!(tried(&codes[0]).await, 303, "one put by stands for it");
    assert_eq!(tried(&codes[0]).await, 401, "once");
}

/// By RFC 4226 section 5.3, with the time of RFC 6238.
fn shown_by_a_phone(key: &[u8], now: DateTime<Utc>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let step = now.timestamp() / 30;
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(digest.as_ref()[19] & 15);
    let four = digest.as_ref()[at..at + 4].try_into().unwrap();
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}")
}

each_database!(who_forgot_their_password_gets_a_link_by_mail_and_nobody_learns_who_has_an_account);
async fn who_forgot_their_password_gets_a_link_by_mail_and_nobody_learns_who_has_an_account(
    db: Db,
) {
    let news = News::start(db).await;
    let mut editor = Editor::sign_in(&news, Role::Viewer).await;
    linked(&news, "ada", Role::Editor).await;
    editor.cookie = String::new();
    editor.token = token_of(&editor.get("/desk/forgotten").await.body);
    let known = editor
        .post("/desk/forgotten", &[("address", "ada@desk.test")])
        .await;
    let unknown = editor
        .post("/desk/forgotten", &[("address", "eve@desk.test")])
        .await;
    assert_eq!((known.status, &known.body), (200, &unknown.body));
    let mail = loop {
        news.deliver_all().await;
        if let Some(mail) = news.peer.mails_to("ada@desk.test").pop() {
            break mail;
        }
        tokio::task::yield_now().await;
    };
    let mail = mail_parser::MessageParser::new().parse(&mail).unwrap();
    let text = mail.body_text(0).unwrap().into_owned();
    let link = text.split_once(SITE).unwrap().1;
    let link = link.split_whitespace().next().unwrap().to_owned();
    assert_eq!(editor.get(&link).await.status, 200);
    assert_eq!(news.peer.taken().len(), 1, "nobody else is written to");
}
