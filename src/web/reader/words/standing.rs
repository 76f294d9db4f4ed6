//! How a subscription stands, where something keeps mail from a reader.

use chrono::{DateTime, Utc};

use super::Words;
use crate::subscription::Language;

impl Words {
    pub(in crate::web::reader) fn you_get_none(self) -> &'static str {
        self.pick("You get no digests now", "Vous ne recevez plus de bulletin")
    }

    pub(in crate::web::reader) fn has_ended(self) -> &'static str {
        self.pick(
            "You unsubscribed. What you chose is still here, for the day you come back.",
            "Vous avez mis fin à votre abonnement. Vos choix restent ici, pour le jour où vous reviendrez.",
        )
    }

    pub(in crate::web::reader) fn you_pause(self) -> &'static str {
        self.pick("You are taking a break", "Vous faites une pause")
    }

    pub(in crate::web::reader) fn pauses_until(self, until: DateTime<Utc>) -> String {
        let until = self.date(until);
        match self.0 {
            Language::English => {
                format!("No digest comes until {until}. After that they come again by themselves.")
            }
            Language::French => format!(
                "Vous ne recevrez aucun bulletin jusqu’au {until}. Ensuite, les envois reprendront d’eux-mêmes."
            ),
        }
    }

    pub(in crate::web::reader) fn resume(self) -> &'static str {
        self.pick("End the break now", "Mettre fin à la pause")
    }

    pub(in crate::web::reader) fn shall_they_go_on(self) -> &'static str {
        self.pick(
            "Shall digests go on coming?",
            "Souhaitez-vous continuer à recevoir le bulletin\u{A0}?",
        )
    }

    pub(in crate::web::reader) fn consent_runs_out(
        self,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> String {
        let date = self.date(until);
        match (self.0, until > now) {
            (Language::English, true) => format!(
                "You have never told us in so many words that you want them, so the last one comes before {date}, unless you say so here."
            ),
            (Language::French, true) => format!(
                "Vous ne nous avez jamais dit expressément que vous le souhaitiez\u{A0}: les envois cesseront le {date}, à moins que vous ne le disiez ici."
            ),
            (Language::English, false) => format!(
                "You never told us in so many words that you want them, so we stopped on {date}. One press, and they come again."
            ),
            (Language::French, false) => format!(
                "Vous ne nous avez jamais dit expressément que vous le souhaitiez\u{A0}: les envois ont cessé le {date}. Un clic, et ils reprennent."
            ),
        }
    }

    pub(in crate::web::reader) fn let_them_go_on(self) -> &'static str {
        self.pick(
            "Yes, send me digests",
            "Oui, je souhaite recevoir le bulletin",
        )
    }

    // Taking a break.

    pub(in crate::web::reader) fn take_a_break(self) -> &'static str {
        self.pick("Take a break", "Faire une pause")
    }

    pub(in crate::web::reader) fn take_a_break_how(self) -> &'static str {
        self.pick(
            "No digest comes for so long, not even one that waits to be sent. Then they come again by themselves, with your choices as they are.",
            "Aucun bulletin ne vient pendant ce temps, pas même celui qui attend d’être envoyé. Les envois reprennent ensuite d’eux-mêmes, selon vos choix.",
        )
    }

    pub(in crate::web::reader) fn months(self, months: u32) -> String {
        match (self.0, months) {
            (Language::English, 1) => "1\u{A0}month".to_owned(),
            (Language::English, _) => format!("{months}\u{A0}months"),
            (Language::French, _) => format!("{months}\u{A0}mois"),
        }
    }

    pub(in crate::web::reader) fn come_back(self) -> &'static str {
        self.pick("Send me digests again", "Recevoir de nouveau le bulletin")
    }

    pub(in crate::web::reader) fn not_confirmed(self) -> &'static str {
        self.pick(
            "The subscription is not confirmed yet: use the link in the mail that we sent you.",
            "L’abonnement n’est pas encore confirmé\u{A0}: suivez le lien du courriel que nous vous avons envoyé.",
        )
    }

    /// `code` is what the mail server said, as a number.
    pub(in crate::web::reader) fn has_bounced(self, since: DateTime<Utc>, code: &str) -> String {
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

    pub(in crate::web::reader) fn has_failed_often(self, since: DateTime<Utc>) -> String {
        let since = self.date(since);
        match self.0 {
            Language::English => format!(
                "Your mailbox could not take our mails, several times in a row; it may have been full. Since {since} we have sent you nothing."
            ),
            Language::French => format!(
                "Votre boîte n’a pas pu recevoir nos courriels, plusieurs fois de suite\u{A0}; elle était peut-être pleine. Depuis le {since}, nous ne vous envoyons plus rien."
            ),
        }
    }

    pub(in crate::web::reader) fn start_again(self) -> &'static str {
        self.pick("Start again", "Reprendre les envois")
    }

    pub(in crate::web::reader) fn start_again_how(self) -> &'static str {
        self.pick(
            "If the mailbox works again: we send it one mail, and once you confirm with the link in it, digests come as before.",
            "Si la boîte fonctionne de nouveau\u{A0}: nous y envoyons un courriel et, dès que vous confirmez par son lien, le bulletin revient comme avant.",
        )
    }

    pub(in crate::web::reader) fn has_complained(self, since: DateTime<Utc>) -> String {
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

    pub(in crate::web::reader) fn was_stopped(self, since: DateTime<Utc>) -> String {
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
