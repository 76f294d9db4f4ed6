//! The DOI inside a text, however it was written down.

/// A DOI as found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `10.…/…`, mended where it was damaged, in the case it was published in.
    pub doi: String,
    /// The text held something that is not a DOI; `doi` is what was probably meant.
    pub damaged: bool,
    /// The byte at which the DOI begins, its `https://doi.org/` or `doi:` included.
    pub start: usize,
}

/// How far back the word before a DOI is looked at, so that a hostile text costs linear time.
const LONGEST_PREFIX: usize = 200;

/// The first DOI of `text`: a sound one if there is one, else a damaged one with its mend.
///
/// The syntax is that of the DOI handbook: `10.`, a registrant of four to nine digits, a slash,
/// a suffix. It may stand bare, behind `doi:` or `DOI`, or in a link.
pub fn find(text: &str) -> Option<Found> {
    let tens = |at: &usize| is_ten(text.as_bytes(), *at);
    let places = || (0..text.len()).filter(tens);
    places()
        .find_map(|at| sound(text, at))
        .or_else(|| places().find_map(|at| broken(text, at)))
}

/// Whether `text` speaks of a DOI at all, even if none can be read from it.
pub fn is_mentioned(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("doi.org") || lower.contains("doi:")
}

/// DOIs are compared without regard to case (DOI handbook, section 2.4).
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Where a DOI leads. Whatever a path may not hold is percent-encoded (RFC 3986 section 3.3; DOI handbook, 3.8).
pub fn url(doi: &str) -> String {
    let mut url = String::from("https://doi.org/");
    for byte in doi.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

fn is_ten(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"10") && (at == 0 || !bytes[at - 1].is_ascii_digit())
}

/// A DOI whose own letters are right; what stands before it may still be damaged.
fn sound(text: &str, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes.get(at + 2) != Some(&b'.') {
        return None;
    }
    let registrant = registrant_end(bytes, at + 3)?;
    let slash = slash_len(&bytes[registrant..])?;
    let start = prefix_start(text, at)?;
    let prefix = &text[start..at];
    let (suffix, altered) = suffix(&text[registrant + slash..], prefix)?;
    Some(Found {
        doi: format!("{}/{suffix}", &text[at..registrant]),
        damaged: altered || is_damaged_prefix(prefix),
        start,
    })
}

/// A DOI that lost its dot or gained a space: `10:1001/…`, `10. 1001/…`, `10.1001/ …`.
fn broken(text: &str, at: usize) -> Option<Found> {
    const BETWEEN: &[u8] = b":;,. -_/";
    let bytes = text.as_bytes();
    let lead = bytes[at.saturating_sub(40)..at].to_ascii_lowercase();
    let is_announced = lead.windows(3).any(|part| part == b"doi");
    let gap = bytes[at + 2..]
        .iter()
        .take(3)
        .take_while(|byte| BETWEEN.contains(byte))
        .count();
    let between = &text[at + 2..at + 2 + gap];
    if !is_announced && !matches!(between, ":" | ": " | "." | ". " | ".." | " .") {
        return None;
    }
    let digits = at + 2 + gap;
    let registrant = registrant_end(bytes, digits)?;
    let space = usize::from(bytes.get(registrant) == Some(&b' '));
    let slash = slash_len(&bytes[registrant + space..])?;
    let start = prefix_start(text, at)?;
    let rest = text[registrant + space + slash..].strip_prefix(' ');
    let rest = rest.unwrap_or(&text[registrant + space + slash..]);
    let (suffix, _) = suffix(rest, &text[start..at])?;
    let doi = format!("10.{}/{suffix}", &text[digits..registrant]);
    Some(Found {
        doi,
        damaged: true,
        start,
    })
}

/// Where the registrant's digits end: four to nine of them, and at most three subdivisions.
fn registrant_end(bytes: &[u8], start: usize) -> Option<usize> {
    let digits = |from: usize| {
        let run = bytes.get(from..).unwrap_or_default().iter().take(10);
        run.take_while(|byte| byte.is_ascii_digit()).count()
    };
    let first = digits(start);
    if !(4..=9).contains(&first) {
        return None;
    }
    let mut end = start + first;
    for _ in 0..3 {
        let more = digits(end + 1);
        if bytes.get(end) != Some(&b'.') || more == 0 {
            break;
        }
        end += 1 + more;
    }
    Some(end)
}

fn slash_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'/', ..] => Some(1),
        [b'%', b'2', b'F' | b'f', ..] => Some(3),
        _ => None,
    }
}

/// Where the word holding the DOI begins; nothing if that word is not a link, `doi` or a bracket.
fn prefix_start(text: &str, at: usize) -> Option<usize> {
    let earliest = text.floor_char_boundary(at.saturating_sub(LONGEST_PREFIX));
    let before = &text[earliest..at];
    let start = before
        .char_indices()
        .rfind(|(_, c)| c.is_whitespace() || "([<{\"'“‘«*".contains(*c))
        .map_or(earliest, |(place, c)| earliest + place + c.len_utf8());
    let prefix = text[start..at].to_ascii_lowercase();
    let is_glued = prefix.ends_with(|c: char| c.is_alphanumeric() || c == '.');
    (!is_glued || prefix.contains("doi")).then_some(start)
}

fn is_damaged_prefix(prefix: &str) -> bool {
    let lower = prefix.to_ascii_lowercase();
    let address = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    let host_and_path = address.unwrap_or(&lower);
    let is_resolver = matches!(host_and_path, "doi.org/" | "dx.doi.org/" | "www.doi.org/");
    !is_resolver && (lower.contains("doi.org") || (lower.contains("http") && address.is_none()))
}

