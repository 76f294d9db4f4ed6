//! The key of links and return paths, and what is made with it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// Bytes of a code that are kept; 96 bits cannot be guessed, and links stay short.
const CODE_LENGTH: usize = 12;

/// What a link may be used for. A link made for one purpose is worthless for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Unsubscribe,
    Preferences,
    /// Of a request: to confirm it.
    Confirm,
    /// Of a request: to change the address, take one's data out, or be erased.
    Manage,
    /// Of a page: when its form was made.
    Form,
    /// The feed of a reader's own topics.
    Feed,
    /// More or fewer summaries like one: topics, and nothing else.
    Feedback,
    /// Of a link by which an admin sets their password.
    Password,
}

/// The newest key first: it makes; every key still checks, so that old mails' links go on working after a change.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<hmac::Key>,
}

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {} cannot be read or made", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}:{line} is not a key: 64 hexadecimal digits, the newest key on the first line", path.display())]
    NotAKey { path: PathBuf, line: usize },
    #[error("{} holds no key; restore it from the backup, for every link already mailed depends on it", path.display())]
    Empty { path: PathBuf },
}

impl Keys {
    /// Reads the key file; makes one, readable by its owner alone, when there is none.
    pub fn open(path: &Path) -> Result<Keys, KeyError> {
        let fails = |source| KeyError::File {
            path: path.into(),
            source,
        };
        if !path.exists() {
            make_key_file(path).map_err(fails)?;
        }
        Keys::parse(path, &std::fs::read_to_string(path).map_err(fails)?)
    }

    /// A key for as long as this process lives, where there is none to open and none is to be made.
    pub fn passing() -> Keys {
        let random = SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random);
        Keys {
            keys: vec![key.expect("a system without random numbers starts nothing")],
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Keys, KeyError> {
        let keys: Vec<_> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                HEXLOWER_PERMISSIVE
                    .decode(line.trim().as_bytes())
                    .ok()
                    .filter(|key| key.len() == 32)
                    .map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key))
                    .ok_or(KeyError::NotAKey {
                        path: path.into(),
                        line: index + 1,
                    })
            })
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            Err(KeyError::Empty { path: path.into() })
        } else {
            Ok(Keys { keys })
        }
    }

    /// What stands for an address where the address itself must not be kept. Made with the oldest key, so that it lasts.
    pub fn address_hash(&self, normalised: &str) -> [u8; 32] {
        self.code_over("address", normalised.as_bytes())
    }

    /// What stands for something that came from outside, to know it when it comes again; tells nothing of it. Made with
    /// the oldest key, as it is compared for long.
    pub fn mark(&self, of: &[u8]) -> String {
        HEXLOWER_PERMISSIVE.encode(&self.code_over("mark", of)[..16])
    }

    /// The part of a reader's link that says who and for what; 38 characters that show nothing of the id.
    pub fn link(&self, purpose: Purpose, reader: Uuid) -> String {
        BASE64URL_NOPAD.encode(&self.sealed(purpose.label(), reader.as_bytes()))
    }

    /// Whose link `token` is, if it is one of ours for this purpose.
    pub fn reader(&self, purpose: Purpose, token: &str) -> Option<Uuid> {
        let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        Uuid::from_slice(&self.opened(purpose.label(), &sealed)?).ok()
    }

    /// A delivery's name in lower-case letters and digits that survive any mail system; 32 characters.
    pub fn delivery_name(&self, label: &str, delivery: i64) -> String {
        BASE32_NOPAD
            .encode(&self.sealed(label, &delivery.to_be_bytes()))
            .to_ascii_lowercase()
    }

    /// The delivery of a name that `delivery_name` gave under the same label, in any case of letters.
    pub fn delivery(&self, label: &str, name: &str) -> Option<i64> {
        let sealed = BASE32_NOPAD
            .decode(name.to_ascii_uppercase().as_bytes())
            .ok()?;
        let body = self.opened(label, &sealed)?;
        body.try_into().ok().map(i64::from_be_bytes)
    }

    /// A short text, illegible to who has the database, or a log of addresses, alone. Opened under the same label only.
    pub fn seal(&self, label: &str, secret: &[u8]) -> Vec<u8> {
        self.sealed(label, secret)
    }

    /// What `seal` sealed.
    pub fn open_sealed(&self, label: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.opened(label, sealed)
    }

    /// A code over some texts, which nobody without the key file makes. Made with the oldest key, as it is compared for
    /// long.
    pub fn code_over(&self, label: &str, body: &[u8]) -> [u8; 32] {
        let oldest = self
            .keys
            .last()
            .expect("`parse` refuses a file without keys");
        let code = code(oldest, label, body);
        code.as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    /// The body, made illegible, and its code. The same body is sealed in the same way each time.
    fn sealed(&self, label: &str, body: &[u8]) -> Vec<u8> {
        let newest = self
            .keys
            .first()
            .expect("`parse` refuses a file without keys");
        let code = code(newest, label, body);
        let code = &code.as_ref()[..CODE_LENGTH];
        let mut sealed = masked(newest, code, body);
        sealed.extend_from_slice(code);
        sealed
    }

    fn opened(&self, label: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (body, given) = sealed.split_at_checked(sealed.len().checked_sub(CODE_LENGTH)?)?;
        self.keys.iter().find_map(|key| {
            let body = masked(key, given, body);
            let right = code(key, label, &body);
            let differs = right.as_ref()[..CODE_LENGTH]
                .iter()
                .zip(given)
                .fold(0, |differs, (a, b)| differs | (a ^ b));
            (differs == 0).then_some(body)
        })
    }
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Purpose::Unsubscribe => "unsubscribe",
            Purpose::Preferences => "preferences",
            Purpose::Confirm => "confirm",
            Purpose::Manage => "manage",
            Purpose::Form => "form",
            Purpose::Feed => "feed",
            Purpose::Feedback => "feedback",
            Purpose::Password => "password",
        }
    }
}

