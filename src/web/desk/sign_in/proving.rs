//! Who somebody is: a password, a second factor, and the session that follows.

use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;

use super::super::{Answer, Desk, DeskError, Posted, Visit};
use crate::admin::password;
use crate::admin::session;
use crate::admin::{self, Admin, second};
use crate::audit::Deed;
use crate::db::Tx;
use crate::network::Network;
use crate::secret::random_token;
use crate::subscriber::Address;

/// Whether the form shows who somebody is: their password, and the second factor where the account has one. Whatever is
/// wrong, it is one answer after one time.
pub(super) async fn prove(
    visit: &Visit,
    network: Network,
    address: &str,
    posted: &Posted,
) -> Result<Option<Admin>, DeskError> {
    let desk = &visit.desk;
    let address = Address::parse(address).ok();
    let written = address.as_ref().map_or(String::new(), Address::normalised);
    let account = desk.site.keys.code_over("desk account", written.as_bytes());
    let begun = desk.guesses.begin(account, network, visit.now);
    begun.map_err(|seconds| DeskError::TooMany { seconds })?;
    let admin = match &address {
        Some(address) => {
            let mut tx = visit.read().await?;
            admin::of_address(&mut tx, address).await?
        }
        None => None,
    };
    let admin = admin.filter(|admin| !admin.has_ended());
    let kept = admin.as_ref().and_then(|admin| admin.password.clone());
    let is_right = desk.check_password(posted.get("password"), kept).await?;
    let Some(admin) = admin.filter(|_| is_right) else {
        return Ok(None);
    };
    let mut tx = visit.begin().await?;
    if !takes_second(visit, &mut tx, &admin, posted.get("code")).await? {
        return Ok(None);
    }
    tx.commit().await?;
    desk.guesses.right(account, network);
    Ok(Some(admin))
}

/// Begins a new session of somebody who has proved who they are, and ends the one that they came with.
pub(in crate::web::desk) async fn begin_session(
    visit: &Visit,
    admin: &Admin,
    mut response: Response,
) -> Answer {
    let token = random_token();
    let mut tx = visit.begin().await?;
    if let Some(old) = &visit.session {
        session::end(&mut tx, old).await?;
    }
    session::forget(&mut tx, visit.now).await?;
    session::begin(&mut tx, admin.id, &token, visit.now).await?;
    let visit = visit.as_admin(admin);
    visit.audit(&mut tx, Deed::SignedIn, "", 1).await?;
    tx.commit().await?;
    set_cookie(&visit.desk, &mut response, &token, "");
    Ok(response)
}

pub(super) fn set_cookie(desk: &Desk, response: &mut Response, value: &str, more: &str) {
    let secure = if desk.is_https() { "; Secure" } else { "" };
    let name = desk.cookie_name();
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let line = HeaderValue::from_str(&line).expect("a token is ASCII");
    response.headers_mut().append(SET_COOKIE, line);
}

/// Whether the second factor is shown, where the account has one; a code is used up by it.
async fn takes_second(
    visit: &Visit,
    tx: &mut Tx,
    admin: &Admin,
    code: &str,
) -> Result<bool, DeskError> {
    if admin.second.is_none() {
        return Ok(true);
    }
    let Some(key) = admin.second_key(&visit.desk.site.keys) else {
        return Ok(admin::take_code(tx, admin.id, code).await?);
    };
    match second::step_of(&key, code, admin.second_step, visit.now) {
        Some(step) => Ok(admin::take_step(tx, admin.id, step).await?),
        None => Ok(admin::take_code(tx, admin.id, code).await?),
    }
}

impl Desk {
    /// Checks a password where a place is free, off the threads that serve pages.
    async fn check_password(
        &self,
        password: &str,
        kept: Option<String>,
    ) -> Result<bool, DeskError> {
        let place = self.checks.clone().acquire_owned().await;
        let place = place.map_err(|_| DeskError::Failed)?;
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            let _place = place;
            password.chars().count() <= password::LONGEST
                && password::is_right(&password, kept.as_deref())
        });
        checked.await.map_err(|_| DeskError::Failed)
    }

    /// What is kept of a new password.
    pub(super) async fn hash_password(&self, password: &str) -> Result<String, DeskError> {
        let place = self.checks.clone().acquire_owned().await;
        let place = place.map_err(|_| DeskError::Failed)?;
        let password = password.to_owned();
        let hashed = tokio::task::spawn_blocking(move || {
            let _place = place;
            password::hash(&password)
        });
        hashed.await.map_err(|_| DeskError::Failed)
    }
}
