//! Every word of ours that a reader sees, both languages side by side.
//!
//! In French a no-break space stands before a colon and within guillemets.

use crate::{Date, Language, Month, Occasion, Period};

/// How many topics the reason names before it counts the others.
const NAMED_TOPICS: usize = 3;

impl Language {
    /// ISO code.
    pub(crate) fn code(self) -> &'static str {
        self.pick("en", "fr")
    }

    pub(crate) fn in_this_mail(self) -> &'static str {
        self.pick("Inside:", "Au sommaire\u{A0}:")
    }

    pub(crate) fn practice(self) -> &'static str {
        self.pick(
            "What this means for practice",
            "Ce que cela change pour la pratique",
        )
    }

    pub(crate) fn topics(self) -> &'static str {
        self.pick("Topics:", "Thèmes\u{A0}:")
    }

    pub(crate) fn more_like_this(self) -> &'static str {
        self.pick("More like this", "Plus de ce genre")
    }

    pub(crate) fn fewer_like_this(self) -> &'static str {
        self.pick("Fewer like this", "Moins de ce genre")
    }

    /// The heading over the summaries that are only named.
    pub(crate) fn also_heading(self, occasion: Occasion, period: Period) -> &'static str {
        match (occasion, period) {
            (Occasion::NothingMatched, Period::Month(_)) => {
                self.pick("The studies of this month", "Les études de ce mois-ci")
            }
            (Occasion::NothingMatched, Period::Quarter { .. }) => {
                self.pick("The studies of this quarter", "Les études de ce trimestre")
            }
            (_, Period::Month(_)) => self.pick("Also this month", "Aussi ce mois-ci"),
            (_, Period::Quarter { .. }) => self.pick("Also this quarter", "Aussi ce trimestre"),
        }
    }

    /// What a reader is told whose topics have nothing in this period.
    pub(crate) fn nothing_matched(self, period: Period) -> &'static str {
        match period {
            Period::Month(_) => self.pick(
                "None of this month’s studies is on your topics.",
                "Aucune des études de ce mois-ci ne porte sur vos thèmes.",
            ),
            Period::Quarter { .. } => self.pick(
                "None of this quarter’s studies is on your topics.",
                "Aucune des études de ce trimestre ne porte sur vos thèmes.",
            ),
        }
    }

    /// What follows [`Self::nothing_matched`] when a list of `studies` is all that is shown.
    pub(crate) fn only_named(self, studies: usize) -> &'static str {
        match (studies, self.is_one(studies)) {
            (0, _) => self.pick(
                "The next digest may bring some.",
                "Peut-être la prochaine fois.",
            ),
            (_, true) => self.pick(
                "In case it is of use, here is the one we summarised.",
                "Si elle peut vous être utile, voici celle que nous avons résumée.",
            ),
            (_, false) => self.pick(
                "In case one is of use, here is what we summarised.",
                "Si l’une d’elles peut vous être utile, voici celles que nous avons résumées.",
            ),
        }
    }

    /// What follows [`Self::nothing_matched`] when the editor's pick is shown.
    pub(crate) fn editors_pick(self) -> &'static str {
        self.pick(
            "Here is the editor’s pick instead.",
            "Voici plutôt le choix de la rédaction.",
        )
    }

    /// The subject when the title of the first summary leads: `others` is how many more there are.
    pub(crate) fn and_others(self, others: usize) -> String {
        match (others, self.is_one(others)) {
            (0, _) => String::new(),
            (_, true) => self.pick(" + 1 more", " + 1 autre").to_owned(),
            (_, false) => format!(" + {others} {}", self.pick("more", "autres")),
        }
    }

    /// The subject's opening when the editor's pick is shown.
    pub(crate) fn our_pick(self) -> &'static str {
        self.pick("Our pick: ", "Notre choix\u{A0}: ")
    }

    /// The subject when nothing matched and `studies` are named.
    pub(crate) fn no_match(self, studies: usize) -> String {
        let nothing = self.pick("Nothing on your topics", "Rien sur vos thèmes");
        match (studies, self.is_one(studies)) {
            (0, _) => nothing.to_owned(),
            (_, true) => format!("{nothing}, {}", self.pick("1 other study", "1 autre étude")),
            (_, false) => {
                let others = self.pick("other studies", "autres études");
                format!("{nothing}, {studies} {others}")
            }
        }
    }

    pub(crate) fn read_on_the_web(self) -> &'static str {
        self.pick("Read this digest on the web", "Lire ce bulletin sur le web")
    }

    pub(crate) fn archive(self) -> &'static str {
        self.pick("Browse past issues", "Parcourir les anciens numéros")
    }

    pub(crate) fn preferences(self) -> &'static str {
        self.pick("Change what you get", "Changer ce que vous recevez")
    }

    pub(crate) fn unsubscribe(self) -> &'static str {
        self.pick(
            "Unsubscribe from these mails",
            "Se désabonner de ces courriels",
        )
    }

    /// What the product promises about watching its readers.
    pub(crate) fn no_watching(self) -> &'static str {
        self.pick(
            "We do not track whether you open this mail or which links you follow.",
            "Nous ne suivons ni l’ouverture de ce courriel ni les liens que vous utilisez.",
        )
    }

    pub(crate) fn sent_by(self) -> &'static str {
        self.pick("Sent by", "Envoyé par")
    }

    pub(crate) fn contact(self) -> &'static str {
        self.pick("Contact:", "Contact\u{A0}:")
    }

    /// Why a reader gets the digest: when they signed up, and for what.
    pub(crate) fn why(self, since: Option<Date>, topics: &[String], types: &[String]) -> String {
        let signed_up = match since {
            Some(date) => {
                let on = self.pick(
                    "You get this because you signed up on",
                    "Vous recevez ce courriel à la suite de votre inscription du",
                );
                format!("{on} {}", self.date(date))
            }
            None => self
                .pick(
                    "You get this because you signed up",
                    "Vous recevez ce courriel à la suite de votre inscription",
                )
                .to_owned(),
        };
        let asked = match topics {
            [] => self
                .pick("and asked for every topic", "pour tous les thèmes")
                .to_owned(),
            topics => {
                let asked = self.pick("and asked for studies on", "pour des études sur");
                format!("{asked} {}", self.some_topics(topics))
            }
        };
        let only = match types {
            [] => String::new(),
            types => {
                let only = self.pick("research type:", "type de recherche\u{A0}:");
                format!(" ({only} {})", self.list(types, self.pick("or", "ou")))
            }
        };
        format!("{signed_up} {asked}{only}.")
    }

    /// How the address came to us, in the words of whoever brought it.
    pub(crate) fn came_by(self, source: &str) -> String {
        let by = self.pick(
            "Your address came to us by:",
            "Votre adresse nous est parvenue par\u{A0}:",
        );
        format!("{by} {source}.")
    }

    /// `December 2020`; `October to December 2020`; `December 2020 to February 2021`.
    pub(crate) fn period(self, period: Period) -> String {
        match period {
            Period::Month(month) => self.month(month),
            Period::Quarter { first, last } if first == last => self.month(first),
            Period::Quarter { first, last } => {
                let start = match first.year == last.year {
                    true => self.month_name(first.month).to_owned(),
                    false => self.month(first),
                };
                format!("{start} {} {}", self.pick("to", "à"), self.month(last))
            }
        }
    }

    pub(crate) fn date(self, date: Date) -> String {
        let month = self.month(Month {
            year: date.year,
            month: date.month,
        });
        match (self, date.day) {
            (Self::French, 1) => format!("1er {month}"),
            (_, day) => format!("{day} {month}"),
        }
    }

    /// A month as a heading has it: 'December 2020', 'décembre 2020'.
    pub fn month(self, month: Month) -> String {
        let named = format!("{} {}", self.month_name(month.month), month.year);
        named.trim_start().to_owned()
    }

    /// Nothing for a month that no calendar has.
    fn month_name(self, month: u32) -> &'static str {
        let names = self.pick(&ENGLISH_MONTHS, &FRENCH_MONTHS);
        let index = usize::try_from(month).unwrap_or(0);
        names.get(index.wrapping_sub(1)).copied().unwrap_or("")
    }

    /// The first topics by name and the rest by number. The names are quoted, since some have
    /// commas and an 'and' of their own.
    fn some_topics(self, topics: &[String]) -> String {
        let quoted = |topic: &String| match self {
            Self::English => format!("“{topic}”"),
            Self::French => format!("«\u{A0}{topic}\u{A0}»"),
        };
        let all_named = topics.len() <= NAMED_TOPICS + 1;
        let named = if all_named {
            topics.len()
        } else {
            NAMED_TOPICS
        };
        let mut list: Vec<String> = topics.iter().take(named).map(quoted).collect();
        if !all_named {
            let others = self.pick("other topics", "autres thèmes");
            list.push(format!("{} {others}", topics.len() - named));
        }
        self.list(&list, self.pick("and", "et"))
    }

    fn list(self, items: &[String], last: &str) -> String {
        match items {
            [] => String::new(),
            [one] => one.clone(),
            [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
        }
    }

    /// Whether a number of things is spoken of as one thing; French says so of nought too.
    pub(crate) fn is_one(self, number: usize) -> bool {
        match self {
            Self::English => number == 1,
            Self::French => number < 2,
        }
    }

    /// Whichever is in this language.
    pub(crate) fn pick<T>(self, english: T, french: T) -> T {
        match self {
            Self::English => english,
            Self::French => french,
        }
    }
}

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const FRENCH_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

