//! Drafts: a month as it is written in the desk, by one person or two.

use bulletin::db::Db;
use bulletin::draft::{self, Keeping, Missing, Save, Saved, Text, Written};
use bulletin::import;
use bulletin::suggest::Suggester;
use bulletin::{archive, draft::Draft};
use chrono::Duration;

use crate::support::news::{ATTACHMENT, EMPATHY, issue, month, summary};
use crate::support::{News, each_database};

const MONTH: &str = "2026-03";

fn text(titles: &[&str]) -> Text {
    let written = |title: &&str| Written {
        id: None,
        summary: summary(title, &[EMPATHY]),
    };
    Text {
        teaser: Some("This month.".to_owned()),
        summaries: titles.iter().map(written).collect(),
    }
}

async fn save_by(news: &News, who: &str, from: i64, text: &Text, by_itself: bool) -> Saved {
    let save = Save {
        month: month(MONTH),
        from,
        text,
        who,
        by_itself,
        now: news.now(),
    };
    let mut tx = news.db.begin().await.unwrap();
    let saved = draft::save(&mut tx, &save).await.unwrap();
    tx.commit().await.unwrap();
    saved
}

async fn save(news: &News, from: i64, titles: &[&str]) -> Saved {
    save_by(news, "Ada", from, &text(titles), false).await
}

async fn keep(news: &News, version: i64) -> Keeping {
    let suggester = Suggester::new(&news.vocabulary);
    let mut tx = news.db.begin().await.unwrap();
    let kept = draft::keep(&mut tx, month(MONTH), version, &suggester, news.now());
    let kept = kept.await.unwrap();
    tx.commit().await.unwrap();
    kept
}

async fn current(news: &News) -> draft::Current {
    let mut tx = news.db.read().await.unwrap();
    let current = draft::current(&mut tx, month(MONTH)).await.unwrap();
    current.unwrap()
}

fn titles(text: &Text) -> Vec<&str> {
    let summaries = text.summaries.iter();
    summaries.map(|w| w.summary.title.as_str()).collect()
}

