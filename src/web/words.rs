//! Every word of ours on a page, both languages side by side.
//!
//! In French a no-break space stands before a colon, a semicolon and a question mark, and within guillemets.

mod privacy;
mod sign_up;

use chrono::Datelike;

pub(super) use self::sign_up::CONSENT_TEXT;
use crate::issue::Month;
use crate::subscription::Language;

// What all pages share.
impl Language {
    pub(super) fn skip(self) -> &'static str {
        self.pick("Skip to the content", "Aller au contenu")
    }

    /// What screen readers call the links under the publication's name.
    pub(super) fn site_nav(self) -> &'static str {
        self.pick("Site", "Site")
    }

    pub(super) fn archive(self) -> &'static str {
        self.pick("Archive", "Archives")
    }

    pub(super) fn topics(self) -> &'static str {
        self.pick("Topics", "Thèmes")
    }

    pub(super) fn search(self) -> &'static str {
        self.pick("Search", "Rechercher")
    }

    pub(super) fn subscribe(self) -> &'static str {
        self.pick("Subscribe", "S’abonner")
    }

    /// What a language calls itself.
    pub(super) fn own_name(self) -> &'static str {
        self.pick("English", "Français")
    }

    pub(super) fn published_by(self) -> &'static str {
        self.pick("Published by", "Publié par")
    }

    pub(super) fn contact(self) -> &'static str {
        self.pick("Contact:", "Contact\u{A0}:")
    }

    pub(super) fn your_subscription(self) -> &'static str {
        self.pick("Your subscription", "Votre abonnement")
    }

    pub(super) fn privacy(self) -> &'static str {
        self.pick("Privacy", "Confidentialité")
    }

    /// The title of a reader's own feed.
    pub(super) fn your_topics(self, publication: &str) -> String {
        match self {
            Language::English => format!("{publication}: your topics"),
            Language::French => format!("{publication}\u{A0}: vos thèmes"),
        }
    }

    pub(super) fn no_watching(self) -> &'static str {
        self.pick(
            "No cookies, no tracking, nothing from other sites.",
            "Ni cookies, ni suivi, ni contenu d’autres sites.",
        )
    }

    /// What search engines show under a page that has no words of its own for them.
    pub(super) fn what_this_is(self, publication: &str) -> String {
        match self {
            Language::English => format!(
                "{publication}: a monthly digest of published research, on the topics that each reader chose."
            ),
            Language::French => format!(
                "{publication}\u{A0}: chaque mois, un bulletin de recherches publiées, sur les thèmes que chacun a choisis."
            ),
        }
    }

    /// `December 2020`, `décembre 2020`.
    pub(in crate::web) fn month(self, month: Month) -> String {
        let language = self.pick(emails::Language::English, emails::Language::French);
        language.month(emails::Month {
            year: month.year,
            month: month.month,
        })
    }

    /// `3 March 2026`, `1er mars 2026`, by the clocks of `at`.
    pub(in crate::web) fn date(self, at: &impl Datelike) -> String {
        let month = Month {
            year: at.year(),
            month: at.month(),
        };
        let day = match (self, at.day()) {
            (Language::French, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        format!("{day}\u{A0}{}", self.month(month))
    }

    /// `1 summary`, `0 résumé`: French counts nought as one.
    pub(super) fn summaries(self, number: i64) -> String {
        let one = self.pick(number == 1, number < 2);
        let noun = match one {
            true => self.pick("summary", "résumé"),
            false => self.pick("summaries", "résumés"),
        };
        format!("{}\u{A0}{noun}", self.number(number))
    }

    /// `1,234`, `1 234` with a narrow no-break space.
    pub(super) fn number(self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = String::from(if number < 0 { "−" } else { "" });
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push_str(self.pick(",", "\u{202F}"));
            }
            text.push(digit);
        }
        text
    }
}

// What a page says when it cannot do what was asked: a heading, and a sentence.
impl Language {
    pub(super) fn no_such_page(self) -> [&'static str; 2] {
        self.pick(
            [
                "Page not found",
                "There is no such page. The archive has every issue that was published.",
            ],
            [
                "Page introuvable",
                "Cette page n’existe pas. Vous trouverez tous les numéros parus dans les archives.",
            ],
        )
    }

    pub(super) fn bad_link(self) -> [&'static str; 2] {
        self.pick(
            [
                "This link does not work",
                "This link is not one of ours. It may have been cut in two on its way; copy it from the mail again.",
            ],
            [
                "Ce lien ne fonctionne pas",
                "Ce lien n’est pas l’un des nôtres. Il a peut-être été coupé en chemin\u{A0}: copiez-le de nouveau depuis le courriel.",
            ],
        )
    }

    pub(super) fn of_a_test(self) -> [&'static str; 2] {
        self.pick(
            [
                "This was a test",
                "The mail that you came from is a test: its links belong to nobody and change nothing. In a digest they lead to a reader’s own pages.",
            ],
            [
                "C’était un test",
                "Le courriel d’où vous venez est un test\u{A0}: ses liens n’appartiennent à personne et ne changent rien. Dans une vraie édition, ils mènent aux pages du lecteur.",
            ],
        )
    }

    pub(super) fn no_more(self) -> [&'static str; 2] {
        self.pick(
            [
                "No longer here",
                "What this link led to has ended. You can subscribe again at any time.",
            ],
            [
                "Ce lien a pris fin",
                "Ce à quoi ce lien menait n’existe plus. Vous pouvez vous réabonner à tout moment.",
            ],
        )
    }

    pub(super) fn bad_form(self) -> [&'static str; 2] {
        self.pick(
            [
                "The form could not be understood",
                "Nothing was changed. Go back and try again.",
            ],
            [
                "Le formulaire n’a pas pu être lu",
                "Rien n’a été modifié. Revenez en arrière et réessayez.",
            ],
        )
    }

    pub(super) fn not_so(self) -> [&'static str; 2] {
        self.pick(
            [
                "This page cannot do that",
                "Nothing was changed. Open the page again and use its own buttons.",
            ],
            [
                "Cette page ne le permet pas",
                "Rien n’a été modifié. Ouvrez de nouveau la page et servez-vous de ses boutons.",
            ],
        )
    }

    pub(super) fn too_large(self) -> [&'static str; 2] {
        self.pick(
            [
                "That is too much",
                "What was sent is larger than anything we take. Nothing was changed.",
            ],
            [
                "C’est trop volumineux",
                "L’envoi dépasse tout ce que nous acceptons. Rien n’a été modifié.",
            ],
        )
    }

    pub(super) fn database_fails(self) -> [&'static str; 2] {
        self.pick(
            [
                "Not just now",
                "Our database does not work just now, so nothing was changed. Try again in a few minutes.",
            ],
            [
                "Pas pour l’instant",
                "Notre base de données ne répond pas, et rien n’a été modifié. Réessayez dans quelques minutes.",
            ],
        )
    }

    pub(super) fn to_the_archive(self) -> &'static str {
        self.pick("To the archive", "Vers les archives")
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, French};

    #[test]
    fn numbers_are_written_as_each_language_writes_them() {
        assert_eq!(English.number(1234567), "1,234,567");
        assert_eq!(French.number(1234), "1\u{202F}234");
        assert_eq!(English.number(999), "999");
        assert_eq!(English.summaries(0), "0\u{A0}summaries");
        assert_eq!(English.summaries(1), "1\u{A0}summary");
        assert_eq!(French.summaries(0), "0\u{A0}résumé");
        assert_eq!(French.summaries(2), "2\u{A0}résumés");
    }
}