/// Whether two secrets are the same, in a time that does not tell how far they agree.
pub fn is_same(given: &[u8], secret: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"is_same");
    hmac::verify(&key, given, hmac::sign(&key, secret).as_ref()).is_ok()
}

/// What nobody can guess.
pub fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.expect("a system without random numbers starts nothing");
    bytes
}

/// 256 random bits, as text for a cookie or a link.
pub fn random_token() -> String {
    BASE64URL_NOPAD.encode(&random::<32>())
}

/// What is kept of a token: who reads the database cannot use it.
pub fn token_hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// The label and its length keep a code made for one thing from passing for another.
fn code(key: &hmac::Key, label: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(&[label.len() as u8]);
    context.update(label.as_bytes());
    context.update(body);
    context.sign()
}

/// The body with a stream laid over it that follows from the code; laid over twice, it is gone. Without it, a
/// delivery's number would tell everybody how many went before.
fn masked(key: &hmac::Key, code_of_body: &[u8], body: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(body.len());
    for (number, part) in body.chunks(32).enumerate() {
        let mut of = code_of_body.to_vec();
        // The first part's stream is the one that mails of years ago were made with.
        if number > 0 {
            of.extend_from_slice(&(number as u64).to_be_bytes());
        }
        let stream = code(key, "mask", &of);
        masked.extend(part.iter().zip(stream.as_ref()).map(|(a, b)| a ^ b));
    }
    masked
}

fn make_key_file(path: &Path) -> std::io::Result<()> {
    let mut key = [0; 32];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| std::io::Error::other("the system gives no random numbers"))?;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    // Written beside and renamed without overwriting, so that two starters end with one whole key.
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    writeln!(file, "{}", HEXLOWER_PERMISSIVE.encode(&key))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Keys {
        Keys::parse(Path::new("key"), text).unwrap()
    }

    fn line(digit: &str) -> String {
        digit.repeat(64) + "\n"
    }

    #[test]
    fn what_is_sealed_opens_under_its_own_label_and_key_alone() {
        let (ours, others) = (keys(&line("a")), keys(&line("b")));
        for delivery in [0, 1, 77, i64::MAX, -1] {
            let name = ours.delivery_name("return-path", delivery);
            assert_eq!(name.len(), 32);
            assert_eq!(
                ours.delivery("return-path", &name.to_uppercase()),
                Some(delivery)
            );
            assert_eq!(ours.delivery("message-id", &name), None);
            assert_eq!(others.delivery("return-path", &name), None);
        }
    }

    #[test]
    fn a_text_of_any_length_is_sealed_whole() {
        let ours = keys(&line("a"));
        for length in [0, 1, 31, 32, 33, 64, 254] {
            let text = vec![b'x'; length];
            let sealed = ours.seal("text", &text);
            assert_eq!(ours.open_sealed("text", &sealed), Some(text), "{length}");
            assert!(!sealed.windows(4).any(|part| part == b"xxxx"), "{length}");
            assert_eq!(ours.open_sealed("other", &sealed), None);
        }
    }

    #[test]
    fn names_tell_nothing_of_their_order() {
        let ours = keys(&line("a"));
        let (one, two) = (ours.delivery_name("x", 1), ours.delivery_name("x", 2));
        let alike = one.bytes().zip(two.bytes()).filter(|(a, b)| a == b).count();
        assert!(alike < 10, "{one} {two}");
    }

    #[test]
    fn a_new_key_goes_first_and_the_old_one_still_opens() {
        let (old, both) = (keys(&line("a")), keys(&(line("b") + &line("a"))));
        let reader = Uuid::from_u128(5);
        let link = old.link(Purpose::Unsubscribe, reader);
        assert_eq!(both.reader(Purpose::Unsubscribe, &link), Some(reader));
        assert_ne!(both.link(Purpose::Unsubscribe, reader), link);
        assert_eq!(
            both.address_hash("a@b.c"),
            old.address_hash("a@b.c"),
            "suppressions outlive a change of keys"
        );
    }

    #[test]
    fn a_key_file_that_is_damaged_is_named_by_its_line() {
        let error = Keys::parse(Path::new("key"), &(line("a") + "short\n"))
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("key:2 is not a key"));
        assert!(matches!(
            Keys::parse(Path::new("key"), "\n"),
            Err(KeyError::Empty { .. })
        ));
    }
}
