//! The words of a reader's own pages, both languages side by side.
//!
//! In French a no-break space stands before a colon, a semicolon and a question mark, and within guillemets.

use chrono::{DateTime, Datelike, Utc};

use crate::config::OnNothing;
use crate::feedback::Why;
use crate::issue::Month;
use crate::letter::FRESH_HOURS;
use crate::subscription::{Format, Language};

/// Says things in a language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    fn pick<T>(self, english: T, french: T) -> T {
        self.0.pick(english, french)
    }

    /// `3 March 2026`, `1er mars 2026`.
    pub(super) fn date(self, at: DateTime<Utc>) -> String {
        let month = Month {
            year: at.year(),
            month: at.month(),
        };
        let day = match (self.0, at.day()) {
            (Language::French, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        format!("{day}\u{A0}{}", self.0.month(month))
    }
}

// Choosing.
impl Words {
    pub(super) fn what_you_get(self) -> &'static str {
        self.pick("What you get", "Ce que vous recevez")
    }

    /// Before an address of which little is shown.
    pub(super) fn digests_for(self) -> &'static str {
        self.pick("The digest that goes to", "Le bulletin envoyé à")
    }

    pub(super) fn topics(self) -> &'static str {
        self.pick("Topics", "Thèmes")
    }

    /// `12 of 36 chosen`; none is all.
    pub(super) fn chosen(self, chosen: usize, of: usize) -> String {
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

    pub(super) fn types(self) -> &'static str {
        self.pick("Types of research", "Types de recherche")
    }

    pub(super) fn on_nothing(self) -> &'static str {
        self.pick(
            "When nothing is on your topics",
            "Quand rien ne concerne vos thèmes",
        )
    }

    pub(super) fn then(self, what: Option<OnNothing>) -> &'static str {
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

    pub(super) fn form(self, format: Format) -> &'static str {
        match format {
            Format::Html => self.0.with_layout(),
            Format::Text => self.0.text_alone(),
        }
    }

    pub(super) fn about_you(self) -> &'static str {
        self.pick("About you", "À propos de vous")
    }

    pub(super) fn name(self) -> &'static str {
        self.pick("Name (optional)", "Nom (facultatif)")
    }

    pub(super) fn time_zone(self) -> &'static str {
        self.pick("Time zone (optional)", "Fuseau horaire (facultatif)")
    }

    pub(super) fn time_zone_hint(self) -> &'static str {
        self.pick(
            "Such as America/Toronto. Left empty, it is the publication’s own.",
            "Par exemple America/Toronto. Si le champ reste vide, c’est celui de la publication.",
        )
    }

    pub(super) fn keep(self) -> &'static str {
        self.pick("Keep these choices", "Enregistrer ces choix")
    }

    pub(super) fn show_first(self) -> &'static str {
        self.pick("Show what they bring", "Voir ce qu’ils donnent")
    }

    pub(super) fn not_a_zone(self) -> &'static str {
        self.pick(
            "There is no such time zone. Pick one from the list, or leave the field empty.",
            "Ce fuseau horaire n’existe pas. Choisissez-en un dans la liste ou laissez le champ vide.",
        )
    }

    pub(super) fn nothing_kept_yet(self) -> &'static str {
        self.pick(
            "Nothing was changed yet: one thing needs mending.",
            "Rien n’a encore été modifié\u{A0}: un point est à corriger.",
        )
    }
}

// What was kept.
impl Words {
    pub(super) fn kept(self, gets_mail: bool) -> &'static str {
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

