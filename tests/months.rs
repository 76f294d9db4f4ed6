//! A month in the desk: written, looked at, checked, tested, brought in and taken along.

use bulletin::admin::Role;
use bulletin::campaign;
use bulletin::db::Db;
use bulletin::look;
use bulletin::preflight::Level;
use bulletin::preflight::network::{self, Asking, Question};
use bulletin::record::{self, What};
use bulletin::secret::Purpose;

use crate::support::editor::{Answered, Editor};
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue, month};
use crate::support::{News, each_database};

const HERE: &str = "/desk/issues/2026-03";

fn at(step: &str) -> String {
    format!("{HERE}/{step}")
}

/// What the form of a month with these titles sends.
fn form<'a>(from: &'a str, titles: &[&'a str], act: &'a str) -> Vec<(String, &'a str)> {
    let mut fields = vec![
        ("from".to_owned(), from),
        ("teaser".to_owned(), "This month."),
        ("do".to_owned(), act),
    ];
    for (number, title) in titles.iter().enumerate() {
        let field = |name: &str| format!("s{number}.{name}");
        fields.push((field("title"), title));
        fields.push((field("summary"), "What was found.\r\n\r\nAnd more."));
        fields.push((field("implications"), "What it means."));
        fields.push((field("topic"), EMPATHY));
        fields.push((field("type"), "survey"));
        fields.push((field("language"), "en"));
    }
    fields
}

async fn write(editor: &Editor, fields: &[(String, &str)]) -> Answered {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    editor.post(&at("write"), &fields).await
}

async fn begun(news: &News) -> Editor {
    let editor = Editor::sign_in(news, Role::Editor).await;
    let begun = editor.post("/desk/issues", &[("month", "2026-03")]).await;
    assert_eq!(
        (begun.status, begun.location()),
        (303, at("write").as_str())
    );
    editor
}

each_database!(a_month_is_written_kept_looked_at_and_checked);
async fn a_month_is_written_kept_looked_at_and_checked(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[EMPATHY]).await;
    news.subscribe("none@peer.test", &[ATTACHMENT]).await;
    let editor = begun(&news).await;
    let saved = write(&editor, &form("1", &["A title"], "add")).await;
    assert_eq!(saved.location(), at("write#s1"));
    let page = editor.get(&at("write")).await.body;
    assert!(page.contains("value=\"A title\"") && page.contains("What was found.\n\nAnd more."));
    assert!(
        page.contains(&format!("value=\"{EMPATHY}\" checked")),
        "{page}"
    );
    let unfinished = write(&editor, &form("2", &["A title", ""], "keep")).await;
    assert_eq!(unfinished.status, 400);
    assert!(unfinished.body.contains("has no title"));
    assert_eq!(editor.get("/issues/2026-03").await.status, 404);
    let moved = write(&editor, &form("3", &["A title", "Another"], "up.1")).await;
    assert_eq!(moved.location(), at("write#s0"));
    let kept = write(&editor, &form("4", &["Another", "A title"], "keep")).await;
    assert_eq!(kept.location(), at("look?done=kept"));
    let public = editor.get("/issues/2026-03").await.body;
    assert!(public.find("Another").unwrap() < public.find("A title").unwrap());

    let look = loop {
        let page = editor.get(&at("look")).await.body;
        if !page.contains("being counted") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    for says in [
        "<strong>1</strong> reader",
        "nothing matched what they chose",
        "mail?s=1%2C2",
    ] {
        assert!(look.contains(says), "{says}: {look}");
    }
    let who = editor.get(&at("look/who?s=1%2C2")).await.body;
    assert!(
        who.contains("o•••@p•••.test") && !who.contains("n•••@"),
        "{who}"
    );
    let check = editor.get(&at("check")).await.body;
    assert!(check.contains("The archive has the month as it was written last"));
    assert!(
        check.contains("Neither citation nor DOI") && !check.contains(">mend<"),
        "{check}"
    );
    for path in [
        HERE.to_owned(),
        "/desk/issues".to_owned(),
        at("versions"),
        at("versions/2"),
        at("test"),
    ] {
        assert_eq!(editor.get(&path).await.status, 200, "{path}");
    }
    let taken = editor.get("/desk/issues.md").await;
    assert!(taken.header.contains("attachment") && taken.body.contains("# Another"));
    assert_eq!(editor.get(&at("issue.md")).await.body, taken.body);
}

