//! A reader's own pages: choosing, leaving, coming back, taking one's data along, being forgotten.

use bulletin::config::OnNothing;
use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::secret::Purpose;
use bulletin::subscription::{Act, Frequency, Language, State};
use bulletin::suppression::{self, Reason};
use chrono::Duration;

use crate::sign_up::ticket;
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, TRAINING, form, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

async fn path(news: &News, page: &str, purpose: Purpose, address: &str) -> String {
    let token = news.keys.link(purpose, news.reader(address).await.id);
    format!("/{page}/{token}")
}

async fn centre(news: &News, address: &str) -> String {
    path(news, "p", Purpose::Preferences, address).await
}

async fn leaving(news: &News, address: &str) -> String {
    path(news, "u", Purpose::Unsubscribe, address).await
}

/// Asks for a fresh link and gives its path.
async fn fresh(news: &News, kind: Kind, address: &str) -> String {
    let request = news.ask(kind, address, form(&[]), None).await;
    format!("/m/{}", news.keys.link(Purpose::Manage, request))
}

async fn suppress(news: &News, address: &str, reason: Reason, note: &str) {
    let hash = news.reader(address).await.address_hash;
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &hash, reason, note, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn all_of(page: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(page.contains(words), "'{words}' is missing in\n{page}");
    }
}

each_database!(what_was_kept_is_told_with_something_to_read);
async fn what_was_kept_is_told_with_something_to_read(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for month in ["2025-12", "2026-01", "2026-02", "2026-03"] {
        news.publish(&issue(month, &[&[DEPRESSION], &[EMPATHY]]))
            .await;
    }
    news.subscribe("ann@peer.test", &[ATTACHMENT]).await;
    let path = centre(&news, "ann@peer.test").await;
    let kept = format!(
        "topics={ATTACHMENT}&topics={DEPRESSION}&frequency=quarterly&on_nothing=pick&format=text&language=en\
         &name=Ann++Other&time_zone=america/toronto"
    );
    let (status, _, page) = pages.ask("POST", &path, &kept).await;
    assert_eq!(status, 200);
    all_of(
        &page,
        &[
            "Topics added: Depression",
            "How often: A round-up each quarter",
            "Send the editor’s pick",
            "Time zone: America/Toronto",
            "Study 1 of 2026-03",
            "Study 1 of 2026-02",
            "Study 1 of 2026-01",
        ],
    );
    assert!(!page.contains("Study 1 of 2025-12"), "three at most");
    assert!(!page.contains("Study 2 of"), "of that topic alone");
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.frequency, Frequency::Quarterly);
    assert_eq!(reader.on_nothing, Some(OnNothing::Pick));
    assert_eq!(
        (reader.name.as_str(), reader.time_zone.as_str()),
        ("Ann Other", "America/Toronto")
    );
    let (_, _, again) = pages.ask("POST", &path, &kept).await;
    all_of(&again, &["Everything stays as it was."]);
    let acts = news.consents("ann@peer.test").await;
    assert_eq!(acts.len(), 2, "what is the same is no change");
}

each_database!(what_cannot_be_kept_is_shown_again_and_nothing_changes);
async fn what_cannot_be_kept_is_shown_again_and_nothing_changes(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[ATTACHMENT]).await;
    let path = centre(&news, "ann@peer.test").await;
    let rest = format!("topics={EMPATHY}&frequency=quarterly&format=html&language=en");
    for (wrong, words) in [
        ("time_zone=Mars/Olympus", "There is no such time zone"),
        ("name=a%E2%80%AEb", "characters that no name has"),
    ] {
        let (status, _, page) = pages.ask("POST", &path, &format!("{rest}&{wrong}")).await;
        assert_eq!(status, 200);
        all_of(
            &page,
            &[
                words,
                "aria-invalid=\"true\"",
                "Nothing was changed yet",
                &format!("value=\"{EMPATHY}\" checked"),
            ],
        );
    }
    for cut in [
        "topics=empathy",
        "topics=ants&frequency=monthly&format=html&language=en",
        "x=y",
    ] {
        assert_eq!(pages.ask("POST", &path, cut).await.0, 400, "{cut}");
    }
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.topics.0, [ATTACHMENT]);
    assert_eq!(reader.frequency, Frequency::Monthly);
}