    pub(super) fn nothing_was_different(self) -> &'static str {
        self.pick("Everything stays as it was.", "Tout reste comme c’était.")
    }

    /// Behind `Topics` or `Types of research`, which are masculine in French, as are the next two.
    pub(super) fn added(self) -> &'static str {
        self.pick("added", "ajoutés")
    }

    pub(super) fn taken_out(self) -> &'static str {
        self.pick("taken out", "retirés")
    }

    pub(super) fn only(self) -> &'static str {
        self.pick("from now on", "désormais choisis")
    }

    pub(super) fn all_of_them(self) -> &'static str {
        self.pick("all of them", "tous")
    }

    /// A setting and what it is now: `How often: Every month`.
    pub(super) fn changed(self, what: &str, to: &str) -> String {
        match self.0 {
            Language::English => format!("{what}: {to}"),
            Language::French => format!("{what}\u{A0}: {to}"),
        }
    }

    pub(super) fn none(self) -> &'static str {
        self.pick("none", "aucun")
    }

    pub(super) fn name_is(self) -> &'static str {
        self.pick("Name", "Nom")
    }

    pub(super) fn zone_is(self) -> &'static str {
        self.pick("Time zone", "Fuseau horaire")
    }

    pub(super) fn to_begin_with(self) -> &'static str {
        self.pick("To begin with", "Pour commencer")
    }

    pub(super) fn newest_on(self) -> &'static str {
        self.pick(
            "The newest on the topics that you added:",
            "Le plus récent sur les thèmes que vous avez ajoutés\u{A0}:",
        )
    }

    pub(super) fn nothing_on_it_yet(self) -> &'static str {
        self.pick("Nothing on it yet.", "Rien encore sur ce thème.")
    }
}

// What choices bring.
impl Words {
    pub(super) fn these_would_bring(self, month: Month) -> String {
        let month = self.0.month(month);
        match self.0 {
            Language::English => format!("From the issue of {month} these choices bring"),
            Language::French => format!("Du numéro de {month}, ces choix vous donnent"),
        }
    }

    pub(super) fn not_kept_yet(self) -> &'static str {
        self.pick(
            "The choices as they stand in the form; they are not kept yet.",
            "D’après les choix du formulaire, qui ne sont pas encore enregistrés.",
        )
    }

    pub(super) fn nothing_matches(self, then: Option<OnNothing>) -> &'static str {
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

// How a subscription stands.
impl Words {
    pub(super) fn you_get_none(self) -> &'static str {
        self.pick("You get no digests now", "Vous ne recevez plus de bulletin")
    }

    pub(super) fn has_ended(self) -> &'static str {
        self.pick(
            "You unsubscribed. What you chose is still here, for the day you come back.",
            "Vous avez mis fin à votre abonnement. Vos choix restent ici, pour le jour où vous reviendrez.",
        )
    }

    pub(super) fn come_back(self) -> &'static str {
        self.pick("Send me digests again", "Recevoir de nouveau le bulletin")
    }

    pub(super) fn not_confirmed(self) -> &'static str {
        self.pick(
            "The subscription is not confirmed yet: use the link in the mail that we sent you.",
            "L’abonnement n’est pas encore confirmé\u{A0}: suivez le lien du courriel que nous vous avons envoyé.",
        )
    }

    /// `code` is what the mail server said, as a number.
    pub(super) fn has_bounced(self, since: DateTime<Utc>, code: &str) -> String {
        let since = self.date(since);
        let code = match (self.0, code) {
            (_, "") => String::new(),
            (Language::English, code) => format!(" (its code: {code})"),
            (Language::French, code) => format!(" (son code\u{A0}: {code})"),
        };
        match self.0 {
            Language::English => format!(
                "On {since} the mail server of your address told us that there is no such mailbox{code}. Since then we have sent you nothing."
            ),
            Language::French => format!(
                "Le {since}, le serveur de courriel de votre adresse nous a dit que cette boîte n’existe pas{code}. Depuis, nous ne vous envoyons plus rien."
            ),
        }
    }

    pub(super) fn start_again(self) -> &'static str {
        self.pick("Start again", "Reprendre les envois")
    }

    pub(super) fn start_again_how(self) -> &'static str {
        self.pick(
            "If the mailbox works again: we send it one mail, and once you confirm with the link in it, digests come as before.",
            "Si la boîte fonctionne de nouveau\u{A0}: nous y envoyons un courriel et, dès que vous confirmez par son lien, le bulletin revient comme avant.",
        )
    }

    pub(super) fn has_complained(self, since: DateTime<Utc>) -> String {
        let since = self.date(since);
        match self.0 {
            Language::English => format!(
                "On {since} your mail program reported one of our mails as unwanted, so we stopped. If that was a mistake, write to us."
            ),
            Language::French => format!(
                "Le {since}, votre messagerie a signalé un de nos courriels comme indésirable\u{A0}; nous avons donc cessé les envois. Si c’était une erreur, écrivez-nous."
            ),
        }
    }

    pub(super) fn was_stopped(self, since: DateTime<Utc>) -> String {
        let since = self.date(since);
        match self.0 {
            Language::English => format!(
                "On {since} we stopped mail to your address by hand. If you think that it should come again, write to us."
            ),
            Language::French => format!(
                "Le {since}, nous avons arrêté à la main les envois à votre adresse. Si vous pensez qu’ils devraient reprendre, écrivez-nous."
            ),
        }
    }
}

