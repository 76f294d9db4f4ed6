//! The editor's desk: who gets in, and what forms are taken.

use std::collections::BTreeSet;

use bulletin::admin::{self, Role, second};
use bulletin::audit::{self, Verdict};
use bulletin::db::{Db, Tx};
use bulletin::web::desk::{self, Kind, Who};
use chrono::Duration;

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
    let code = (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| second::step_of(&key, code, 0, news.now()).is_some())
        .unwrap();
    assert_eq!(tried(&code).await, 303);
    assert_eq!(tried(&code).await, 401, "a code is good once");
    assert_eq!(tried(&codes[0]).await, 303, "one put by stands for it");
    assert_eq!(tried(&codes[0]).await, 401, "once");
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

each_database!(only_who_may_sees_and_does_what_the_table_says);
async fn only_who_may_sees_and_does_what_the_table_says(db: Db) {
    let news = News::start(db).await;
    let nobody = Editor {
        cookie: String::new(),
        ..Editor::sign_in(&news, Role::Viewer).await
    };
    let mut admins = Vec::new();
    for role in Role::ALL {
        admins.push((*role, nobody.beside(&news, *role).await));
    }
    let mut seen = BTreeSet::new();
    for route in desk::table() {
        let method = route.method().to_string();
        assert!(
            seen.insert((method.clone(), route.path)),
            "{} stands twice",
            route.path
        );
        assert!(
            route.path == "/desk" || route.path.starts_with("/desk/"),
            "{}",
            route.path
        );
        let path = filled(route.path);
        let wanted = match route.who {
            Who::Anyone => continue,
            Who::Admin(role) | Who::Fresh(role) => role,
        };
        let asked = async |who: &Editor| match route.kind {
            Kind::Page => who.get(&path).await,
            Kind::Form | Kind::Upload => who.post(&path, &[]).await,
        };
        let refused = asked(&nobody).await;
        match route.kind {
            Kind::Page => assert!(
                refused.location().starts_with("/desk/sign-in?next="),
                "{path}"
            ),
            Kind::Form | Kind::Upload => assert_eq!(refused.status, 401, "{method} {path}"),
        }
        for (role, admin) in admins.iter().filter(|(role, _)| *role < wanted) {
            assert_eq!(asked(admin).await.status, 403, "{role} {method} {path}");
        }
        for other in ["PUT", "PATCH", "DELETE", "OPTIONS"] {
            let header = admins[2].1.of_a_page();
            let answer = admins[2].1.ask(other, &path, &header, "").await;
            assert_eq!(answer.status, 405, "{other} {path}");
        }
        // Other ways of writing the address lead to nothing that the row would not let in.
        for odd in [
            format!("{path}/"),
            path.replacen("/desk", "/DESK", 1),
            path.replacen("/desk", "/%64esk", 1),
            path.replacen("/desk", "//desk", 1),
        ] {
            let answer = nobody.get(&odd).await;
            assert!(
                matches!(answer.status, 303 | 404 | 405),
                "{odd}: {}",
                answer.status
            );
            assert!(
                answer.status != 303 || answer.location().starts_with("/desk/sign-in"),
                "{odd}"
            );
        }
    }
}

/// A path with something in each of its holes.
fn filled(path: &str) -> String {
    path.replace("{month}", "2026-03")
        .replace("{id}", "00000000-0000-4000-8000-000000000000")
        .replace("{token}", "abc")
        .replace("{", "")
        .replace("}", "")
}

each_database!(no_form_is_taken_without_its_token_and_from_elsewhere);
async fn no_form_is_taken_without_its_token_and_from_elsewhere(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let other = owner.beside(&news, Role::Owner).await;
    let whole = owner.of_a_page();
    for route in desk::table()
        .into_iter()
        .filter(|route| route.kind != Kind::Page)
    {
        let path = filled(route.path);
        for (what, header, token) in [
            ("no token", whole.clone(), ""),
            ("another's token", whole.clone(), &*other.token),
            (
                "no origin",
                whole.replace("Origin", "X-Origin"),
                &*owner.token,
            ),
            (
                "another origin",
                whole.replace(SITE, "https://evil.test"),
                &*owner.token,
            ),
            (
                "no fetch site",
                whole.replace("Sec-Fetch-Site", "X-Site"),
                &*owner.token,
            ),
            (
                "a sister site",
                whole.replace("same-origin", "same-site"),
                &*owner.token,
            ),
            (
                "plain text",
                whole.replace("application/x-www-form-urlencoded", "text/plain"),
                &*owner.token,
            ),
        ] {
            let form = format!("token={token}");
            let answer = owner.ask("POST", &path, &header, &form).await;
            assert_eq!(answer.status, 403, "{what}: {path}");
        }
    }
}

