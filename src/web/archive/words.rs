//! The words of the archive's pages, both languages side by side.

use crate::issue::Month;
use crate::subscription::Language;

// The front page.
impl Language {
    pub(super) fn welcome(self) -> &'static str {
        self.pick(
            "New research, told in a few minutes",
            "La recherche récente, en quelques minutes",
        )
    }

    pub(super) fn what_you_get(self, publication: &str) -> String {
        match self {
            Language::English => format!(
                "Each month, {publication} sums up a few published studies: what was asked, what was found, and what it \
                 means for practice. Choose your topics, and get one mail a month with what matches."
            ),
            Language::French => format!(
                "Chaque mois, {publication} résume quelques études publiées\u{A0}: la question posée, ce qui a été trouvé \
                 et ce que cela change pour la pratique. Choisissez vos thèmes et recevez un seul courriel par mois, avec \
                 ce qui vous concerne."
            ),
        }
    }

    pub(super) fn subscribe_free(self) -> &'static str {
        self.pick("Get it by mail", "Le recevoir par courriel")
    }

    pub(super) fn newest_issue(self) -> &'static str {
        self.pick("The newest issue", "Le dernier numéro")
    }

    pub(super) fn browse_topics(self) -> &'static str {
        self.pick("Browse by topic", "Parcourir par thème")
    }

    pub(super) fn all_topics(self) -> &'static str {
        self.pick("All topics", "Tous les thèmes")
    }

    pub(super) fn all_issues(self) -> &'static str {
        self.pick("All issues", "Tous les numéros")
    }

    pub(super) fn read_issue(self, month: Month) -> String {
        let month = self.month(month);
        match self {
            Language::English => format!("Read the issue of {month}"),
            Language::French => format!("Lire le numéro {}", of_month(&month)),
        }
    }
}

// Issues and summaries.
impl Language {
    pub(super) fn issues_about(self, publication: &str) -> String {
        match self {
            Language::English => {
                format!("Every issue of {publication}, by year and month, the newest first.")
            }
            Language::French => format!(
                "Tous les numéros de {publication}, par année et par mois, du plus récent au plus ancien."
            ),
        }
    }

    pub(super) fn issue_about(self, month: Month, summaries: i64) -> String {
        let (month, summaries) = (self.month(month), self.summaries(summaries));
        match self {
            Language::English => format!("The issue of {month}: {summaries} of published studies."),
            Language::French => format!(
                "Le numéro {}\u{A0}: {summaries} d’études publiées.",
                of_month(&month)
            ),
        }
    }

    pub(super) fn nothing_yet(self) -> &'static str {
        self.pick(
            "Nothing has been published yet.",
            "Rien n’a encore été publié.",
        )
    }

    pub(super) fn in_this_issue(self) -> &'static str {
        self.pick("In this issue", "Dans ce numéro")
    }

    pub(in crate::web) fn practice(self) -> &'static str {
        self.pick(
            "What this means for practice",
            "Ce que cela change pour la pratique",
        )
    }

    pub(super) fn earlier_issue(self) -> &'static str {
        self.pick("Earlier:", "Avant\u{A0}:")
    }

    pub(super) fn later_issue(self) -> &'static str {
        self.pick("Later:", "Après\u{A0}:")
    }

    pub(super) fn previous_summary(self) -> &'static str {
        self.pick("Previous summary", "Résumé précédent")
    }

    pub(super) fn next_summary(self) -> &'static str {
        self.pick("Next summary", "Résumé suivant")
    }

    /// What screen readers call the links to what stands before and after.
    pub(super) fn before_and_after(self) -> &'static str {
        self.pick("Before and after", "Avant et après")
    }

    /// What screen readers call the way from the archive to here.
    pub(super) fn you_are_here(self) -> &'static str {
        self.pick("You are here", "Vous êtes ici")
    }

    pub(super) fn cite_this(self) -> &'static str {
        self.pick("Cite this study", "Citer cette étude")
    }

    pub(super) fn cite_summary(self) -> &'static str {
        self.pick("Cite this summary", "Citer ce résumé")
    }

    pub(super) fn for_programs(self) -> &'static str {
        self.pick(
            "For reference managers:",
            "Pour un logiciel de références\u{A0}:",
        )
    }
}

