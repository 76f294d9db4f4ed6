//! Preflight: what is looked at before a month is sent, each thing with what was found.
//!
//! Everything here is about what stands now; nothing is changed, and only `network` talks to anybody.

mod mail;
pub mod network;
mod sender;
mod text;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Config;
use crate::content::Content;
use crate::db::{Tx, on, word};
use crate::draft::Current;
use crate::issue::Month;
use crate::plan::{self, Plan};
use crate::render::Renderer;
use crate::suggest::Suggester;
use crate::{campaign, draft};

word! {
    /// How much a finding matters.
    pub enum Level {
        Pass = "pass",
        /// Somebody should look at it; it can be sent so.
        Warn = "warn",
        /// Nothing goes out until it is mended.
        Block = "block",
    }
}

word! {
    /// What was looked at.
    pub enum Check {
        /// The archive has it, and has it as it was written last.
        Kept = "kept",
        /// Its campaign is settled: what goes out cannot be changed any more.
        Settled = "settled",
        /// Every summary has topics that the editor confirmed.
        Topics = "topics",
        Implications = "implications",
        Citations = "citations",
        /// DOIs are well formed.
        Dois = "dois",
        /// A study that went out before.
        Repeats = "repeats",
        /// Something that was to be filled in, such as `{{name}}` or `TODO`.
        Placeholders = "placeholders",
        Teaser = "teaser",
        /// The longest mail has a size that no inbox cuts.
        Size = "size",
        Subject = "subject",
        /// Every link of the mails is whole, and says where it leads.
        Links = "links",
        /// The text part says what the HTML says.
        Parity = "parity",
        /// The bytes are as mail servers want them.
        Syntax = "syntax",
        /// One click ends a subscription (RFC 8058).
        OneClick = "one_click",
        /// Who sends is told completely.
        Identity = "identity",
        /// The readers' pages are at a safe address.
        Site = "site",
        Signature = "signature",
        Readers = "readers",
        /// Readers whom nothing matched.
        Nothing = "nothing",
        /// Very many more or fewer than the last time.
        Unlike = "unlike",
        /// The links answer; asks the network.
        LinksAnswer = "links_answer",
        Dkim = "dkim",
        Spf = "spf",
        Dmarc = "dmarc",
    }
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Finding {
    pub check: Check,
    pub level: Level,
    /// What it is about: titles, addresses, numbers, in the order in which the sentence of this check names them.
    pub about: Vec<String>,
}

/// What is looked at, and by which rules.
pub struct Asked<'a> {
    pub month: Month,
    pub current: &'a Current,
    pub config: &'a Config,
    pub renderer: &'a Renderer,
    pub suggester: &'a Suggester,
    /// What the plan of now comes to, where that is known.
    pub plan: Option<&'a Plan>,
    pub now: DateTime<Utc>,
}

impl Finding {
    fn new(check: Check, level: Level, about: Vec<String>) -> Finding {
        Finding {
            check,
            level,
            about,
        }
    }

    /// Warns of each of `about`; a pass where there is none.
    fn warn_of(check: Check, about: Vec<String>) -> Finding {
        let level = match about.is_empty() {
            true => Level::Pass,
            false => Level::Warn,
        };
        Finding::new(check, level, about)
    }
}

/// Everything that can be known without asking the network.
pub async fn look(tx: &mut Tx, asked: &Asked<'_>) -> sqlx::Result<Vec<Finding>> {
    let kept = draft::as_kept(&asked.current.text, asked.month, asked.suggester);
    let content = plan::freeze(tx, &kept).await?;
    let mut found = vec![standing(asked.current)];
    if campaign::of_month(tx, asked.month).await?.is_some() {
        found.push(Finding::new(Check::Settled, Level::Warn, Vec::new()));
    }
    found.extend(text::look(&kept));
    found.push(text::repeats(tx, asked.month, &kept).await?);
    if !kept.summaries.is_empty() {
        found.extend(mail::look(asked, &content));
    }
    found.extend(sender::look(asked.config));
    if let Some(plan) = asked.plan {
        found.extend(readers(tx, asked.month, plan).await?);
    }
    Ok(found)
}

/// The addresses that the mails of `content` lead to, beyond the readers' own pages: each once.
pub fn outer_links(asked: &Asked<'_>, content: &Content) -> Vec<String> {
    mail::outer_links(asked, content)
}

fn standing(current: &Current) -> Finding {
    let level = match (current.in_archive, &current.ahead) {
        (false, _) => Level::Block,
        (true, Some(_)) => Level::Warn,
        (true, None) => Level::Pass,
    };
    Finding::new(Check::Kept, level, Vec::new())
}

/// What the plan says: how many, for how many there is nothing, and whether that is unlike the month before.
async fn readers(tx: &mut Tx, month: Month, plan: &Plan) -> sqlx::Result<Vec<Finding>> {
    let level = match plan.recipients {
        0 => Level::Block,
        _ => Level::Pass,
    };
    let about = vec![plan.recipients.to_string(), plan.variants.len().to_string()];
    let mut found = vec![Finding::new(Check::Readers, level, about)];
    let everyone = plan.recipients + plan.excluded.get("nothing_matched").unwrap_or(&0);
    let level = match plan.nothing_matched * 2 > everyone && everyone > 5 {
        true => Level::Warn,
        false => Level::Pass,
    };
    let about = vec![plan.nothing_matched.to_string(), everyone.to_string()];
    found.push(Finding::new(Check::Nothing, level, about));
    if let Some((before, then)) = planned_before(tx, month).await? {
        let differs = (plan.recipients - then).abs();
        let level = match differs * 5 > then.max(1) && differs > 5 {
            true => Level::Warn,
            false => Level::Pass,
        };
        let about = vec![plan.recipients.to_string(), before, then.to_string()];
        found.push(Finding::new(Check::Unlike, level, about));
    }
    Ok(found)
}

/// How many mails the last campaign before a month had, and which month's it was.
async fn planned_before(tx: &mut Tx, month: Month) -> sqlx::Result<Option<(String, i64)>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT i.month, c.planned FROM campaign c JOIN issue i ON i.id = c.issue_id WHERE i.month < $1 \
             ORDER BY i.month DESC LIMIT 1",
        )
        .bind(month.to_string())
        .fetch_optional(conn)
        .await
    })
}