/// The suffix at the head of `rest`, without the sentence's own punctuation, and whether it had to
/// be altered.
fn suffix(rest: &str, prefix: &str) -> Option<(String, bool)> {
    let word = rest.split(char::is_whitespace).next().unwrap_or_default();
    let is_link = prefix.contains("://");
    let word = if is_link && !prefix.to_ascii_lowercase().contains("doi.org") {
        publishers_suffix(word)
    } else {
        word
    };
    let word = without_closing(word);
    let decoded = if is_link {
        percent_decoded(word)
    } else {
        word.to_owned()
    };
    let mended: String = decoded
        .chars()
        .map(|c| match c {
            '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
            other => other,
        })
        .collect();
    let is_altered = mended != decoded;
    mended
        .chars()
        .any(char::is_alphanumeric)
        .then_some((mended, is_altered))
}

/// A publisher's page goes on behind the DOI: `/full`, `?journalCode=…`.
fn publishers_suffix(word: &str) -> &str {
    let word = word.split(['?', '#']).next().unwrap_or_default();
    ["/full", "/abstract", "/pdf", "/html", "/epdf", "/"]
        .iter()
        .find_map(|end| word.strip_suffix(end))
        .unwrap_or(word)
}

/// `word` without full stops, quotes and unpaired brackets at its end; paired ones are the DOI's.
fn without_closing(word: &str) -> &str {
    let count = |sought: char| word.chars().filter(|c| *c == sought).count();
    let mut unpaired = [('(', ')'), ('[', ']'), ('<', '>'), ('{', '}')]
        .map(|(open, close)| (close, count(close).saturating_sub(count(open))));
    word.trim_end_matches(|c: char| {
        if let Some((_, left)) = unpaired.iter_mut().find(|(close, _)| *close == c) {
            let is_extra = *left > 0;
            *left = left.saturating_sub(1);
            return is_extra;
        }
        ".,;:'\"”’»*…".contains(c)
    })
}

fn percent_decoded(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(u8::is_ascii_graphic) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doi(text: &str) -> Option<(String, bool)> {
        find(text).map(|found| (found.doi, found.damaged))
    }

    #[test]
    fn the_usual_forms_are_sound() {
        for text in [
            "x https://doi.org/10.1037/pst0000123",
            "x http://dx.doi.org/10.1037/pst0000123.",
            "x doi:10.1037/pst0000123,",
            "x DOI 10.1037/pst0000123",
            "x doi: 10.1037/pst0000123.",
            "10.1037/pst0000123",
            "(doi: 10.1037/pst0000123).",
            "https://psycnet.apa.org/doi/10.1037/pst0000123",
            "https://www.frontiersin.org/articles/10.1037/pst0000123/full",
            "https://site.test/doi/10.1037/pst0000123?journalCode=x",
            "https://doi.org/10.1037%2Fpst0000123",
        ] {
            assert_eq!(
                doi(text),
                Some(("10.1037/pst0000123".to_owned(), false)),
                "{text}"
            );
        }
    }

    #[test]
    fn damaged_forms_are_mended_and_say_so() {
        for text in [
            "10:1001/jama.2020.1",
            "https://doi.org/10:1001/jama.2020.1.",
            "10. 1001/jama.2020.1",
            "https://doi.org/https://doi.org/10.1001/jama.2020.1",
            "doi.org.10.1001/jama.2020.1",
            "https//doi.org/10.1001/jama.2020.1",
            "doi:10.1001/ jama.2020.1",
            "https://doi.org/101001/jama.2020.1",
            "doi: 10,1001/jama.2020.1",
            "https://doi.org/10..1001/jama.2020.1",
        ] {
            assert_eq!(
                doi(text),
                Some(("10.1001/jama.2020.1".to_owned(), true)),
                "{text}"
            );
        }
    }

    #[test]
    fn brackets_of_the_doi_stay_and_the_sentences_go() {
        let lancet = "10.1016/S0140-6736(05)12345-6";
        assert_eq!(
            doi(&format!("({lancet})")).map(|d| d.0).as_deref(),
            Some(lancet)
        );
        assert_eq!(
            doi(&format!("doi:{lancet}).")).map(|d| d.0).as_deref(),
            Some(lancet)
        );
        assert_eq!(
            doi("doi:10.1016/S0140-6736(05)").map(|d| d.0).as_deref(),
            Some("10.1016/S0140-6736(05)")
        );
    }

    #[test]
    fn a_doi_is_a_link_whatever_it_holds() {
        for (doi, path) in [
            ("10.1037/pst0000123", "10.1037/pst0000123"),
            (
                "10.1002/(SICI)1099(199703)4:1<1::AID>3.0.CO;2-#",
                "10.1002/(SICI)1099(199703)4:1%3C1::AID%3E3.0.CO;2-%23",
            ),
            ("10.1/a?b%c\"d e[é]", "10.1/a%3Fb%25c%22d%20e%5B%C3%A9%5D"),
        ] {
            assert_eq!(url(doi), format!("https://doi.org/{path}"));
        }
    }

    #[test]
    fn numbers_are_not_dois() {
        for text in [
            "10 of 1001/2 patients",
            "10.5/20",
            "55(10), 1001–1010",
            "110.1037/x",
            "abc10.1037/x",
            "10.1037/",
            "at 10, 1001/jama",
        ] {
            assert_eq!(doi(text), None, "{text}");
        }
    }
}
