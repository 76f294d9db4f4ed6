//! Links by mail, and the pages behind them.

use super::Words;
use crate::letter::FRESH_HOURS;
use crate::subscription::Language;

// Links by mail.
impl Words {
    pub(in crate::web::reader) fn more_than_choices(self) -> &'static str {
        self.pick(
            "Your address and what we hold",
            "Votre adresse et vos données",
        )
    }

    pub(in crate::web::reader) fn wants_a_fresh_link(self) -> String {
        match self.0 {
            Language::English => format!(
                "A digest may be passed on, so these want a fresh link. We mail it to you; it works for {FRESH_HOURS} hours."
            ),
            Language::French => format!(
                "Un bulletin peut être transféré\u{A0}: ces démarches demandent donc un nouveau lien. Nous vous l’envoyons par courriel\u{A0}; il fonctionne pendant {FRESH_HOURS}\u{A0}heures."
            ),
        }
    }

    pub(in crate::web::reader) fn change_my_address(self) -> &'static str {
        self.pick("Change my address", "Changer mon adresse")
    }

    pub(in crate::web::reader) fn own_feed(self) -> &'static str {
        self.pick(
            "A feed of your topics, for a feed reader (keep its address to yourself)",
            "Un flux de vos thèmes, pour un lecteur de flux (gardez son adresse pour vous)",
        )
    }

    pub(in crate::web::reader) fn get_what_you_hold(self) -> &'static str {
        self.pick("Get my data", "Obtenir mes données")
    }

    pub(in crate::web::reader) fn forget_me(self) -> &'static str {
        self.pick("Be erased", "Effacer mes données")
    }

    /// Before an address of which little is shown.
    pub(in crate::web::reader) fn a_link_goes_to(self) -> &'static str {
        self.pick("A link is on its way to", "Un lien est en route vers")
    }

    pub(in crate::web::reader) fn a_link_works(self) -> String {
        match self.0 {
            Language::English => format!(
                "It works for {FRESH_HOURS} hours. At most five such links go out in a day; if none comes, look among the unwanted mail."
            ),
            Language::French => format!(
                "Il fonctionne pendant {FRESH_HOURS}\u{A0}heures. Nous envoyons au plus cinq liens de ce genre par jour\u{A0}; si rien n’arrive, regardez parmi les indésirables."
            ),
        }
    }

    pub(in crate::web::reader) fn a_confirmation_goes_to(self) -> &'static str {
        self.pick(
            "A mail that asks you to confirm is on its way to",
            "Un courriel qui vous demande de confirmer est en route vers",
        )
    }

    pub(in crate::web::reader) fn once_a_day(self) -> &'static str {
        self.pick(
            "Its link works for seven days. An address is asked at most once a day.",
            "Son lien fonctionne pendant sept jours. Nous n’interrogeons une adresse qu’une fois par jour.",
        )
    }

    pub(in crate::web::reader) fn back_to_choices(self) -> &'static str {
        self.pick("Back to what you get", "Retour à ce que vous recevez")
    }

    pub(in crate::web::reader) fn your_subscription(self) -> &'static str {
        self.pick("Your subscription", "Votre abonnement")
    }

    pub(in crate::web::reader) fn a_link_instead_of_a_password(self) -> String {
        match self.0 {
            Language::English => format!(
                "There is no password. Enter the address that the digest goes to, and we mail you a link, good for {FRESH_HOURS} hours, to change what you get, move to another address, take your data along or be erased."
            ),
            Language::French => format!(
                "Il n’y a pas de mot de passe. Indiquez l’adresse qui reçoit le bulletin\u{A0}: nous vous envoyons un lien, valable {FRESH_HOURS}\u{A0}heures, pour modifier ce que vous recevez, changer d’adresse, emporter vos données ou les faire effacer."
            ),
        }
    }

    pub(in crate::web::reader) fn mail_me_a_link(self) -> &'static str {
        self.pick("Mail me a link", "M’envoyer un lien")
    }

    pub(in crate::web::reader) fn if_it_is_subscribed(self) -> &'static str {
        self.pick(
            "If the digest goes to that address, a link is on its way there. We say no more here, so that nobody learns who is subscribed.",
            "Si le bulletin est envoyé à cette adresse, un lien est en route. Nous n’en disons pas plus ici, pour que personne n’apprenne qui est abonné.",
        )
    }
}

