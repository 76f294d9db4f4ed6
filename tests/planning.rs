//! Planning: who gets what, settled once.

use bulletin::config::OnNothing;
use bulletin::db::Db;
use bulletin::plan::Plan;

use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, TRAINING, issue};
use crate::support::{News, each_database};

/// Every selection that goes out, sorted.
fn orders(plan: &Plan) -> Vec<&str> {
    let selections = plan.variants.iter().flat_map(|variant| &variant.orders);
    let mut orders: Vec<&str> = selections.map(|order| order.selection.as_str()).collect();
    orders.sort_unstable();
    orders
}

each_database!(each_reader_gets_what_matches_best_match_first);
async fn each_reader_gets_what_matches_best_match_first(db: Db) {
    let news = News::start(db).await;
    news.subscribe("one@peer.test", &[ATTACHMENT]).await;
    news.subscribe("best@peer.test", &[DEPRESSION, EMPATHY])
        .await;
    news.subscribe("all@peer.test", &[]).await;
    news.subscribe("none@peer.test", &[TRAINING]).await;
    news.publish(&issue(
        "2026-02",
        &[&[DEPRESSION], &[ATTACHMENT], &[DEPRESSION, EMPATHY]],
    ))
    .await;
    let plan = news.plan("2026-02").await;
    assert_eq!((plan.recipients, plan.nothing_matched), (3, 1));
    assert_eq!(plan.excluded["nothing_matched"], 1);
    let orders = orders(&plan);
    assert_eq!(orders, ["1,2,3", "2", "3,1"]);
    let best = plan
        .variants
        .iter()
        .find(|v| v.orders[0].selection == "3,1")
        .unwrap();
    assert_eq!(
        best.summaries,
        ["Study 1 of 2026-02", "Study 3 of 2026-02"],
        "titles stand in the issue's order"
    );
}

each_database!(types_of_research_narrow_and_an_untold_type_hides_nothing);
async fn types_of_research_narrow_and_an_untold_type_hides_nothing(db: Db) {
    let news = News::start(db).await;
    news.subscribe_with("survey@peer.test", &[], "survey,,,")
        .await;
    news.subscribe_with("meta@peer.test", &[], "meta-analysis,,,")
        .await;
    let mut issue = issue("2026-02", &[&[DEPRESSION], &[ATTACHMENT]]);
    issue.summaries[1].research_type = None;
    issue.summaries[1].summary = vec!["Nothing that tells a type.".to_owned()];
    news.publish(&issue).await;
    let plan = news.plan("2026-02").await;
    let orders = orders(&plan);
    assert_eq!(orders, ["1,2", "2"]);
}

each_database!(quarterly_readers_get_one_round_up_at_the_quarters_end);
async fn quarterly_readers_get_one_round_up_at_the_quarters_end(db: Db) {
    let news = News::start(db).await;
    news.subscribe_with("quarterly@peer.test", &[DEPRESSION], ",quarterly,,")
        .await;
    news.subscribe("monthly@peer.test", &[DEPRESSION]).await;
    for month in ["2026-01", "2026-02", "2026-03"] {
        news.publish(&issue(month, &[&[DEPRESSION], &[ATTACHMENT]]))
            .await;
    }
    let february = news.plan("2026-02").await;
    assert_eq!(
        (february.recipients, february.excluded["not_this_month"]),
        (1, 1)
    );
    let march = news.plan("2026-03").await;
    assert_eq!(march.recipients, 2);
    let round_up = march
        .variants
        .iter()
        .find(|variant| variant.summaries.len() == 3)
        .unwrap();
    assert_eq!(
        round_up.summaries,
        [
            "Study 1 of 2026-03",
            "Study 1 of 2026-02",
            "Study 1 of 2026-01"
        ]
    );
    news.deliver_all().await;
    let mails = news.peer.mails_to("quarterly@peer.test");
    assert_eq!(mails.len(), 1);
    for month in ["2026-01", "2026-02", "2026-03"] {
        assert!(
            mails[0].contains(&format!("What was found in Study 1 of {month}.")),
            "{month}"
        );
    }
}

each_database!(nobody_is_sent_the_same_summary_in_two_months);
async fn nobody_is_sent_the_same_summary_in_two_months(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[DEPRESSION]).await;
    news.subscribe("b@peer.test", &[DEPRESSION, ATTACHMENT])
        .await;
    let first = issue("2026-01", &[&[DEPRESSION]]);
    news.publish(&first).await;
    news.plan("2026-01").await;
    news.deliver_all().await;
    news.subscribe("new@peer.test", &[DEPRESSION]).await;
    let mut second = issue("2026-02", &[&[ATTACHMENT]]);
    second.summaries.push(first.summaries[0].clone());
    news.publish(&second).await;
    let plan = news.plan("2026-02").await;
    assert_eq!(plan.excluded["already_sent"], 1, "a has had all of it");
    let orders = orders(&plan);
    assert_eq!(
        orders,
        ["1-2", "2"],
        "b gets what is new, the new reader what is new to them"
    );
    news.deliver_all().await;
    let to_b = &news.peer.mails_to("b@peer.test")[1];
    assert!(
        !to_b.contains("Study 1 of 2026-01"),
        "not even listed again"
    );
}

