//! Addresses that may stand in a mail.

use std::fmt::Write;

use crate::clean::one_line;

/// A citation as shown: the words, then the DOI as a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Citation {
    pub text: String,
    pub doi: Option<Doi>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doi {
    /// Bare, as people write it.
    pub name: String,
    pub url: String,
}

/// The address, if it is one that a reader may be led to (the web or a mailbox), with everything
/// encoded that could end an attribute or a line.
pub(crate) fn safe(url: &str) -> Option<String> {
    let url = url.trim();
    let scheme = ["https://", "http://", "mailto:"]
        .into_iter()
        .find(|scheme| {
            url.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })?;
    let rest = &url[scheme.len()..];
    let host_end = match scheme {
        "mailto:" => 0,
        _ => rest.find(['/', '?', '#']).unwrap_or(rest.len()),
    };
    let (host, path) = rest.split_at(host_end);
    if host.is_empty() == (scheme != "mailto:") || !host.chars().all(is_of_a_host) {
        return None;
    }
    Some(format!(
        "{scheme}{host}{}",
        encoded(path, "!$&'()*+,;=:@/?#%")
    ))
}

/// The contact as a link, where it is an address of the web or of a mailbox.
pub(crate) fn contact(contact: &str) -> Option<String> {
    let is_mailbox = contact.contains('@') && !contact.contains([' ', ':', '/']);
    match is_mailbox {
        true => safe(&format!("mailto:{contact}")),
        false => safe(contact),
    }
}

/// The citation with its DOI taken out of the words and put at the end, as a link.
pub(crate) fn cited(citation: Option<&str>, doi: Option<&str>) -> Option<Citation> {
    let text = citation.map(one_line).unwrap_or_default();
    let doi = doi.map(one_line).map(|doi| bare(&doi).to_owned());
    let cited = match doi.filter(|doi| doi.starts_with("10.") && doi.contains('/')) {
        Some(doi) => Citation {
            text: without(&text, &doi),
            doi: Some(Doi {
                // Programs that make links of plain text end them at a bracket.
                url: format!("https://doi.org/{}", encoded(&doi, "!$&'*,;=:@/")),
                name: doi,
            }),
        },
        None => Citation { text, doi: None },
    };
    (!cited.text.is_empty() || cited.doi.is_some()).then_some(cited)
}

/// What may stand before a DOI, the longer first.
const DOI_PREFIXES: [&str; 7] = [
    "https://dx.doi.org/",
    "http://dx.doi.org/",
    "https://doi.org/",
    "http://doi.org/",
    "doi.org/",
    "doi:",
    "doi",
];

fn bare(doi: &str) -> &str {
    let prefix = DOI_PREFIXES.iter().find(|prefix| {
        doi.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    prefix.map_or(doi, |prefix| doi[prefix.len()..].trim())
}

/// The citation without its DOI, whichever way that is written. A longer DOI that only begins the
/// same stays.
fn without(citation: &str, doi: &str) -> String {
    let Some(at) = citation
        .to_ascii_lowercase()
        .find(&doi.to_ascii_lowercase())
    else {
        return citation.to_owned();
    };
    let after = &citation[at + doi.len()..];
    let goes_on = after.trim_start_matches(['.', '-', '_', '/', '(', ';', ':']);
    if goes_on.starts_with(char::is_alphanumeric) {
        return citation.to_owned();
    }
    let before = without_prefix(&citation[..at]);
    let (before, after) = match (before.strip_suffix('('), after.strip_prefix(')')) {
        (Some(before), Some(after)) => (before, after),
        _ => (before, after),
    };
    let before = before.trim_end_matches([' ', ',', ';', ':']);
    match after.trim_matches([' ', '.', ',', ';']) {
        "" if before.is_empty() || before.ends_with('.') => before.to_owned(),
        "" => format!("{before}."),
        after => format!("{before} {after}"),
    }
}

fn without_prefix(before: &str) -> &str {
    let before = before.trim_end();
    let lower = before.to_ascii_lowercase();
    let prefix = DOI_PREFIXES.iter().find(|prefix| lower.ends_with(*prefix));
    prefix.map_or(before, |prefix| {
        before[..before.len() - prefix.len()].trim_end()
    })
}

fn is_of_a_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')
}

/// Percent-encodes all but letters, digits, `-._~` and what is `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || kept.as_bytes().contains(&byte)
        {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all that is written");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_and_mailboxes_are_linked() {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "",
            "//x.test",
            "https://",
            "ftp://x.test",
        ] {
            assert_eq!(safe(url), None, "{url}");
        }
        assert_eq!(
            safe("HTTPS://x.test/a b\"<é>").as_deref(),
            Some("https://x.test/a%20b%22%3C%C3%A9%3E")
        );
        assert_eq!(safe("https://x.test\" onclick=\"/").as_deref(), None);
        assert_eq!(
            safe("https://x.test?a=1&b=%20#c").as_deref(),
            Some("https://x.test?a=1&b=%20#c")
        );
        assert_eq!(
            contact("help@x.test").as_deref(),
            Some("mailto:help@x.test")
        );
        assert_eq!(contact("+1 613 555 0100"), None);
    }

    #[test]
    fn a_doi_is_shown_once_and_as_a_link() {
        let shown = |citation, doi| {
            let cited = cited(Some(citation), Some(doi)).expect("there is a citation");
            (cited.text, cited.doi.map(|doi| doi.url).unwrap_or_default())
        };
        let link = "https://doi.org/10.1016/j.cpr.2019".to_owned();
        for (citation, text) in [
            (
                "A (2020). B, 75, https://doi.org/10.1016/j.cpr.2019.",
                "A (2020). B, 75.",
            ),
            ("A (2020). B. doi: 10.1016/J.CPR.2019", "A (2020). B."),
            ("A (http://dx.doi.org/10.1016/j.cpr.2019)", "A."),
            ("A. DOI:10.1016/j.cpr.2019 Online first.", "A. Online first"),
            ("A. 10.1016/j.cpr.2019.7", "A. 10.1016/j.cpr.2019.7"),
            ("A.", "A."),
        ] {
            assert_eq!(
                shown(citation, "10.1016/j.cpr.2019"),
                (text.to_owned(), link.clone())
            );
        }
        assert_eq!(
            shown("A", "https://doi.org/10.1/a<b>#c%").1,
            "https://doi.org/10.1/a%3Cb%3E%23c%25"
        );
        assert_eq!(shown("A", "n/a"), ("A".to_owned(), String::new()));
        assert_eq!(cited(None, None), None);
    }
}
