//! The editor's desk: who gets in, and what forms are taken.

mod accounts;
mod passwords;

use std::collections::BTreeSet;

use bulletin::admin::Role;
use bulletin::audit::{self, Verdict};
use bulletin::db::{Db, Tx};
use bulletin::web::desk::{self, Kind, Who};

use crate::support::editor::{Editor, SITE};
use crate::support::{News, each_database};

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
