//! Words of signing up, both languages side by side.

use crate::issue::Month;
use crate::letter::CONFIRM_DAYS;
use crate::subscription::{Format, Frequency, Language};

/// Which words a consent was given to: another date whenever `consent` says something else.
pub(in crate::web) const CONSENT_TEXT: &str = "2026-11-22";

// The form.
impl Language {
    pub(in crate::web) fn sign_up_heading(self) -> &'static str {
        self.pick("Subscribe", "S’abonner")
    }

    pub(in crate::web) fn sign_up_lead(self) -> &'static str {
        self.pick(
            "One mail a month with the studies on your topics. No password, and you leave with one click.",
            "Un courriel par mois, avec les études sur vos thèmes. Pas de mot de passe, et un clic suffit pour partir.",
        )
    }

    pub(in crate::web) fn address(self) -> &'static str {
        self.pick("Email address", "Adresse électronique")
    }

    pub(in crate::web) fn address_hint(self) -> &'static str {
        self.pick(
            "We write to it to ask whether it was you; nothing else comes before you say yes.",
            "Nous vous y écrirons pour vous demander si c’est bien vous\u{A0}; rien d’autre ne viendra avant votre accord.",
        )
    }

    pub(in crate::web) fn your_name(self) -> &'static str {
        self.pick("Name (optional)", "Nom (facultatif)")
    }

    pub(in crate::web) fn choose_topics(self) -> &'static str {
        self.pick("Topics", "Thèmes")
    }

    pub(in crate::web) fn none_means_all(self) -> &'static str {
        self.pick(
            "Tick what you want to read about. With none ticked you get every study.",
            "Cochez ce qui vous intéresse. Si rien n’est coché, vous recevrez toutes les études.",
        )
    }

    pub(in crate::web) fn choose_types(self) -> &'static str {
        self.pick("Types of research", "Types de recherche")
    }

    pub(in crate::web) fn none_means_all_types(self) -> &'static str {
        self.pick(
            "With none ticked you get every type.",
            "Si rien n’est coché, vous recevrez tous les types.",
        )
    }

    pub(in crate::web) fn more_choices(self) -> &'static str {
        self.pick(
            "Types of research, frequency, form and language",
            "Types de recherche, fréquence, forme et langue",
        )
    }

    pub(in crate::web) fn how_often(self) -> &'static str {
        self.pick("How often", "Fréquence")
    }

    pub(in crate::web) fn often(self, frequency: Frequency) -> &'static str {
        match frequency {
            Frequency::Monthly => self.pick("Every month", "Chaque mois"),
            Frequency::Quarterly => {
                self.pick("A round-up each quarter", "Un récapitulatif par trimestre")
            }
        }
    }

    pub(in crate::web) fn form_of_mail(self) -> &'static str {
        self.pick("Form of the mail", "Forme du courriel")
    }

    pub(in crate::web) fn form(self, format: Format) -> &'static str {
        match format {
            Format::Html => self.pick("With layout", "Mis en page"),
            Format::Text => self.pick("Text alone", "Texte seul"),
        }
    }

    pub(in crate::web) fn language_of_mail(self) -> &'static str {
        self.pick("Language around the summaries", "Langue autour des résumés")
    }

    /// `12 summaries in the last year`.
    pub(in crate::web) fn in_the_last_year(self, number: i64) -> String {
        let summaries = self.summaries(number);
        match self {
            Language::English => format!("{summaries} in the last year"),
            Language::French => format!("{summaries} depuis un an"),
        }
    }

    /// What the reader agrees to; the law wants who asks, for what, and that it can be withdrawn.
    pub(in crate::web) fn consent(self, publication: &str, publisher: &str) -> String {
        let is_named_alike = publisher == publication;
        let ask = match self {
            Language::English if is_named_alike => "you ask us".to_owned(),
            Language::English => format!("you ask {publisher}"),
            Language::French if is_named_alike => "vous nous demandez".to_owned(),
            Language::French => format!("vous demandez à {publisher}"),
        };
        match self {
            Language::English => format!(
                "By subscribing {ask} to send you {publication} by email, as often as you chose. We use \
                 your address for nothing else and give it to nobody. You can withdraw at any time, with the link in \
                 every mail or by writing to us."
            ),
            Language::French => format!(
                "En vous abonnant, {ask} de vous envoyer {publication} par courriel, à la \
                 fréquence choisie. Votre adresse ne sert à rien d’autre et n’est transmise à personne. Vous pouvez \
                 retirer votre accord à tout moment, par le lien de chaque courriel ou en nous écrivant."
            ),
        }
    }

    pub(in crate::web) fn see_what_you_would_get(self) -> &'static str {
        self.pick(
            "Show what I would have received",
            "Montrer ce que j’aurais reçu",
        )
    }

    pub(in crate::web) fn sign_me_up(self) -> &'static str {
        self.pick("Subscribe", "M’abonner")
    }

    pub(in crate::web) fn leave_this_empty(self) -> &'static str {
        self.pick("Leave this empty", "Laissez ce champ vide")
    }

    pub(in crate::web) fn already_subscribed(self) -> &'static str {
        self.pick(
            "Subscribed already? Get a link to your choices",
            "Déjà abonné\u{A0}? Recevez un lien vers vos choix",
        )
    }
}

