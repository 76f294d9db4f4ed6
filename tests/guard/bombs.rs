//! T10, T16. What is made to swell or to nest takes no longer than what is written.

use std::time::{Duration, Instant};

use bulletin::admin::Role;
use bulletin::db::Db;

use crate::support::editor::Editor;
use crate::support::{News, each_database};

/// For a page, in a program that is built for tests and has not the machine for itself: what takes longer grows faster than
/// the page.
const PATIENCE: Duration = Duration::from_secs(20);

each_database!(a_month_made_to_swell_is_read_or_refused_in_time);
async fn a_month_made_to_swell_is_read_or_refused_in_time(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let begin = "March 2026\n\nA study\n\n";
    for (name, unit) in [
        ("nested.html", "<div>"),
        ("open.html", "<b a='"),
        ("entities.html", "&amp;"),
        ("comment.html", "<!--"),
        ("table.html", "<table><td>"),
        ("links.md", "[a]("),
        ("stars.md", "*_"),
        ("quotes.md", "> "),
        ("headings.md", "# x\n"),
        ("months.txt", "March 2026\n\nA study\n\n"),
        ("line.txt", "a"),
        ("holes.md", "{{7*7}} ${x} <%= y %> "),
    ] {
        let began = Instant::now();
        let content = begin.to_owned() + &unit.repeat(600_000 / unit.len());
        let file = ("file", name, &*content);
        let taken = editor.upload("/desk/issues/bring", &[], file).await;
        assert_eq!(taken.status, 303, "{name}: {}", taken.body);
        let shown = editor.get(taken.location()).await;
        assert!(
            matches!(shown.status, 200 | 400),
            "{name}: {}",
            shown.status
        );
        assert!(began.elapsed() < PATIENCE, "{name}: {:?}", began.elapsed());
    }
    let large = "a".repeat(4_200_000);
    let refused = editor
        .upload("/desk/issues/bring", &[], ("file", "large.txt", &large))
        .await;
    assert_eq!(refused.status, 413);
}

each_database!(a_list_larger_than_any_form_is_taken);
async fn a_list_larger_than_any_form_is_taken(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let source = "a form that was filled in at a conference ".repeat(4);
    let lines = (0..15_000).map(|number| format!("r{number}@peer.test,2026-01-01,{source}\n"));
    let list = "address,consent_at,consent_source\n".to_owned() + &lines.collect::<String>();
    assert!(list.len() > 2_500_000);
    let begun = editor
        .upload("/desk/readers/import", &[], ("file", "list.csv", &list))
        .await;
    assert_eq!(begun.status, 303, "{}", begun.body);
}

each_database!(a_header_has_an_end);
async fn a_header_has_an_end(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    let of = async |bytes: usize| {
        let header = format!("X-Long: {}\r\n", "a".repeat(bytes));
        editor.ask("GET", "/issues", &header, "").await.status
    };
    assert_eq!(of(20_000).await, 200);
    assert_eq!(of(200_000).await, 431);
    assert_eq!(of(20_000).await, 200);
}
