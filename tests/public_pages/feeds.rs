//! Feeds: of everything, of a topic, and a reader's own.

use bulletin::db::Db;
use bulletin::secret::Purpose;

use super::study;
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

each_database!(feeds_are_well_formed_and_say_when_they_changed);
async fn feeds_are_well_formed_and_say_when_they_changed(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let (_, _, empty) = pages.ask("GET", "/feed.atom", "").await;
    assert!(
        empty
            .parse::<atom_syndication::Feed>()
            .unwrap()
            .entries
            .is_empty()
    );
    let mut study = study();
    study.summaries[0].title += "\u{1}]]>";
    news.publish(&study).await;
    news.wait(chrono::Duration::hours(1));
    news.publish(&issue("2026-02", &[&[ATTACHMENT]])).await;
    for (path, entries, language) in [
        ("/feed.atom", 2, "en"),
        ("/fr/feed.atom", 2, "fr"),
        ("/topics/empathy/feed.atom", 1, "en"),
        ("/fr/topics/attachment/feed.atom", 1, "fr"),
    ] {
        let (_, header, body) = pages.ask("GET", path, "").await;
        assert!(header.contains("application/atom+xml"), "{header}");
        assert!(
            header.contains("last-modified: tue, 03 mar 2026 1"),
            "{header}"
        );
        let feed: atom_syndication::Feed = body.parse().unwrap();
        assert_eq!(feed.entries.len(), entries, "{path}");
        assert_eq!(feed.lang.as_deref(), Some(language));
        assert_eq!(feed.id, format!("https://news.example.org{path}"));
        assert_eq!(
            feed.updated,
            feed.entries
                .iter()
                .map(|entry| entry.updated)
                .max()
                .unwrap()
        );
    }
    let (_, _, body) = pages.ask("GET", "/feed.atom", "").await;
    let feed: atom_syndication::Feed = body.parse().unwrap();
    assert_eq!(feed.entries[0].id, "https://news.example.org/summaries/1");
    assert_eq!(feed.entries[0].title.value, "Élan & </script> Empathy]]>");
    assert_eq!(feed.entries[0].categories[1].term, "empathy");
    let content = feed.entries[0]
        .content
        .as_ref()
        .unwrap()
        .value
        .as_ref()
        .unwrap();
    assert!(content.contains("<p>Kleinstäuber found"), "{content}");
    for path in ["/feed.json", "/fr/topics/empathy/feed.json"] {
        let (_, header, body) = pages.ask("GET", path, "").await;
        assert!(header.contains("application/feed+json"), "{header}");
        let feed: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
        assert_eq!(
            feed["items"][0]["date_published"],
            "2026-03-01T00:00:00+00:00"
        );
        assert_eq!(feed["feed_url"], format!("https://news.example.org{path}"));
    }
}

each_database!(a_readers_own_feed_has_what_they_chose_and_ends_with_them);
async fn a_readers_own_feed_has_what_they_chose_and_ends_with_them(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue(
        "2026-03",
        &[&[EMPATHY], &[DEPRESSION], &[ATTACHMENT]],
    ))
    .await;
    news.subscribe("a@peer.test", &[EMPATHY, ATTACHMENT]).await;
    let id = news.reader("a@peer.test").await.id;
    let path = format!("/f/{}", news.keys.link(Purpose::Feed, id));
    let (status, header, body) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 200, "{body}");
    assert!(
        header.contains("cache-control: no-store") && !header.contains("etag"),
        "{header}"
    );
    let feed: atom_syndication::Feed = body.parse().unwrap();
    let titles: Vec<&str> = feed
        .entries
        .iter()
        .map(|entry| entry.title.value.as_str())
        .collect();
    assert_eq!(titles, ["Study 1 of 2026-03", "Study 3 of 2026-03"]);
    assert!(!body.contains("peer.test"));
    let leave = news.keys.link(Purpose::Unsubscribe, id);
    assert_eq!(pages.ask("GET", &format!("/f/{leave}"), "").await.0, 404);
    pages
        .ask("POST", &format!("/u/{leave}"), "leave=page")
        .await;
    let (status, header, body) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 410);
    assert!(
        header.contains("no-store") && body.contains("No longer here"),
        "{header}\n{body}"
    );
}
