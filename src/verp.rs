//! Delivery to return path and back: variable envelope return paths, so that a bounce names its delivery itself. The
//! address to which a reader's mail program may write that they leave is made in the same way.

use crate::secret::Keys;

/// What every return path of ours begins with.
const PREFIX: &str = "b-";
const LABEL: &str = "return-path";

/// What begins the addresses that end a subscription.
const LEAVE_PREFIX: &str = "leave-";
const LEAVE_LABEL: &str = "leave";

/// Length of the name behind either: base32 of a number and its code.
const NAME_LENGTH: usize = 32;

/// The envelope sender of `delivery`: `b-<32 letters and digits>@domain`, signed, so that none can be invented.
pub fn return_path(keys: &Keys, delivery: i64, domain: &str) -> String {
    format!("{PREFIX}{}@{domain}", keys.delivery_name(LABEL, delivery))
}

/// The delivery that a return path names; `None` when it is not one of ours. Mail systems may have changed the case.
pub fn delivery(keys: &Keys, return_path: &str) -> Option<i64> {
    let (local, _domain) = return_path.rsplit_once('@')?;
    keys.delivery(LABEL, name(local, PREFIX)?)
}

/// What names a delivery to end the subscription that it belongs to: `leave-<32 letters and digits>`, signed.
pub fn leave(keys: &Keys, delivery: i64) -> String {
    format!(
        "{LEAVE_PREFIX}{}",
        keys.delivery_name(LEAVE_LABEL, delivery)
    )
}

/// The delivery whose reader leaves, by an address or a subject that begins as `leave` made it.
pub fn leaving(keys: &Keys, written: &str) -> Option<i64> {
    let written = written.trim();
    let begins = LEAVE_PREFIX.len() + NAME_LENGTH;
    let (begins, rest) = written.split_at_checked(begins)?;
    let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    keys.delivery(LEAVE_LABEL, name(begins, LEAVE_PREFIX).filter(|_| ends)?)
}

fn name<'a>(local: &'a str, prefix: &str) -> Option<&'a str> {
    let (begins, name) = local.split_at_checked(prefix.len())?;
    begins.eq_ignore_ascii_case(prefix).then_some(name)
}