// Links by mail.
impl Words {
    pub(super) fn more_than_choices(self) -> &'static str {
        self.pick(
            "Your address and what we hold",
            "Votre adresse et vos données",
        )
    }

    pub(super) fn wants_a_fresh_link(self) -> String {
        match self.0 {
            Language::English => format!(
                "A digest may be passed on, so these want a fresh link. We mail it to you; it works for {FRESH_HOURS} hours."
            ),
            Language::French => format!(
                "Un bulletin peut être transféré\u{A0}: ces démarches demandent donc un nouveau lien. Nous vous l’envoyons par courriel\u{A0}; il fonctionne pendant {FRESH_HOURS}\u{A0}heures."
            ),
        }
    }

    pub(super) fn change_my_address(self) -> &'static str {
        self.pick("Change my address", "Changer mon adresse")
    }

    pub(super) fn own_feed(self) -> &'static str {
        self.pick(
            "A feed of your topics, for a feed reader (keep its address to yourself)",
            "Un flux de vos thèmes, pour un lecteur de flux (gardez son adresse pour vous)",
        )
    }

    pub(super) fn get_what_you_hold(self) -> &'static str {
        self.pick("Get my data", "Obtenir mes données")
    }

    pub(super) fn forget_me(self) -> &'static str {
        self.pick("Be erased", "Effacer mes données")
    }

    /// Before an address of which little is shown.
    pub(super) fn a_link_goes_to(self) -> &'static str {
        self.pick("A link is on its way to", "Un lien est en route vers")
    }

    pub(super) fn a_link_works(self) -> String {
        match self.0 {
            Language::English => format!(
                "It works for {FRESH_HOURS} hours. At most five such links go out in a day; if none comes, look among the unwanted mail."
            ),
            Language::French => format!(
                "Il fonctionne pendant {FRESH_HOURS}\u{A0}heures. Nous envoyons au plus cinq liens de ce genre par jour\u{A0}; si rien n’arrive, regardez parmi les indésirables."
            ),
        }
    }

    pub(super) fn a_confirmation_goes_to(self) -> &'static str {
        self.pick(
            "A mail that asks you to confirm is on its way to",
            "Un courriel qui vous demande de confirmer est en route vers",
        )
    }

    pub(super) fn once_a_day(self) -> &'static str {
        self.pick(
            "Its link works for seven days. An address is asked at most once a day.",
            "Son lien fonctionne pendant sept jours. Nous n’interrogeons une adresse qu’une fois par jour.",
        )
    }

    pub(super) fn back_to_choices(self) -> &'static str {
        self.pick("Back to what you get", "Retour à ce que vous recevez")
    }

    pub(super) fn your_subscription(self) -> &'static str {
        self.pick("Your subscription", "Votre abonnement")
    }

    pub(super) fn a_link_instead_of_a_password(self) -> String {
        match self.0 {
            Language::English => format!(
                "There is no password. Enter the address that the digest goes to, and we mail you a link, good for {FRESH_HOURS} hours, to change what you get, move to another address, take your data along or be erased."
            ),
            Language::French => format!(
                "Il n’y a pas de mot de passe. Indiquez l’adresse qui reçoit le bulletin\u{A0}: nous vous envoyons un lien, valable {FRESH_HOURS}\u{A0}heures, pour modifier ce que vous recevez, changer d’adresse, emporter vos données ou les faire effacer."
            ),
        }
    }

    pub(super) fn mail_me_a_link(self) -> &'static str {
        self.pick("Mail me a link", "M’envoyer un lien")
    }

    pub(super) fn many_are_asking(self) -> &'static str {
        self.pick(
            "Very many are asking just now. Wait half a minute, then press the button again.",
            "Les demandes sont très nombreuses en ce moment. Attendez une demi-minute, puis appuyez de nouveau sur le bouton.",
        )
    }

    pub(super) fn if_it_is_subscribed(self) -> &'static str {
        self.pick(
            "If the digest goes to that address, a link is on its way there. We say no more here, so that nobody learns who is subscribed.",
            "Si le bulletin est envoyé à cette adresse, un lien est en route. Nous n’en disons pas plus ici, pour que personne n’apprenne qui est abonné.",
        )
    }
}

