//! Words of the privacy page, both languages side by side. They say what the service does: who changes that changes them.

use crate::config::Retention;
use crate::letter::{CONFIRM_DAYS, FRESH_HOURS};
use crate::subscription::Language;

impl Language {
    pub(in crate::web) fn privacy_lead(self) -> &'static str {
        self.pick(
            "We keep what it takes to send you what you asked for, and nothing about what you read.",
            "Nous conservons ce qu’il faut pour vous envoyer ce que vous avez demandé, et rien sur ce que vous lisez.",
        )
    }

    pub(in crate::web) fn privacy_who(self) -> &'static str {
        self.pick("Who is responsible", "Qui est responsable")
    }

    pub(in crate::web) fn privacy_officer(self) -> &'static str {
        self.pick(
            "Who answers for personal information",
            "Personne responsable des renseignements personnels",
        )
    }

    pub(in crate::web) fn privacy_processors(self) -> &'static str {
        self.pick(
            "Who helps us send mail",
            "Qui nous aide à envoyer le courrier",
        )
    }

    pub(in crate::web) fn privacy_complaints(self) -> &'static str {
        self.pick("Where you can complain", "Où porter plainte")
    }

    pub(in crate::web) fn privacy_manage(self) -> &'static str {
        self.pick(
            "See, take out or erase what we hold",
            "Voir, emporter ou effacer ce que nous avons",
        )
    }

    /// What is kept, why, how long, and a reader's rights.
    pub(in crate::web) fn privacy_facts(
        self,
        kept: &Retention,
    ) -> [(&'static str, Vec<String>); 4] {
        let (left, history) = (kept.left.num_days(), kept.history.num_days());
        let unreachable = kept.unreachable.num_days();
        let consents = self.long(kept.consents.num_days());
        match self {
            Language::English => [
                (
                    "What we keep, and what for",
                    vec![
                        "Your address, and your name if you gave it: to send the mails you asked for.".to_owned(),
                        "Your topics, types of research, language and the like: to choose what is in them. Which topics \
                         somebody follows can be a delicate matter; it stands in no link, no log and no mail header."
                            .to_owned(),
                        "That you consented, to which words, when and on which page: because the law asks us to prove it."
                            .to_owned(),
                        "Which issues went to you and what your mail server answered: so that nothing comes twice, and \
                         you can be told why something did not come."
                            .to_owned(),
                    ],
                ),
                (
                    "What we do not do",
                    vec![
                        "No cookies for readers, no counting of opened mails, no tracked links, nothing from other sites."
                            .to_owned(),
                        "We sell and lend no address.".to_owned(),
                    ],
                ),
                (
                    "How long",
                    vec![
                        format!("A sign-up that nobody confirms: {CONFIRM_DAYS} days."),
                        "Letters such as a confirmation: 7 days after they came to their end.".to_owned(),
                        format!("Which issues went to you: {history} days."),
                        format!(
                            "Your address and what you chose: until you have it erased, {left} days after you left, or \
                             {unreachable} days after we stopped because your mailbox takes no mail. Then a keyed \
                             hash of the address stays, so that no list brings it back."
                        ),
                        format!(
                            "The proof that you consented, which names nobody: {consents} more, for as long as the \
                             law may ask for it."
                        ),
                    ],
                ),
                (
                    "What you can do, at any time and for nothing",
                    vec![
                        "Leave: with the link in every mail, at once, also for what is on its way out.".to_owned(),
                        format!(
                            "See and take out everything we hold, change it, or have it erased: a link for that comes by \
                             mail and works for {FRESH_HOURS} hours. It happens at once."
                        ),
                        "Withdraw your consent, object, or ask us anything: write to the contact above.".to_owned(),
                    ],
                ),
            ],
            Language::French => [
                (
                    "Ce que nous conservons, et pourquoi",
                    vec![
                        "Votre adresse, et votre nom si vous l’avez donné\u{A0}: pour envoyer les courriels demandés.".to_owned(),
                        "Vos thèmes, types de recherche, langue et autres choix\u{A0}: pour composer ces courriels. Les \
                         thèmes qu’une personne suit peuvent être délicats\u{A0}; ils ne figurent dans aucun lien, aucun \
                         journal ni aucun en-tête."
                            .to_owned(),
                        "Votre consentement, le texte auquel il se rapporte, sa date et sa page\u{A0}: parce que la loi \
                         nous demande de le prouver."
                            .to_owned(),
                        "Les numéros qui vous ont été envoyés et la réponse de votre serveur de courrier\u{A0}: pour que \
                         rien ne vienne deux fois, et pour pouvoir dire pourquoi un envoi n’est pas arrivé."
                            .to_owned(),
                    ],
                ),
                (
                    "Ce que nous ne faisons pas",
                    vec![
                        "Pas de cookies pour les lecteurs, pas de comptage des courriels ouverts, pas de liens suivis, \
                         rien qui vienne d’autres sites."
                            .to_owned(),
                        "Nous ne vendons ni ne prêtons aucune adresse.".to_owned(),
                    ],
                ),
                (
                    "Combien de temps",
                    vec![
                        format!("Une inscription que personne ne confirme\u{A0}: {CONFIRM_DAYS} jours."),
                        "Les lettres, comme une demande de confirmation\u{A0}: 7 jours après leur aboutissement.".to_owned(),
                        format!("Les numéros qui vous ont été envoyés\u{A0}: {history}\u{A0}jours."),
                        format!(
                            "Votre adresse et vos choix\u{A0}: jusqu’à ce que vous les fassiez effacer, \
                             {left}\u{A0}jours après votre départ, ou {unreachable}\u{A0}jours après l’arrêt des envois \
                             si votre boîte ne reçoit plus de courrier. Il reste alors une empreinte chiffrée de l’adresse, \
                             pour qu’aucune liste ne la ramène."
                        ),
                        format!(
                            "La preuve de votre consentement, qui ne nomme personne\u{A0}: {consents} de plus, \
                             tant que la loi peut la demander."
                        ),
                    ],
                ),
                (
                    "Ce que vous pouvez faire, à tout moment et sans frais",
                    vec![
                        "Partir\u{A0}: par le lien de chaque courriel, aussitôt, même pour ce qui allait partir.".to_owned(),
                        format!(
                            "Voir et emporter tout ce que nous avons, le modifier ou le faire effacer\u{A0}: un lien vient \
                             pour cela par courriel et fonctionne {FRESH_HOURS} heures. L’effet est immédiat."
                        ),
                        "Retirer votre consentement, vous opposer, ou nous poser une question\u{A0}: écrivez au contact \
                         ci-dessus."
                            .to_owned(),
                    ],
                ),
            ],
        }
    }

    /// A time in days, or in years where it comes to these.
    fn long(self, days: i64) -> String {
        let (years, rest) = (days / 365, days % 365);
        let is_years = years > 0 && rest <= years / 4 + i64::from(years % 4 != 0);
        match (self, is_years, if is_years { years } else { days }) {
            (Language::English, true, 1) => "1\u{A0}year".to_owned(),
            (Language::English, true, years) => format!("{years}\u{A0}years"),
            (Language::English, false, days) => format!("{days}\u{A0}days"),
            (Language::French, true, 1) => "1\u{A0}an".to_owned(),
            (Language::French, true, years) => format!("{years}\u{A0}ans"),
            (Language::French, false, days) => format!("{days}\u{A0}jours"),
        }
    }
}