each_database!(what_two_people_write_at_once_is_shown_to_the_second_and_nothing_is_lost);
async fn what_two_people_write_at_once_is_shown_to_the_second_and_nothing_is_lost(db: Db) {
    let news = News::start(db).await;
    let ada = begun(&news).await;
    let grace = ada.beside(&news, Role::Owner).await;
    assert_eq!(
        write(&ada, &form("1", &["By Ada"], "save")).await.status,
        303
    );
    let both = write(&grace, &form("1", &["By Grace"], "save")).await;
    assert_eq!(both.status, 409);
    assert!(both.body.contains("By Ada") && both.body.contains("By Grace"));
    assert!(ada.get(&at("write")).await.body.contains("By Ada"));
    let mine = both.body.split("name=\"mine\" value=\"").nth(1).unwrap();
    let mine = mine.split('"').next().unwrap().replace("&quot;", "\"");
    let decide = async |act: &str| {
        let fields = [("from", "2"), ("mine", mine.as_str()), ("do", act)];
        grace.post(&at("meanwhile"), &fields).await
    };
    let editing = decide("edit").await;
    assert!(
        editing.body.contains("value=\"By Grace\"")
            && editing.body.contains("name=\"from\" value=\"2\"")
    );
    assert!(
        ada.get(&at("write")).await.body.contains("By Ada"),
        "nothing is saved yet"
    );
    assert_eq!(decide("mine").await.status, 303);
    assert!(ada.get(&at("write")).await.body.contains("By Grace"));
    assert!(ada.get(&at("versions/2")).await.body.contains("By Ada"));
    // What a page saves by itself says so in JSON.
    let mut typing = form("1", &["Typing"], "");
    typing.push(("by".to_owned(), "itself"));
    assert_eq!(write(&ada, &typing).await.status, 409);
    typing[0].1 = "3";
    let saved = write(&ada, &typing).await;
    assert_eq!(
        (saved.status, saved.body.as_str()),
        (200, "{\"version\":4}")
    );
}

each_database!(hostile_text_stays_text_on_every_page_and_a_framed_mail_may_do_nothing);
async fn hostile_text_stays_text_on_every_page_and_a_framed_mail_may_do_nothing(db: Db) {
    let news = News::start(db).await;
    let editor = begun(&news).await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut fields = form("1", &[hostile], "keep");
    for field in [
        "summary",
        "implications",
        "citation",
        "doi",
        "topic",
        "type",
        "language",
    ] {
        fields.push((format!("s0.{field}"), hostile));
    }
    for (name, value) in &mut fields {
        if name.starts_with("s0.") || name == "teaser" {
            *value = hostile;
        }
    }
    assert_eq!(write(&editor, &fields).await.status, 303);
    let pages = [
        "",
        "/write",
        "/look",
        "/check",
        "/test",
        "/mail",
        "/mail/frame",
        "/versions/2",
        "/mail?part=text",
    ];
    for page in pages {
        let shown = editor.get(&format!("{HERE}{page}")).await;
        assert_eq!(shown.status, 200, "{page}");
        let lower = shown.body.to_lowercase();
        assert!(
            !lower.contains("<script>alert") && !lower.contains("<img"),
            "{page}: {}",
            shown.body
        );
    }
    let frame = editor.get(&at("mail/frame")).await;
    let policy = frame
        .header
        .lines()
        .find(|line| line.starts_with("content-security-policy"))
        .unwrap();
    assert!(
        policy.contains("sandbox;")
            && policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'self'")
    );
    assert!(!policy.contains("allow-") && !policy.contains("script-src"));
    assert!(editor.get(&at("mail")).await.body.contains("sandbox=\"\""));
}

