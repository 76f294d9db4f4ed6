//! Choosing: what is kept, what is shown before it is, and what follows from it.

use bulletin::config::OnNothing;
use bulletin::db::Db;
use bulletin::secret::Purpose;
use bulletin::subscription::{Frequency, Language};
use chrono::Duration;

use super::{all_of, centre, path};
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, TRAINING, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

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
