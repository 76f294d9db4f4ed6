//! A study's parts, as programs for references want them: authors one by one, volume, number, pages.

use super::{Citation, is_initials, is_volume, read};

/// A study that can be cited in any style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    pub authors: Vec<Author>,
    /// The citation left authors out, with '…' or 'et al.'.
    pub others: bool,
    pub year: Option<i32>,
    /// As published: `2019, December 5`, `in press`.
    pub date: String,
    pub title: String,
    pub journal: Option<String>,
    pub volume: Option<String>,
    pub number: Option<String>,
    /// `461–472`, or the number of an article.
    pub pages: Option<String>,
    pub doi: Option<String>,
    /// Where it stands, if that is not what its DOI says.
    pub url: Option<String>,
}

/// One author, a person or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The whole name, if it is a group.
    pub family: String,
    /// `A. T.`, as published; empty for a group.
    pub given: String,
}

impl Reference {
    /// Reads a citation as published; nothing when it does not say who published what when. `doi` is the study's, if
    /// it is known from elsewhere.
    pub fn read(citation: &str, doi: Option<&str>) -> Option<Reference> {
        let Citation {
            authors,
            year,
            date,
            title,
            journal,
            doi: read_doi,
            ..
        } = read(citation);
        let (authors, others) = list(&authors?);
        let [volume, number, pages] = match &journal {
            Some(journal) => place_within(citation, journal),
            None => [None, None, None],
        };
        (!authors.is_empty()).then_some(Reference {
            authors,
            others,
            year,
            date: date?,
            title: title?,
            journal,
            volume,
            number,
            pages,
            doi: doi.map(str::to_owned).or(read_doi),
            url: None,
        })
    }
}

/// The authors one by one, and whether some were left out.
fn list(authors: &str) -> (Vec<Author>, bool) {
    let mut list: Vec<Author> = Vec::new();
    let lower = authors.to_lowercase();
    let mut others = lower.contains("et al") || authors.contains('…');
    let spelled = authors.replace(" and ", ",").replace(" et ", ",");
    for part in spelled.split([',', '&', ';']) {
        let bare = part.trim_matches(['.', '…', ' ', '*']);
        others |= bare.is_empty() && part.matches('.').count() >= 3;
        let with_omission = part.trim_start().trim_start_matches(['.', '…', ' ']);
        others |= with_omission.len() + 2 < part.trim_start().len();
        if bare.is_empty() || bare.eq_ignore_ascii_case("et al") {
            continue;
        }
        match list.last_mut() {
            Some(last) if is_initials(bare) && !bare.ends_with("Eds") => {
                add_initials(last, with_omission.trim());
            }
            _ => list.push(Author {
                family: bare.trim_end_matches(" et al").to_owned(),
                given: String::new(),
            }),
        }
    }
    (list, others)
}

fn add_initials(author: &mut Author, initials: &str) {
    if !author.given.is_empty() {
        author.given.push_str(", ");
    }
    author.given.push_str(initials);
}

/// Volume, number and pages: what follows the journal, `58(4), 449–459.`
fn place_within(citation: &str, journal: &str) -> [Option<String>; 3] {
    let Some(at) = citation.rfind(journal) else {
        return [None, None, None];
    };
    let rest = &citation[at + journal.len()..];
    let end = rest
        .find("http")
        .or_else(|| rest.to_ascii_lowercase().find("doi"));
    let rest = rest[..end.unwrap_or(rest.len())].trim_matches([',', '.', ' ', ';', ':']);
    let (volume, pages) = rest.split_once([',', ':', ';']).unwrap_or((rest, ""));
    let (volume, number) = match volume.trim().split_once('(') {
        Some((volume, number)) => (volume.trim(), number.trim_end_matches([')', ' '])),
        None => (volume.trim(), ""),
    };
    if !is_volume(volume) {
        return [None, None, None];
    }
    let pages = pages.trim().trim_start_matches("Article ");
    let pages = pages.trim_start_matches("pp. ").trim_end_matches('.');
    let is_page = !pages.is_empty() && pages.split_whitespace().count() == 1 && is_volume(pages);
    let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    [
        stated(volume),
        stated(number),
        is_page.then(|| pages.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSTER: &str = "Gloster, A. T., Rinner, M. T., Ferrari, G., ... & Karekla, M. (2020). Treating treatment non-responders: A meta-analysis. Clinical Psychology Review, 75, 101810. https://doi.org/10.1016/j.cpr.2019.101810";

    fn names(reference: &Reference) -> Vec<String> {
        let name = |author: &Author| format!("{}|{}", author.family, author.given);
        reference.authors.iter().map(name).collect()
    }

    #[test]
    fn a_citation_gives_authors_one_by_one_and_the_place_in_the_journal() {
        let gloster = Reference::read(GLOSTER, None).unwrap();
        assert_eq!(
            names(&gloster),
            ["Gloster|A. T.", "Rinner|M. T.", "Ferrari|G.", "Karekla|M."]
        );
        assert!(gloster.others);
        assert_eq!(gloster.volume.as_deref(), Some("75"));
        assert_eq!(gloster.number, None);
        assert_eq!(gloster.pages.as_deref(), Some("101810"));
        let text = "Flückiger, C., Del Re, A. C., Atzil-Slonim, D., . . . Barber, J. P. (2020). The. Journal of Consulting and Clinical Psychology, 88(9), 829–843.";
        let spaced = Reference::read(text, None).unwrap();
        assert_eq!(
            names(&spaced),
            [
                "Flückiger|C.",
                "Del Re|A. C.",
                "Atzil-Slonim|D.",
                "Barber|J. P."
            ]
        );
        assert!(spaced.others);
        assert_eq!(spaced.number.as_deref(), Some("9"));
        assert_eq!(spaced.pages.as_deref(), Some("829–843"));
    }

    #[test]
    fn what_is_not_told_is_absent() {
        let text = "Delgadillo, J., Deisenhofer, A.-K., & Kleinstäuber, M. (2022, May 3). Progress feedback. Psychotherapy. Advance online publication.";
        let read = Reference::read(text, Some("10.1/x")).unwrap();
        assert_eq!(
            (&read.volume, &read.pages, read.others),
            (&None, &None, false)
        );
        assert_eq!(read.doi.as_deref(), Some("10.1/x"));
        assert_eq!(read.authors[1].given, "A.-K.");
        let group = "World Health Organization. (2019). A guide. https://doi.org/10.1000/182";
        let group = Reference::read(group, None).unwrap();
        assert_eq!(names(&group), ["World Health Organization|"]);
        assert_eq!(Reference::read("A paragraph.", None), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(Lin, T|\\. \\(2020\\)\\. |[0-9]{1,4}|doi|http|\\.\\.\\.|&|.|[ .,()A-Z]){0,40}") {
            Reference::read(&text, None);
        }
    }
}