each_database!(choices_are_shown_with_what_they_bring_before_they_are_kept);
async fn choices_are_shown_with_what_they_bring_before_they_are_kept(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[ATTACHMENT]).await;
    let path = format!("{}/preview", centre(&news, "ann@peer.test").await);
    let rest = "frequency=monthly&format=html&language=fr";
    let (_, _, empty) = pages.ask("POST", &path, rest).await;
    all_of(&empty, &["Nothing has been published yet."]);
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[EMPATHY]]))
        .await;
    let (_, _, page) = pages
        .ask("POST", &path, &format!("topics={EMPATHY}&{rest}"))
        .await;
    all_of(
        &page,
        &[
            "From the issue of March 2026",
            "Study 2 of 2026-03",
            "Empathy",
            &format!("value=\"{EMPATHY}\" checked"),
            "value=\"fr\" checked",
        ],
    );
    assert!(!page.contains("Study 1 of 2026-03"), "{page}");
    for (rule, says) in [
        ("", "the editor decides"),
        ("skip", "you would get no mail"),
        ("note", "a short note with the titles"),
        ("pick", "Study 1 of 2026-03"),
    ] {
        let form = format!("topics={TRAINING}&{rest}&on_nothing={rule}");
        let (_, _, page) = pages.ask("POST", &path, &form).await;
        all_of(&page, &[says]);
    }
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.topics.0, [ATTACHMENT]);
    assert_eq!(reader.language, Language::English);
    assert_eq!(news.consents("ann@peer.test").await.len(), 1);
}

each_database!(a_digests_link_shows_the_address_masked_and_mails_a_fresh_one);
async fn a_digests_link_shows_the_address_masked_and_mails_a_fresh_one(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["a•••@p•••.test", "Change my address"]);
    assert!(!page.contains("ann@peer"), "{page}");
    let link = format!("{path}/link");
    let (_, _, mailed) = pages.ask("POST", &link, "for=manage").await;
    all_of(&mailed, &["a•••@p•••.test", "24 hours"]);
    assert_eq!(pages.ask("POST", &link, "for=data").await.0, 200);
    assert_eq!(pages.ask("POST", &link, "for=else").await.0, 400);
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let mails = news.peer.mails_to("ann@peer.test");
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.contains("/m/")));
}

each_database!(a_fresh_link_is_asked_for_alike_whoever_the_address_belongs_to);
async fn a_fresh_link_is_asked_for_alike_whoever_the_address_belongs_to(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("sue@peer.test", &[]).await;
    suppress(&news, "sue@peer.test", Reason::Complaint, "").await;
    for (page, words) in [
        ("/manage", "a link is on its way there"),
        ("/fr/manage", "un lien est en route"),
    ] {
        let (_, _, asking) = pages.ask("GET", page, "").await;
        all_of(&asking, &["name=\"address\"", "type=\"email\""]);
        assert!(asking.contains("name=\"ticket\" value=\""), "{asking}");
        let ticket = ticket(&news, 10);
        let mut answers = Vec::new();
        for who in ["ann", "sue", "bob"] {
            let form = format!("address={who}%40peer.test&website=&ticket={ticket}");
            let (status, header, body) = pages.ask("POST", page, &form).await;
            let header: Vec<_> = header
                .lines()
                .filter(|line| !line.starts_with("date:"))
                .map(str::to_owned)
                .collect();
            all_of(&body, &[words]);
            answers.push((status, header, body));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        let (_, _, wrong) = pages.ask("POST", page, "address=ann").await;
        all_of(&wrong, &["aria-invalid=\"true\"", "value=\"ann\""]);
    }
    for wrong in [ticket(&news, 0), "forged".to_owned()] {
        let form = format!("address=ann%40peer.test&ticket={wrong}");
        let (_, _, soon) = pages.ask("POST", "/manage", &form).await;
        all_of(
            &soon,
            &["Press the button again", "value=\"ann@peer.test\""],
        );
    }
    let trapped = "address=ann%40peer.test&website=x";
    let (_, _, answer) = pages.ask("POST", "/manage", trapped).await;
    all_of(&answer, &["a link is on its way there"]);
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 2);
    assert_eq!(news.peer.mails_to("sue@peer.test").len(), 0);
    assert_eq!(news.peer.mails_to("bob@peer.test").len(), 0);
}