// Behind a fresh link.
impl Words {
    pub(super) fn link_is_over(self) -> &'static str {
        self.pick("This link is over", "Ce lien n’est plus valable")
    }

    pub(super) fn link_is_over_why(self) -> String {
        match self.0 {
            Language::English => format!(
                "Such a link works for {FRESH_HOURS} hours, and only for the address that it was mailed to."
            ),
            Language::French => format!(
                "Un tel lien fonctionne pendant {FRESH_HOURS}\u{A0}heures, et seulement pour l’adresse à laquelle il a été envoyé."
            ),
        }
    }

    pub(super) fn get_a_fresh_link(self) -> &'static str {
        self.pick("Get a fresh link", "Demander un nouveau lien")
    }

    pub(super) fn your_address_is(self) -> &'static str {
        self.pick("The digest goes to", "Le bulletin est envoyé à")
    }

    pub(super) fn another_address(self) -> &'static str {
        self.pick("Another address", "Changer d’adresse")
    }

    pub(super) fn another_address_how(self) -> &'static str {
        self.pick(
            "We ask the new address whether it is yours. Nothing changes before it says so; then we tell the old one.",
            "Nous demandons à la nouvelle adresse si c’est bien la vôtre. Rien ne change avant sa réponse\u{A0}; nous prévenons ensuite l’ancienne.",
        )
    }

    pub(super) fn new_address(self) -> &'static str {
        self.pick("New address", "Nouvelle adresse")
    }

    pub(super) fn ask_it(self) -> &'static str {
        self.pick("Send the question", "Envoyer la question")
    }

    pub(super) fn it_was_asked(self) -> &'static str {
        self.pick(
            "If digests can go there, a mail with a link is on its way to",
            "Si le bulletin peut y être envoyé, un courriel avec un lien est en route vers",
        )
    }

    pub(super) fn it_was_asked_then(self) -> &'static str {
        self.pick(
            "Use that link within seven days. Until then digests come as before. An address is asked at most once a day.",
            "Utilisez ce lien dans les sept jours. D’ici là, le bulletin arrive comme avant. Nous n’interrogeons une adresse qu’une fois par jour.",
        )
    }

    pub(super) fn what_we_hold(self) -> &'static str {
        self.pick("What we hold about you", "Ce que nous avons sur vous")
    }

    pub(super) fn what_we_hold_all(self) -> &'static str {
        self.pick(
            "All of it: your subscription, your consent and its proof, each mail and what became of it, what you asked for.",
            "Tout\u{A0}: votre abonnement, votre consentement et sa preuve, chaque courriel et ce qu’il est devenu, vos demandes.",
        )
    }

    pub(super) fn as_json(self) -> &'static str {
        self.pick("For programs (JSON)", "Pour les programmes (JSON)")
    }

    pub(super) fn as_csv(self) -> &'static str {
        self.pick("For a spreadsheet (CSV)", "Pour un tableur (CSV)")
    }

    pub(super) fn be_erased_how(self) -> &'static str {
        self.pick(
            "You leave, and we forget you. The next page says what stays, and asks once more.",
            "Vous nous quittez, et nous vous oublions. La page suivante dit ce qui reste et vous demande de confirmer.",
        )
    }

    pub(super) fn erase(self) -> &'static str {
        self.pick("To the page that erases", "Vers la page d’effacement")
    }

    pub(super) fn shall_we_forget(self) -> &'static str {
        self.pick(
            "Shall we forget you?",
            "Voulez-vous que nous vous oubliions\u{A0}?",
        )
    }

    pub(super) fn what_goes(self) -> &'static str {
        self.pick(
            "Gone at once, and for good: your address, name, choices, the record of your mails, and whatever still waits to be sent.",
            "Effacés aussitôt et pour toujours\u{A0}: votre adresse, votre nom, vos choix, l’historique de vos courriels et tout ce qui attend d’être envoyé.",
        )
    }

    pub(super) fn what_stays(self) -> &'static str {
        self.pick(
            "What stays, without your address in it:",
            "Ce qui reste, sans votre adresse\u{A0}:",
        )
    }

    pub(super) fn these_stay(self) -> [&'static str; 2] {
        self.pick(
            [
                "a code made from your address with a secret key, so that no list brings you back;",
                "beside that code, when you consented and when you withdrew: the law wants us to be able to prove it.",
            ],
            [
                "un code calculé à partir de votre adresse avec une clé secrète, pour qu’aucune liste ne vous fasse revenir\u{A0};",
                "à côté de ce code, la date de votre consentement et celle de son retrait\u{A0}: la loi veut que nous puissions en faire la preuve.",
            ],
        )
    }

    pub(super) fn erase_me(self) -> &'static str {
        self.pick("Erase me", "Effacer mes données")
    }

    pub(super) fn rather_not(self) -> &'static str {
        self.pick("No, go back", "Non, revenir en arrière")
    }

    pub(super) fn you_are_erased(self) -> &'static str {
        self.pick("You are erased", "Vos données sont effacées")
    }

    pub(super) fn you_are_erased_so(self) -> &'static str {
        self.pick(
            "We do not know you any more. No further mail comes, and every link of your old mails is dead.",
            "Nous ne vous connaissons plus. Aucun courriel ne viendra, et les liens de vos anciens courriels ne mènent plus à rien.",
        )
    }
}

