//! The mails themselves, rendered as they would go out: in both languages, with everything in full and with nothing.

use std::collections::BTreeSet;

use super::{Asked, Check, Finding, Level};
use crate::content::{Content, Selection};
use crate::look::{self, Mail};
use crate::plan;
use crate::render::covers;
use crate::subscription::{Choice, Frequency, Language};

/// Bytes of HTML up to which nothing needs saying; from the second on Gmail cuts the mail off.
const WELL_BELOW: usize = 60_000;
const CUT_OFF: usize = 100_000;
const NOT_SO_WELL: usize = WELL_BELOW + 1;

/// Characters of a subject: shorter says nothing, longer is cut everywhere.
const SUBJECT: std::ops::RangeInclusive<usize> = 10..=78;

/// Words of the HTML that the text part must have, in hundredths.
const PARITY: usize = 98;

/// Texts of links that do not say where they lead.
const GENERIC: [&str; 8] = [
    "here",
    "click here",
    "link",
    "more",
    "read more",
    "ici",
    "cliquez ici",
    "lien",
];

pub(super) fn look(asked: &Asked<'_>, content: &Content) -> Vec<Finding> {
    let mails = mails(asked, content);
    let largest = mails.iter().map(|mail| mail.html.len()).max().unwrap_or(0);
    let level = match largest {
        0..=WELL_BELOW => Level::Pass,
        NOT_SO_WELL..CUT_OFF => Level::Warn,
        _ => Level::Block,
    };
    let size = Finding::new(Check::Size, level, vec![(largest / 1000).to_string()]);
    let each = |is_bad: &dyn Fn(&Mail) -> Vec<String>| -> Vec<String> {
        let bad: BTreeSet<String> = mails.iter().flat_map(is_bad).collect();
        bad.into_iter().collect()
    };
    let subjects = each(&|mail| {
        let is_fit = SUBJECT.contains(&mail.subject.chars().count());
        (!is_fit)
            .then(|| mail.subject.clone())
            .into_iter()
            .collect()
    });
    vec![
        size,
        Finding::warn_of(Check::Subject, subjects),
        blocked(Check::Links, each(&|mail| bad_links(&mail.html))),
        Finding::warn_of(Check::Parity, each(&|mail| unlike(&mail.html, &mail.text))),
        blocked(Check::Syntax, each(&|mail| bad_syntax(&mail.source))),
        blocked(Check::OneClick, each(&|mail| no_one_click(&mail.source))),
    ]
}

/// The addresses that the mails lead to, beyond the readers' own pages: each once.
pub(super) fn outer_links(asked: &Asked<'_>, content: &Content) -> Vec<String> {
    let own = format!("{}/", asked.config.site_url);
    let links = mails(asked, content)
        .into_iter()
        .flat_map(|mail| links(&mail.html))
        .map(|(href, _)| href)
        .filter(|href| is_web(href) && !href.starts_with(&own));
    let once: BTreeSet<String> = links.collect();
    once.into_iter().collect()
}

fn mails(asked: &Asked<'_>, content: &Content) -> Vec<Mail> {
    let frequencies = match plan::quarter_ending(asked.month).is_empty() {
        true => vec![Frequency::Monthly],
        false => vec![Frequency::Monthly, Frequency::Quarterly],
    };
    let mut mails = Vec::new();
    for frequency in frequencies {
        for language in [Language::English, Language::French] {
            let reader = look::somebody(&Choice::default(), frequency, language, asked.now);
            let all = content.select(&Choice::default(), covers(content, frequency));
            for selection in all.into_iter().chain([Selection::note()]) {
                let mail = look::mail(asked.renderer, content, &selection, &reader, asked.now);
                mails.extend(mail);
            }
        }
    }
    mails
}

fn blocked(check: Check, about: Vec<String>) -> Finding {
    let level = match about.is_empty() {
        true => Level::Pass,
        false => Level::Block,
    };
    Finding::new(check, level, about)
}

/// Links of our own rendering: what each leads to, and its words.
fn links(html: &str) -> Vec<(String, String)> {
    let anchors = html.split("<a ").skip(1);
    let link = |anchor: &str| {
        let (tag, rest) = anchor.split_once('>')?;
        let words = rest.split("</a").next().unwrap_or_default();
        let href = tag.split("href=\"").nth(1)?.split('"').next()?;
        Some((plain(href), plain(&without_tags(words))))
    };
    anchors.filter_map(link).collect()
}

fn is_web(href: &str) -> bool {
    href.starts_with("https://") || href.starts_with("http://")
}

