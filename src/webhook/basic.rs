//! Providers that sign nothing send along what they were given: a password (RFC 7617) or a bearer's word (RFC 6750).

use data_encoding::BASE64;

use super::{HeaderOf, Refused};
use crate::secret;

/// Whether the `Authorization` line holds the secret.
pub(super) fn check(secret: &str, header: HeaderOf<'_>) -> Result<(), Refused> {
    const WHAT: &str = "Authorization header";
    let given = header("authorization").ok_or(Refused::Missing(WHAT))?;
    let (scheme, rest) = given.split_once(' ').ok_or(Refused::Wrong(WHAT))?;
    let given = match scheme.to_ascii_lowercase().as_str() {
        "basic" => BASE64
            .decode(rest.trim().as_bytes())
            .map_err(|_| Refused::Wrong(WHAT))?,
        "bearer" => rest.trim().as_bytes().to_vec(),
        _ => return Err(Refused::Wrong(WHAT)),
    };
    match secret::is_same(&given, secret.as_bytes()) {
        true => Ok(()),
        false => Err(Refused::Wrong(WHAT)),
    }
}