each_database!(a_fresh_link_works_for_a_day_and_for_the_address_that_it_was_mailed_to);
async fn a_fresh_link_works_for_a_day_and_for_the_address_that_it_was_mailed_to(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("old@peer.test", &[]).await;
    let id = news.reader("old@peer.test").await.id;
    let first = fresh(&news, Kind::Manage, "old@peer.test").await;
    let (_, _, page) = pages.ask("GET", &first, "").await;
    all_of(&page, &["old@peer.test", "data.csv", "data.json", "/erase"]);
    let (_, _, asked) = pages
        .ask(
            "POST",
            &format!("{first}/address"),
            "address=new%40peer.test",
        )
        .await;
    all_of(
        &asked,
        &["new@peer.test", "Until then digests come as before"],
    );
    let (_, _, wrong) = pages
        .ask("POST", &format!("{first}/address"), "address=new")
        .await;
    all_of(
        &wrong,
        &["not an address that mail can be sent to", "value=\"new\""],
    );
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("new@peer.test").len(), 1);
    let asked = news
        .ask(Kind::Address, "newer@peer.test", form(&[]), Some(id))
        .await;
    news.confirm(asked).await;
    assert_eq!(news.reader("newer@peer.test").await.id, id);
    for part in ["", "/data.json", "/data.csv", "/erase"] {
        let (_, _, over) = pages.ask("GET", &format!("{first}{part}"), "").await;
        all_of(&over, &["This link is over", "href=\"/manage\""]);
        assert!(!over.contains("newer@peer.test"));
    }
    let second = fresh(&news, Kind::Data, "newer@peer.test").await;
    let (_, _, page) = pages.ask("GET", &second, "").await;
    all_of(&page, &["newer@peer.test"]);
    news.wait(Duration::hours(24) + Duration::seconds(1));
    let (status, _, over) = pages.ask("GET", &second, "").await;
    assert_eq!(status, 200);
    all_of(&over, &["This link is over"]);
    let (_, _, over) = pages.ask("POST", &format!("{second}/erase"), "").await;
    all_of(&over, &["This link is over"]);
    assert_eq!(news.reader("newer@peer.test").await.id, id, "not erased");
}

each_database!(whose_mail_came_back_is_told_so_and_starts_again_by_confirming);
async fn whose_mail_came_back_is_told_so_and_starts_again_by_confirming(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    suppress(&news, "ann@peer.test", Reason::HardBounce, "550 5.1.1").await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["3\u{A0}March 2026", "550 5.1.1", "Start again"]);
    assert!(!page.contains("Get my data"), "no mail can bring it");
    let (_, _, asked) = pages.ask("POST", &format!("{path}/again"), "").await;
    all_of(&asked, &["a•••@p•••.test", "seven days"]);
    assert!(news.is_suppressed("ann@peer.test").await, "not yet");
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let mail = news.peer.mails_to("ann@peer.test").pop().unwrap();
    let mail = mail.replace("=\r\n", "");
    let (_, token) = mail.split_once("/c/").unwrap();
    let token: String = token.chars().take(38).collect();
    let request = news.keys.reader(Purpose::Confirm, &token).unwrap();
    news.confirm(request).await;
    assert!(!news.is_suppressed("ann@peer.test").await);
    assert_eq!(news.reader("ann@peer.test").await.topics.0, [EMPATHY]);
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert!(!page.contains("550 5.1.1") && page.contains("Get my data"));
}