each_database!(a_session_ends_when_it_is_idle_old_signed_out_or_its_account_changes);
async fn a_session_ends_when_it_is_idle_old_signed_out_or_its_account_changes(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let is_in = async |who: &Editor| who.get("/desk").await.status == 200;
    let editor = owner.beside(&news, Role::Editor).await;
    let leaver = owner.beside(&news, Role::Editor).await;
    assert_eq!(leaver.post("/desk/sign-out", &[]).await.status, 303);
    assert!(!is_in(&leaver).await, "the old cookie is worth nothing");
    let demoted = owner.beside(&news, Role::Editor).await;
    let path = format!("/desk/people/{}", demoted.id);
    let changed = owner
        .post(&format!("{path}/role"), &[("role", "viewer")])
        .await;
    assert_eq!(changed.status, 303);
    assert!(!is_in(&demoted).await, "what they may is settled anew");
    let ended = owner.beside(&news, Role::Editor).await;
    owner
        .post(&format!("/desk/people/{}/end", ended.id), &[])
        .await;
    assert!(!is_in(&ended).await);
    news.wait(Duration::minutes(29));
    assert!(is_in(&owner).await && is_in(&editor).await);
    news.wait(Duration::minutes(31));
    assert!(!is_in(&owner).await, "an owner's ends after half an hour");
    assert!(is_in(&editor).await);
    for _ in 0..12 {
        news.wait(Duration::hours(1));
        is_in(&editor).await;
    }
    assert!(!is_in(&editor).await, "twelve hours are the longest");
}

each_database!(what_reaches_far_wants_a_fresh_proof);
async fn what_reaches_far_wants_a_fresh_proof(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    news.outlast_freshness();
    for route in desk::table() {
        let Who::Fresh(_) = route.who else { continue };
        let path = filled(route.path);
        match route.kind {
            Kind::Page => assert!(
                owner
                    .get(&path)
                    .await
                    .location()
                    .starts_with("/desk/again?next=")
            ),
            Kind::Form | Kind::Upload => {
                assert_eq!(owner.post(&path, &[]).await.status, 403, "{path}")
            }
        }
    }
}

each_database!(the_last_owner_stays);
async fn the_last_owner_stays(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    let own = format!("/desk/people/{}", owner.id);
    assert_eq!(
        owner
            .post(&format!("{own}/role"), &[("role", "editor")])
            .await
            .status,
        409
    );
    assert_eq!(owner.post(&format!("{own}/end"), &[]).await.status, 409);
    assert_eq!(owner.get("/desk").await.status, 200);
}

each_database!(an_owner_without_a_second_factor_does_nothing_before_setting_it_up);
async fn an_owner_without_a_second_factor_does_nothing_before_setting_it_up(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Editor).await;
    let mut tx = news.db.begin().await.unwrap();
    admin::set_role(&mut tx, owner.id, Role::Owner)
        .await
        .unwrap();
    bulletin::admin::session::begin(&mut tx, owner.id, &owner.cookie, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for path in ["/desk", "/desk/people", "/desk/people?client=trusted"] {
        assert_eq!(
            owner.get(path).await.location(),
            "/desk/me/second",
            "{path}"
        );
    }
    assert_eq!(
        owner.post("/desk/people", &[]).await.location(),
        "/desk/me/second"
    );
}

each_database!(the_record_of_deeds_shows_every_change_made_to_it);
async fn the_record_of_deeds_shows_every_change_made_to_it(db: Db) {
    let news = News::start(db).await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    for name in ["Ada", "Bea", "Cleo"] {
        let fields = [
            ("name", name),
            ("address", &*format!("{name}@desk.test")),
            ("role", "editor"),
        ];
        assert_eq!(owner.post("/desk/people", &fields).await.status, 200);
    }
    let verdict = async || {
        let mut tx = news.db.read().await.unwrap();
        audit::verify(&mut tx, &news.keys).await.unwrap()
    };
    assert_eq!(verdict().await, Verdict::Whole(6));
    let refused = executed(&news.db, "UPDATE audit SET subject = 'Eve' WHERE id = 3").await;
    assert!(refused.is_err(), "the database refuses by itself");
    let refused = executed(&news.db, "DELETE FROM audit WHERE id = 6").await;
    assert!(refused.is_err());
    let without = match &news.db {
        Db::Sqlite { .. } => {
            "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted"
        }
        Db::Postgres(_) => "DROP TRIGGER audit_is_never_changed ON audit",
    };
    for (statements, is_now) in [
        (without, Verdict::Whole(6)),
        ("DELETE FROM audit WHERE id = 6", Verdict::CutOff(6)),
        (
            "UPDATE audit SET subject = 'Eve' WHERE id = 3",
            Verdict::Broken(3),
        ),
    ] {
        executed(&news.db, statements).await.unwrap();
        assert_eq!(verdict().await, is_now, "{statements}");
    }
}

async fn executed(db: &Db, statements: &'static str) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    match &mut tx {
        Tx::Sqlite(tx) => sqlx::raw_sql(statements)
            .execute(&mut **tx)
            .await
            .map(|_| ()),
        Tx::Postgres(tx) => sqlx::raw_sql(statements)
            .execute(&mut **tx)
            .await
            .map(|_| ()),
    }?;
    tx.commit().await
}
