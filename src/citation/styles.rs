//! A study in the form that a manuscript or a program for references wants.
//!
//! Libraries for this bring hundreds of styles under a licence with duties of its own; four forms are a page of code.

use std::fmt::Write;

use super::doi;
use super::reference::{Author, Reference};

/// Vancouver names six authors at most (ICMJE, 'Samples of Formatted References').
const MOST_IN_VANCOUVER: usize = 6;

/// APA 7 names twenty authors at most; of more, the first nineteen and the last.
const MOST_IN_APA: usize = 20;

impl Reference {
    /// APA, 7th edition.
    pub fn apa(&self) -> String {
        let mut text = format!(
            "{} ({}). {}",
            self.authors_in_apa(),
            self.date,
            stopped(&self.title)
        );
        if let Some(journal) = &self.journal {
            write!(text, " {journal}").expect("a text takes more text");
            if let Some(volume) = &self.volume {
                write!(text, ", {volume}").expect("a text takes more text");
            }
            if let Some(number) = &self.number {
                write!(text, "({number})").expect("a text takes more text");
            }
            if let Some(pages) = &self.pages {
                write!(text, ", {pages}").expect("a text takes more text");
            }
            text.push('.');
        }
        if let Some(url) = self.address() {
            write!(text, " {url}").expect("a text takes more text");
        }
        text
    }

    /// Vancouver, as medical journals want it.
    pub fn vancouver(&self) -> String {
        let names = self.authors.iter().take(MOST_IN_VANCOUVER);
        let mut names: Vec<String> = names.map(in_vancouver).collect();
        if self.others || self.authors.len() > MOST_IN_VANCOUVER {
            names.push("et al".to_owned());
        }
        let mut text = format!("{}. {}", names.join(", "), stopped(&self.title));
        if let Some(journal) = &self.journal {
            write!(text, " {}", stopped(journal)).expect("a text takes more text");
        }
        let date = self.year.map_or(self.date.clone(), |year| year.to_string());
        write!(text, " {date}").expect("a text takes more text");
        if let Some(volume) = &self.volume {
            write!(text, ";{volume}").expect("a text takes more text");
            if let Some(number) = &self.number {
                write!(text, "({number})").expect("a text takes more text");
            }
            if let Some(pages) = &self.pages {
                write!(text, ":{}", pages.replace('–', "-")).expect("a text takes more text");
            }
        }
        text.push('.');
        match (&self.doi, &self.url) {
            (Some(doi), _) => text + " doi:" + doi,
            (None, Some(url)) => text + " Available from: " + url,
            (None, None) => text,
        }
    }

    /// A BibTeX entry, in UTF-8.
    pub fn bibtex(&self) -> String {
        let kind = self.journal.as_ref().map_or("misc", |_| "article");
        let mut authors: Vec<String> = self.authors.iter().map(in_bibtex).collect();
        if self.others {
            authors.push("others".to_owned());
        }
        let year = self.year.map(|year| year.to_string());
        let pages = self.pages.as_ref().map(|pages| pages.replace('–', "--"));
        let fields = [
            ("author", Some(authors.join(" and "))),
            ("title", Some(format!("{{{}}}", for_bibtex(&self.title)))),
            ("journal", self.journal.as_deref().map(for_bibtex)),
            ("year", Some(year.unwrap_or_else(|| for_bibtex(&self.date)))),
            ("volume", self.volume.as_deref().map(for_bibtex)),
            ("number", self.number.as_deref().map(for_bibtex)),
            ("pages", pages.as_deref().map(for_bibtex)),
            ("doi", self.doi.as_deref().map(verbatim)),
            (
                "url",
                self.doi.as_deref().map(|doi| verbatim(&doi::url(doi))),
            ),
        ];
        let mut text = format!("@{kind}{{{},\n", self.key());
        for (name, value) in fields {
            if let Some(value) = value {
                writeln!(text, "  {name} = {{{value}}},").expect("a text takes more text");
            }
        }
        text + "}\n"
    }