each_database!(who_complained_or_left_is_told_so);
async fn who_complained_or_left_is_told_so(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (address, reason, words) in [
        ("a@peer.test", Reason::Complaint, "as unwanted"),
        ("b@peer.test", Reason::Manual, "by hand"),
    ] {
        news.subscribe(address, &[]).await;
        suppress(&news, address, reason, "").await;
        let path = centre(&news, address).await;
        let (_, _, page) = pages.ask("GET", &path, "").await;
        all_of(&page, &[words, "editor@example.org"]);
        assert!(!page.contains("Start again"), "{page}");
    }
    news.subscribe("c@peer.test", &[]).await;
    let leave = leaving(&news, "c@peer.test").await;
    pages.ask("POST", &leave, "leave=page").await;
    let path = centre(&news, "c@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["You unsubscribed.", "Send me digests again"]);
    let rest = "frequency=monthly&format=html&language=en&name=C";
    let (_, _, page) = pages.ask("POST", &path, rest).await;
    all_of(&page, &["for the day you come back"]);
    let (_, _, page) = pages.ask("POST", &format!("{path}/back"), "").await;
    all_of(&page, &["Welcome back"]);
    assert_eq!(news.reader("c@peer.test").await.state, State::Active);
}

each_database!(leaving_by_the_page_is_undone_by_the_page_or_the_goodbye);
async fn leaving_by_the_page_is_undone_by_the_page_or_the_goodbye(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert_eq!(page.matches("<button").count(), 1, "{page}");
    all_of(&page, &["one round-up each quarter", "/p/"]);
    let (_, _, left) = pages.ask("POST", &path, "leave=page").await;
    all_of(
        &left,
        &["You are unsubscribed", "Undo", "Why did you leave?"],
    );
    let (_, _, again) = pages.ask("GET", &path, "").await;
    all_of(&again, &["You are unsubscribed already", "Undo"]);
    news.deliver_all().await;
    let goodbye = news.peer.mails_to("ann@peer.test");
    assert_eq!(goodbye.len(), 1);
    let goodbye = goodbye[0].replace("=\r\n", "");
    assert!(goodbye.contains(&path), "the way back:\n{goodbye}");
    let (_, _, back) = pages.ask("POST", &format!("{path}/undo"), "").await;
    all_of(&back, &["Welcome back"]);
    assert_eq!(news.reader("ann@peer.test").await.state, State::Active);
    let acts = news.consents("ann@peer.test").await;
    let acts: Vec<Act> = acts.iter().map(|consent| consent.act).collect();
    assert_eq!(acts, [Act::Granted, Act::Withdrawn, Act::Granted]);
}

each_database!(leaving_can_be_undone_for_four_weeks);
async fn leaving_can_be_undone_for_four_weeks(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let (path, choices) = (
        leaving(&news, "ann@peer.test").await,
        centre(&news, "ann@peer.test").await,
    );
    pages.ask("POST", &path, ONE_CLICK).await;
    news.wait(Duration::days(28));
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["Undo"]);
    news.wait(Duration::seconds(1));
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["28 days", "sign up again", "/subscribe"]);
    assert!(!page.contains("Undo: "), "{page}");
    for (path, body) in [
        (format!("{path}/undo"), ""),
        (format!("{choices}/back"), ""),
    ] {
        let (status, _, page) = pages.ask("POST", &path, body).await;
        assert_eq!(status, 200);
        all_of(&page, &["sign up again"]);
        assert_eq!(news.reader("ann@peer.test").await.state, State::Ended);
    }
}

each_database!(a_reader_takes_a_break_and_digests_come_again_by_themselves);
async fn a_reader_takes_a_break_and_digests_come_again_by_themselves(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("ben@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(
        &page,
        &["Take a break", "value=\"1\"", "value=\"3\"", "value=\"6\""],
    );
    for wrong in ["", "months=2", "months=1&months=3", "months=x"] {
        let (status, ..) = pages.ask("POST", &format!("{path}/pause"), wrong).await;
        assert_eq!(status, 400, "{wrong}");
    }
    let (_, _, page) = pages
        .ask("POST", &format!("{path}/pause"), "months=1")
        .await;
    let until = news.reader("ann@peer.test").await.paused_until.unwrap();
    assert_eq!(until, news.now() + chrono::Months::new(1));
    all_of(&page, &["You are taking a break", "End the break now"]);
    assert!(!page.contains("Take a break"), "{page}");
    news.deliver_all().await;
    assert!(
        news.peer.mails_to("ann@peer.test").is_empty(),
        "not even what waited"
    );

    news.publish(&issue("2026-04", &[&[EMPATHY]])).await;
    let plan = news.preview("2026-04").await;
    assert_eq!((plan.recipients, plan.excluded["paused"]), (1, 1));
    news.wait(until - news.now());
    let plan = news.preview("2026-04").await;
    assert_eq!((plan.recipients, plan.excluded.get("paused")), (2, None));

    pages
        .ask("POST", &format!("{path}/pause"), "months=6")
        .await;
    let (_, _, page) = pages.ask("POST", &format!("{path}/resume"), "").await;
    all_of(&page, &["goes on as it was", "Take a break"]);
    assert_eq!(news.preview("2026-04").await.recipients, 2);
}