// Behind a fresh link.
impl Words {
    pub(in crate::web::reader) fn link_is_over(self) -> &'static str {
        self.pick("This link is over", "Ce lien n’est plus valable")
    }

    pub(in crate::web::reader) fn link_is_over_why(self) -> String {
        match self.0 {
            Language::English => format!(
                "Such a link works for {FRESH_HOURS} hours, and only for the address that it was mailed to."
            ),
            Language::French => format!(
                "Un tel lien fonctionne pendant {FRESH_HOURS}\u{A0}heures, et seulement pour l’adresse à laquelle il a été envoyé."
            ),
        }
    }

    pub(in crate::web::reader) fn get_a_fresh_link(self) -> &'static str {
        self.pick("Get a fresh link", "Demander un nouveau lien")
    }

    pub(in crate::web::reader) fn your_address_is(self) -> &'static str {
        self.pick("The digest goes to", "Le bulletin est envoyé à")
    }

    pub(in crate::web::reader) fn another_address(self) -> &'static str {
        self.pick("Another address", "Changer d’adresse")
    }

    pub(in crate::web::reader) fn another_address_how(self) -> &'static str {
        self.pick(
            "We ask the new address whether it is yours. Nothing changes before it says so; then we tell the old one.",
            "Nous demandons à la nouvelle adresse si c’est bien la vôtre. Rien ne change avant sa réponse\u{A0}; nous prévenons ensuite l’ancienne.",
        )
    }

    pub(in crate::web::reader) fn new_address(self) -> &'static str {
        self.pick("New address", "Nouvelle adresse")
    }

    pub(in crate::web::reader) fn ask_it(self) -> &'static str {
        self.pick("Send the question", "Envoyer la question")
    }

    pub(in crate::web::reader) fn it_was_asked(self) -> &'static str {
        self.pick(
            "If digests can go there, a mail with a link is on its way to",
            "Si le bulletin peut y être envoyé, un courriel avec un lien est en route vers",
        )
    }

    pub(in crate::web::reader) fn it_was_asked_then(self) -> &'static str {
        self.pick(
            "Use that link within seven days. Until then digests come as before. An address is asked at most once a day.",
            "Utilisez ce lien dans les sept jours. D’ici là, le bulletin arrive comme avant. Nous n’interrogeons une adresse qu’une fois par jour.",
        )
    }

    pub(in crate::web::reader) fn what_we_hold(self) -> &'static str {
        self.pick("What we hold about you", "Ce que nous avons sur vous")
    }

    pub(in crate::web::reader) fn what_we_hold_all(self) -> &'static str {
        self.pick(
            "All of it: your subscription, your consent and its proof, each mail and what became of it, what you asked for.",
            "Tout\u{A0}: votre abonnement, votre consentement et sa preuve, chaque courriel et ce qu’il est devenu, vos demandes.",
        )
    }

    pub(in crate::web::reader) fn as_json(self) -> &'static str {
        self.pick("For programs (JSON)", "Pour les programmes (JSON)")
    }

    pub(in crate::web::reader) fn as_csv(self) -> &'static str {
        self.pick("For a spreadsheet (CSV)", "Pour un tableur (CSV)")
    }

    pub(in crate::web::reader) fn be_erased_how(self) -> &'static str {
        self.pick(
            "You leave, and we forget you. The next page says what stays, and asks once more.",
            "Vous nous quittez, et nous vous oublions. La page suivante dit ce qui reste et vous demande de confirmer.",
        )
    }

    pub(in crate::web::reader) fn erase(self) -> &'static str {
        self.pick("To the page that erases", "Vers la page d’effacement")
    }

    pub(in crate::web::reader) fn shall_we_forget(self) -> &'static str {
        self.pick(
            "Shall we forget you?",
            "Voulez-vous que nous vous oubliions\u{A0}?",
        )
    }

    pub(in crate::web::reader) fn what_goes(self) -> &'static str {
        self.pick(
            "Gone at once, and for good: your address, name, choices, the record of your mails, and whatever still waits to be sent.",
            "Effacés aussitôt et pour toujours\u{A0}: votre adresse, votre nom, vos choix, l’historique de vos courriels et tout ce qui attend d’être envoyé.",
        )
    }

    pub(in crate::web::reader) fn what_stays(self) -> &'static str {
        self.pick(
            "What stays, without your address in it:",
            "Ce qui reste, sans votre adresse\u{A0}:",
        )
    }

    pub(in crate::web::reader) fn these_stay(self) -> [&'static str; 2] {
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

    pub(in crate::web::reader) fn erase_me(self) -> &'static str {
        self.pick("Erase me", "Effacer mes données")
    }

    pub(in crate::web::reader) fn rather_not(self) -> &'static str {
        self.pick("No, go back", "Non, revenir en arrière")
    }

    pub(in crate::web::reader) fn you_are_erased(self) -> &'static str {
        self.pick("You are erased", "Vos données sont effacées")
    }

    pub(in crate::web::reader) fn you_are_erased_so(self) -> &'static str {
        self.pick(
            "We do not know you any more. No further mail comes, and every link of your old mails is dead.",
            "Nous ne vous connaissons plus. Aucun courriel ne viendra, et les liens de vos anciens courriels ne mènent plus à rien.",
        )
    }
}
