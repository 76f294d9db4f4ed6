//! A citation as published, and what can be read from it: authors, year, journal, DOI.

pub mod doi;
mod reference;
mod styles;

pub use self::reference::{Author, Reference};

/// What a citation says. Whatever cannot be told for certain is absent; the citation itself is
/// always kept as published, so nothing is lost with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    /// The authors as published, up to the year's bracket.
    pub authors: Option<String>,
    pub year: Option<i32>,
    /// The year's bracket as published, without the bracket: `2019, December 5`, `in press`.
    pub date: Option<String>,
    /// The study's title.
    pub title: Option<String>,
    pub journal: Option<String>,
    /// `10.…/…`, mended where it was damaged.
    pub doi: Option<String>,
    /// The published DOI does not work: `doi` is the mend, or absent where there is none.
    pub doi_was_damaged: bool,
}

/// How far into a line the year's bracket may stand for the line to be a citation.
const LONGEST_AUTHORS: usize = 1200;

/// Reads an APA citation: authors, bracketed year, title, journal, volume, DOI.
pub fn read(citation: &str) -> Citation {
    let found = doi::find(citation);
    let doi_was_damaged = match &found {
        Some(found) => found.damaged,
        None => doi::is_mentioned(citation),
    };
    let end = found.as_ref().map_or(citation.len(), |found| found.start);
    let mut read = Citation {
        doi_was_damaged,
        ..Citation::default()
    };
    if let Some(date) = year_bracket(citation).filter(|date| date.end <= end) {
        let authors = without_label(&citation[..date.start]).trim();
        let is_sentence = initials_among(authors).is_none() && lower_words(authors) > 5;
        read.authors = (!authors.is_empty() && !is_sentence).then(|| authors.to_owned());
        read.year = date.year;
        read.date = Some(citation[date.start + 1..date.end - 1].trim().to_owned());
        (read.title, read.journal) = title_and_journal(&citation[date.end..end]);
    }
    read.doi = found.map(|found| found.doi);
    read
}

/// Whether a line of a page is a citation: it opens with authors, or with a group and a full stop,
/// and a year follows in brackets. A paragraph that mentions a study, 'Gloster and colleagues
/// (2020) found …', is not.
pub fn is_citation(line: &str) -> bool {
    let line = without_label(line.trim());
    match year_bracket(line).filter(|date| date.start <= LONGEST_AUTHORS) {
        Some(date) => is_dated(&line[..date.start], &line[date.end..]) || opens_with_authors(line),
        None => opens_with_authors(line),
    }
}

/// The bracket that holds the year, as a range of bytes with its brackets.
struct YearBracket {
    start: usize,
    end: usize,
    year: Option<i32>,
}

fn year_bracket(text: &str) -> Option<YearBracket> {
    text.match_indices('(').find_map(|(start, _)| {
        let inside = &text[start + 1..text.floor_char_boundary(start + 60)];
        let inside = &inside[..inside.find(')')?];
        let year = leading_year(inside).or_else(|| year_in_date(inside));
        let words = inside.trim().to_lowercase();
        let is_undated = matches!(
            words.as_str(),
            "in press" | "n.d." | "n. d." | "forthcoming" | "submitted" | "sous presse"
        );
        (year.is_some() || is_undated).then_some(YearBracket {
            start,
            end: start + inside.len() + 2,
            year,
        })
    })
}

/// `2020`, `2020a`, `2019, December 5` and `2020/2021`, but not `2020 patients`.
fn leading_year(inside: &str) -> Option<i32> {
    let inside = inside.trim();
    let (digits, rest) = inside.split_at_checked(4)?;
    let is_year = digits.bytes().all(|b| b.is_ascii_digit()) && ("1500".."2200").contains(&digits);
    let rest = rest
        .strip_prefix(|c: char| c.is_ascii_lowercase())
        .unwrap_or(rest);
    let is_closed = rest.is_empty() || rest.starts_with([',', '/', '-', '–', ';', ':']);
    (is_year && is_closed)
        .then(|| digits.parse().ok())
        .flatten()
}

/// `December 5, 2019`, `5 December 2019`: a year, at most a day and one word.
fn year_in_date(inside: &str) -> Option<i32> {
    let (mut year, mut words) = (None, 0);
    for part in inside.split([' ', ',']).filter(|part| !part.is_empty()) {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            year = leading_year(part).or(year);
        } else if is_capital(part) && part.trim_end_matches('.').chars().all(char::is_alphabetic) {
            words += 1;
        } else {
            return None;
        }
    }
    year.filter(|_| words == 1)
}

