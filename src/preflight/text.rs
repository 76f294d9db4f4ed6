//! What an editor should look at in the issue itself.

use super::{Check, Finding, Level};
use crate::archive::{Kept, KeptIssue};
use crate::citation::{self, doi};
use crate::db::{Tx, on};
use crate::issue::Month;

/// What people write where something is still to come, in lower case.
const TO_COME: [&str; 6] = ["todo", "tbd", "xxx", "lorem ipsum", "à compléter", "fixme"];

pub(super) fn look(issue: &KeptIssue) -> Vec<Finding> {
    let titles = |is_meant: &dyn Fn(&Kept) -> bool| -> Vec<String> {
        let meant = issue.summaries.iter().filter(|kept| is_meant(kept));
        meant.map(|kept| kept.summary.title.clone()).collect()
    };
    let mut found = Vec::new();
    if issue.summaries.is_empty() {
        found.push(Finding::new(Check::Implications, Level::Block, Vec::new()));
        return found;
    }
    found.push(Finding::warn_of(
        Check::Topics,
        titles(&|kept| !kept.topics_confirmed),
    ));
    found.push(Finding::warn_of(
        Check::Implications,
        titles(&|kept| kept.summary.implications.is_empty()),
    ));
    found.push(Finding::warn_of(
        Check::Citations,
        titles(&|kept| kept.summary.citation.is_none() && kept.summary.doi.is_none()),
    ));
    found.push(Finding::warn_of(Check::Dois, titles(&has_a_bad_doi)));
    let mut unfinished = titles(&is_unfinished);
    let teaser = issue.teaser.as_deref().unwrap_or_default();
    unfinished.extend(is_to_come(teaser).then(|| teaser.to_owned()));
    found.push(Finding::warn_of(Check::Placeholders, unfinished));
    let level = match teaser.is_empty() {
        true => Level::Warn,
        false => Level::Pass,
    };
    found.push(Finding::new(Check::Teaser, level, Vec::new()));
    found
}

/// Studies of the issue that an earlier campaign has: who got them then does not get them again.
pub(super) async fn repeats(tx: &mut Tx, month: Month, issue: &KeptIssue) -> sqlx::Result<Finding> {
    let mut repeated = Vec::new();
    for kept in issue.summaries.iter().filter(|kept| kept.id != 0) {
        let before: Option<String> = on!(&mut *tx, |conn| {
            sqlx::query_scalar(
                "SELECT i.month FROM campaign_summary s JOIN campaign c ON c.id = s.campaign_id \
                 JOIN issue i ON i.id = c.issue_id WHERE s.summary_id = $1 AND i.month < $2 \
                 ORDER BY i.month DESC LIMIT 1",
            )
            .bind(kept.id)
            .bind(month.to_string())
            .fetch_optional(conn)
            .await
        })?;
        repeated.extend(before.map(|before| format!("{} ({before})", kept.summary.title)));
    }
    Ok(Finding::warn_of(Check::Repeats, repeated))
}

fn has_a_bad_doi(kept: &Kept) -> bool {
    let summary = &kept.summary;
    let cited = citation::read(summary.citation.as_deref().unwrap_or_default());
    let is_whole = |written: &str| {
        doi::find(written).is_some_and(|found| found.doi == written && !found.damaged)
    };
    let own_is_bad = summary.doi.as_deref().is_some_and(|doi| !is_whole(doi));
    own_is_bad || (cited.doi_was_damaged && summary.doi.is_none())
}

fn is_unfinished(kept: &Kept) -> bool {
    let summary = &kept.summary;
    let paragraphs = summary.summary.iter().chain(&summary.implications);
    let texts = paragraphs.chain(&summary.citation).chain([&summary.title]);
    texts.into_iter().any(|text| is_to_come(text))
}

/// Merge tags of other programs, and words that mean 'later'.
fn is_to_come(text: &str) -> bool {
    let has_tag = ["{{", "}}", "*|", "|*", "%%", "<%", "[[", "${"]
        .iter()
        .any(|tag| text.contains(tag));
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    has_tag
        || words.any(|word| TO_COME.contains(&word))
        || TO_COME
            .iter()
            .any(|words| words.contains(' ') && lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_come_is_seen_and_prose_is_not() {
        for text in [
            "Dear {{name}}",
            "*|FNAME|*",
            "Todo: the effect size",
            "Lorem ipsum dolor",
            "À compléter",
        ] {
            assert!(is_to_come(text), "{text}");
        }
        for text in ["A method to do it", "5% (n = 3)", "[sic]", "p < .05"] {
            assert!(!is_to_come(text), "{text}");
        }
    }
}
