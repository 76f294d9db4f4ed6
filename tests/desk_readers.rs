//! Readers at the editor's desk: who sees what of them, and what is done for them.

use bulletin::admin::Role;
use bulletin::audit;
use bulletin::db::Db;
use bulletin::feedback;
use bulletin::record::{self, What};
use bulletin::subscription::State;
use bulletin::suppression::{self, Reason};

use crate::support::dump::found;
use crate::support::editor::{self, Editor};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

/// Does what was begun beside the pages.
async fn do_errands(news: &News) {
    let errands = bulletin::errand::Errands {
        db: news.db.clone(),
        book: Default::default(),
        clock: news.clock(),
        called: Default::default(),
    };
    while errands.portion().await.unwrap() {}
}

async fn deeds(news: &News) -> Vec<String> {
    let mut tx = news.db.read().await.unwrap();
    let lines = audit::newest(&mut tx, None, 100).await.unwrap();
    lines
        .iter()
        .rev()
        .map(|line| line.deed.to_string())
        .collect()
}

each_database!(a_viewer_sees_no_address_and_cannot_look_for_one);
async fn a_viewer_sees_no_address_and_cannot_look_for_one(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann.secret@peer.test", &[]).await;
    let viewer = Editor::sign_in(&news, Role::Viewer).await;
    let editor = viewer.beside(&news, Role::Editor).await;
    for path in [
        "/desk/readers",
        "/desk/readers?q=secret",
        "/desk/readers?q=nobody",
    ] {
        let page = viewer.get(path).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("a•••@p•••.test"), "{}", page.body);
        assert!(!page.body.contains("secret@") && !page.body.contains("A Reader"));
    }
    let page = editor.get("/desk/readers?q=SECRET%40peer").await;
    assert!(
        page.body.contains(">ann.secret@peer.test</a>"),
        "{}",
        page.body
    );
    let none = editor.get("/desk/readers?q=nobody").await.body;
    assert!(none.contains("Nobody is like that"));
    let mut tx = news.db.read().await.unwrap();
    let looked = record::newest(&mut tx, None, 10).await.unwrap();
    assert_eq!(looked.len(), 1, "who sees addresses is written down");
    assert_eq!((looked[0].what, looked[0].readers), (What::Subscribers, 1));
}

each_database!(what_is_looked_for_stands_in_no_address_of_the_web);
async fn what_is_looked_for_stands_in_no_address_of_the_web(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann.secret@peer.test", &[]).await;
    news.subscribe("ben@peer.test", &[]).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let found = editor
        .post("/desk/readers", &[("q", "Secret"), ("state", "active")])
        .await;
    let there = found.location().to_owned();
    assert!(there.starts_with("/desk/readers?part="), "{there}");
    assert!(!there.contains("secret"), "{there}");
    let page = editor.get("/desk/readers?q=secret").await.body;
    let link = page.split_once("\"/desk/readers/export?").unwrap().1;
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    assert!(
        link.starts_with("part=") && !link.contains("secret"),
        "{link}"
    );
    let page = editor.get(&format!("/desk/readers?{link}")).await.body;
    assert!(
        page.contains("ann.secret@") && !page.contains("ben@"),
        "{page}"
    );
    news.outlast_freshness();
    let again = editor.get(&format!("/desk/readers/export?{link}")).await;
    let onwards = again.location().to_owned();
    assert!(
        onwards.contains("part%3d"),
        "the way back is the same: {onwards}"
    );
}

