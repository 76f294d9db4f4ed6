//! Choosing: the form, what was kept of it, and what it brings.

use super::Words;
use crate::config::OnNothing;
use crate::issue::Month;
use crate::subscription::Language;

// Choosing.
impl Words {
    pub(in crate::web::reader) fn what_you_get(self) -> &'static str {
        self.pick("What you get", "Ce que vous recevez")
    }

    /// Before an address of which little is shown.
    pub(in crate::web::reader) fn digests_for(self) -> &'static str {
        self.pick("The digest that goes to", "Le bulletin envoyé à")
    }

    pub(in crate::web::reader) fn topics(self) -> &'static str {
        self.pick("Topics", "Thèmes")
    }

    /// `12 of 36 chosen`; none is all.
    pub(in crate::web::reader) fn chosen(self, chosen: usize, of: usize) -> String {
        match (self.0, chosen) {
            (Language::English, 0) => format!("None ticked: you get all {of}."),
            (Language::French, 0) => {
                format!("Aucun n’est coché\u{A0}: vous les recevez tous, soit {of}.")
            }
            (Language::English, _) => {
                format!("{chosen} of {of} ticked. With none ticked you get all.")
            }
            (Language::French, 1) => {
                format!("1 coché sur {of}. Si aucun n’est coché, vous les recevez tous.")
            }
            (Language::French, _) => {
                format!("{chosen} cochés sur {of}. Si aucun n’est coché, vous les recevez tous.")
            }
        }
    }

    pub(in crate::web::reader) fn types(self) -> &'static str {
        self.pick("Types of research", "Types de recherche")
    }

    pub(in crate::web::reader) fn on_nothing(self) -> &'static str {
        self.pick(
            "When nothing is on your topics",
            "Quand rien ne concerne vos thèmes",
        )
    }

    pub(in crate::web::reader) fn then(self, what: Option<OnNothing>) -> &'static str {
        match what {
            None => self.pick("As the editor thinks best", "Au choix de la rédaction"),
            Some(OnNothing::Skip) => self.pick("Send nothing", "Ne rien envoyer"),
            Some(OnNothing::Note) => self.pick(
                "Send a short note with the titles",
                "Envoyer un mot avec les titres",
            ),
            Some(OnNothing::Pick) => {
                self.pick("Send the editor’s pick", "Envoyer le choix de la rédaction")
            }
        }
    }

    pub(in crate::web::reader) fn about_you(self) -> &'static str {
        self.pick("About you", "À propos de vous")
    }

    pub(in crate::web::reader) fn name(self) -> &'static str {
        self.pick("Name (optional)", "Nom (facultatif)")
    }

    pub(in crate::web::reader) fn time_zone(self) -> &'static str {
        self.pick("Time zone (optional)", "Fuseau horaire (facultatif)")
    }

    pub(in crate::web::reader) fn time_zone_hint(self) -> &'static str {
        self.pick(
            "Such as America/Toronto. Left empty, it is the publication’s own.",
            "Par exemple America/Toronto. Si le champ reste vide, c’est celui de la publication.",
        )
    }

    pub(in crate::web::reader) fn keep(self) -> &'static str {
        self.pick("Keep these choices", "Enregistrer ces choix")
    }

    pub(in crate::web::reader) fn show_first(self) -> &'static str {
        self.pick("Show what they bring", "Voir ce qu’ils donnent")
    }

    pub(in crate::web::reader) fn not_a_zone(self) -> &'static str {
        self.pick(
            "There is no such time zone. Pick one from the list, or leave the field empty.",
            "Ce fuseau horaire n’existe pas. Choisissez-en un dans la liste ou laissez le champ vide.",
        )
    }

    pub(in crate::web::reader) fn nothing_kept_yet(self) -> &'static str {
        self.pick(
            "Nothing was changed yet: one thing needs mending.",
            "Rien n’a encore été modifié\u{A0}: un point est à corriger.",
        )
    }
}

