//! The desk's pages of sending: from the button to the account.

use std::sync::Arc;

use bulletin::admin::Role;
use bulletin::campaign;
use bulletin::db::Db;
use bulletin::figures::Counting;
use bulletin::web::desk::{self, Desk};
use chrono::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::support::editor::{Answered, Editor, config_with, desk_with};
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

/// A desk whose orders are settled beside it.
struct Room {
    news: News,
    desk: Desk,
    _stop: DropGuard,
}

impl Room {
    /// Two readers, an issue, and these settings.
    async fn open(db: Db, settings: &str) -> Room {
        let news = News::start(db).await;
        news.subscribe("a@peer.test", &[]).await;
        news.subscribe("b@peer.test", &[DEPRESSION]).await;
        news.publish(&issue("2026-03", &[&[DEPRESSION], &[ATTACHMENT, EMPATHY]]))
            .await;
        let desk = desk_with(&news, Pages::site(&news), config_with(settings));
        let stop = CancellationToken::new();
        tokio::spawn(desk.orders().run(stop.clone()));
        Room {
            news,
            desk,
            _stop: stop.drop_guard(),
        }
    }

    async fn editor(&self) -> Editor {
        let routes = desk::routes(self.desk.clone());
        Editor::sign_in_at(&self.news, Role::Editor, routes).await
    }

    async fn count(&self) {
        let counting = Counting {
            db: self.news.db.clone(),
            clock: self.news.clock(),
        };
        counting.count().await.unwrap();
    }

    async fn campaigns(&self) -> usize {
        let mut tx = self.news.db.read().await.unwrap();
        campaign::list(&mut tx).await.unwrap().len()
    }
}

const SEND: &str = "/desk/issues/2026-03/send";
const MARCH: &str = "/desk/campaigns/2026-03";

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let hidden = format!("type=\"hidden\" name=\"{name}\" value=\"");
    let found = page.split(&hidden).nth(1);
    let value = found.unwrap_or_else(|| panic!("no field {name} in {page}"));
    value.split('"').next().unwrap().to_owned()
}

/// The page with the button, once everything was counted.
async fn ready(editor: &Editor, path: &str) -> Answered {
    for _ in 0..500 {
        let page = editor.get(path).await;
        if !page.body.contains("data-again") {
            return page;
        }
    }
    panic!("it is never counted");
}

async fn press(editor: &Editor, page: &Answered, more: &[(&str, &str)]) -> Answered {
    let [key, fingerprint, when, at] =
        ["key", "fingerprint", "when", "at"].map(|name| field(&page.body, name));
    let fields = [
        ("key", key.as_str()),
        ("fingerprint", fingerprint.as_str()),
        ("when", when.as_str()),
        ("at", at.as_str()),
    ];
    editor.post(SEND, &[&fields, more].concat()).await
}

/// Goes on to the campaign's page once the order is settled.
async fn settled(editor: &Editor) -> Answered {
    for _ in 0..500 {
        let page = editor.get(SEND).await;
        if page.location() == MARCH {
            return editor.get(MARCH).await;
        }
    }
    panic!("it is never settled");
}

each_database!(one_button_with_the_number_sends_and_the_account_balances);
async fn one_button_with_the_number_sends_and_the_account_balances(db: Db) {
    let room = Room::open(db, "").await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    assert!(page.body.contains("Send to 2 readers"), "{}", page.body);
    let pressed = press(&editor, &page, &[]).await;
    assert_eq!((pressed.status, pressed.location()), (303, SEND));
    let campaign = settled(&editor).await;
    assert!(
        campaign.body.contains("Nothing has gone out yet"),
        "{}",
        campaign.body
    );
    assert!(campaign.body.contains("Call it back"));
    room.news.wait(Duration::minutes(1));
    room.news.deliver_all().await;
    room.count().await;
    let campaign = editor.get(MARCH).await;
    assert!(
        campaign.body.contains("as planned: nobody is lost"),
        "{}",
        campaign.body
    );
    assert!(campaign.body.contains("finished"));
    assert!(
        !campaign.body.contains("Cancel for good"),
        "there is nothing left to cancel"
    );
    for (path, word) in [
        ("/desk/campaigns", "March 2026"),
        ("/desk/campaigns/2026-03/domains", "all small ones together"),
        ("/desk/campaigns/2026-03/topics", "&lt; 5"),
        ("/desk/campaigns/2026-03/missed", "Nobody."),
        ("/desk/growth", "2026-03"),
        ("/desk/calendar", "No schedule is set"),
    ] {
        let page = editor.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(word), "{path}: {}", page.body);
    }
}

