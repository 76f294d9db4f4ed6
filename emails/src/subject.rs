//! The line by which a reader knows, in a full inbox, what a mail holds.

use crate::clean::one_line;
use crate::contents::{count, titles};
use crate::{Digest, Language, Occasion};

/// The longest subject, in characters, that needs no cutting in most inboxes.
const LONGEST: usize = 78;

/// The first title, how much more there is, and the period. The title leads since phones show
/// some 40 characters, and the publication is left out since the sender's name has it. What the
/// reader chose is never named.
pub(crate) fn of(digest: &Digest) -> String {
    let language = digest.language;
    let period = format!(", {}", language.period(digest.period));
    let lead = match digest.occasion {
        Occasion::EditorsPick => language.our_pick(),
        _ => "",
    };
    let first = titles(digest).into_iter().next();
    let (title, others) = match (digest.occasion, first) {
        (Occasion::NothingMatched, _) => (language.no_match(count(digest)), String::new()),
        (_, Some(first)) => (first, language.and_others(count(digest) - 1)),
        (_, None) => (one_line(digest.publication), String::new()),
    };
    let whole = format!("{lead}{title}{others}{period}");
    if length(&whole) <= LONGEST {
        return whole;
    }
    let room = LONGEST.saturating_sub(length(lead) + length(&period));
    format!("{lead}{}{period}", shortened(&title, room))
}

/// What a letter is about, and the publication: key words first, since phones show some 40
/// characters.
pub(crate) fn with_publication(about: &str, publication: &str, language: Language) -> String {
    let publication = one_line(publication);
    if publication.is_empty() {
        return about.to_owned();
    }
    let about = format!("{about}{}", language.pick(": ", "\u{A0}: "));
    let room = LONGEST.saturating_sub(length(&about));
    format!("{about}{}", shortened(&publication, room))
}

/// The text cut to `room` characters, between words where that leaves enough of it.
fn shortened(text: &str, room: usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    let start: String = text.chars().take(room.saturating_sub(1)).collect();
    let kept = match start.rfind(' ') {
        Some(space) if length(&start[..space]) * 2 > room => &start[..space],
        _ => start.as_str(),
    };
    format!(
        "{}…",
        kept.trim_end_matches([' ', ',', ';', ':', '.', '-', '–'])
    )
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_is_cut_between_words() {
        assert_eq!(shortened("short", 9), "short");
        assert_eq!(shortened("a longer title, indeed", 16), "a longer title…");
        assert_eq!(shortened("inseparable-as-can-be", 10), "inseparab…");
        assert_eq!(shortened("x y", 0), "…");
    }
}