#[cfg(test)]
mod tests {
    use super::Language::{English, French};
    use super::*;

    const MARCH: Date = Date {
        year: 2021,
        month: 3,
        day: 1,
    };

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_reason_says_since_when_and_for_what() {
        let why = |topics: &[&str]| English.why(Some(MARCH), &names(topics), &[]);
        let start = "You get this because you signed up on 1 March 2021 and asked for";
        assert_eq!(why(&[]), format!("{start} every topic."));
        assert_eq!(why(&["A"]), format!("{start} studies on “A”."));
        assert_eq!(
            why(&["A", "B", "C", "D"]),
            format!("{start} studies on “A”, “B”, “C” and “D”.")
        );
        assert_eq!(
            why(&["A", "B", "C", "D", "E"]),
            format!("{start} studies on “A”, “B”, “C” and 2 other topics.")
        );
        assert_eq!(
            English.why(None, &[], &names(&["Survey", "Review"])),
            "You get this because you signed up and asked for every topic \
             (research type: Survey or Review)."
        );
        assert_eq!(
            French.why(
                Some(MARCH),
                &names(&["A", "B", "C", "D", "E"]),
                &names(&["F"])
            ),
            "Vous recevez ce courriel à la suite de votre inscription du 1er mars 2021 pour des \
             études sur «\u{A0}A\u{A0}», «\u{A0}B\u{A0}», «\u{A0}C\u{A0}» et 2 autres thèmes \
             (type de recherche\u{A0}: F)."
        );
    }

    #[test]
    fn periods_are_written_as_people_write_them() {
        let month = |year, month| Month { year, month };
        let quarter = |first, last| Period::Quarter { first, last };
        let december = Period::Month(month(2020, 12));
        assert_eq!(English.period(december), "December 2020");
        assert_eq!(French.period(december), "décembre 2020");
        let same = quarter(month(2020, 10), month(2020, 12));
        assert_eq!(English.period(same), "October to December 2020");
        let across = quarter(month(2020, 12), month(2021, 2));
        assert_eq!(French.period(across), "décembre 2020 à février 2021");
        assert_eq!(English.period(Period::Month(month(2020, 13))), "2020");
        assert_eq!(English.period(Period::Month(month(2020, 0))), "2020");
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(English.and_others(1), " + 1 more");
        assert_eq!(French.and_others(1), " + 1 autre");
        assert_eq!(French.and_others(2), " + 2 autres");
        assert_eq!(
            English.no_match(2),
            "Nothing on your topics, 2 other studies"
        );
        assert_eq!(French.no_match(1), "Rien sur vos thèmes, 1 autre étude");
        assert_eq!(French.no_match(0), "Rien sur vos thèmes");
    }
}