each_database!(fifty_posts_at_once_are_one_campaign);
async fn fifty_posts_at_once_are_one_campaign(db: Db) {
    let room = Room::open(db, "").await;
    let editor = Arc::new(room.editor().await);
    let page = ready(&editor, SEND).await;
    let (key, fingerprint) = (field(&page.body, "key"), field(&page.body, "fingerprint"));
    let posts = (0..50).map(|number| {
        let (editor, fingerprint) = (editor.clone(), fingerprint.clone());
        let key = if number % 2 == 0 {
            key.clone()
        } else {
            Uuid::new_v4().to_string()
        };
        tokio::spawn(async move {
            let fields = [
                ("key", &*key),
                ("fingerprint", &*fingerprint),
                ("when", "now"),
                ("at", ""),
            ];
            editor.post(SEND, &fields).await
        })
    });
    for post in posts.collect::<Vec<_>>() {
        let answered = post.await.unwrap();
        assert_eq!((answered.status, answered.location()), (303, SEND));
    }
    settled(&editor).await;
    assert_eq!(room.campaigns().await, 1);
    // The back button, and the same form once more.
    assert_eq!(press(&editor, &page, &[]).await.status, 303);
    room.news.wait(Duration::minutes(1));
    room.news.deliver_all().await;
    assert_eq!(room.news.account().await.accepted, 2);
    let mut tx = room.news.db.read().await.unwrap();
    let deeds = bulletin::audit::newest(&mut tx, None, 100).await.unwrap();
    let orders = deeds
        .iter()
        .filter(|line| line.deed == bulletin::audit::Deed::SendOrdered);
    assert_eq!(orders.map(|line| line.count).collect::<Vec<_>>(), [2]);
}

each_database!(a_large_number_is_typed_and_a_proof_is_wanted);
async fn a_large_number_is_typed_and_a_proof_is_wanted(db: Db) {
    let room = Room::open(db, "[desk]\ntyped_from = 2\n").await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    let wrong = press(&editor, &page, &[("typed", "3")]).await;
    assert_eq!(wrong.status, 409);
    assert!(wrong.body.contains("nothing was sent"), "{}", wrong.body);
    assert_eq!(
        press(&editor, &page, &[]).await.status,
        409,
        "nothing typed"
    );
    room.news.outlast_freshness();
    let stale = press(&editor, &page, &[("typed", "2")]).await;
    assert_ne!(stale.status, 303);
    let page = ready(&editor, SEND).await;
    assert!(
        page.body.contains("/desk/again?next="),
        "the button waits for the password"
    );
    assert!(!page.body.contains("name=\"fingerprint\""));
    assert_eq!(room.campaigns().await, 0);
    let fresh = room.editor().await;
    let page = ready(&fresh, SEND).await;
    assert_eq!(press(&fresh, &page, &[("typed", "2")]).await.status, 303);
    settled(&fresh).await;
}

each_database!(what_changed_after_the_look_is_shown_and_not_sent);
async fn what_changed_after_the_look_is_shown_and_not_sent(db: Db) {
    let room = Room::open(db, "").await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    room.news.subscribe("c@peer.test", &[]).await;
    press(&editor, &page, &[]).await;
    let page = ready(&editor, SEND).await;
    assert_eq!(room.campaigns().await, 0);
    assert!(page.body.contains("Send to 3 readers"), "{}", page.body);
    assert_eq!(press(&editor, &page, &[]).await.status, 303);
    settled(&editor).await;
}