// What was kept.
impl Words {
    pub(in crate::web::reader) fn kept(self, gets_mail: bool) -> &'static str {
        match gets_mail {
            true => self.pick(
                "Kept. Your next digest follows it.",
                "C’est enregistré. Votre prochain bulletin en tiendra compte.",
            ),
            false => self.pick(
                "Kept, for the day you come back.",
                "C’est enregistré, pour le jour où vous reviendrez.",
            ),
        }
    }

    pub(in crate::web::reader) fn nothing_was_different(self) -> &'static str {
        self.pick("Everything stays as it was.", "Tout reste comme c’était.")
    }

    /// Behind `Topics` or `Types of research`, which are masculine in French, as are the next two.
    pub(in crate::web::reader) fn added(self) -> &'static str {
        self.pick("added", "ajoutés")
    }

    pub(in crate::web::reader) fn taken_out(self) -> &'static str {
        self.pick("taken out", "retirés")
    }

    pub(in crate::web::reader) fn only(self) -> &'static str {
        self.pick("from now on", "désormais choisis")
    }

    pub(in crate::web::reader) fn all_of_them(self) -> &'static str {
        self.pick("all of them", "tous")
    }

    /// A setting and what it is now: `How often: Every month`.
    pub(in crate::web::reader) fn changed(self, what: &str, to: &str) -> String {
        match self.0 {
            Language::English => format!("{what}: {to}"),
            Language::French => format!("{what}\u{A0}: {to}"),
        }
    }

    pub(in crate::web::reader) fn none(self) -> &'static str {
        self.pick("none", "aucun")
    }

    pub(in crate::web::reader) fn name_is(self) -> &'static str {
        self.pick("Name", "Nom")
    }

    pub(in crate::web::reader) fn zone_is(self) -> &'static str {
        self.pick("Time zone", "Fuseau horaire")
    }

    pub(in crate::web::reader) fn to_begin_with(self) -> &'static str {
        self.pick("To begin with", "Pour commencer")
    }

    pub(in crate::web::reader) fn newest_on(self) -> &'static str {
        self.pick(
            "The newest on the topics that you added:",
            "Le plus récent sur les thèmes que vous avez ajoutés\u{A0}:",
        )
    }

    pub(in crate::web::reader) fn mail_them_to_me(self) -> &'static str {
        self.pick("Mail them to me", "Me les envoyer par courriel")
    }

    pub(in crate::web::reader) fn they_come_by_mail(self) -> &'static str {
        self.pick("They are on their way to", "Ils sont en route vers")
    }

    pub(in crate::web::reader) fn one_such_mail_a_day(self) -> &'static str {
        self.pick(
            "We send one such mail a day. If you asked for one earlier today, it is that one.",
            "Nous n’envoyons qu’un tel courriel par jour. Si vous en avez déjà demandé un aujourd’hui, c’est celui-là.",
        )
    }

    pub(in crate::web::reader) fn nothing_on_it_yet(self) -> &'static str {
        self.pick("Nothing on it yet.", "Rien encore sur ce thème.")
    }
}

// What choices bring.
impl Words {
    pub(in crate::web::reader) fn these_would_bring(self, month: Month) -> String {
        let month = self.0.month(month);
        match self.0 {
            Language::English => format!("From the issue of {month} these choices bring"),
            Language::French => format!("Du numéro de {month}, ces choix vous donnent"),
        }
    }

    pub(in crate::web::reader) fn not_kept_yet(self) -> &'static str {
        self.pick(
            "The choices as they stand in the form; they are not kept yet.",
            "D’après les choix du formulaire, qui ne sont pas encore enregistrés.",
        )
    }

    pub(in crate::web::reader) fn nothing_matches(self, then: Option<OnNothing>) -> &'static str {
        match then {
            None => self.pick(
                "Nothing in it is on these choices. What you get then, the editor decides.",
                "Rien n’y correspond à ces choix. La rédaction décide de ce que vous recevez alors.",
            ),
            Some(OnNothing::Skip) => self.pick(
                "Nothing in it is on these choices, so you would get no mail.",
                "Rien n’y correspond à ces choix\u{A0}: vous ne recevriez pas de courriel.",
            ),
            Some(OnNothing::Note) => self.pick(
                "Nothing in it is on these choices, so you would get a short note with the titles.",
                "Rien n’y correspond à ces choix\u{A0}: vous recevriez un mot avec les titres.",
            ),
            Some(OnNothing::Pick) => self.pick(
                "Nothing in it is on these choices, so you would get the editor’s pick:",
                "Rien n’y correspond à ces choix\u{A0}: vous recevriez le choix de la rédaction\u{A0}:",
            ),
        }
    }
}
