//! T10, T16. What is made to swell or to nest takes no longer than what is written.

use std::time::{Duration, Instant};

use bulletin::admin::Role;
use bulletin::db::Db;

use crate::support::editor::Editor;
use crate::support::{News, each_database};

/// For a page of ten megabytes, in a program that is built for tests.
const PATIENCE: Duration = Duration::from_secs(20);

each_database!(a_month_of_ten_megabytes_is_read_or_refused_in_time);
async fn a_month_of_ten_megabytes_is_read_or_refused_in_time(db: Db) {
    let news = News::start(db).await;
    let editor = Editor::sign_in(&news, Role::Editor).await;
    for (name, content) in [
        ("nested.html", "<div>".repeat(2_000_000)),
        ("open.html", "<b a='".repeat(1_700_000)),
        ("entities.html", "&amp;".repeat(2_000_000)),
        ("comment.html", format!("<!--{}", "--".repeat(5_000_000))),
        ("links.md", "[a](".repeat(2_500_000)),
        ("stars.md", "*_".repeat(5_000_000)),
        ("quotes.md", "> ".repeat(5_000_000)),
        ("headings.md", "# x\n".repeat(2_500_000)),
        ("line.txt", "a".repeat(10_000_000)),
        (
            "holes.md",
            format!(
                "# 2026-03\n\n## {{{{x}}}}\n\n{}",
                "{{7*7}} ".repeat(1_000_000)
            ),
        ),
    ] {
        let began = Instant::now();
        let answer = editor
            .upload("/desk/issues/bring", &[], ("file", name, &content))
            .await;
        assert!(answer.status < 500, "{name}: {}", answer.status);
        assert!(began.elapsed() < PATIENCE, "{name}: {:?}", began.elapsed());
        assert_eq!(editor.get("/desk").await.status, 200);
    }
}
