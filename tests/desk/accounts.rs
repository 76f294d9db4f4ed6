//! Accounts and their sessions.

use bulletin::admin::{self, Role};
use bulletin::db::Db;
use chrono::Duration;

use crate::support::editor::Editor;
use crate::support::{News, each_database};

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