each_database!(a_readers_own_mail_is_looked_at_on_record_and_its_links_belong_to_nobody);
async fn a_readers_own_mail_is_looked_at_on_record_and_its_links_belong_to_nobody(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[ATTACHMENT]]))
        .await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let nobody = editor
        .post(&at("look/as"), &[("address", "who@peer.test")])
        .await;
    assert_eq!(nobody.location(), at("look?done=nobody"));
    let found = editor
        .post(&at("look/as"), &[("address", "ONE@peer.test")])
        .await;
    let mail = found.location().to_owned();
    let page = editor.get(&mail).await.body;
    assert!(
        page.contains("o•••@p•••.test") && !page.contains("one@peer.test"),
        "{page}"
    );
    let reader = news.reader("one@peer.test").await;
    let source = editor.get(&format!("{mail}&part=source")).await.body;
    for purpose in [
        Purpose::Unsubscribe,
        Purpose::Preferences,
        Purpose::Feedback,
    ] {
        let link = news.keys.link(purpose, reader.id);
        assert!(!page.contains(&link) && !source.contains(&link));
    }
    let mut tx = news.db.read().await.unwrap();
    let looked = record::of_reader(&mut tx, reader.id).await.unwrap();
    assert_eq!((looked.len(), looked[0].what), (2, What::Preview));
    let viewer = editor.beside(&news, Role::Viewer).await;
    assert_eq!(viewer.get(&mail).await.status, 403);
    assert_eq!(viewer.get(&at("mail")).await.status, 200);
    for bad in ["mail?s=9", "mail?s=1,1", "mail/frame?s=0", "look/who?s=x"] {
        assert_eq!(editor.get(&at(bad)).await.status, 404, "{bad}");
    }
}