// Leaving.
impl Words {
    pub(super) fn leave(self) -> &'static str {
        self.pick("Unsubscribe", "Se désabonner")
    }

    pub(super) fn leave_this(self, publication: &str) -> String {
        match self.0 {
            Language::English => format!("One press, and no more digests of {publication} come."),
            Language::French => {
                format!("Un clic, et vous ne recevrez plus le bulletin de {publication}.")
            }
        }
    }

    pub(super) fn also_possible(self) -> &'static str {
        self.pick("Also possible", "Autres possibilités")
    }

    pub(super) fn rather_fewer(self) -> &'static str {
        self.pick(
            "fewer mails: one round-up each quarter",
            "moins de courriels\u{A0}: une synthèse par trimestre",
        )
    }

    pub(super) fn rather_other_topics(self) -> &'static str {
        self.pick("other topics", "d’autres thèmes")
    }

    pub(super) fn you_have_left(self) -> &'static str {
        self.pick("You are unsubscribed", "Votre abonnement a pris fin")
    }

    pub(super) fn you_had_left(self) -> &'static str {
        self.pick(
            "You are unsubscribed already",
            "Votre abonnement avait déjà pris fin",
        )
    }

    pub(super) fn no_more(self) -> &'static str {
        self.pick(
            "No more digests come, not even one that was waiting to be sent.",
            "Vous ne recevrez plus de bulletin, pas même celui qui attendait d’être envoyé.",
        )
    }

    pub(super) fn undo(self) -> &'static str {
        self.pick("Undo: subscribe me again", "Annuler et me réabonner")
    }

    pub(super) fn why_did_you_leave(self) -> &'static str {
        self.pick("Why did you leave?", "Pourquoi partez-vous\u{A0}?")
    }

    pub(super) fn why_is_counted(self) -> &'static str {
        self.pick(
            "Only if you like. The answer is counted, and not kept with your name.",
            "Si vous le souhaitez. La réponse est comptée, sans votre nom.",
        )
    }

    pub(super) fn why(self, why: Why) -> &'static str {
        match why {
            Why::TooMany => self.pick("Too many mails", "Trop de courriels"),
            Why::NotMyTopics => self.pick("Not my topics", "Ce ne sont pas mes thèmes"),
            Why::MovedOn => self.pick("I have moved on", "Cela ne me concerne plus"),
            Why::NeverAsked => self.pick("I never asked for it", "Je ne l’ai jamais demandé"),
            Why::Other => self.pick("Something else", "Autre chose"),
        }
    }

    pub(super) fn tell(self) -> &'static str {
        self.pick("Tell us", "Envoyer")
    }

    pub(super) fn thank_you(self) -> &'static str {
        self.pick("Thank you for telling us.", "Merci de nous l’avoir dit.")
    }

    pub(super) fn welcome_back(self) -> &'static str {
        self.pick("Welcome back", "Bon retour parmi nous")
    }

    pub(super) fn goes_on(self) -> &'static str {
        self.pick(
            "Your subscription goes on as it was.",
            "Votre abonnement reprend comme avant.",
        )
    }

    pub(super) fn nobody_here(self) -> &'static str {
        self.pick(
            "No subscription belongs to this link any more, so nothing comes.",
            "Plus aucun abonnement ne correspond à ce lien\u{A0}: vous ne recevrez rien.",
        )
    }
}

