//! What a digest shows, decided once for both parts: cleaned, links checked, empty things gone.

use crate::clean::{direction, lines, one_line};
use crate::link::{self, Citation};
use crate::template::Hole;
use crate::{Also, Digest, Language, Occasion, Sender, Summary};

/// Everything a reader sees, in the order in which they see it.
pub(crate) struct Contents {
    pub language: Language,
    /// The first line: what an inbox shows beside the subject.
    pub opening: String,
    pub publication: String,
    pub period: String,
    pub articles: Vec<Article>,
    pub also_heading: &'static str,
    pub also: Vec<Mention>,
    pub view_url: Option<String>,
    pub archive_url: Option<String>,
    pub imprint: Imprint,
}

/// A summary in full.
pub(crate) struct Article {
    pub heading: Mention,
    pub citation: Option<Citation>,
    pub summary: Vec<String>,
    pub implications: Vec<String>,
    pub topics: Vec<String>,
    /// Where the reader says that they want more or fewer like it.
    pub wishes: Option<Wishes>,
}

/// Links that begin with [`Hole::Wish`].
pub(crate) struct Wishes {
    pub more: String,
    pub fewer: String,
}

/// A title and where it leads.
pub(crate) struct Mention {
    pub title: String,
    pub url: Option<String>,
    pub kind: Option<String>,
    pub tongue: Tongue,
}

/// What sets the language of some text apart from that of the frame.
pub(crate) struct Tongue {
    pub lang: Option<String>,
    pub dir: Option<&'static str>,
}

/// Who sends: name and postal address, line by line, and how to reach them.
pub(crate) struct Imprint {
    pub lines: Vec<String>,
    pub contact: Contact,
}

pub(crate) struct Contact {
    pub text: String,
    pub url: Option<String>,
}

impl Contents {
    pub fn of(digest: &Digest) -> Self {
        let language = digest.language;
        Self {
            language,
            opening: opening(digest),
            publication: one_line(digest.publication),
            period: language.period(digest.period),
            articles: shown_in_full(digest)
                .map(|summary| article(summary, language))
                .collect(),
            also_heading: language.also_heading(digest.occasion, digest.period),
            also: named(digest).map(|also| mention(&also, language)).collect(),
            view_url: link::safe(digest.view_url),
            archive_url: link::safe(digest.archive_url),
            imprint: Imprint::of(&digest.sender),
        }
    }
}

impl Imprint {
    pub fn of(sender: &Sender) -> Self {
        let contact = one_line(sender.contact);
        Self {
            lines: lines(std::iter::once(sender.name).chain(sender.postal_address.lines())),
            contact: Contact {
                url: link::contact(&contact),
                text: contact,
            },
        }
    }
}

/// The titles as cleaned, first those in full.
pub(crate) fn titles(digest: &Digest) -> Vec<String> {
    lines(shown_in_full(digest).map(|summary| summary.title))
}

/// How many summaries the digest shows or names.
pub(crate) fn count(digest: &Digest) -> usize {
    shown_in_full(digest).count() + named(digest).count()
}

/// Nothing is shown in full to a reader for whom nothing matched, whatever the caller gave.
fn shown_in_full<'d, 'a>(digest: &'d Digest<'a>) -> impl Iterator<Item = &'d Summary<'a>> {
    let shown = digest.occasion != Occasion::NothingMatched;
    digest.summaries.iter().filter(move |_| shown)
}

fn named<'a>(digest: &Digest<'a>) -> impl Iterator<Item = Also<'a>> {
    let hidden = digest.occasion == Occasion::NothingMatched;
    let summaries = digest.summaries.iter().filter(move |_| hidden);
    let from_summaries = summaries.map(|summary| Also {
        title: summary.title,
        url: summary.url,
        research_type: summary.research_type,
        language: summary.language,
    });
    from_summaries.chain(digest.also.iter().cloned())
}

fn opening(digest: &Digest) -> String {
    let language = digest.language;
    let nothing = language.nothing_matched(digest.period);
    let teaser = digest.teaser.map(teaser).filter(|line| !line.is_empty());
    let teaser = teaser.unwrap_or_else(|| from_titles(digest));
    let opening = match digest.occasion {
        Occasion::Matched => teaser,
        Occasion::NothingMatched => format!("{nothing} {}", language.only_named(count(digest))),
        Occasion::EditorsPick => format!("{nothing} {}", language.editors_pick()),
    };
    match opening.is_empty() {
        true => format!(
            "{} {}",
            one_line(digest.publication),
            language.period(digest.period)
        ),
        false => opening,
    }
}

/// The editor's line without the dots by which it continues a sentence of the archive page.
fn teaser(line: &str) -> String {
    let line = one_line(line);
    let rest = line.trim_start_matches(['…', '.', ' ']);
    match rest.len() == line.len() {
        true => line,
        false => capitalised(rest),
    }
}

/// The titles, the first of them last: the subject that an inbox shows beside this line has begun
/// with it.
fn from_titles(digest: &Digest) -> String {
    let mut titles = titles(digest);
    if titles.is_empty() {
        return String::new();
    }
    titles.rotate_left(1);
    format!("{} {}", digest.language.in_this_mail(), titles.join(" · "))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn article(summary: &Summary, frame: Language) -> Article {
    let heading = Also {
        title: summary.title,
        url: summary.url,
        research_type: summary.research_type,
        language: summary.language,
    };
    Article {
        heading: mention(&heading, frame),
        citation: link::cited(summary.citation, summary.doi),
        summary: lines(summary.summary.iter().copied()),
        implications: lines(summary.implications.iter().copied()),
        topics: lines(summary.topics.iter().copied()),
        wishes: summary.id.map(wishes),
    }
}

fn wishes(id: i64) -> Wishes {
    let link = |wish| format!("{}/{id}/{wish}", Hole::Wish.mark());
    Wishes {
        more: link("more"),
        fewer: link("fewer"),
    }
}

/// A title that is empty gives way to its address, so that the link keeps a text.
pub(crate) fn mention(also: &Also, frame: Language) -> Mention {
    let url = link::safe(also.url);
    let title = match one_line(also.title) {
        empty if empty.is_empty() => url.clone().unwrap_or_else(|| "–".to_owned()),
        title => title,
    };
    Mention {
        tongue: tongue(also.language, &title, frame),
        title,
        url,
        kind: also
            .research_type
            .map(one_line)
            .filter(|kind| !kind.is_empty()),
    }
}

fn tongue(code: &str, title: &str, frame: Language) -> Tongue {
    let is_code = (2..=35).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let primary = code.split('-').next().unwrap_or_default();
    let differs = is_code && !primary.eq_ignore_ascii_case(frame.code());
    let dir = direction(title);
    Tongue {
        lang: differs.then(|| code.to_owned()),
        dir: (dir == "rtl").then_some(dir),
    }
}
