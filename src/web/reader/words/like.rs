//! More or fewer like this.

use super::Words;
use crate::subscription::Language;

impl Words {
    pub(in crate::web::reader) fn more_like_this(self) -> &'static str {
        self.pick("More like this", "Plus d’études de ce genre")
    }

    pub(in crate::web::reader) fn fewer_like_this(self) -> &'static str {
        self.pick("Fewer like this", "Moins d’études de ce genre")
    }

    pub(in crate::web::reader) fn has_no_topics(self) -> &'static str {
        self.pick(
            "This summary has no topic to go by.",
            "Ce résumé n’a pas de thème sur lequel se guider.",
        )
    }

    pub(in crate::web::reader) fn gets_everything(self) -> &'static str {
        self.pick(
            "You have ticked no topic, so you get everything already. To have only some, tick topics in your preferences; every digest has the link.",
            "Vous n’avez coché aucun thème et recevez donc déjà tout. Pour n’en recevoir qu’une partie, cochez des thèmes dans vos préférences\u{A0}; chaque bulletin en donne le lien.",
        )
    }

    pub(in crate::web::reader) fn has_them_all(self) -> &'static str {
        self.pick(
            "You have chosen all of its topics already.",
            "Vous avez déjà choisi tous ses thèmes.",
        )
    }

    pub(in crate::web::reader) fn has_none_of_them(self) -> &'static str {
        self.pick(
            "None of its topics is among yours any more.",
            "Aucun de ses thèmes ne figure plus parmi les vôtres.",
        )
    }

    pub(in crate::web::reader) fn will_add(self) -> &'static str {
        self.pick(
            "These topics will be added to yours:",
            "Ces thèmes seront ajoutés aux vôtres\u{A0}:",
        )
    }

    pub(in crate::web::reader) fn will_take_out(self) -> &'static str {
        self.pick(
            "These topics will be taken out of yours:",
            "Ces thèmes seront retirés des vôtres\u{A0}:",
        )
    }

    /// You get everything, and these go.
    pub(in crate::web::reader) fn will_get_all_but(self, others: usize) -> String {
        match self.0 {
            Language::English => format!(
                "You get every topic now. These will go; the {others} others will be ticked:"
            ),
            Language::French => format!(
                "Vous recevez maintenant tous les thèmes. Ceux-ci disparaîtront\u{A0}; les {others} autres seront cochés\u{A0}:"
            ),
        }
    }

    /// They are all that was chosen.
    pub(in crate::web::reader) fn would_leave_none(self, others: usize) -> String {
        match self.0 {
            Language::English => format!(
                "These are all that you chose. They will go, and so that something is left, the {others} other topics will be ticked:"
            ),
            Language::French => format!(
                "Ce sont tous vos thèmes. Ils disparaîtront et, pour qu’il reste quelque chose, les {others} autres seront cochés\u{A0}:"
            ),
        }
    }

    pub(in crate::web::reader) fn add_them(self) -> &'static str {
        self.pick("Add these topics", "Ajouter ces thèmes")
    }

    pub(in crate::web::reader) fn take_them_out(self) -> &'static str {
        self.pick("Take these topics out", "Retirer ces thèmes")
    }

    pub(in crate::web::reader) fn were_added(self) -> &'static str {
        self.pick("Added to your topics:", "Ajoutés à vos thèmes\u{A0}:")
    }

    pub(in crate::web::reader) fn were_taken_out(self) -> &'static str {
        self.pick("Taken out of your topics:", "Retirés de vos thèmes\u{A0}:")
    }

    pub(in crate::web::reader) fn you_choose_now(self, chosen: usize, of: usize) -> String {
        match self.0 {
            Language::English => {
                format!("You have {chosen} of {of} topics now. Your next digest follows it.")
            }
            Language::French => format!(
                "Vous avez maintenant {chosen}\u{A0}thèmes sur {of}. Votre prochain bulletin en tiendra compte."
            ),
        }
    }
}