each_database!(who_saves_upon_what_another_replaced_overwrites_nothing);
async fn who_saves_upon_what_another_replaced_overwrites_nothing(db: Db) {
    let news = News::start(db).await;
    assert_eq!(save(&news, 0, &["One"]).await, Saved::As(1));
    assert_eq!(
        save(&news, 1, &["One"]).await,
        Saved::Same(1),
        "what is the same is no version"
    );
    assert_eq!(save(&news, 1, &["One", "Two"]).await, Saved::As(2));
    let theirs = text(&["One", "Other"]);
    let Saved::Meanwhile(found) = save_by(&news, "Grace", 1, &theirs, false).await else {
        panic!("version 2 was not before her eyes");
    };
    assert_eq!((found.version, found.made_by.as_str()), (2, "Ada"));
    assert_eq!(titles(&current(&news).await.text), ["One", "Two"]);
    assert_eq!(
        save_by(&news, "Grace", 2, &theirs, false).await,
        Saved::As(3),
        "once she has seen it, hers may take its place"
    );
    let mut tx = news.db.read().await.unwrap();
    let lines = draft::versions(&mut tx, month(MONTH)).await.unwrap();
    let who: Vec<&str> = lines.iter().map(|line| line.made_by.as_str()).collect();
    assert_eq!(who, ["Grace", "Ada", "Ada"]);
    let second: Draft = draft::version(&mut tx, month(MONTH), 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(titles(&second.text), ["One", "Two"]);
}

each_database!(twenty_saves_at_once_leave_one_version_and_tell_the_others);
async fn twenty_saves_at_once_leave_one_version_and_tell_the_others(db: Db) {
    let news = News::start(db).await;
    assert_eq!(save(&news, 0, &["One"]).await, Saved::As(1));
    let texts: Vec<Text> = (0..20).map(|n| text(&[&format!("By {n}")])).collect();
    let saves = texts
        .iter()
        .map(|text| save_by(&news, "Ada", 1, text, false));
    let saved = futures_util::future::join_all(saves).await;
    let done = saved.iter().filter(|saved| **saved == Saved::As(2)).count();
    assert_eq!(done, 1, "{saved:?}");
    assert_eq!(current(&news).await.version, 2);
}

each_database!(what_the_page_saves_by_itself_makes_one_version_of_a_sitting);
async fn what_the_page_saves_by_itself_makes_one_version_of_a_sitting(db: Db) {
    let news = News::start(db).await;
    for version in 0..4 {
        let text = text(&[&"Typing".repeat(version + 1)]);
        let saved = save_by(&news, "Ada", version as i64, &text, true).await;
        assert_eq!(saved, Saved::As(version as i64 + 1));
        news.wait(Duration::seconds(4));
    }
    news.wait(Duration::minutes(10));
    assert_eq!(save(&news, 4, &["Done"]).await, Saved::As(5));
    for version in 5..60 {
        let title = format!("Again {version}");
        save(&news, version, &[&title]).await;
    }
    let mut tx = news.db.read().await.unwrap();
    let lines = draft::versions(&mut tx, month(MONTH)).await.unwrap();
    let versions: Vec<i64> = lines.iter().map(|line| line.version).collect();
    assert_eq!((versions.len(), versions[0], versions[49]), (50, 60, 11));
}

each_database!(a_draft_that_is_kept_is_the_archives_issue_to_the_word);
async fn a_draft_that_is_kept_is_the_archives_issue_to_the_word(db: Db) {
    let news = News::start(db).await;
    news.publish(&issue(MONTH, &[&[ATTACHMENT], &[EMPATHY]]))
        .await;
    let opened = current(&news).await;
    assert_eq!((opened.version, opened.in_archive), (0, true));
    let first = opened.text.summaries[0].id;

    let mut text = opened.text.clone();
    text.teaser = None;
    text.summaries.swap(0, 1);
    text.summaries[1].summary.title = "Another title altogether".to_owned();
    text.summaries[1].summary.topics = vec![EMPATHY.to_owned()];
    text.summaries.remove(0);
    let saved = save_by(&news, "Ada", 0, &text, false).await;
    assert_eq!(saved, Saved::As(1));
    assert!(current(&news).await.ahead.is_some());
    let Keeping::Kept(changes) = keep(&news, 1).await else {
        panic!("it is finished");
    };
    let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|said| said.ends_with("taken out")),
        "{said:?}"
    );

    let now = current(&news).await;
    assert_eq!((now.ahead, now.text.clone()), (None, text));
    assert_eq!(now.text.summaries[0].id, first, "it is still that summary");
    let mut tx = news.db.read().await.unwrap();
    let kept = archive::issue(&mut tx, month(MONTH))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.summaries.len(), kept.teaser), (1, None));
    assert!(kept.summaries[0].topics_confirmed);
    let all = archive::Filter::default();
    assert_eq!(archive::count(&mut tx, &all).await.unwrap(), 1);
    assert_eq!(archive::addresses(&mut tx, 9).await.unwrap().len(), 1);
    drop(tx);
    news.publish(&issue("2026-04", &[&[EMPATHY]])).await;
    let mut tx = news.db.read().await.unwrap();
    let new = archive::issue(&mut tx, month("2026-04"))
        .await
        .unwrap()
        .unwrap();
    assert!(new.summaries[0].id > 2, "no other summary gets its number");
}

each_database!(what_went_out_by_mail_stays_in_its_issue);
async fn what_went_out_by_mail_stays_in_its_issue(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[]).await;
    news.publish(&issue(MONTH, &[&[ATTACHMENT], &[EMPATHY]]))
        .await;
    news.plan(MONTH).await;
    let mut text = current(&news).await.text;
    text.summaries.remove(0);
    save_by(&news, "Ada", 0, &text, false).await;
    assert!(matches!(keep(&news, 1).await, Keeping::Kept(_)));
    let now = current(&news).await.text;
    assert_eq!(titles(&now), ["Study 2 of 2026-03", "Study 1 of 2026-03"]);
}