/// `line` without a label before the authors, as in 'Citation: Lin, T. …'.
fn without_label(line: &str) -> &str {
    match line.split_once(':') {
        Some((label, rest)) => {
            let label = label.trim_matches(['*', ' ']).to_lowercase();
            let is_label = matches!(
                label.as_str(),
                "citation" | "reference" | "source" | "article" | "study" | "référence"
            );
            if is_label {
                rest.trim_start_matches(['*', ' '])
            } else {
                line
            }
        }
        None => line,
    }
}

/// Authors before a year: all of them names, and either initials among them or the stops that a
/// citation has and a sentence has not.
fn is_dated(authors: &str, after: &str) -> bool {
    let Some(initials) = initials_among(authors) else {
        return false;
    };
    let is_stopped = after.trim_start().starts_with(['.', ',', ':', ';']);
    let has_source = doi::find(after).is_some() || after.bytes().any(|b| b.is_ascii_digit());
    if initials > 0 {
        return is_stopped || has_source;
    }
    let is_group = authors.trim_end().ends_with('.');
    authors.split_whitespace().count() > 1 && after.starts_with('.') && (is_group || has_source)
}

/// 'Surname, I., Surname': no sentence opens so, even if no year can be found behind it.
fn opens_with_authors(line: &str) -> bool {
    let opening = &line[..line.floor_char_boundary(120)];
    let mut parts = opening
        .split([',', '&'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    first.is_some_and(is_name)
        && second.is_some_and(|part| is_initials(part) && part.contains('.'))
        && third.is_some_and(|part| is_name(part.trim_start_matches(['.', '…', ' '])))
        && (parts
            .next()
            .and_then(|part| part.split(' ').next())
            .is_some_and(is_initials)
            || doi::find(line).is_some())
}

/// How many of the comma-separated parts are initials; nothing if one is neither name nor initials.
fn initials_among(authors: &str) -> Option<usize> {
    let listed = authors
        .replace("(Eds.)", "")
        .replace("(Ed.)", "")
        .replace("et al", "")
        .replace(" and ", ",")
        .replace(" et ", ",");
    let mut initials = 0;
    let mut names = 0;
    for part in listed.split([',', '&', ';']) {
        let part = part.trim_matches(['.', '…', ' ', '*']);
        if part.is_empty() {
            continue;
        }
        if names > 0 && is_initials(part) {
            initials += 1;
        } else if is_name(part) {
            names += 1;
        } else {
            return None;
        }
    }
    (names > 0).then_some(initials)
}

/// `A. T.`, `A.-K.`, `K.K.`, `Jr.`: short parts that each open with a capital.
fn is_initials(part: &str) -> bool {
    let mut pieces = part
        .split(['.', '-', ' ', '\u{2010}'])
        .filter(|piece| !piece.is_empty());
    let is_short = |piece: &str| {
        piece.chars().count() <= 2 && piece.chars().all(char::is_alphabetic) && is_capital(piece)
    };
    part.len() <= 24 && (pieces.all(is_short) || matches!(part, "III"))
}

/// A person or a group: words with capitals, and the small words that join them.
fn is_name(part: &str) -> bool {
    const SMALL: &[&str] = &[
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "des", "la",
        "le", "ten", "ter", "zu", "af", "el", "al", "bin", "ibn", "of", "for", "the", "on", "in",
        "y", "pour",
    ];
    let mut capitals = 0;
    let mut words = 0;
    for word in part.split_whitespace() {
        let word = word.trim_matches(['.', '(', ')', '*']);
        words += 1;
        if is_capital(word) || word.bytes().all(|b| b.is_ascii_digit()) {
            capitals += 1;
        } else if !SMALL.contains(&word) && !word.starts_with(['d', 'l', '\'', '’']) {
            return false;
        }
    }
    capitals > 0 && words <= 14
}

/// How many words open with a small letter; a title among the authors has several.
fn lower_words(text: &str) -> usize {
    let words = text.split_whitespace();
    words
        .filter(|word| word.starts_with(char::is_lowercase))
        .count()
}

fn is_capital(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase())
}

/// Parts 'Title. Journal, 55(4), 461–472.' from the right: volume and pages hold no words, the
/// journal is what follows the last full stop or question mark.
fn title_and_journal(after_year: &str) -> (Option<String>, Option<String>) {
    let text = after_year.trim_start_matches(['.', ',', ':', ';', ' ']);
    let text = without_doi_label(text);
    let text = without_online_notice(text);
    let text = without_volume(text).trim_end_matches(['.', ',', ';', ':', ' ']);
    let stated = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    if text.contains("(Ed") {
        let title = text.split(". In ").next().unwrap_or(text);
        return (stated(title), None);
    }
    match journal_start(text) {
        Some(at) => (
            stated(text[..at].trim_end_matches(['.', ' '])),
            stated(text[at..].trim()),
        ),
        None => (stated(text), None),
    }
}

fn without_doi_label(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '(', '[', '<']);
    let bare = text.trim_end_matches(':');
    let at = bare.len().saturating_sub(3);
    match bare.get(at..) {
        Some(label) if label.eq_ignore_ascii_case("doi") => bare[..at].trim_end(),
        _ => text,
    }
}