each_database!(an_editor_changes_a_reader_and_all_of_it_is_on_record);
async fn an_editor_changes_a_reader_and_all_of_it_is_on_record(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &["empathy"]).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let path = format!("/desk/readers/{}", news.reader("ann@peer.test").await.id);
    let page = editor.get(&path).await;
    assert!(page.body.contains("consent given") && page.body.contains("form"));
    let whole = [
        ("frequency", "quarterly"),
        ("format", "text"),
        ("language", "fr"),
    ];
    let fields = |more: &[(&'static str, &'static str)]| [&whole[..], more].concat();
    for wrong in [
        vec![("topics", "empathy")],
        fields(&[("time_zone", "Mars/Olympus")]),
        fields(&[("name", "a\u{202e}b")]),
    ] {
        assert_eq!(editor.post(&path, &wrong).await.status, 400, "{wrong:?}");
    }
    let kept = editor
        .post(
            &path,
            &fields(&[
                ("topics", "attachment"),
                ("topics", "none' OR 1=1"),
                ("name", "Ann  Lee"),
            ]),
        )
        .await;
    assert_eq!(
        (kept.status, kept.location()),
        (303, &*format!("{path}?done=kept"))
    );
    let ann = news.reader("ann@peer.test").await;
    assert_eq!(
        (ann.name.as_str(), &ann.topics.0[..]),
        ("Ann Lee", &["attachment".to_owned()][..])
    );
    assert_eq!(news.consents("ann@peer.test").await.len(), 2);

    assert_eq!(
        editor
            .post(&format!("{path}/unsubscribe"), &[])
            .await
            .status,
        303
    );
    assert_eq!(news.reader("ann@peer.test").await.state, State::Ended);
    let erase = format!("{path}/erase");
    assert_eq!(editor.get(&erase).await.status, 200);
    assert_eq!(
        editor
            .post(&erase, &[("typed", "bob@peer.test")])
            .await
            .status,
        400
    );
    assert_eq!(
        editor
            .post(&erase, &[("typed", " ANN@peer.test ")])
            .await
            .status,
        303
    );
    assert_eq!(editor.get(&path).await.status, 404);
    let dump = news.dump_all().await;
    assert_eq!(found(&dump, "ann@peer.test"), [""; 0]);
    assert_eq!(found(&dump, "Ann Lee"), [""; 0]);
    assert_eq!(
        deeds(&news).await,
        ["reader_changed", "reader_unsubscribed", "reader_erased"]
    );
}

each_database!(a_reader_is_added_with_a_consent_or_asked_by_mail);
async fn a_reader_is_added_with_a_consent_or_asked_by_mail(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let add = async |address: &str, how: &str, source: &str, day: &str| {
        let fields = [
            ("address", address),
            ("how", how),
            ("source", source),
            ("day", day),
            ("kind", "express"),
            ("frequency", "monthly"),
            ("format", "html"),
            ("language", "en"),
        ];
        editor.post("/desk/readers/add", &fields).await
    };
    for (address, source, day) in [
        ("no address", "paper", "2026-01-01"),
        ("new@peer.test", "", "2026-01-01"),
        ("new@peer.test", "paper", ""),
        ("new@peer.test", "paper", "2099-01-01"),
    ] {
        assert_eq!(add(address, "told", source, day).await.status, 400);
    }
    assert_eq!(news.dump("subscriber").await.len(), 0);
    assert_eq!(
        add("new@peer.test", "told", "paper", "2026-01-01")
            .await
            .status,
        303
    );
    assert_eq!(news.reader("new@peer.test").await.state, State::Active);
    let source = &news.consents("new@peer.test").await[0].source;
    assert_eq!(source, "paper (entered at the desk by A editor)");
    assert_eq!(
        add("NEW@peer.test", "told", "paper", "2026-01-01")
            .await
            .status,
        409
    );
    // Who is only asked gets one letter, and is no reader before they have answered.
    assert_eq!(add("asked@peer.test", "ask", "", "").await.status, 200);
    news.requests().settle().await.unwrap();
    assert_eq!(news.reader("asked@peer.test").await.state, State::Pending);
    // Nobody is brought back over a suppression.
    let gone = news.reader("new@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &gone, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    let refused = add("new@peer.test", "told", "paper", "2026-01-01").await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("asked to be forgotten"),
        "{}",
        refused.body
    );
}