    /// A record of RIS, whose lines end with CR LF.
    pub fn ris(&self) -> String {
        let kind = self.journal.as_ref().map_or("GEN", |_| "JOUR");
        let pages = self.pages.as_deref().unwrap_or_default();
        let (first, last) = pages.split_once(['–', '-']).unwrap_or((pages, ""));
        let year = self.year.map(|year| year.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut lines = vec![("TY", kind.to_owned())];
        lines.extend(self.authors.iter().map(|author| ("AU", in_ris(author))));
        lines.extend([
            ("TI", self.title.clone()),
            ("JO", text(&self.journal)),
            ("PY", year),
            ("VL", text(&self.volume)),
            ("IS", text(&self.number)),
            ("SP", first.to_owned()),
            ("EP", last.to_owned()),
            ("DO", text(&self.doi)),
            ("UR", self.address().unwrap_or_default()),
        ]);
        let mut record = String::new();
        for (tag, value) in lines.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let line = in_one_line(value);
            write!(record, "{tag}  - {line}\r\n").expect("a text takes more text");
        }
        record + "ER  - \r\n"
    }

    /// What a manuscript calls the study, and a file can be called: `gloster2020treating`.
    pub fn key(&self) -> String {
        let family = self.authors.first().map(|author| author.family.as_str());
        let year = self.year.map(|year| year.to_string());
        let word = self
            .title
            .split_whitespace()
            .find(|word| word.chars().count() > 3);
        let parts = [family, year.as_deref(), word];
        let letters = parts.into_iter().flatten().flat_map(str::chars);
        let plain = letters
            .flat_map(crate::topic::fold)
            .filter(char::is_ascii_alphanumeric);
        let key: String = plain.take(60).collect();
        if key.is_empty() {
            "study".to_owned()
        } else {
            key
        }
    }

    fn address(&self) -> Option<String> {
        let url = self.doi.as_deref().map(doi::url);
        url.or_else(|| self.url.clone())
    }

    fn authors_in_apa(&self) -> String {
        let names: Vec<String> = self.authors.iter().map(in_ris).collect();
        match names.as_slice() {
            [] => String::new(),
            [one] if self.others => format!("{one}, et al."),
            [one] => one.clone(),
            [first @ .., last] if self.others || names.len() > MOST_IN_APA => {
                let first = &first[..first.len().min(MOST_IN_APA - 1)];
                format!("{}, . . . {last}", first.join(", "))
            }
            [first @ .., last] => format!("{}, & {last}", first.join(", ")),
        }
    }
}

/// `Gloster AT`.
fn in_vancouver(author: &Author) -> String {
    let initials: String = author.given.chars().filter(|c| c.is_uppercase()).collect();
    in_one_line(format!("{} {initials}", author.family).trim_end())
}

/// A group stands in braces, lest BibTeX take its last word for a family name.
fn in_bibtex(author: &Author) -> String {
    let family = for_bibtex(&author.family);
    match author.given.is_empty() {
        true => format!("{{{family}}}"),
        false => format!("{family}, {}", for_bibtex(&author.given)),
    }
}

fn in_ris(author: &Author) -> String {
    match author.given.is_empty() {
        true => author.family.clone(),
        false => format!("{}, {}", author.family, author.given),
    }
}

/// A title that ends with a question keeps its mark and gets no stop.
fn stopped(title: &str) -> String {
    match title.ends_with(['.', '?', '!']) {
        true => title.to_owned(),
        false => format!("{title}."),
    }
}

/// Text within a field: what TeX would act on is written out. (BibTeX counts braces even behind a backslash.)
fn for_bibtex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in in_one_line(text).chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' => out.extend(['\\', letter]),
            '{' => out.push_str("{\\textbraceleft}"),
            '}' => out.push_str("{\\textbraceright}"),
            '\\' => out.push_str("{\\textbackslash}"),
            '~' => out.push_str("{\\textasciitilde}"),
            '^' => out.push_str("{\\textasciicircum}"),
            _ => out.push(letter),
        }
    }
    out
}

/// A DOI or an address, which programs take as it is; only what would end the field is written otherwise.
fn verbatim(text: &str) -> String {
    let text = in_one_line(text).replace('\\', "%5C");
    text.replace('{', "%7B").replace('}', "%7D")
}