each_database!(calling_back_in_time_sends_nothing_and_the_issue_is_free_again);
async fn calling_back_in_time_sends_nothing_and_the_issue_is_free_again(db: Db) {
    let room = Room::open(db, "").await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    press(&editor, &page, &[]).await;
    settled(&editor).await;
    let back = editor.post("/desk/issues/2026-03/send/back", &[]).await;
    assert_eq!(back.status, 303);
    room.news.wait(Duration::hours(1));
    room.news.deliver_all().await;
    assert!(room.news.peer.taken().is_empty());
    let fresh = room.editor().await;
    let page = ready(&fresh, SEND).await;
    assert!(page.body.contains("Send to 2 readers"), "{}", page.body);
    assert_eq!(room.campaigns().await, 0);
}

each_database!(a_second_person_agrees_and_not_who_asked);
async fn a_second_person_agrees_and_not_who_asked(db: Db) {
    let room = Room::open(db, "[desk]\nsecond_person = true\nmost_per_day = 2\n").await;
    let ada = room.editor().await;
    let page = ready(&ada, SEND).await;
    assert!(
        page.body.contains("Ask to send to 2 readers"),
        "{}",
        page.body
    );
    assert_eq!(press(&ada, &page, &[]).await.status, 303);
    let own = ready(&ada, SEND).await;
    assert!(
        own.body.contains("nobody agrees to their own sending"),
        "{}",
        own.body
    );
    assert!(!own.body.contains("/send/agree"));
    let bea = ada.beside(&room.news, Role::Editor).await;
    let page = ready(&bea, SEND).await;
    let agreed = [
        ("key", field(&page.body, "key")),
        ("fingerprint", field(&page.body, "fingerprint")),
    ];
    let fields = agreed
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let refused = ada.post("/desk/issues/2026-03/send/agree", &fields).await;
    assert_eq!(refused.status, 409);
    assert_eq!(room.campaigns().await, 0);
    assert_eq!(
        bea.post("/desk/issues/2026-03/send/agree", &fields)
            .await
            .status,
        303
    );
    settled(&bea).await;
    room.news.publish(&issue("2026-02", &[&[EMPATHY]])).await;
    let other = "/desk/issues/2026-02/send";
    let page = ready(&ada, other).await;
    let [key, fingerprint] = ["key", "fingerprint"].map(|name| field(&page.body, name));
    let fields = [
        ("key", &*key),
        ("fingerprint", &*fingerprint),
        ("when", "now"),
        ("at", ""),
    ];
    let refused = ada.post(other, &fields).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.body.contains("at most 2 readers"),
        "{}",
        refused.body
    );
}