// Topics.
impl Language {
    pub(super) fn topics_about(self) -> &'static str {
        self.pick(
            "Every topic, with the number of summaries on it. Open one to read them or to follow its feed.",
            "Tous les thèmes, avec le nombre de résumés de chacun. Ouvrez-en un pour les lire ou pour suivre son fil.",
        )
    }

    pub(super) fn nothing_on_this(self) -> &'static str {
        self.pick(
            "There is no summary on this topic yet.",
            "Il n’y a pas encore de résumé sur ce thème.",
        )
    }

    pub(super) fn new_by_mail(self) -> &'static str {
        self.pick(
            "Get new summaries on your topics by mail",
            "Recevoir les nouveaux résumés sur vos thèmes par courriel",
        )
    }

    pub(super) fn narrow_down(self) -> &'static str {
        self.pick("Search within this topic", "Rechercher dans ce thème")
    }

    pub(super) fn follow(self) -> &'static str {
        self.pick("Follow this topic:", "Suivre ce thème\u{A0}:")
    }
}

// The search.
impl Language {
    pub(super) fn search_about(self, publication: &str) -> String {
        match self {
            Language::English => format!(
                "Search every summary of {publication} by words, topic and type of research."
            ),
            Language::French => format!(
                "Recherchez dans tous les résumés de {publication}, par mots, thème et type de recherche."
            ),
        }
    }

    pub(super) fn search_heading(self) -> &'static str {
        self.pick("Search the archive", "Rechercher dans les archives")
    }

    pub(super) fn search_label(self) -> &'static str {
        self.pick("Words to look for", "Mots à chercher")
    }

    pub(super) fn search_hint(self) -> &'static str {
        self.pick(
            "All of the words must occur; case and accents do not matter.",
            "Tous les mots doivent s’y trouver\u{A0}; ni la casse ni les accents ne comptent.",
        )
    }

    pub(super) fn research_types(self) -> &'static str {
        self.pick("Type of research", "Type de recherche")
    }

    /// How many of a group of boxes are ticked.
    pub(super) fn chosen(self, number: usize) -> String {
        match self.pick(number == 1, number < 2) {
            true => format!("({number} {})", self.pick("chosen", "choisi")),
            false => format!("({number} {})", self.pick("chosen", "choisis")),
        }
    }

    pub(super) fn show_results(self) -> &'static str {
        self.pick("Show", "Afficher")
    }

    pub(super) fn clear(self) -> &'static str {
        self.pick("Start afresh", "Recommencer")
    }

    /// The heading over what was found.
    pub(super) fn found(self, number: i64, limited: bool) -> String {
        let summaries = self.summaries(number);
        match (self, limited, number) {
            (Language::English, true, _) => format!("{summaries} found"),
            (Language::French, true, 0 | 1) => format!("{summaries} trouvé"),
            (Language::French, true, _) => format!("{summaries} trouvés"),
            (Language::English, false, _) => format!("All {summaries}, the newest first"),
            (Language::French, false, _) => {
                format!("{summaries} en tout, du plus récent au plus ancien")
            }
        }
    }

    pub(super) fn nothing_found(self) -> &'static str {
        self.pick(
            "Try fewer or shorter words, or take away a topic or a type.",
            "Essayez avec moins de mots ou des mots plus courts, ou retirez un thème ou un type.",
        )
    }

    pub(super) fn page_of(self, page: i64, pages: i64) -> String {
        match self {
            Language::English => format!("Page {page} of {pages}"),
            Language::French => format!("Page {page} sur {pages}"),
        }
    }

    /// What screen readers call the links from page to page.
    pub(super) fn pages(self) -> &'static str {
        self.pick("Pages", "Pages")
    }

    pub(super) fn previous_page(self) -> &'static str {
        self.pick("Previous page", "Page précédente")
    }

    pub(super) fn next_page(self) -> &'static str {
        self.pick("Next page", "Page suivante")
    }
}

/// `de décembre 2020`, `d’avril 2021`.
fn of_month(month: &str) -> String {
    match month.starts_with(['a', 'o']) {
        true => format!("d’{month}"),
        false => format!("de {month}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, French};
    use super::*;

    #[test]
    fn numbers_and_months_agree_with_their_words() {
        assert_eq!(English.found(1, true), "1\u{A0}summary found");
        assert_eq!(French.found(1, true), "1\u{A0}résumé trouvé");
        assert_eq!(French.found(2, true), "2\u{A0}résumés trouvés");
        assert_eq!(French.chosen(2), "(2 choisis)");
        let month = |month| Month { year: 2021, month };
        assert_eq!(French.read_issue(month(4)), "Lire le numéro d’avril 2021");
        assert_eq!(French.read_issue(month(5)), "Lire le numéro de mai 2021");
        assert_eq!(
            French.read_issue(month(10)),
            "Lire le numéro d’octobre 2021"
        );
    }
}