each_database!(a_list_is_imported_beside_the_pages_and_what_was_refused_can_be_taken_out);
async fn a_list_is_imported_beside_the_pages_and_what_was_refused_can_be_taken_out(db: Db) {
    let news = News::start(db).await;
    let site = Pages::site(&news);
    let desk = editor::desk(&news, site);
    let imports = desk.imports.clone();
    let routes = bulletin::web::desk::routes(desk);
    let editor = Editor::sign_in_at(&news, Role::Editor, routes).await;
    let csv = "address,name,consent_at,consent_source\na@peer.test,,2026-01-01,form\nb@peer.test,=1+1,2026-01-01,\n";
    for (name, content) in [
        ("list.zip", "PK\u{3}\u{4}x"),
        ("list.xlsx", "PK\u{3}\u{4}y"),
        ("empty.csv", ""),
    ] {
        let refused = editor
            .upload("/desk/readers/import", &[], ("file", name, content))
            .await;
        assert_eq!(refused.status, 400, "{name}");
    }
    let begun = editor
        .upload("/desk/readers/import", &[], ("file", "list.csv", csv))
        .await;
    assert_eq!(begun.status, 303);
    let path = begun.location().to_owned();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    imports.get(id).unwrap().ended().await;
    let page = editor.get(&path).await;
    assert!(
        page.body.contains("Take out the refused lines"),
        "{}",
        page.body
    );
    let refused = editor.get(&format!("{path}/refused.csv")).await;
    assert!(
        refused
            .header
            .contains("attachment; filename=\"refused.csv\"")
    );
    assert!(refused.body.contains("'=1+1"), "{}", refused.body);
    assert!(refused.body.contains("consent_source is empty"));
    assert_eq!(news.dump("subscriber").await.len(), 1);
    let other = editor
        .get("/desk/readers/import/00000000-0000-4000-8000-000000000000")
        .await;
    assert_eq!(other.status, 404);
}

each_database!(an_export_holds_who_was_found_and_no_formula);
async fn an_export_holds_who_was_found_and_no_formula(db: Db) {
    let news = News::start(db).await;
    let csv = "address,name,language,consent_at,consent_source\n\
        =ann@peer.test,\"=HYPERLINK(\"\"x\"\")\",fr,2026-01-01,form\nbob@peer.test,,en,2026-01-01,form\n";
    assert_eq!(news.enrol(csv).await.0.added, 2);
    let editor = Editor::sign_in(&news, Role::Editor).await;
    assert!(
        editor
            .get("/desk/readers/export?language=fr")
            .await
            .body
            .contains("1 reader")
    );
    let sheet = editor
        .post("/desk/readers/export", &[("language", "fr")])
        .await;
    assert_eq!(sheet.status, 200);
    assert!(
        sheet
            .body
            .contains("\"'=ann@peer.test\",\"'=HYPERLINK(\"\"x\"\")\""),
        "{}",
        sheet.body
    );
    assert!(!sheet.body.contains("bob"));
    let all = editor.post("/desk/readers/export", &[]).await.body;
    assert!(all.contains("bob@peer.test"));
    assert_eq!(deeds(&news).await, ["readers_exported"; 2]);
    news.outlast_freshness();
    assert_eq!(editor.post("/desk/readers/export", &[]).await.status, 403);
    assert_eq!(news.dump("audit").await.len(), 2);
}

each_database!(many_are_changed_only_when_the_number_is_right);
async fn many_are_changed_only_when_the_number_is_right(db: Db) {
    let news = News::start(db).await;
    let mut csv = "address,topics,consent_at,consent_source\n".to_owned();
    for number in 0..120 {
        csv += &format!("r{number}@many.test,empathy,2026-01-01,form\n");
    }
    news.enrol(&csv).await;
    news.subscribe("ann@peer.test", &["empathy"]).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let page = editor.get("/desk/readers/bulk?q=many.test").await.body;
    assert!(page.contains("120 readers") && page.contains("Type the number 120"));
    let begin = async |typed: &str, count: &str, change: &str, slug: &str| {
        let fields = [
            ("q", "many.test"),
            ("count", count),
            ("typed", typed),
            ("change", change),
            ("slug", slug),
        ];
        editor.post("/desk/readers/bulk", &fields).await
    };
    assert_eq!(begin("12", "120", "erase", "").await.status, 400);
    assert_eq!(begin("120", "121", "erase", "").await.status, 409);
    assert_eq!(begin("120", "120", "add", "nothing").await.status, 400);
    assert_eq!(begin("120", "120", "", "").await.status, 400);
    let begun = begin("120", "120", "add", "attachment").await;
    assert_eq!(begun.status, 303);
    let path = begun.location().to_owned();
    assert!(
        editor
            .get(&path)
            .await
            .body
            .contains("data-running=\"yes\"")
    );
    do_errands(&news).await;
    let done = editor.get(&path).await.body;
    assert!(
        done.contains("Done.") && done.contains("<dd>120</dd>"),
        "{done}"
    );
    assert_eq!(news.reader("r7@many.test").await.topics.0.len(), 2);
    assert_eq!(news.reader("ann@peer.test").await.topics.0.len(), 1);
    assert_eq!(deeds(&news).await, ["errand_begun"]);
}

