//! Looking at mails before anything is sent: a digest as somebody would get it, and how inboxes announce it.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::config::OnNothing;
use crate::content::{Content, Selection};
use crate::issue::Month;
use crate::plan;
use crate::render::{Frozen, RenderError, Renderer, covers};
use crate::subscriber::Subscriber;
use crate::subscription::{Choice, Format, Frequency, Language, State};

/// Nobody: what the links of a mail belong to that is only looked at. They lead to a page that says so, and no editor
/// holds a reader's key.
pub const NOBODY: Uuid = Uuid::nil();

/// A digest as it is looked at.
#[derive(Clone, Debug)]
pub struct Mail {
    pub subject: String,
    pub html: String,
    pub text: String,
    /// Header and body as they would be offered to the relay, unsigned.
    pub source: Vec<u8>,
}

/// How an inbox cuts the line that announces a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub name: &'static str,
    /// Characters of the subject that are shown, and of what follows it.
    pub subject: usize,
    pub preheader: usize,
}

/// What was measured of inboxes, with their usual settings.
pub const INBOXES: [Inbox; 3] = [
    Inbox {
        name: "Gmail, mobile",
        subject: 40,
        preheader: 45,
    },
    Inbox {
        name: "Gmail, web",
        subject: 70,
        preheader: 90,
    },
    Inbox {
        name: "Outlook",
        subject: 55,
        preheader: 35,
    },
];

/// A reader who does not exist, with these choices.
pub fn somebody(
    choice: &Choice,
    frequency: Frequency,
    language: Language,
    now: DateTime<Utc>,
) -> Subscriber {
    Subscriber {
        id: NOBODY,
        address: "reader@example.org".to_owned(),
        address_hash: Vec::new(),
        name: String::new(),
        state: State::Active,
        topics: Json(choice.topics().to_vec()),
        research_types: Json(choice.research_types().to_vec()),
        frequency,
        format: Format::Html,
        language,
        time_zone: "UTC".to_owned(),
        on_nothing: None,
        since: now,
        paused_until: None,
        consent_until: None,
    }
}

/// What a reader would get of `content`, whatever they had before; `None` is no mail at all.
pub fn selection(content: &Content, reader: &Subscriber, usual: OnNothing) -> Option<Selection> {
    let month: Option<Month> = content.month.parse().ok();
    let is_quarter = month.is_some_and(|month| !plan::quarter_ending(month).is_empty());
    if reader.frequency == Frequency::Quarterly && !is_quarter {
        return None;
    }
    let choice = Choice::new(reader.topics.0.clone(), reader.research_types.0.clone());
    let matched = content.select(&choice, covers(content, reader.frequency));
    matched.or(match reader.on_nothing.unwrap_or(usual) {
        OnNothing::Skip => None,
        OnNothing::Note => Some(Selection::note()),
        OnNothing::Pick => Some(Selection::pick()),
    })
}

/// A selection of `content` that somebody wrote; `None` if it names what is not there, or anything twice.
pub fn read_selection(content: &Content, written: &str) -> Option<Selection> {
    const LONGEST: usize = 1_000;
    let written = written.get(..written.len().min(LONGEST))?;
    let selection: Selection = written.parse().ok()?;
    let mut named: Vec<usize> = [selection.full.as_slice(), &selection.had].concat();
    named.sort_unstable();
    let is_there = named.iter().all(|place| content.item(*place).is_some());
    let is_once = named.windows(2).all(|pair| pair[0] != pair[1]);
    (is_there && is_once).then_some(selection)
}

/// The digest that `selection` of `content` makes for `reader`. Its links belong to nobody, whoever the reader is.
pub fn mail(
    renderer: &Renderer,
    content: &Content,
    selection: &Selection,
    reader: &Subscriber,
    now: DateTime<Utc>,
) -> Result<Mail, RenderError> {
    let reader = Subscriber {
        id: NOBODY,
        ..reader.clone()
    };
    let frozen = frozen(content, now);
    let email = renderer.email(&frozen, selection, &reader)?;
    let message = renderer.message(&frozen, selection, &reader, 0)?;
    Ok(Mail {
        subject: email.subject,
        html: email.html,
        text: email.text,
        source: message.bytes().to_vec(),
    })
}

/// Content that no campaign has frozen. The renderer tells renderings apart by the campaign's number: this one is made
/// from the content and the time, and below those of campaigns.
pub(crate) fn frozen(content: &Content, now: DateTime<Utc>) -> Frozen {
    let mut hasher = DefaultHasher::new();
    let json = serde_json::to_string(content).expect("content has only texts and numbers");
    (json, now).hash(&mut hasher);
    Frozen {
        campaign: -((hasher.finish() >> 1) as i64).max(1),
        content: content.clone(),
        date: now,
    }
}

/// What an inbox shows behind the subject: the first words of the mail.
pub fn preheader(html: &str) -> String {
    const ENOUGH: usize = 200;
    let body = html.find("<body").map_or(html, |at| &html[at..]);
    let mut words = String::new();
    for piece in body.split('<').skip(1) {
        let text = piece.split_once('>').map_or("", |(_, text)| text);
        words.push(' ');
        words.push_str(text);
        if words.len() > ENOUGH * 4 {
            break;
        }
    }
    let plain = words
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    let joined: Vec<&str> = plain.split_whitespace().collect();
    joined.join(" ").chars().take(ENOUGH).collect()
}

/// A text as an inbox shows it that has room for so many characters.
pub fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Item;
    use crate::issue::Summary;

    fn content(summaries: usize) -> Content {
        let item = |summary_id| Item {
            summary_id,
            summary: Summary::default(),
        };
        Content {
            month: "2026-03".to_owned(),
            teaser: None,
            items: (1..=summaries as i64).map(item).collect(),
            this_month: summaries,
        }
    }

    #[test]
    fn only_what_is_there_can_be_looked_at() {
        let two = content(2);
        for good in ["1", "2,1", "2-1", "pick:1", "note"] {
            assert!(read_selection(&two, good).is_some(), "{good}");
        }
        for bad in [
            "0",
            "3",
            "1,1",
            "2-2",
            "1,2,3",
            "",
            "x",
            "-1",
            &"1,".repeat(9_000),
        ] {
            assert_eq!(read_selection(&two, bad), None, "{bad}");
        }
    }

    #[test]
    fn an_inbox_announces_the_first_words() {
        let html = "<html><head><title>T</title></head><body style=\"a\"><div><p>One &amp;  two</p> <b>three</b></div>";
        assert_eq!(preheader(html), "One & two three");
        assert_eq!(cut("Éléphant", 8), "Éléphant");
        assert_eq!(cut("Éléphants", 8), "Éléphan…");
    }

    #[test]
    fn no_looked_at_content_shares_a_number_with_a_campaign_or_another() {
        let now = DateTime::UNIX_EPOCH;
        let (one, two) = (frozen(&content(1), now), frozen(&content(2), now));
        assert!(one.campaign < 0 && two.campaign < 0 && one.campaign != two.campaign);
    }
}