each_database!(pausing_going_on_and_cancelling_do_what_they_say);
async fn pausing_going_on_and_cancelling_do_what_they_say(db: Db) {
    let room = Room::open(db, "").await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    press(&editor, &page, &[]).await;
    settled(&editor).await;
    room.news.wait(Duration::minutes(1));
    let post = async |step: &str| editor.post(&format!("{MARCH}/{step}"), &[]).await.status;
    assert_eq!(post("pause").await, 303);
    room.news.deliver_all().await;
    assert_eq!(room.news.account().await.waiting, 2);
    assert!(
        editor
            .get(MARCH)
            .await
            .body
            .contains("Go on with those who have not got it yet")
            || editor.get(MARCH).await.body.contains("Goes on with those")
    );
    assert_eq!(post("resume").await, 303);
    assert_eq!(post("pause").await, 303);
    assert_eq!(post("cancel").await, 303);
    assert_eq!(post("resume").await, 303);
    room.news.deliver_all().await;
    let account = room.news.account().await;
    assert_eq!(
        (account.accepted, account.suppressed),
        (0, 2),
        "it stays cancelled"
    );
    let page = editor
        .get(&format!("{MARCH}/missed?state=suppressed"))
        .await;
    assert!(
        page.body.contains("cancelled before their turn"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("a@peer.test"), "addresses are masked");
}

each_database!(who_was_refused_is_told_with_the_servers_words_as_text_alone);
async fn who_was_refused_is_told_with_the_servers_words_as_text_alone(db: Db) {
    let room = Room::open(db, "").await;
    room.news.subscribe("550.gone@peer.test", &[]).await;
    room.news.subscribe("452.full@peer.test", &[]).await;
    let editor = room.editor().await;
    let page = ready(&editor, SEND).await;
    press(&editor, &page, &[]).await;
    settled(&editor).await;
    room.news.wait(Duration::minutes(1));
    room.news.deliver_all().await;
    let sql =
        "UPDATE delivery SET reply = '452 <script>alert(1)</script> full' WHERE state = 'deferred'";
    crate::alarms::tamper(&room.news.db, sql).await;
    room.count().await;
    for path in [
        "/domains",
        "/missed?state=deferred",
        "/missed?state=bounced",
    ] {
        let page = editor.get(&format!("{MARCH}{path}")).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<script>alert"), "{path}");
        assert!(!page.body.contains("gone@peer.test") && !page.body.contains("full@peer.test"));
    }
    room.news.wait(Duration::days(6));
    room.news.deliver_all().await;
    let editor = room.editor().await;
    let page = editor.get(&format!("{MARCH}/missed")).await;
    assert!(page.body.contains("Try 1 again"), "{}", page.body);
    assert!(page.body.contains("no such mailbox"), "{}", page.body);
    let again = editor
        .post(&format!("{MARCH}/again"), &[("which", "refused")])
        .await;
    assert_eq!(again.location(), format!("{MARCH}?done=again"));
    assert_eq!(room.news.account().await.deferred, 1);
    editor
        .post(&format!("{MARCH}/again"), &[("which", "refused")])
        .await;
    assert_eq!(room.news.account().await.deferred, 1);
    let mut tx = room.news.db.read().await.unwrap();
    let looked = bulletin::record::newest(&mut tx, None, 10).await.unwrap();
    assert!(!looked.is_empty(), "who looked at readers is on record");
}

each_database!(a_time_to_come_is_on_the_editors_clocks_and_can_be_called_back);
async fn a_time_to_come_is_on_the_editors_clocks_and_can_be_called_back(db: Db) {
    let room = Room::open(
        db,
        "[schedule]\nrule = 'first Tuesday of the month, 09:00'\ntime_zone = 'America/Vancouver'\n",
    )
    .await;
    let editor = room.editor().await;
    let past = editor
        .get(&format!("{SEND}?when=at&at=2026-03-03T08:00"))
        .await;
    assert!(past.body.contains("That time is past"), "{}", past.body);
    // 2026-03-03 14:00 UTC is 09:00 in Toronto, where this editor is.
    let page = ready(&editor, &format!("{SEND}?when=at&at=2026-03-03T10:30")).await;
    assert!(page.body.contains("Plan it for 2 readers"), "{}", page.body);
    assert_eq!(field(&page.body, "at"), "2026-03-03T15:30:00Z");
    press(&editor, &page, &[]).await;
    let campaign = settled(&editor).await;
    assert!(
        campaign.body.contains("3\u{A0}March 2026, 10:30"),
        "{}",
        campaign.body
    );
    assert!(campaign.body.contains("Call it back"));
    let calendar = editor.get("/desk/calendar").await;
    assert!(
        calendar.body.contains("3\u{A0}March 2026, 10:30"),
        "{}",
        calendar.body
    );
    assert!(
        calendar.body.contains("7\u{A0}April 2026, 09:00"),
        "on the schedule’s clocks"
    );
    assert!(
        calendar.body.contains("7\u{A0}April 2026, 12:00"),
        "on the editor’s"
    );
    assert!(calendar.body.contains("if it is written by then"));
    let file = editor.get("/desk/calendar.ics").await;
    assert_eq!(file.body.matches("BEGIN:VEVENT").count(), 6);
    assert!(
        file.body.contains("DTSTART:20260407T160000Z"),
        "{}",
        file.body
    );
}