each_database!(an_address_is_kept_from_mail_and_let_have_it_again_with_a_reason);
async fn an_address_is_kept_from_mail_and_let_have_it_again_with_a_reason(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let address = ("address", "Ann@peer.test");
    let note = ("note", "told us, at ann@peer.test <b>");
    assert_eq!(
        editor
            .post("/desk/suppressions", &[address, note])
            .await
            .status,
        303
    );
    let list = editor.get("/desk/suppressions").await.body;
    assert!(
        list.contains("ann@peer.test") && list.contains("&lt;b&gt;"),
        "{list}"
    );
    assert!(!list.contains("at ann@"), "a note holds no address");
    let found = editor.post("/desk/suppressions/look", &[address]).await;
    assert!(found.body.contains("This address gets no mail") && !found.body.contains("?address"));
    assert_eq!(
        editor
            .post("/desk/suppressions/lift", &[address])
            .await
            .status,
        400
    );
    let because = ("because", "by telephone");
    assert_eq!(
        editor
            .post("/desk/suppressions/lift", &[address, because])
            .await
            .status,
        303
    );
    assert!(!news.is_suppressed("ann@peer.test").await);
    assert_eq!(
        editor
            .post("/desk/suppressions/lift", &[address, because])
            .await
            .status,
        409
    );
    assert_eq!(
        editor
            .post("/desk/suppressions/look", &[("address", "ann")])
            .await
            .status,
        400
    );
    assert_eq!(
        deeds(&news).await,
        ["address_suppressed", "address_released"]
    );
}

each_database!(the_list_of_addresses_without_mail_is_gone_through_page_by_page);
async fn the_list_of_addresses_without_mail_is_gone_through_page_by_page(db: Db) {
    let news = News::start(db).await;
    let mut tx = news.db.begin().await.unwrap();
    for number in 0..120_u8 {
        // Many of one moment: the hash tells them apart.
        let since = news.now() - chrono::Duration::minutes(i64::from(number / 40));
        let note = format!("note {number:03}");
        suppression::suppress(&mut tx, &[number; 32], Reason::Manual, &note, since)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let (mut path, mut seen) = ("/desk/suppressions".to_owned(), Vec::new());
    loop {
        let page = editor.get(&path).await.body;
        let notes = page.split("note ").skip(1).filter_map(|rest| rest.get(..3));
        seen.extend(
            notes
                .filter(|note| note.bytes().all(|byte| byte.is_ascii_digit()))
                .map(str::to_owned),
        );
        let Some((before, _)) = page.split_once("\">Older ones") else {
            break;
        };
        path = before.rsplit('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 120);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

each_database!(a_mail_kept_aside_is_shown_as_text_and_decided);
async fn a_mail_kept_aside_is_shown_as_text_and_decided(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    let hash = news.reader("ann@peer.test").await.address_hash;
    let mut tx = news.db.begin().await.unwrap();
    let mail = b"From: ann@peer.test\r\nSubject: <script>alert(1)</script>\r\n\r\nStop \x1b[31m\xe2\x80\xaeplease\r\n";
    let new = bulletin::returned::kept::New {
        mark: "one",
        at: news.now(),
        way: bulletin::returned::Way::Pipe,
        why: "a person wrote",
        delivery: None,
        address_hash: Some(hash.try_into().unwrap()),
        mail,
    };
    bulletin::returned::kept::add(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let list = editor.get("/desk/kept").await.body;
    let (_, rest) = list.split_once("/desk/kept/").unwrap();
    let path = format!("/desk/kept/{}", rest.split('"').next().unwrap());
    let page = editor.get(&path).await.body;
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    assert!(
        !page.contains('\u{1b}') && !page.contains('\u{202e}') && page.contains("ann@peer.test")
    );
    assert_eq!(editor.post(&path, &[("decided", "what")]).await.status, 404);
    assert_eq!(
        editor
            .post(&path, &[("decided", "unsubscribe")])
            .await
            .status,
        303
    );
    assert_eq!(news.reader("ann@peer.test").await.state, State::Ended);
    assert_eq!(editor.get(&path).await.status, 404);
    assert_eq!(
        deeds(&news).await,
        ["reader_unsubscribed", "kept_mail_dropped"]
    );
}