/// A line break within a value would begin another field.
fn in_one_line(text: &str) -> String {
    let spaced = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = spaced.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(citation: &str) -> Reference {
        Reference::read(citation, None).unwrap()
    }

    const PELUSO: &str = "Peluso, P. R., & Freund, R. R. (2018). Therapist & client expression: 50% more? Psychotherapy, 55(4), 461–472. https://doi.org/10.1002/(SICI)1099-0879(199703)4:1<1::AID-CPP99>3.0.CO;2-#";
    const GLOSTER: &str = "Gloster, A. T., Rinner, M. T., Ioannou, M., Villanueva, J., Block, V. J., Ferrari, G., ... & Karekla, M. (2020). Treating treatment non-responders: A meta-analysis of randomized controlled psychotherapy trials. Clinical Psychology Review, 75, 101810. https://doi.org/10.1016/j.cpr.2019.101810";

    #[test]
    fn a_study_reads_as_each_style_wants_it() {
        let study = study(GLOSTER);
        assert_eq!(
            study.apa(),
            "Gloster, A. T., Rinner, M. T., Ioannou, M., Villanueva, J., Block, V. J., Ferrari, G., . . . Karekla, M. (2020). Treating treatment non-responders: A meta-analysis of randomized controlled psychotherapy trials. Clinical Psychology Review, 75, 101810. https://doi.org/10.1016/j.cpr.2019.101810"
        );
        assert_eq!(
            study.vancouver(),
            "Gloster AT, Rinner MT, Ioannou M, Villanueva J, Block VJ, Ferrari G, et al. Treating treatment non-responders: A meta-analysis of randomized controlled psychotherapy trials. Clinical Psychology Review. 2020;75:101810. doi:10.1016/j.cpr.2019.101810"
        );
        assert_eq!(study.key(), "gloster2020treating");
    }

    #[test]
    fn bibtex_takes_nothing_for_a_command() {
        let entry = study(PELUSO).bibtex();
        for line in [
            "@article{peluso2018therapist,",
            "  author = {Peluso, P. R. and Freund, R. R.},",
            "  title = {{Therapist \\& client expression: 50\\% more?}},",
            "  pages = {461--472},",
            "  doi = {10.1002/(SICI)1099-0879(199703)4:1<1::AID-CPP99>3.0.CO;2-#},",
            "  url = {https://doi.org/10.1002/(SICI)1099-0879(199703)4:1%3C1::AID-CPP99%3E3.0.CO;2-%23},",
        ] {
            assert!(entry.lines().any(|found| found == line), "{line}\n{entry}");
        }
        let hostile = Reference {
            title: "a}\n,\\input{x} ~^_".to_owned(),
            authors: vec![Author {
                family: "The {Group} & Co".to_owned(),
                given: String::new(),
            }],
            doi: Some("10.1/}{\\".to_owned()),
            ..Reference::default()
        };
        let entry = hostile.bibtex();
        let count = |sought: char| entry.chars().filter(|c| *c == sought).count();
        assert_eq!(count('{'), count('}'), "{entry}");
        assert!(!entry.contains("\\input"), "{entry}");
    }

    #[test]
    fn a_record_of_ris_has_one_field_in_each_line() {
        let mut study = study(PELUSO);
        study.title = "One\r\nTY  - BOOK\u{b}two".to_owned();
        let record = study.ris();
        assert!(record.starts_with("TY  - JOUR\r\nAU  - Peluso, P. R.\r\n"));
        assert!(record.contains("TI  - One TY - BOOK two\r\n"), "{record}");
        assert!(record.contains("SP  - 461\r\nEP  - 472\r\n"), "{record}");
        assert!(record.ends_with("ER  - \r\n"));
        assert_eq!(record.matches("TY  - ").count(), 1);
    }

    #[test]
    fn authors_beyond_what_a_style_names_are_left_out() {
        let author = |number: usize| Author {
            family: format!("Author{number}"),
            given: "A.".to_owned(),
        };
        let many = Reference {
            authors: (1..=25).map(author).collect(),
            title: "Many".to_owned(),
            date: "2020".to_owned(),
            ..Reference::default()
        };
        assert!(
            many.apa()
                .contains("Author19, A., . . . Author25, A. (2020)")
        );
        assert!(many.vancouver().starts_with("Author1 A, "));
        assert!(many.vancouver().contains("Author6 A, et al. Many. 2020."));
    }

    proptest::proptest! {
        #[test]
        fn every_study_can_be_written_in_every_style(title in ".{0,40}", family in ".{1,20}", given in ".{0,9}") {
            let study = Reference {
                authors: vec![Author { family, given }],
                title,
                ..Reference::default()
            };
            let entry = study.bibtex();
            let depth = entry.chars().fold(0_i32, |depth, c| depth + i32::from(c == '{') - i32::from(c == '}'));
            proptest::prop_assert_eq!(depth, 0);
            proptest::prop_assert!(study.ris().split("\r\n").all(|line| line.is_empty() || line.get(2..6) == Some("  - ")));
            study.apa();
            study.vancouver();
        }
    }
}