each_database!(the_newest_on_an_added_topic_comes_by_mail_once_a_day);
async fn the_newest_on_an_added_topic_comes_by_mail_once_a_day(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[EMPATHY]]))
        .await;
    news.subscribe("ann@peer.test", &[ATTACHMENT]).await;
    let path = centre(&news, "ann@peer.test").await;
    let kept = format!(
        "topics={ATTACHMENT}&topics={DEPRESSION}&frequency=monthly&format=html&language=en"
    );
    let (_, _, page) = pages.ask("POST", &path, &kept).await;
    all_of(&page, &["Mail them to me", &format!("{path}/newest")]);
    let wanted = format!("topics={DEPRESSION}&topics={EMPATHY}&topics=no-such");
    for _ in 0..3 {
        let (_, _, page) = pages.ask("POST", &format!("{path}/newest"), &wanted).await;
        all_of(&page, &["on their way", "a•••@p•••.test"]);
    }
    news.deliver_all().await;
    let mails = news.peer.mails_to("ann@peer.test");
    assert_eq!(mails.len(), 1);
    let mail = mails[0].replace("=\r\n", "");
    assert!(mail.contains("To begin with"), "{mail}");
    assert!(mail.contains("/summaries/1"), "{mail}");
    assert!(
        !mail.contains("/summaries/2"),
        "empathy is none of theirs: {mail}"
    );
    news.wait(Duration::days(1));
    pages.ask("POST", &format!("{path}/newest"), &wanted).await;
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 2);
}

each_database!(why_somebody_left_is_counted_once_they_left_and_without_who);
async fn why_somebody_left_is_counted_once_they_left_and_without_who(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let why = format!("{path}/why");
    pages.ask("POST", &why, "why=too_many").await;
    assert!(news.dump("leaving_reason").await.is_empty(), "still here");
    pages.ask("POST", &path, "leave=page").await;
    for _ in 0..2 {
        let (_, _, page) = pages.ask("POST", &why, "why=too_many").await;
        all_of(&page, &["Thank you"]);
    }
    let (_, _, page) = pages.ask("POST", &why, "").await;
    all_of(&page, &["Why did you leave?"]);
    assert_eq!(pages.ask("POST", &why, "why=ants").await.0, 400);
    let counted = news.dump("leaving_reason").await;
    assert_eq!(counted.len(), 1);
    for part in ["2026-03", "too_many", "2"] {
        assert!(counted[0].contains(part), "{counted:?}");
    }
}

const PARTS: &str = "--x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x7--\r\n";

