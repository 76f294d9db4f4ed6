//! Leaving, and coming back.

use super::Words;
use crate::feedback::UNDO_DAYS;
use crate::feedback::Why;
use crate::subscription::Language;

impl Words {
    pub(in crate::web::reader) fn leave(self) -> &'static str {
        self.pick("Unsubscribe", "Se désabonner")
    }

    pub(in crate::web::reader) fn leave_this(self, publication: &str) -> String {
        match self.0 {
            Language::English => format!("One press, and no more digests of {publication} come."),
            Language::French => {
                format!("Un clic, et vous ne recevrez plus le bulletin de {publication}.")
            }
        }
    }

    pub(in crate::web::reader) fn also_possible(self) -> &'static str {
        self.pick("Also possible", "Autres possibilités")
    }

    pub(in crate::web::reader) fn rather_fewer(self) -> &'static str {
        self.pick(
            "fewer mails: one round-up each quarter",
            "moins de courriels\u{A0}: une synthèse par trimestre",
        )
    }

    pub(in crate::web::reader) fn rather_other_topics(self) -> &'static str {
        self.pick("other topics", "d’autres thèmes")
    }

    pub(in crate::web::reader) fn you_have_left(self) -> &'static str {
        self.pick("You are unsubscribed", "Votre abonnement a pris fin")
    }

    pub(in crate::web::reader) fn you_had_left(self) -> &'static str {
        self.pick(
            "You are unsubscribed already",
            "Votre abonnement avait déjà pris fin",
        )
    }

    pub(in crate::web::reader) fn no_more(self) -> &'static str {
        self.pick(
            "No more digests come, not even one that was waiting to be sent.",
            "Vous ne recevrez plus de bulletin, pas même celui qui attendait d’être envoyé.",
        )
    }

    pub(in crate::web::reader) fn undo(self) -> &'static str {
        self.pick("Undo: subscribe me again", "Annuler et me réabonner")
    }

    pub(in crate::web::reader) fn too_late_to_undo(self) -> String {
        match self.0 {
            Language::English => format!(
                "Leaving can be undone for {UNDO_DAYS} days. To come back now, sign up again."
            ),
            Language::French => format!(
                "Le désabonnement peut être annulé pendant {UNDO_DAYS}\u{A0}jours. Pour revenir maintenant, abonnez-vous de nouveau."
            ),
        }
    }

    pub(in crate::web::reader) fn why_did_you_leave(self) -> &'static str {
        self.pick("Why did you leave?", "Pourquoi partez-vous\u{A0}?")
    }

    pub(in crate::web::reader) fn why_is_counted(self) -> &'static str {
        self.pick(
            "Only if you like. The answer is counted, and not kept with your name.",
            "Si vous le souhaitez. La réponse est comptée, sans votre nom.",
        )
    }

    pub(in crate::web::reader) fn why(self, why: Why) -> &'static str {
        match why {
            Why::TooMany => self.pick("Too many mails", "Trop de courriels"),
            Why::NotMyTopics => self.pick("Not my topics", "Ce ne sont pas mes thèmes"),
            Why::MovedOn => self.pick("I have moved on", "Cela ne me concerne plus"),
            Why::NeverAsked => self.pick("I never asked for it", "Je ne l’ai jamais demandé"),
            Why::Other => self.pick("Something else", "Autre chose"),
        }
    }

    pub(in crate::web::reader) fn tell(self) -> &'static str {
        self.pick("Tell us", "Envoyer")
    }

    pub(in crate::web::reader) fn thank_you(self) -> &'static str {
        self.pick("Thank you for telling us.", "Merci de nous l’avoir dit.")
    }

    pub(in crate::web::reader) fn welcome_back(self) -> &'static str {
        self.pick("Welcome back", "Bon retour parmi nous")
    }

    pub(in crate::web::reader) fn goes_on(self) -> &'static str {
        self.pick(
            "Your subscription goes on as it was.",
            "Votre abonnement reprend comme avant.",
        )
    }

    pub(in crate::web::reader) fn nobody_here(self) -> &'static str {
        self.pick(
            "No subscription belongs to this link any more, so nothing comes.",
            "Plus aucun abonnement ne correspond à ce lien\u{A0}: vous ne recevrez rien.",
        )
    }
}
