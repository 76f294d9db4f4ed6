//! The archive: the same study is one summary, and a change says what changed.

use bulletin::archive;
use bulletin::db::Db;
use bulletin::import;
use bulletin::suggest::Suggester;

use crate::support::news::{ATTACHMENT, DEPRESSION, issue, month};
use crate::support::{News, each_database, root};

fn page(name: &str) -> Vec<bulletin::issue::Issue> {
    let bytes = std::fs::read(root().join("tests/fixtures/pages").join(name)).unwrap();
    import::read(name, &bytes).unwrap().issues
}

each_database!(the_same_page_in_any_form_imported_again_changes_nothing);
async fn the_same_page_in_any_form_imported_again_changes_nothing(db: Db) {
    let news = News::start(db).await;
    for issue in page("plain.txt") {
        assert!(!news.publish(&issue).await.is_empty());
    }
    for name in ["plain.txt", "windows.txt", "page.html"] {
        for issue in page(name) {
            assert_eq!(news.publish(&issue).await, Vec::<String>::new(), "{name}");
        }
    }
}

each_database!(a_study_listed_on_two_pages_is_one_summary);
async fn a_study_listed_on_two_pages_is_one_summary(db: Db) {
    let news = News::start(db).await;
    for issue in page("plain.txt").iter().chain(&page("older.txt")) {
        news.publish(issue).await;
    }
    let mut tx = news.db.read().await.unwrap();
    let list = archive::list(&mut tx).await.unwrap();
    let counts: Vec<(&str, i64)> = list
        .iter()
        .map(|issue| (issue.month.as_str(), issue.summaries))
        .collect();
    assert_eq!(
        counts,
        [
            ("2022-11", 3),
            ("2020-03", 2),
            ("2019-03", 1),
            ("2018-10", 2)
        ]
    );
}

each_database!(an_import_says_what_it_changed);
async fn an_import_says_what_it_changed(db: Db) {
    let news = News::start(db).await;
    let mut issue = issue("2026-02", &[&[DEPRESSION], &[ATTACHMENT]]);
    news.publish(&issue).await;
    issue.summaries[0]
        .summary
        .push("One more thing.".to_owned());
    issue.summaries[1].citation = Some("Ames, A. (2020). Ants. Insects, 1, 2.".to_owned());
    issue.summaries.swap(0, 1);
    assert_eq!(
        news.publish(&issue).await,
        [
            "2026-02 'Study 2 of 2026-02': citation was none, is 'Ames, A. (2020). Ants. Insects, 1, 2.'",
            "2026-02 'Study 1 of 2026-02': summary: paragraph 2 changed",
            "2026-02: the order of the summaries",
        ]
    );
}

each_database!(a_page_without_topics_leaves_the_editors_topics_alone);
async fn a_page_without_topics_leaves_the_editors_topics_alone(db: Db) {
    let news = News::start(db).await;
    let mut issue = issue("2026-02", &[&[ATTACHMENT]]);
    news.publish(&issue).await;
    issue.summaries[0].topics.clear();
    issue.summaries[0].research_type = None;
    assert!(news.publish(&issue).await.is_empty());
    let mut tx = news.db.read().await.unwrap();
    let kept = archive::issue(&mut tx, month("2026-02"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.summaries[0].summary.topics, [ATTACHMENT]);
    assert_eq!(
        kept.summaries[0].summary.research_type.as_deref(),
        Some("survey")
    );
}

each_database!(suggested_topics_count_until_the_editor_confirms);
async fn suggested_topics_count_until_the_editor_confirms(db: Db) {
    let news = News::start(db).await;
    let mut issue = issue("2026-02", &[&[]]);
    issue.summaries[0].title = "Group Therapy for Depression".to_owned();
    issue.summaries[0].summary =
        vec!["A meta-analysis of group therapy for major depression.".to_owned()];
    issue.summaries[0].research_type = None;
    news.publish(&issue).await;
    news.subscribe("d@peer.test", &[DEPRESSION]).await;
    let plan = news.preview("2026-02").await;
    assert_eq!(plan.recipients, 1, "who chose depression must not miss it");
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("only suggested")),
        "{:?}",
        plan.warnings
    );
    let mut tx = news.db.begin().await.unwrap();
    let kept = archive::issue(&mut tx, month("2026-02"))
        .await
        .unwrap()
        .unwrap();
    let shown = archive::shown(&kept, &Suggester::new(&news.vocabulary));
    assert!(shown.summaries[0].topics.is_empty());
    assert!(
        shown.summaries[0]
            .suggested_topics
            .iter()
            .any(|s| s.slug == DEPRESSION && !s.because.is_empty())
    );
    archive::confirm(&mut tx, &kept).await.unwrap();
    let kept = archive::issue(&mut tx, month("2026-02"))
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    assert!(kept.summaries[0].topics_confirmed && kept.summaries[0].research_type_confirmed);
}

each_database!(an_issue_written_out_and_read_back_changes_nothing);
async fn an_issue_written_out_and_read_back_changes_nothing(db: Db) {
    let news = News::start(db).await;
    for issue in bulletin::demo::issues().unwrap() {
        news.publish(&issue).await;
        let mut tx = news.db.read().await.unwrap();
        let kept = archive::issue(&mut tx, issue.month).await.unwrap().unwrap();
        drop(tx);
        let written = import::markdown(&archive::as_written(&kept));
        let read = import::read("issue.md", written.as_bytes()).unwrap();
        assert_eq!(
            news.publish(&read.issues[0]).await,
            Vec::<String>::new(),
            "{}",
            issue.month
        );
    }
}