each_database!(one_click_is_taken_as_rfc_8058_has_it_and_in_no_other_way);
async fn one_click_is_taken_as_rfc_8058_has_it_and_in_no_other_way(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let url = "Content-Type: application/x-www-form-urlencoded\r\n";
    let parted = "Content-Type: multipart/form-data; boundary=x7\r\n";
    let quoted = "Content-Type: multipart/form-data; boundary=\"x7\"\r\n";
    let ended = format!("{ONE_CLICK}\r\n");
    let with_charset = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    let taken = [
        (url, ONE_CLICK),
        (url, ended.as_str()),
        (with_charset, ONE_CLICK),
        (parted, PARTS),
        (quoted, PARTS),
    ];
    for (number, (fields, body)) in taken.into_iter().enumerate() {
        let address = format!("r{number}@peer.test");
        news.subscribe(&address, &[]).await;
        let path = leaving(&news, &address).await;
        let (status, header, says) = pages.ask_with("POST", &path, fields, body).await;
        assert_eq!(status, 200, "{fields}{body}");
        for never in ["set-cookie", "location:", "text/html"] {
            assert!(!header.contains(never), "{header}");
        }
        assert_eq!(says, "You are unsubscribed.\n");
        assert_eq!(news.reader(&address).await.state, State::Ended);
    }
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let wrong_part = PARTS.replace("One-Click", "Two-Clicks");
    let wrong_name = PARTS.replace("List-Unsubscribe", "List");
    let two_parts = PARTS.replace("--x7--", &PARTS[..PARTS.len() - 8]);
    for (fields, body) in [
        (url, ""),
        (url, "List-Unsubscribe=one-click"),
        (url, "List-Unsubscribe=One-Click&more=1"),
        (url, "x=List-Unsubscribe=One-Click"),
        (parted, ONE_CLICK),
        (parted, &wrong_part),
        (parted, &wrong_name),
        (parted, &two_parts),
        (url, PARTS),
    ] {
        let (status, ..) = pages.ask_with("POST", &path, fields, body).await;
        assert_eq!(status, 400, "{body}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        pages.ask(method, &path, ONE_CLICK).await;
    }
    assert_eq!(news.reader("ann@peer.test").await.state, State::Active);
}

each_database!(one_click_a_hundred_times_at_once_is_one_withdrawal_and_one_goodbye);
async fn one_click_a_hundred_times_at_once_is_one_withdrawal_and_one_goodbye(db: Db) {
    let news = News::start(db).await;
    let pages = std::sync::Arc::new(Pages::start(&news).await);
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let clicks = (0..100).map(|_| {
        let (pages, path) = (pages.clone(), path.clone());
        tokio::spawn(async move { pages.ask("POST", &path, ONE_CLICK).await.0 })
    });
    for click in clicks.collect::<Vec<_>>() {
        assert_eq!(click.await.unwrap(), 200);
    }
    assert_eq!(news.consents("ann@peer.test").await.len(), 2);
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 1);
}

each_database!(one_click_is_answered_for_the_suppressed_and_the_erased_too);
async fn one_click_is_answered_for_the_suppressed_and_the_erased_too(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (address, reason) in [
        ("a@peer.test", Reason::HardBounce),
        ("b@peer.test", Reason::Complaint),
    ] {
        news.subscribe(address, &[]).await;
        suppress(&news, address, reason, "").await;
        let path = leaving(&news, address).await;
        assert_eq!(pages.ask("POST", &path, ONE_CLICK).await.0, 200);
        assert_eq!(news.reader(address).await.state, State::Ended);
    }
    news.subscribe("gone@peer.test", &[]).await;
    let path = leaving(&news, "gone@peer.test").await;
    let manage = fresh(&news, Kind::Manage, "gone@peer.test").await;
    let (_, _, page) = pages.ask("POST", &format!("{manage}/erase"), "").await;
    all_of(&page, &["You are erased"]);
    let before = news.dump_all().await;
    for _ in 0..3 {
        let (status, _, says) = pages.ask("POST", &path, ONE_CLICK).await;
        assert_eq!((status, says.as_str()), (200, "You are unsubscribed.\n"));
    }
    let (status, _, page) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 200);
    all_of(&page, &["You are unsubscribed already"]);
    assert_eq!(pages.ask("POST", &path, "leave=page").await.0, 200);
    assert_eq!(news.dump_all().await, before);
}

