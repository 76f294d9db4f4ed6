//! Passwords of the desk: what one must be like, and Argon2id (RFC 9106) for what is kept of it.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::secret::random;

/// Letters at least.
pub const SHORTEST: usize = 15;

/// Letters at most: what is longer is no password, and costs time to hash.
pub const LONGEST: usize = 256;

/// A word that repeats makes no password of twice the length.
const LONGEST_UNIT: usize = 8;

/// What passwords are known to be made of, when people have to think of a long one. Digits and signs do not count.
const WORN: [&str; 26] = [
    "password",
    "passwort",
    "motdepasse",
    "qwertyuiop",
    "qwerty",
    "azerty",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "letmein",
    "welcome",
    "bienvenue",
    "iloveyou",
    "jetaime",
    "administrator",
    "admin",
    "changeme",
    "secret",
    "newsletter",
    "bulletin",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "sunshine",
    "princess",
];

/// Why a text is not taken as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    TooShort,
    TooLong,
    /// One word or row of keys again and again, or words that everybody tries.
    Worn,
    /// Little more than the account's own address or name.
    Own,
}

/// Whether `password` may be that of the account with these texts of its own.
pub fn check(password: &str, own: &[&str]) -> Result<(), Weak> {
    let letters = password.chars().count();
    if letters < SHORTEST {
        return Err(Weak::TooShort);
    }
    if letters > LONGEST {
        return Err(Weak::TooLong);
    }
    let folded = password.to_lowercase();
    if repeats(&folded) || is_a_row(&folded) || is_worn(&folded) {
        return Err(Weak::Worn);
    }
    match own.iter().any(|own| is_mostly(&folded, own)) {
        true => Err(Weak::Own),
        false => Ok(()),
    }
}

/// What is kept of a password: a PHC string that tells its own parameters (19 MiB, two passes).
pub fn hash(password: &str) -> String {
    let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &random::<16>());
    hashed
        .expect("the parameters are those of the library")
        .to_string()
}

/// Whether `password` is the one of which `kept` was kept. Without one, the same work is done for nothing, so that the
/// time tells nobody which accounts there are.
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    let Some(kept) = kept else {
        hash(password);
        return false;
    };
    let verified = Argon2::default().verify_password(password.as_bytes(), kept);
    verified.is_ok()
}

/// One short unit over and over.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=LONGEST_UNIT).any(|unit| letters.iter().zip(&letters[unit..]).all(|(a, b)| a == b))
}

/// Each letter follows on the one before, up or down.
fn is_a_row(text: &str) -> bool {
    let bytes = text.as_bytes();
    let steps = bytes.windows(2);
    let follows = steps.filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    follows * 4 >= bytes.len() * 3
}

fn is_worn(text: &str) -> bool {
    let mut rest: String = text
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .collect();
    for word in WORN {
        rest = rest.replace(word, "");
    }
    rest.chars().count() < 6
}

fn is_mostly(password: &str, own: &str) -> bool {
    let own = own.to_lowercase();
    let parts = own.split(|letter: char| !letter.is_alphanumeric());
    let rest = parts
        .filter(|part| part.chars().count() >= 3)
        .fold(password.to_owned(), |rest, part| rest.replace(part, ""));
    rest.chars().count() < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_what_everybody_tries() {
        let own = ["ada.lovelace@example.org", "Ada Lovelace"];
        for (password, verdict) in [
            ("horse staple 14", Ok(())),
            ("grüner Tee um vier", Ok(())),
            ("short", Err(Weak::TooShort)),
            ("passwordpassword", Err(Weak::Worn)),
            ("Password12345678!", Err(Weak::Worn)),
            ("abcabcabcabcabcabc", Err(Weak::Worn)),
            ("12345678901234567", Err(Weak::Worn)),
            ("abcdefghijklmnop", Err(Weak::Worn)),
            ("98765432109876543", Err(Weak::Worn)),
            ("ada.lovelace2026", Err(Weak::Own)),
            ("AdaLovelaceExample1", Err(Weak::Own)),
        ] {
            assert_eq!(check(password, &own), verdict, "{password}");
        }
        assert_eq!(check(&"longer ".repeat(40), &own), Err(Weak::TooLong));
    }

    #[test]
    fn what_is_kept_knows_its_password_alone_and_differs_each_time() {
        let (one, two) = (hash("horse staple 14"), hash("horse staple 14"));
        assert_ne!(one, two);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(is_right("horse staple 14", Some(&one)));
        assert!(!is_right("horse staple 15", Some(&one)));
        assert!(!is_right("horse staple 14", None));
        assert!(!is_right("horse staple 14", Some("not a hash")));
    }
}