fn bad_links(html: &str) -> Vec<String> {
    let is_bad = |(href, words): &(String, String)| {
        let leads = is_web(href) || href.starts_with("mailto:") || href.starts_with('#');
        let said = words.trim().to_lowercase();
        !leads || said.is_empty() || GENERIC.contains(&said.as_str())
    };
    let bad = links(html).into_iter().filter(is_bad);
    bad.map(|(href, words)| format!("{words} ({href})"))
        .collect()
}

/// What the text part lacks of the HTML's words and links.
fn unlike(html: &str, text: &str) -> Vec<String> {
    let body = html.find("<body").map_or(html, |at| &html[at..]);
    let has: BTreeSet<String> = words(text).collect();
    let wanted: Vec<String> = words(&plain(&without_tags(body))).collect();
    let lacking: BTreeSet<&String> = wanted.iter().filter(|word| !has.contains(*word)).collect();
    let mut unlike = Vec::new();
    if lacking.len() * 100 > wanted.len() * (100 - PARITY) {
        unlike.extend(lacking.into_iter().take(5).cloned());
    }
    let joined: String = text.split_whitespace().collect();
    let outside = links(html).into_iter().map(|(href, _)| href);
    unlike.extend(outside.filter(|href| is_web(href) && !joined.contains(href.as_str())));
    unlike
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphabetic());
    let long = words.filter(|word| word.chars().count() >= 4);
    long.map(str::to_lowercase)
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for (index, piece) in html.split('<').enumerate() {
        match piece.split_once('>') {
            Some((_, after)) if index > 0 => {
                text.push(' ');
                text.push_str(after);
            }
            _ if index == 0 => text.push_str(piece),
            _ => {}
        }
    }
    text
}

fn plain(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

/// RFC 5321 section 4.5.3.1.6 and RFC 5322 section 2.1.1.
fn bad_syntax(source: &[u8]) -> Vec<String> {
    let mut bad = Vec::new();
    let Ok(text) = std::str::from_utf8(source) else {
        return vec!["UTF-8".to_owned()];
    };
    if text.split("\r\n").any(|line| line.len() > 998) {
        bad.push("998".to_owned());
    }
    if text.replace("\r\n", "").contains(['\r', '\n', '\0']) {
        bad.push("CR, LF".to_owned());
    }
    if !text.is_ascii() {
        bad.push("8 bit".to_owned());
    }
    bad
}

fn no_one_click(source: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(source).to_ascii_lowercase();
    let header = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = header.replace("\r\n ", " ");
    let field = |name: &str| {
        let mut lines = unfolded.lines();
        lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
    };
    let mut lacking = Vec::new();
    let leads = field("list-unsubscribe:").is_some_and(|value| value.contains("<http"));
    if !leads {
        lacking.push("List-Unsubscribe".to_owned());
    }
    let post = field("list-unsubscribe-post:");
    if post.is_none_or(|value| value.trim() != "list-unsubscribe=one-click") {
        lacking.push("List-Unsubscribe-Post".to_owned());
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_or_say_nothing_are_found() {
        let html = "<a href=\"https://a.example/x?a=1&amp;b=2\" style=\"\">A <b>study</b></a> \
                    <a href=\"javascript:x\">B</a> <a href=\"https://b.example\">here</a> <a href=\"\">C</a>";
        assert_eq!(links(html)[0].0, "https://a.example/x?a=1&b=2");
        assert_eq!(bad_links(html).len(), 3);
    }

    #[test]
    fn a_text_part_that_lacks_words_or_links_is_found() {
        let html = "<body><p>Many words stand here</p><a href=\"https://a.example/1\">A study</a>";
        let whole = "Many words stand here\nA study https://a.exam\nple/1";
        assert_eq!(unlike(html, whole), Vec::<String>::new());
        assert_eq!(
            unlike(html, "Many stand here study https://a.example/1"),
            ["words"]
        );
        assert_eq!(unlike(html, "Many words stand here study").len(), 1);
    }

    #[test]
    fn a_mail_that_servers_would_refuse_is_found() {
        assert_eq!(bad_syntax(b"Subject: a\r\n\r\nb\r\n"), Vec::<String>::new());
        assert_eq!(bad_syntax(b"Subject: a\nb: c\r\n\r\n"), ["CR, LF"]);
        let long = format!("Subject: a\r\n\r\n{}\r\n", "x".repeat(999));
        assert_eq!(bad_syntax(long.as_bytes()), ["998"]);
        let one_click = b"List-Unsubscribe: <https://a.example/u/1>,\r\n <mailto:a@a.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n";
        assert_eq!(no_one_click(one_click), Vec::<String>::new());
        assert_eq!(no_one_click(b"Subject: a\r\n\r\n").len(), 2);
    }
}
