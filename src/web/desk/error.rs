//! What the desk says when it cannot do what was asked.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::subscription::Language;

/// Why there is no page. `enter` makes a page of it, for the admin who asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeskError {
    #[error("there is no such page")]
    NotFound,
    /// In the admin's language, with the mend.
    #[error("{0}")]
    BadForm(String),
    /// What was asked no longer fits what is; in the admin's language, with the mend.
    #[error("{0}")]
    Conflict(String),
    #[error("the form is larger than what is taken")]
    TooLarge,
    #[error("nobody is signed in")]
    SignedOut,
    #[error("the role does not allow it")]
    NotAllowed,
    #[error("the last proof of who it is, is too old")]
    Stale,
    #[error("the form was not sent from a page of ours")]
    NotOurs,
    #[error("there were too many tries")]
    TooMany { seconds: i64 },
    /// The site's address is not one over which a password may go.
    #[error("the desk wants https")]
    NotSecure,
    /// The cause is in the log.
    #[error("the database fails")]
    Database,
    #[error("something failed here")]
    Failed,
}

impl From<sqlx::Error> for DeskError {
    fn from(error: sqlx::Error) -> DeskError {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a page of the desk failed"
        );
        DeskError::Database
    }
}

impl IntoResponse for DeskError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl DeskError {
    pub fn status(&self) -> StatusCode {
        match self {
            DeskError::NotFound => StatusCode::NOT_FOUND,
            DeskError::BadForm(_) => StatusCode::BAD_REQUEST,
            DeskError::Conflict(_) => StatusCode::CONFLICT,
            DeskError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            DeskError::SignedOut => StatusCode::UNAUTHORIZED,
            DeskError::NotAllowed
            | DeskError::Stale
            | DeskError::NotOurs
            | DeskError::NotSecure => StatusCode::FORBIDDEN,
            DeskError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            DeskError::Database => StatusCode::SERVICE_UNAVAILABLE,
            DeskError::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A heading, and what to do.
    pub(super) fn words(&self, language: Language) -> [String; 2] {
        let (english, french) = match self {
            DeskError::NotFound => (
                [
                    "There is no such page",
                    "It may have been moved, or never have been here.",
                ],
                [
                    "Cette page n’existe pas",
                    "Elle a pu être déplacée, ou n’a jamais existé.",
                ],
            ),
            DeskError::BadForm(_) => (
                ["That could not be taken", ""],
                ["Impossible d’accepter cet envoi", ""],
            ),
            DeskError::Conflict(_) => (
                ["Something has changed meanwhile", ""],
                ["Quelque chose a changé entre-temps", ""],
            ),
            DeskError::TooLarge => (
                [
                    "That is too large",
                    "A form takes 2 MB and a file 256 MB. Nothing was kept of it.",
                ],
                [
                    "L’envoi est trop volumineux",
                    "Un formulaire peut peser 2 Mo et un fichier 256 Mo. Rien n’a été conservé.",
                ],
            ),
            DeskError::SignedOut => (
                [
                    "You are signed out",
                    "Nothing was changed. Sign in in another tab, come back here, and press the button again: what you wrote is still in the form.",
                ],
                [
                    "Vous êtes déconnecté",
                    "Rien n’a changé. Connectez-vous dans un autre onglet, revenez ici et appuyez de nouveau sur le bouton : votre texte est encore dans le formulaire.",
                ],
            ),
            DeskError::NotAllowed => (
                [
                    "Your account may not do this",
                    "An owner of this desk can change what your account may do.",
                ],
                [
                    "Votre compte ne permet pas cela",
                    "Un propriétaire de cet espace peut modifier vos droits.",
                ],
            ),
            DeskError::Stale => (
                [
                    "Please prove again that it is you",
                    "This wants a password entered within the last ten minutes. Nothing was changed: go back, load the page anew, and you will be asked.",
                ],
                [
                    "Veuillez confirmer votre identité",
                    "Cette action demande un mot de passe saisi dans les dix dernières minutes. Rien n’a changé : revenez en arrière et rechargez la page, il vous sera demandé.",
                ],
            ),
            DeskError::NotOurs => (
                [
                    "This form is not known here",
                    "It was not sent from a page of this desk, or the page was opened before you last signed in. Nothing was changed: load the page anew and try again.",
                ],
                [
                    "Ce formulaire est inconnu ici",
                    "Il ne vient pas d’une page de cet espace, ou la page a été ouverte avant votre dernière connexion. Rien n’a changé : rechargez la page et réessayez.",
                ],
            ),
            DeskError::TooMany { .. } => (
                ["Too many tries", "Wait a little, then try again."],
                ["Trop d’essais", "Attendez un peu, puis réessayez."],
            ),
            DeskError::NotSecure => (
                [
                    "The desk wants https",
                    "A password is not to go over an open line. The operator has to put a server with a certificate in front and set site.url to its https address.",
                ],
                [
                    "Cet espace exige https",
                    "Un mot de passe ne doit pas circuler en clair. L’exploitant doit placer devant un serveur muni d’un certificat et donner son adresse https à site.url.",
                ],
            ),
            DeskError::Database => (
                [
                    "The database does not answer",
                    "Nothing was changed. Try again in a minute; the operator finds the cause in the log.",
                ],
                [
                    "La base de données ne répond pas",
                    "Rien n’a changé. Réessayez dans une minute ; l’exploitant trouvera la cause dans le journal.",
                ],
            ),
            DeskError::Failed => (
                [
                    "Something failed here",
                    "The operator finds the cause in the log.",
                ],
                [
                    "Une erreur s’est produite ici",
                    "L’exploitant trouvera la cause dans le journal.",
                ],
            ),
        };
        let [heading, sentence] = language.pick(english, french).map(str::to_owned);
        match self {
            DeskError::BadForm(why) | DeskError::Conflict(why) => [heading, why.clone()],
            DeskError::TooMany { seconds } => {
                let wait = match language {
                    Language::English => format!("Wait {seconds} seconds, then try again."),
                    Language::French => format!("Attendez {seconds} secondes, puis réessayez."),
                };
                [heading, wait]
            }
            _ => [heading, sentence],
        }
    }
}
