//! A mail in its parts -> what it says: the evidence in its order, from report fields down to running text.

use super::address;
use super::charset;
use super::feedback::{self, Feedback};
use super::judged::{self, Evidence};
use super::notified::{self, Notice, Told};
use super::part::Mail;
use super::report::{self, Block};
use super::story::{self, Story};
use super::words::Stage;
use super::{Action, Class, Kind, Reading, Recipient, Verdict};

/// Letters of a server's words that are kept.
const MOST_WORDS: usize = 512;
/// Recipients of one mail that are kept.
pub(super) const MOST_RECIPIENTS: usize = 100;

/// Says what a mail is; whose it is, the caller knows.
pub(super) fn of(mail: &Mail) -> Reading {
    if let Some(feedback) = feedback::read(mail) {
        return by_feedback(feedback);
    }
    let text = story::own_text(mail);
    if let Some(notice) = notified::read(&text) {
        return by_notice(notice);
    }
    let story = Story::of(mail, &text);
    let blocks = story::report_of(mail, &story);
    if !blocks.is_empty() {
        return by_report(&story, blocks);
    }
    if is_receipt(mail) {
        return reading(Kind::Success, "disposition", Vec::new());
    }
    if let Some(because) = story.look.bounce(story.returns) {
        return by_text(mail, &story, because);
    }
    let (kind, because) = story.look.other();
    let asks = (kind == Kind::Unsubscribe)
        .then(|| mail.header.get("from"))
        .flatten();
    let who = asks.and_then(|from| address::all_of(from).next().map(str::to_owned));
    reading(
        kind,
        because,
        who.map(|who| told_by(who, "asks_to_leave", because))
            .into_iter()
            .collect(),
    )
}

fn by_report(story: &Story<'_>, blocks: Vec<Block>) -> Reading {
    let is_alone = blocks.len() == 1;
    let arrived = |action: Action| {
        matches!(
            action,
            Action::Delivered | Action::Relayed | Action::Expanded
        )
    };
    let default = if story.is_delayed {
        Action::Delayed
    } else {
        Action::Failed
    };
    let action = |block: &Block| block.action.unwrap_or(default);
    let all_arrived = blocks.iter().all(|block| arrived(action(block)));
    let mut recipients: Vec<Recipient> = Vec::new();
    for block in &blocks {
        let action = action(block);
        if arrived(action) && !all_arrived {
            continue;
        }
        let address = block.address().or_else(|| unnamed(story, is_alone));
        let names: Vec<&str> = block.names().chain(address.as_deref()).collect();
        let about = format!("{}\n{}", story.about(&names, is_alone), block.remark);
        let evidence = Evidence {
            reply: &block.words,
            about: &about,
            whole: if is_alone { story.words } else { "" },
            status: block.status,
            ..Evidence::default()
        };
        add(&mut recipients, recipient(address, &evidence, action));
    }
    let kind = if all_arrived {
        Kind::Success
    } else {
        Kind::Bounce
    };
    reading(kind, "report", recipients)
}

/// The recipient of a report that names none one can mail to (a program, a file): the words may, or the returned mail.
fn unnamed(story: &Story<'_>, is_alone: bool) -> Option<String> {
    match (story.named.as_slice(), story.known.as_slice()) {
        ([named], _) if is_alone => Some(named.address.clone()),
        (_, [known]) if is_alone => Some(known.clone()),
        _ => None,
    }
}

