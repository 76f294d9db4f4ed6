//! Why a line of a list is not taken, in the words of whoever brought it.

use std::fmt;

use chrono::NaiveDate;

use super::line::LONGEST_TEXT;
use crate::subscriber::AddressError;
use crate::subscription::Language;

/// What is wrong with a line. As text it is English; columns keep the names that the file has for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    NotUtf8(&'static str),
    Address(AddressError),
    /// Too long, or more than one line.
    Unfit(&'static str),
    NoSource,
    NoTime,
    TimeUnread,
    TimeToCome,
    /// An implied consent, and the day on which it ended.
    RanOut(NaiveDate),
    /// What the column may hold stands behind it.
    NotOneOf(&'static str, String),
    NoSuchZone,
    NoSuchTopic(String),
    NoSuchType(String),
    Suppressed,
    Known,
}

impl Why {
    pub fn told(&self, language: Language) -> String {
        match language {
            Language::English => self.to_string(),
            Language::French => self.french(),
        }
    }

    fn french(&self) -> String {
        match self {
            Why::NotUtf8(column) => format!("{column} n’est pas en UTF-8"),
            Why::Address(error) => address_in_french(*error).to_owned(),
            Why::Unfit(column) => format!(
                "{column} dépasse {LONGEST_TEXT} caractères ou contient des caractères de contrôle"
            ),
            Why::NoSource => {
                "consent_source est vide : dites comment le consentement a été donné".to_owned()
            }
            Why::NoTime => {
                "consent_at est vide : dites quand le consentement a été donné".to_owned()
            }
            Why::TimeUnread => {
                "consent_at doit s’écrire 2020-05-03 ou 2020-05-03T14:00:00Z".to_owned()
            }
            Why::TimeToCome => "consent_at est dans le futur".to_owned(),
            Why::RanOut(day) => format!("le consentement tacite a expiré le {day}"),
            Why::NotOneOf(column, allowed) => format!("{column} ne peut être que : {allowed}"),
            Why::NoSuchZone => "time_zone doit être un nom IANA comme America/Toronto".to_owned(),
            Why::NoSuchTopic(name) => format!(
                "il n’y a pas de thème « {name} » ; `bulletin topic list` montre les thèmes"
            ),
            Why::NoSuchType(name) => format!(
                "il n’y a pas de type de recherche « {name} » ; `bulletin topic list` montre les thèmes"
            ),
            Why::Suppressed => {
                "l’adresse est exclue des envois ; `bulletin subscriber show` dit pourquoi"
                    .to_owned()
            }
            Why::Known => {
                "l’adresse est déjà celle d’un lecteur, ou figure deux fois dans le fichier"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NotUtf8(column) => write!(to, "{column} is not UTF-8"),
            Why::Address(error) => error.fmt(to),
            Why::Unfit(column) => write!(
                to,
                "{column} is longer than {LONGEST_TEXT} characters or holds controls"
            ),
            Why::NoSource => to.write_str("consent_source is empty: say how the consent was given"),
            Why::NoTime => to.write_str("consent_at is empty: say when the consent was given"),
            Why::TimeUnread => {
                to.write_str("consent_at must be written as 2020-05-03 or 2020-05-03T14:00:00Z")
            }
            Why::TimeToCome => to.write_str("consent_at lies in the future"),
            Why::RanOut(day) => write!(to, "the implied consent ran out on {day}"),
            Why::NotOneOf(column, allowed) => write!(to, "{column} must be one of {allowed}"),
            Why::NoSuchZone => {
                to.write_str("time_zone must be an IANA name such as America/Toronto")
            }
            Why::NoSuchTopic(name) => write!(
                to,
                "there is no topic '{name}'; `bulletin topic list` shows the topics"
            ),
            Why::NoSuchType(name) => write!(
                to,
                "there is no type of research '{name}'; `bulletin topic list` shows the topics"
            ),
            Why::Suppressed => {
                to.write_str("the address is suppressed; `bulletin subscriber show` says why")
            }
            Why::Known => {
                to.write_str("the address is a subscriber already, or stands in the file twice")
            }
        }
    }
}

fn address_in_french(error: AddressError) -> &'static str {
    match error {
        AddressError::Empty => "l’adresse est vide",
        AddressError::NoAt => "l’adresse n’a pas de « @ »",
        AddressError::LocalPart => {
            "la partie avant « @ » est vide, trop longue (64 octets) ou contient un caractère qui n’y est pas admis"
        }
        AddressError::Domain => "le domaine n’est pas un nom de domaine avec au moins un point",
        AddressError::TooLong => "l’adresse dépasse 254 octets",
    }
}
