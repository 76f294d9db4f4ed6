use super::*;

const CHAPTER: &str = "Barkham, M., & Lambert, M. J. (2021). The efficacy of therapies. In M. Barkham (Ed.), Handbook of change (7th ed., pp. 135–189). Wiley.";

fn journal(citation: &str) -> Option<String> {
    read(citation).journal
}

#[test]
fn a_citation_gives_its_parts() {
    let read = read(
        "Weisel, K.K., Fuhrmann, L.M., & Ebert, D.D. (2019). Stand alone smartphone apps for mental health: A systematic review and meta-analysis. NPJ Digital Medicine, 2, 118. https://doi.org/10.1038/s41746-019-0188-8",
    );
    assert_eq!(
        read.authors.as_deref(),
        Some("Weisel, K.K., Fuhrmann, L.M., & Ebert, D.D.")
    );
    assert_eq!(read.year, Some(2019));
    assert_eq!(read.date.as_deref(), Some("2019"));
    assert_eq!(
        read.title.as_deref(),
        Some(
            "Stand alone smartphone apps for mental health: A systematic review and meta-analysis"
        )
    );
    assert_eq!(read.journal.as_deref(), Some("NPJ Digital Medicine"));
    assert_eq!(read.doi.as_deref(), Some("10.1038/s41746-019-0188-8"));
    assert!(!read.doi_was_damaged);
}

#[test]
fn the_year_is_read_however_it_is_written() {
    let year = |bracket: &str| read(&format!("Lin, T. ({bracket}). A title. Psychotherapy.")).year;
    assert_eq!(year("2019, December 5"), Some(2019));
    assert_eq!(year("2022, September"), Some(2022));
    assert_eq!(year("2020a"), Some(2020));
    assert_eq!(year("December 5, 2019"), Some(2019));
    assert_eq!(year("5 December 2019"), Some(2019));
    assert_eq!(year("in press"), None);
    assert_eq!(
        read("Lin, T. (in press). A title. Psychotherapy.")
            .date
            .as_deref(),
        Some("in press")
    );
}

#[test]
fn the_journal_is_told_from_the_title() {
    for (after, expected) in [
        (
            "A study: Part one. Personality Disorders: Theory, Research, and Treatment. Advance online publication. https://doi.org/10.1037/per0000382",
            "Personality Disorders: Theory, Research, and Treatment",
        ),
        (
            "Does it work? A meta-analysis. Psychotherapy, 55(4), 461–472.",
            "Psychotherapy",
        ),
        (
            "Does it work? Psychotherapy, 55(4), 461–472. doi: 10.1037/x",
            "Psychotherapy",
        ),
        (
            "CBT vs. medication in adults. Clinical Psychology Review, 75, https://doi.org/10.1016/j.cpr.2019.101810.",
            "Clinical Psychology Review",
        ),
        (
            "Zoom-in during the COVID-19 pandemic. Psychotherapy, 58, 449–459.",
            "Psychotherapy",
        ),
        (
            "A trial. J. Consult. Clin. Psychol., 88(9), 829–843.",
            "J. Consult. Clin. Psychol",
        ),
        ("A trial. The Lancet, 366(Suppl. 1), S12–S20.", "The Lancet"),
        (
            "A trial. JAMA Psychiatry. 12(3), Article e101",
            "JAMA Psychiatry",
        ),
        (
            "A trial. Psychotherapy (Chicago, Ill.), 12(3), 4-9",
            "Psychotherapy (Chicago, Ill.)",
        ),
    ] {
        let citation = format!("Lin, T., & Stone, S. J. (2021). {after}");
        assert_eq!(journal(&citation).as_deref(), Some(expected), "{citation}");
    }
    assert_eq!(journal("Lin, T. (2021). A title alone."), None);
    assert_eq!(journal(CHAPTER), None);
    assert_eq!(
        read(CHAPTER).title.as_deref(),
        Some("The efficacy of therapies")
    );
}

#[test]
fn a_damaged_doi_is_mended_and_told() {
    let read = read("Lin, T. (2021). A title. JAMA, 3, 1–9. https://doi.org/10:1001/jama.2021.1");
    assert_eq!(read.doi.as_deref(), Some("10.1001/jama.2021.1"));
    assert!(read.doi_was_damaged);
    assert_eq!(read.journal.as_deref(), Some("JAMA"));
    let lost = super::read("Lin, T. (2021). A title. JAMA, 3, 1–9. https://doi.org/jama");
    assert_eq!((lost.doi, lost.doi_was_damaged), (None, true));
}

#[test]
fn citations_are_told_from_paragraphs() {
    for line in [
        "Gloster, A. T., Rinner, M. T., Ferrari, G., ... & Karekla, M. (2020). Treating.",
        "Flückiger, C., Del Re, A. C., Atzil-Slonim, D., . . . Barber, J. P. (2020). The.",
        "Delgadillo, J., Deisenhofer, A.-K., & Kleinstäuber, M. (2022). Progress.",
        "van Bronswijk, S. C., & de Jong, K. (in press). Something.",
        "O’Connor, P. (2020a) Something. Psychotherapy, 5, 1-9.",
        "American Psychological Association. (2021). Guidelines.",
        "World Health Organization (2019). A guide. https://doi.org/10.1000/182",
        "Barkham, M., Lutz, W., & Castonguay, L. G. (Eds.). (2021). Handbook. Wiley.",
        "Gloster, A. T. et al. (2020). Treating. Psychotherapy, 3.",
        "Citation: Lin, T. (2021). A title. Psychotherapy, 58.",
        "Smith, J., Jones, K. A title without a year. Psychotherapy, 12.",
        "Lin, T., Stone, S. J., Heckman. A title. doi:10.1037/pst0000123",
    ] {
        assert!(is_citation(line), "{line}");
    }
    assert!(is_citation(CHAPTER));
    for line in [
        "In 2016 2.8% of the population (2016) said so.",
        "Gloster and colleagues (2020) found that it worked.",
        "Gloster (2020). That is all.",
        "Peluso, Freund, and Smith (2018) looked at 12 studies.",
        "Depression (2020) is common, and so is anxiety.",
        "Therapist and Client Emotional Expression: A Meta-Analysis",
        "In his classic book (1961), Jerome Frank suggested much.",
        "Research, practice, and policy (2020). They differ.",
    ] {
        assert!(!is_citation(line), "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_harm(text in "(10[.:]|[0-9]{4}|/|\\(2020\\)|doi|.|[ .,()&A-Z]){0,60}") {
        let read = read(&text);
        is_citation(&text);
        proptest::prop_assert!(read.doi.is_none_or(|doi| doi.starts_with("10.") && doi.contains('/')));
    }
}
