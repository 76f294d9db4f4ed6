//! Delivery to return path and back: variable envelope return paths, so that a bounce names its delivery itself.

use crate::secret::Keys;

/// What every return path of ours begins with.
const PREFIX: &str = "b-";
const LABEL: &str = "return-path";

/// The envelope sender of `delivery`: `b-<32 letters and digits>@domain`, signed, so that none can be invented.
pub fn return_path(keys: &Keys, delivery: i64, domain: &str) -> String {
    format!("{PREFIX}{}@{domain}", keys.delivery_name(LABEL, delivery))
}

/// The delivery that a return path names; `None` when it is not one of ours. Mail systems may have changed the case.
pub fn delivery(keys: &Keys, return_path: &str) -> Option<i64> {
    let (local, _domain) = return_path.rsplit_once('@')?;
    let prefix = local.get(..PREFIX.len())?;
    let name = local.get(PREFIX.len()..)?;
    if prefix.eq_ignore_ascii_case(PREFIX) {
        keys.delivery(LABEL, name)
    } else {
        None
    }
}