// What is wrong with a form.
impl Language {
    pub(in crate::web) fn not_an_address(self) -> &'static str {
        self.pick(
            "This is not an address that mail can be sent to. Write it as in name@example.org.",
            "Cette adresse ne permet pas de recevoir du courrier. Écrivez-la comme nom@exemple.org.",
        )
    }

    pub(in crate::web) fn name_too_long(self) -> &'static str {
        self.pick(
            "This name is too long, or has characters that no name has. Shorten it or leave it out.",
            "Ce nom est trop long ou contient des caractères qu’aucun nom ne contient. Raccourcissez-le ou omettez-le.",
        )
    }

    pub(in crate::web) fn press_again(self) -> &'static str {
        self.pick(
            "The form came back very quickly, or lay open for more than a day. Nothing was sent. Press the button again.",
            "Le formulaire est revenu très vite, ou est resté ouvert plus d’un jour. Rien n’a été envoyé. Appuyez de \
             nouveau sur le bouton.",
        )
    }

    pub(in crate::web) fn many_are_asking(self) -> &'static str {
        self.pick(
            "Very many people are asking just now. Wait half a minute, then press the button again.",
            "Les demandes sont très nombreuses en ce moment. Attendez une demi-minute, puis appuyez de nouveau sur le \
             bouton.",
        )
    }

    pub(in crate::web) fn too_many(self) -> [&'static str; 2] {
        self.pick(
            [
                "Too many at once",
                "There were too many requests from where you are. Nothing was sent. Try again in an hour.",
            ],
            [
                "Trop de demandes à la fois",
                "Trop de demandes sont venues de chez vous. Rien n’a été envoyé. Réessayez dans une heure.",
            ],
        )
    }
}

// The preview, and what comes after.
impl Language {
    pub(in crate::web) fn what_you_would_have_got(self, month: Month) -> String {
        let month = self.month(month);
        match self {
            Language::English => format!("What you would have received in {month}"),
            Language::French => format!("Ce que vous auriez reçu en {month}"),
        }
    }