fn without_online_notice(text: &str) -> &str {
    const NOTICES: &[&str] = &[
        "advance online publication",
        "advanced online publication",
        "epub ahead of print",
        "online ahead of print",
        "online first",
    ];
    let lower = text.to_ascii_lowercase();
    let at = NOTICES.iter().filter_map(|notice| lower.find(notice)).min();
    text[..at.unwrap_or(text.len())].trim_end_matches([' ', '[', '('])
}

/// `text` without the volume, issue and pages at its end.
fn without_volume(text: &str) -> &str {
    const WORDS: &[&str] = &[
        "article",
        "art",
        "no",
        "vol",
        "volume",
        "pp",
        "p",
        "suppl",
        "supplement",
        "issue",
        "iss",
    ];
    let mut kept = text.trim_end();
    let mut has_number = false;
    while let Some(word) = kept.split_whitespace().next_back() {
        let bare = word.trim_matches(['.', ',', ';', ':', '(', ')', '[', ']']);
        let is_number = is_volume(bare);
        let is_word = has_number && WORDS.contains(&bare.to_ascii_lowercase().as_str());
        if !is_number && !is_word {
            break;
        }
        has_number = true;
        kept = kept[..kept.len() - word.len()].trim_end();
    }
    kept
}

/// `75`, `55(4)`, `461–472`, `e12`, `S1-S9`, `58(Suppl`: figures, with at most two letters before.
fn is_volume(word: &str) -> bool {
    let figures = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = word.len() - figures.len();
    let without_supplement = figures.split(['(', '[']).next().unwrap_or_default();
    letters <= 2
        && figures.starts_with(|c: char| c.is_ascii_digit())
        && without_supplement
            .chars()
            .all(|c| c.is_ascii_digit() || "-–—‐‑−.:;/)eSs".contains(c))
}

/// Where the journal's name begins: behind the last end of a sentence outside brackets, and before
/// the abbreviated words of a name such as 'J. Consult. Clin. Psychol'.
fn journal_start(text: &str) -> Option<usize> {
    let starts = sentence_starts(text);
    let mut chosen = *starts.last()?;
    for start in starts.iter().rev().skip(1).chain([&0]) {
        let sentence = text[*start..chosen].trim_end();
        let word = sentence.trim_end_matches('.');
        let is_abbreviation = sentence.ends_with('.')
            && is_capital(word)
            && word.len() <= 7
            && word.chars().all(char::is_alphabetic);
        if !is_abbreviation || *start == 0 {
            break;
        }
        chosen = *start;
    }
    Some(chosen)
}

fn sentence_starts(text: &str) -> Vec<usize> {
    const ABBREVIATIONS: &[&str] = &["vs", "e.g", "i.e", "St", "Dr", "U.S", "cf", "etc"];
    let mut depth = 0_usize;
    let mut starts = Vec::new();
    let mut word = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_followed = characters
            .peek()
            .is_some_and(|(_, next)| next.is_whitespace());
        let is_end = matches!(c, '.' | '?' | '!') && depth == 0 && is_followed;
        if is_end && !(c == '.' && ABBREVIATIONS.contains(&&text[word..at])) {
            let rest = &text[at + 1..];
            starts.push(text.len() - rest.trim_start().len());
        }
        if c.is_whitespace() {
            word = at + c.len_utf8();
        }
    }
    starts
}

#[cfg(test)]
mod tests;