each_database!(more_and_fewer_change_topics_by_one_button);
async fn more_and_fewer_change_topics_by_one_button(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue("2026-03", &[&[EMPATHY, TRAINING]]))
        .await;
    news.subscribe("ann@peer.test", &[ATTACHMENT]).await;
    let link = path(&news, "s", Purpose::Feedback, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &format!("{link}/1/more"), "").await;
    all_of(&page, &["Study 1 of 2026-03", "Empathy", "will be added"]);
    assert_eq!(page.matches("<button").count(), 1, "{page}");
    let (_, _, page) = pages.ask("POST", &format!("{link}/1/more"), "").await;
    all_of(&page, &["Added to your topics", "You have 3 of 36"]);
    assert_eq!(
        news.reader("ann@peer.test").await.topics.0,
        [ATTACHMENT, EMPATHY, TRAINING]
    );
    let (_, _, page) = pages.ask("POST", &format!("{link}/1/more"), "").await;
    all_of(&page, &["chosen all of its topics already"]);
    let fewer = format!("{link}/1/fewer");
    for _ in 0..2 {
        assert_eq!(pages.ask("POST", &fewer, "").await.0, 200);
        let topics = news.reader("ann@peer.test").await.topics.0;
        assert_eq!(topics, [ATTACHMENT]);
    }
    let acts = news.consents("ann@peer.test").await;
    assert_eq!(acts.len(), 3, "two changes");
    news.subscribe("bob@peer.test", &[]).await;
    let link = path(&news, "s", Purpose::Feedback, "bob@peer.test").await;
    let (_, _, page) = pages.ask("GET", &format!("{link}/1/more"), "").await;
    all_of(&page, &["you get everything already"]);
    assert!(!page.contains("<button"), "{page}");
    let (_, _, page) = pages.ask("GET", &format!("{link}/1/fewer"), "").await;
    all_of(&page, &["the 34 others will be ticked"]);
    pages.ask("POST", &format!("{link}/1/fewer"), "").await;
    assert_eq!(news.reader("bob@peer.test").await.topics.0.len(), 34);
    for wrong in ["/2/more", "/1/else", "/x/more"] {
        let answer = pages.ask("GET", &format!("{link}{wrong}"), "").await;
        assert_eq!(answer.0, 404, "{wrong}");
    }
}

each_database!(a_french_reader_reads_french_on_every_page_of_theirs);
async fn a_french_reader_reads_french_on_every_page_of_theirs(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue("2026-03", &[&[EMPATHY]])).await;
    news.subscribe_with("ann@peer.test", &[ATTACHMENT], ",,,fr")
        .await;
    let manage = fresh(&news, Kind::Manage, "ann@peer.test").await;
    let centre = centre(&news, "ann@peer.test").await;
    let leave = leaving(&news, "ann@peer.test").await;
    let like = path(&news, "s", Purpose::Feedback, "ann@peer.test").await;
    let rest = format!("topics={EMPATHY}&frequency=monthly&format=html&language=fr&name=A");
    for (method, path, body, words) in [
        ("GET", centre.clone(), "", "Ce que vous recevez"),
        (
            "POST",
            format!("{centre}/preview"),
            &rest,
            "Du numéro de mars 2026",
        ),
        (
            "POST",
            centre.clone(),
            &rest,
            "Thèmes ajoutés\u{A0}: Empathie",
        ),
        (
            "POST",
            format!("{centre}/link"),
            "for=data",
            "Regardez maintenant votre courrier",
        ),
        (
            "GET",
            format!("{like}/1/fewer"),
            "",
            "Ce sont tous vos thèmes",
        ),
        (
            "POST",
            format!("{like}/1/fewer"),
            "",
            "Retirés de vos thèmes",
        ),
        ("POST", format!("{like}/1/more"), "", "Ajoutés à vos thèmes"),
        ("GET", manage.clone(), "", "Le bulletin est envoyé à"),
        (
            "POST",
            format!("{manage}/address"),
            "address=x",
            "Cette adresse ne permet pas",
        ),
        (
            "POST",
            format!("{manage}/address"),
            "address=new%40peer.test",
            "dans les sept jours",
        ),
        ("GET", leave.clone(), "", "Se désabonner"),
        (
            "POST",
            leave.clone(),
            "leave=page",
            "Votre abonnement a pris fin",
        ),
        ("GET", centre.clone(), "", "Recevoir de nouveau le bulletin"),
        (
            "POST",
            format!("{leave}/why"),
            "why=other",
            "Merci de nous l’avoir dit",
        ),
        ("POST", format!("{leave}/undo"), "", "Bon retour parmi nous"),
        (
            "GET",
            format!("{manage}/erase"),
            "",
            "Voulez-vous que nous vous oubliions",
        ),
        (
            "POST",
            format!("{manage}/erase"),
            "",
            "Vos données sont effacées",
        ),
    ] {
        let (status, _, page) = pages.ask(method, &path, body).await;
        assert_eq!(status, 200, "{method} {path}\n{page}");
        all_of(&page, &["<html lang=\"fr\">", words]);
    }
}