each_database!(a_test_goes_out_marked_and_counts_nowhere);
async fn a_test_goes_out_marked_and_counts_nowhere(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    for bad in [
        "",
        "no address",
        "a@p.test,b@p.test,c@p.test,d@p.test,e@p.test,f@p.test",
    ] {
        assert_eq!(
            editor.post(&at("test"), &[("to", bad)]).await.status,
            400,
            "{bad}"
        );
    }
    let to = [("to", "ann@peer.test, bob@peer.test"), ("language", "en")];
    assert_eq!(editor.post(&at("test"), &to).await.status, 303);
    let shown = loop {
        let page = editor.get(&at("test")).await.body;
        if !page.contains("going out") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    assert!(
        shown.contains("taken by the mail server") && shown.contains("a•••@p•••.test"),
        "{shown}"
    );
    assert!(!shown.contains("bob@peer.test"));
    assert_eq!(news.peer.taken().len(), 2);
    let text = news.peer.mails_to("ann@peer.test").remove(0);
    assert!(
        text.contains("\r\nSubject: [Test] Study 1 of 2026-03"),
        "{text}"
    );
    let leave = news.keys.link(Purpose::Unsubscribe, look::NOBODY);
    assert!(text.contains(&leave));
    // Its links lead to a page that says what it was, and one click changes nothing for anybody.
    let page = editor.get(&format!("/u/{leave}")).await;
    assert!(page.body.contains("This was a test"), "{}", page.body);
    let preferences = news.keys.link(Purpose::Preferences, look::NOBODY);
    assert!(
        editor
            .get(&format!("/p/{preferences}"))
            .await
            .body
            .contains("This was a test")
    );
    let one_click = "List-Unsubscribe=One-Click";
    assert_eq!(news_click(&editor, &leave, one_click).await, 200);
    let mut tx = news.db.read().await.unwrap();
    assert_eq!(campaign::account(&mut tx, None).await.unwrap().planned, 0);
    assert!(
        campaign::of_month(&mut tx, month("2026-03"))
            .await
            .unwrap()
            .is_none()
    );
    drop(tx);
    let five = [("to", "a@p.test,b@p.test,c@p.test,d@p.test,e@p.test")];
    for _ in 0..5 {
        assert_eq!(editor.post(&at("test"), &five).await.status, 303);
    }
    let many = editor.post(&at("test"), &five).await;
    assert_eq!(many.status, 429, "it is no way around anything");
}

async fn news_click(editor: &Editor, token: &str, body: &str) -> u16 {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    editor
        .ask("POST", &format!("/u/{token}"), form, body)
        .await
        .status
}

each_database!(what_is_brought_in_is_shown_before_it_is_kept);
async fn what_is_brought_in_is_shown_before_it_is_kept(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let page = std::fs::read_to_string(crate::support::desk::page()).unwrap();
    let page = format!("{page}\nA stray line that belongs to nothing at all on this page\n");
    let brought = editor
        .upload("/desk/issues/bring", &[], ("file", "page.txt", &page))
        .await;
    assert_eq!(brought.status, 303, "{}", brought.body);
    let seen = editor.get(brought.location()).await.body;
    assert!(
        seen.contains("November 2022") && seen.contains("Not understood"),
        "{seen}"
    );
    let months = editor.get("/desk/issues").await.body;
    assert!(!months.contains("2022-11"), "nothing is kept yet");
    let kept = editor
        .post(brought.location(), &[("month", "2022-11"), ("do", "draft")])
        .await;
    assert_eq!(kept.location(), "/desk/issues/2022-11/write?done=brought");
    assert_eq!(editor.get("/issues/2022-11").await.status, 404);
    assert_eq!(editor.get("/desk/issues/2022-11/write").await.status, 200);
    let none = editor.post(brought.location(), &[("do", "draft")]).await;
    assert_eq!(none.status, 400);
    // A pasted text that is none; Markdown with a topic that nobody knows.
    let paste = async |text: &str| {
        let fields = [("pasted", text)];
        let taken = editor
            .upload("/desk/issues/bring", &fields, ("file", "", ""))
            .await;
        editor.get(taken.location()).await
    };
    assert_eq!(paste("Nothing to be read here").await.status, 400);
    let markdown =
        "+++\nmonth = \"2023-01\"\n+++\n# <b>Title</b>\nTopics: empathy, ants\n\nText.\n";
    let seen = paste(markdown).await;
    assert!(seen.status == 200 && seen.body.contains("ants") && !seen.body.contains("<b>Title"));
}

each_database!(what_the_checks_find_is_what_is_wrong);
async fn what_the_checks_find_is_what_is_wrong(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[EMPATHY]).await;
    let mut twice = issue("2026-02", &[&[DEPRESSION]]);
    twice.summaries[0].title = "Sent before".to_owned();
    news.publish(&twice).await;
    news.plan("2026-02").await;
    let editor = begun(&news).await;
    let waiting = editor.get(&at("check")).await.body;
    for says in [
        "The archive does not have this month yet",
        "There is no summary",
        ">mend<",
    ] {
        assert!(waiting.contains(says), "{says}: {waiting}");
    }
    let mut march = issue("2026-03", &[&[DEPRESSION], &[]]);
    march.summaries[0] = twice.summaries[0].clone();
    march.summaries[1].implications = vec!["TODO: {{name}}".to_owned()];
    march.summaries[1].citation = Some("Lin, T. (2021). A study. doi: 10:1".to_owned());
    news.publish(&march).await;
    let mut tx = news.db.begin().await.unwrap();
    bulletin::draft::discard(&mut tx, month("2026-03"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let check = loop {
        let page = editor.get(&at("check")).await.body;
        if !page.contains("http-equiv=\"refresh\"") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    for says in [
        "Topics are only suggested",
        "A DOI is damaged",
        "Something looks as if it was to be filled in",
        "Sent before (2026-02)",
        "Mails are not signed here",
        "Nobody gets this issue",
        "No line announces the month",
    ] {
        assert!(check.contains(says), "{says}: {check}");
    }
    assert!(
        !check.contains("Mail servers would refuse"),
        "our own mails are sound"
    );
    news.plan("2026-03").await;
    let settled = editor.get(&at("check")).await.body;
    assert!(settled.contains("The campaign is settled: what goes out cannot be changed any more"));
    let frozen = editor.get(&at("write")).await.body;
    assert!(frozen.contains("What goes out by mail is frozen"));
}

each_database!(what_cannot_be_asked_is_a_warning_that_says_so);
async fn what_cannot_be_asked_is_a_warning_that_says_so(db: Db) {
    let news = News::start(db).await;
    let question = Question {
        links: vec!["http://127.0.0.1:1/".to_owned()],
        from: Some("example.org".to_owned()),
        bounce: Some("bounce.example.org".to_owned()),
        keys: vec![("s._domainkey.example.org".to_owned(), "p=A".to_owned())],
    };
    let nobody = Asking {
        servers: Vec::new(),
        new_number: network::number,
    };
    let found = network::ask(&question, &nobody).await;
    assert!(
        found.iter().all(|one| one.level == Level::Warn),
        "{found:?}"
    );
    assert_eq!(found[0].about, ["http://127.0.0.1:1/ (no public address)"]);
    assert_eq!(found[1].about[1], "could not ask");
    let of = month("2026-03");
    for _ in 0..2 {
        let mut tx = news.db.begin().await.unwrap();
        network::keep(&mut tx, of, &found, news.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = news.db.read().await.unwrap();
    let kept = network::kept(&mut tx, of).await.unwrap().unwrap();
    assert_eq!((kept.at, kept.found), (news.now(), found));
}