fn by_text(mail: &Mail, story: &Story<'_>, because: &'static str) -> Reading {
    let action = if story.is_delayed {
        Action::Delayed
    } else {
        Action::Failed
    };
    if story.is_delivered && !story.is_delayed {
        return reading(Kind::Success, because, Vec::new());
    }
    let failed: Vec<String> = mail
        .header
        .all("x-failed-recipients")
        .flat_map(|value| {
            let value = charset::without_octal(value);
            address::all_of(&value)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let addresses = match (failed.is_empty(), story.named.first()) {
        (false, _) => failed,
        (true, Some(named)) if named.is_plain() => story
            .named
            .iter()
            .map(|named| named.address.clone())
            .collect(),
        (true, named) => {
            let known = story.known.first().cloned();
            known
                .or(named.map(|named| named.address.clone()))
                .or_else(|| in_subject(mail))
                .into_iter()
                .collect()
        }
    };
    let is_alone = addresses.len() <= 1;
    let mut recipients = Vec::new();
    for address in addresses
        .into_iter()
        .take(MOST_RECIPIENTS)
        .map(Some)
        .chain(None)
    {
        let about = story.about(address.as_deref().as_slice(), is_alone);
        let evidence = Evidence {
            about: &about,
            whole: if is_alone { story.words } else { "" },
            ..Evidence::default()
        };
        add(&mut recipients, recipient(address, &evidence, action));
    }
    if recipients.is_empty() {
        let evidence = Evidence {
            whole: story.words,
            ..Evidence::default()
        };
        recipients.push(recipient(None, &evidence, action));
    }
    reading(Kind::Bounce, because, recipients)
}

/// The address in a subject such as `Undeliverable: mail to a@b.c`, where nothing else names one.
fn in_subject(mail: &Mail) -> Option<String> {
    let subject = mail.header.folded("subject");
    let found = address::find(&subject, false).next()?;
    Some(subject[found].to_owned())
}

fn by_feedback(feedback: Feedback) -> Reading {
    let told = |address| told_by(address, feedback.reason, feedback.because);
    let recipients = feedback
        .recipients
        .into_iter()
        .take(MOST_RECIPIENTS)
        .map(told)
        .collect();
    reading(feedback.kind, feedback.because, recipients)
}

fn by_notice(notice: Notice) -> Reading {
    let recipients = notice
        .recipients
        .iter()
        .take(MOST_RECIPIENTS)
        .map(told)
        .collect();
    reading(notice.kind, notice.because, recipients)
}

fn told(told: &Told) -> Recipient {
    let evidence = Evidence {
        reply: &told.words,
        status: report::status(&told.status).map(|found| found.0),
        stage: match told.is_general {
            true => Stage::Recipient,
            false => Stage::Unknown,
        },
        ..Evidence::default()
    };
    recipient(Some(told.address.clone()), &evidence, told.action)
}

/// Somebody who was mailed and says something of it: nothing failed, and the address is right.
fn told_by(address: String, reason: &'static str, because: &'static str) -> Recipient {
    Recipient {
        address: Some(address),
        verdict: Verdict {
            class: Class::Block,
            reason,
            because,
        },
        status: None,
        action: Action::Delivered,
        words: String::new(),
    }
}

fn recipient(address: Option<String>, evidence: &Evidence<'_>, action: Action) -> Recipient {
    let (mut verdict, status) = judged::verdict(evidence);
    match action {
        Action::Failed => {}
        Action::Delayed => verdict.class = Class::Delayed,
        Action::Delivered | Action::Relayed | Action::Expanded => verdict.reason = "delivered",
    }
    let words = [evidence.reply, evidence.about, evidence.whole]
        .into_iter()
        .find(|words| !words.trim().is_empty())
        .unwrap_or_default();
    Recipient {
        address,
        verdict,
        status,
        action,
        words: shortened(words),
    }
}

fn shortened(words: &str) -> String {
    let mut short = String::new();
    for word in words.split_whitespace() {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
        if short.len() > MOST_WORDS * 4 {
            break;
        }
    }
    short.chars().take(MOST_WORDS).collect()
}

/// Adds a recipient unless the mail named it before.
fn add(recipients: &mut Vec<Recipient>, one: Recipient) {
    let is_same = |known: &Recipient| match (&known.address, &one.address) {
        (Some(known), Some(one)) => address::same(known, one),
        _ => false,
    };
    if !recipients.iter().any(is_same) {
        recipients.push(one);
    }
}

/// Whether the mail says that another was shown or thrown away (RFC 8098).
fn is_receipt(mail: &Mail) -> bool {
    mail.report_type().1 == "disposition-notification"
        || mail.own().any(|part| {
            part.kind.ends_with("/disposition-notification")
                || part.kind == "message/global-disposition-notification"
        })
}

fn reading(kind: Kind, because: &'static str, recipients: Vec<Recipient>) -> Reading {
    Reading {
        kind,
        because,
        delivery: None,
        recipients,
    }
}