    pub(in crate::web) fn nothing_that_month(self) -> &'static str {
        self.pick(
            "Nothing that month was on these topics. In such a month you get no mail, unless you ask for a short note.",
            "Rien ce mois-là ne portait sur ces thèmes. Dans ce cas, vous ne recevez rien, sauf si vous demandez un \
             petit mot.",
        )
    }

    pub(in crate::web) fn nothing_published(self) -> &'static str {
        self.pick(
            "Nothing has been published yet.",
            "Rien n’a encore été publié.",
        )
    }

    pub(in crate::web) fn look_at_your_mail(self) -> &'static str {
        self.pick(
            "Now look at your mail",
            "Regardez maintenant votre courrier",
        )
    }

    pub(in crate::web) fn we_wrote_to(self) -> &'static str {
        self.pick("We are writing to", "Nous écrivons à")
    }

    pub(in crate::web) fn press_the_button_there(self) -> String {
        match self {
            Language::English => format!(
                "Press the button in that mail: then you are subscribed. It works for {CONFIRM_DAYS} days, and once."
            ),
            Language::French => format!(
                "Appuyez sur le bouton dans ce courriel\u{A0}: vous serez alors abonné. Il fonctionne pendant \
                 {CONFIRM_DAYS} jours, une seule fois."
            ),
        }
    }

    pub(in crate::web) fn you_asked_for(self) -> &'static str {
        self.pick("You asked for", "Vous avez demandé")
    }

    pub(in crate::web) fn every_topic(self) -> &'static str {
        self.pick("every topic", "tous les thèmes")
    }

    pub(in crate::web) fn no_mail_came(self) -> &'static str {
        self.pick(
            "No mail after ten minutes?",
            "Pas de courriel après dix minutes\u{A0}?",
        )
    }

    pub(in crate::web) fn what_may_help(self) -> [&'static str; 3] {
        self.pick(
            [
                "Look in the folder for spam, and for promotions.",
                "See whether the address above is right; if not, go back and mend it.",
                "We write to an address once a day at most. If you asked before, that mail still works.",
            ],
            [
                "Regardez dans les courriers indésirables et les promotions.",
                "Vérifiez l’adresse ci-dessus\u{A0}; si elle est fausse, revenez en arrière et corrigez-la.",
                "Nous écrivons à une adresse une fois par jour au plus. Si vous aviez déjà demandé, ce courriel-là \
                 fonctionne encore.",
            ],
        )
    }
}

// Confirming.
impl Language {
    pub(in crate::web) fn is_it_you(self) -> &'static str {
        self.pick("One last step", "Dernière étape")
    }

    pub(in crate::web) fn subscribe_this(self, publication: &str) -> String {
        match self {
            Language::English => format!("Shall {publication} come to this address?"),
            Language::French => {
                format!("Voulez-vous recevoir {publication} à cette adresse\u{A0}?")
            }
        }
    }

    pub(in crate::web) fn yes_subscribe(self) -> &'static str {
        self.pick("Yes, subscribe me", "Oui, abonnez-moi")
    }

    pub(in crate::web) fn yes_move(self) -> &'static str {
        self.pick(
            "Yes, send it here from now on",
            "Oui, envoyez-le ici désormais",
        )
    }

    pub(in crate::web) fn or_do_nothing(self) -> &'static str {
        self.pick(
            "If it was not you who asked, close this page: nothing will come.",
            "Si ce n’est pas vous qui l’avez demandé, fermez cette page\u{A0}: rien ne viendra.",
        )
    }

    pub(in crate::web) fn you_are_subscribed(self) -> [&'static str; 2] {
        self.pick(
            [
                "You are subscribed",
                "Thank you. The next digest comes with the next issue; a mail with your links is on its way.",
            ],
            [
                "Vous êtes abonné",
                "Merci. Le prochain bulletin viendra avec le prochain numéro\u{A0}; un courriel avec vos liens est en route.",
            ],
        )
    }

    pub(in crate::web) fn you_have_moved(self) -> [&'static str; 2] {
        self.pick(
            [
                "Your address is changed",
                "Digests come to the new address from now on. We are telling the old one.",
            ],
            [
                "Votre adresse est changée",
                "Les bulletins viendront désormais à la nouvelle adresse. Nous prévenons l’ancienne.",
            ],
        )
    }

    pub(in crate::web) fn link_is_over(self) -> [&'static str; 2] {
        self.pick(
            [
                "This link has been used, or is too old",
                "If you pressed its button before, everything is done. If not, ask again: a new link comes at once.",
            ],
            [
                "Ce lien a déjà servi, ou est trop ancien",
                "Si vous aviez déjà appuyé sur son bouton, tout est fait. Sinon, redemandez\u{A0}: un nouveau lien viendra aussitôt.",
            ],
        )
    }

    pub(in crate::web) fn change_your_choices(self) -> &'static str {
        self.pick("See or change your choices", "Voir ou changer vos choix")
    }

    pub(in crate::web) fn read_while_you_wait(self) -> &'static str {
        self.pick("To read meanwhile", "À lire en attendant")
    }
}