each_database!(an_unfinished_draft_is_not_kept_and_neither_is_an_older_one);
async fn an_unfinished_draft_is_not_kept_and_neither_is_an_older_one(db: Db) {
    let news = News::start(db).await;
    assert_eq!(keep(&news, 1).await, Keeping::NoDraft);
    let mut unfinished = text(&["One", "ONE.", ""]);
    unfinished.summaries[2].summary.summary.clear();
    unfinished.summaries[2].summary.implications.clear();
    save_by(&news, "Ada", 0, &unfinished, false).await;
    let missing = [Missing::OtherTitle(2), Missing::Title(3), Missing::Words(3)];
    assert_eq!(keep(&news, 1).await, Keeping::Unfinished(missing.to_vec()));
    save(&news, 1, &["One"]).await;
    assert_eq!(keep(&news, 1).await, Keeping::Another(2));
    let mut tx = news.db.begin().await.unwrap();
    assert!(archive::list(&mut tx).await.unwrap().is_empty());
    assert!(draft::discard(&mut tx, month(MONTH)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(
        save(&news, 2, &["Anew"]).await,
        Saved::As(1),
        "who still has a page of it open loses nothing"
    );
}

each_database!(what_is_exported_imports_to_the_same);
async fn what_is_exported_imports_to_the_same(db: Db) {
    let news = News::start(db).await;
    let mut issues = Vec::new();
    for of in ["2026-01", "2026-02", "2026-03"] {
        let mut issue = issue(of, &[&[ATTACHMENT, EMPATHY], &[]]);
        issue.teaser = Some(format!("…I blog about {of}, “quotes”, and +++."));
        issue.summaries[0].summary = vec!["+++".to_owned(), "# not a heading".to_owned()];
        issue.summaries[1].language = "fr".to_owned();
        news.publish(&issue).await;
        issues.push(issue);
    }
    let mut tx = news.db.read().await.unwrap();
    let mut kept = Vec::new();
    for of in ["2026-01", "2026-02", "2026-03"] {
        let issue = archive::issue(&mut tx, month(of)).await.unwrap().unwrap();
        kept.push(archive::as_written(&issue));
    }
    assert_eq!(kept, issues);
    let file = import::archive(&kept);
    let read = import::read("archive.md", file.as_bytes()).unwrap();
    assert_eq!(read.issues, issues);
    drop(tx);
    for issue in &read.issues {
        assert_eq!(news.publish(issue).await, Vec::<String>::new());
    }
}

#[test]
fn what_is_pasted_as_a_citation_fills_what_is_empty() {
    let mut written = Written::default();
    written.cite("https://doi.org/10.1037/pst0000123");
    assert_eq!(written.summary.doi.as_deref(), Some("10.1037/pst0000123"));
    assert_eq!(written.summary.citation, None);
    written.cite(
        "Lin, T., & Stone, S. J. (2021). A study of\r\nalliance. Psychotherapy, 58(4), 449–459. https://doi.org/10.1037/pst0000456",
    );
    assert_eq!(written.summary.title, "A study of alliance");
    assert_eq!(written.summary.doi.as_deref(), Some("10.1037/pst0000456"));
    written.summary.title = "Mine".to_owned();
    written.cite("Lin, T. (2021). Another study. Psychotherapy, 58(4), 449–459.");
    assert_eq!(written.summary.title, "Mine");
    written.cite(" ");
    assert_eq!(written.summary.citation, None);
}

#[test]
fn a_teaser_is_made_of_the_titles() {
    let two = text(&["Alliance and Outcome.", "Empathy"]);
    assert_eq!(
        two.teaser_of_titles().unwrap(),
        "This month: “Alliance and Outcome” and “Empathy”."
    );
    let mut three = text(&["Un", "Deux", "Trois"]);
    three.summaries[0].summary.language = "fr".to_owned();
    assert_eq!(
        three.teaser_of_titles().unwrap(),
        "Ce mois-ci : « Un », « Deux » et « Trois »."
    );
    assert_eq!(Text::default().teaser_of_titles(), None);
}