each_database!(who_turns_from_monthly_to_quarterly_gets_no_summary_again);
async fn who_turns_from_monthly_to_quarterly_gets_no_summary_again(db: Db) {
    let news = News::start(db).await;
    news.subscribe("turns@peer.test", &[]).await;
    for month in ["2026-01", "2026-02", "2026-03"] {
        news.publish(&issue(month, &[&[DEPRESSION]])).await;
    }
    news.plan("2026-01").await;
    news.deliver_all().await;
    let reader = news.reader("turns@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    let preferences = bulletin::subscription::Preferences {
        choice: Default::default(),
        frequency: bulletin::subscription::Frequency::Quarterly,
        format: reader.format,
        language: reader.language,
        on_nothing: None,
    };
    bulletin::subscription::prefer(&mut tx, reader.id, &preferences)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let march = news.plan("2026-03").await;
    assert_eq!(
        march.variants[0].summaries,
        ["Study 1 of 2026-03", "Study 1 of 2026-02"]
    );
}

each_database!(nothing_matched_is_skipped_noted_or_answered_with_the_editors_pick);
async fn nothing_matched_is_skipped_noted_or_answered_with_the_editors_pick(db: Db) {
    let mut news = News::start(db).await;
    news.subscribe("none@peer.test", &[TRAINING]).await;
    news.publish(&issue("2026-02", &[&[DEPRESSION], &[ATTACHMENT]]))
        .await;
    let outcomes = [
        (OnNothing::Skip, None),
        (OnNothing::Note, Some("note")),
        (OnNothing::Pick, Some("pick")),
    ];
    for (setting, wanted) in outcomes {
        news.settings.on_nothing = setting;
        let plan = news.preview("2026-02").await;
        assert_eq!(
            plan.variants
                .first()
                .map(|variant| variant.occasion.as_str()),
            wanted,
            "{setting}"
        );
        assert_eq!(plan.nothing_matched, 1);
    }
    news.settings.on_nothing = OnNothing::Note;
    news.plan("2026-02").await;
    news.deliver_all().await;
    let mail = &news.peer.mails_to("none@peer.test")[0];
    assert!(mail.contains("Study 1 of 2026-02") && !mail.contains("What was found in"));
}

each_database!(a_preview_of_the_plan_changes_nothing_and_tells_the_truth);
async fn a_preview_of_the_plan_changes_nothing_and_tells_the_truth(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-02", &[&[DEPRESSION]])).await;
    let preview = news.preview("2026-02").await;
    assert_eq!(news.account().await.planned, 0);
    assert_eq!(news.plan("2026-02").await.fingerprint, preview.fingerprint);
}

each_database!(the_fingerprint_changes_with_any_reader_and_any_word);
async fn the_fingerprint_changes_with_any_reader_and_any_word(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    let mut issue = issue("2026-02", &[&[DEPRESSION]]);
    news.publish(&issue).await;
    let first = news.preview("2026-02").await.fingerprint;
    assert_eq!(news.preview("2026-02").await.fingerprint, first);
    issue.summaries[0].summary[0].push('!');
    news.publish(&issue).await;
    let second = news.preview("2026-02").await.fingerprint;
    news.subscribe("b@peer.test", &[]).await;
    let third = news.preview("2026-02").await.fingerprint;
    assert!(first != second && second != third);
}

each_database!(many_readers_with_many_choices_are_all_planned);
async fn many_readers_with_many_choices_are_all_planned(db: Db) {
    let news = News::start(db).await;
    let topics: Vec<String> = news
        .vocabulary
        .topics
        .iter()
        .map(|topic| topic.slug.clone())
        .collect();
    let mut csv = "address,topics,consent_at,consent_source\n".to_owned();
    for number in 0..12_000_usize {
        let chosen: Vec<&str> = (0..14)
            .filter(|bit| number >> bit & 1 == 1)
            .map(|bit| topics[bit].as_str())
            .collect();
        csv.push_str(&format!(
            "r{number}@peer.test,{},2026-01-01,form\n",
            chosen.join(";")
        ));
    }
    assert_eq!(news.enrol(&csv).await.0.added, 12_000);
    news.publish(&issue(
        "2026-02",
        &[&[&topics[0]], &[&topics[1]], &[&topics[30]]],
    ))
    .await;
    let plan = news.preview("2026-02").await;
    let counts: Vec<i64> = plan
        .variants
        .iter()
        .map(|variant| variant.subscribers)
        .collect();
    // Of 12,000 numbers, 3,000 have neither of the two lowest bits; one of these chose nothing, and so everything.
    assert_eq!((plan.recipients, plan.nothing_matched), (9_001, 2_999));
    assert_eq!(counts, [3_000, 3_000, 3_000, 1]);
}