// More or fewer like this.
impl Words {
    pub(super) fn more_like_this(self) -> &'static str {
        self.pick("More like this", "Plus d’études de ce genre")
    }

    pub(super) fn fewer_like_this(self) -> &'static str {
        self.pick("Fewer like this", "Moins d’études de ce genre")
    }

    pub(super) fn has_no_topics(self) -> &'static str {
        self.pick(
            "This summary has no topic to go by.",
            "Ce résumé n’a pas de thème sur lequel se guider.",
        )
    }

    pub(super) fn gets_everything(self) -> &'static str {
        self.pick(
            "You have ticked no topic, so you get everything already. To have only some, tick topics in your preferences; every digest has the link.",
            "Vous n’avez coché aucun thème et recevez donc déjà tout. Pour n’en recevoir qu’une partie, cochez des thèmes dans vos préférences\u{A0}; chaque bulletin en donne le lien.",
        )
    }

    pub(super) fn has_them_all(self) -> &'static str {
        self.pick(
            "You have chosen all of its topics already.",
            "Vous avez déjà choisi tous ses thèmes.",
        )
    }

    pub(super) fn has_none_of_them(self) -> &'static str {
        self.pick(
            "None of its topics is among yours any more.",
            "Aucun de ses thèmes ne figure plus parmi les vôtres.",
        )
    }

    pub(super) fn will_add(self) -> &'static str {
        self.pick(
            "These topics will be added to yours:",
            "Ces thèmes seront ajoutés aux vôtres\u{A0}:",
        )
    }

    pub(super) fn will_take_out(self) -> &'static str {
        self.pick(
            "These topics will be taken out of yours:",
            "Ces thèmes seront retirés des vôtres\u{A0}:",
        )
    }

    /// You get everything, and these go.
    pub(super) fn will_get_all_but(self, others: usize) -> String {
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
    pub(super) fn would_leave_none(self, others: usize) -> String {
        match self.0 {
            Language::English => format!(
                "These are all that you chose. They will go, and so that something is left, the {others} other topics will be ticked:"
            ),
            Language::French => format!(
                "Ce sont tous vos thèmes. Ils disparaîtront et, pour qu’il reste quelque chose, les {others} autres seront cochés\u{A0}:"
            ),
        }
    }

    pub(super) fn add_them(self) -> &'static str {
        self.pick("Add these topics", "Ajouter ces thèmes")
    }

    pub(super) fn take_them_out(self) -> &'static str {
        self.pick("Take these topics out", "Retirer ces thèmes")
    }

    pub(super) fn were_added(self) -> &'static str {
        self.pick("Added to your topics:", "Ajoutés à vos thèmes\u{A0}:")
    }

    pub(super) fn were_taken_out(self) -> &'static str {
        self.pick("Taken out of your topics:", "Retirés de vos thèmes\u{A0}:")
    }

    pub(super) fn you_choose_now(self, chosen: usize, of: usize) -> String {
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
