//! The button was pressed: the order is written down, once; and the way back.

use std::time::Duration;

use axum::extract::Path;
use uuid::Uuid;

use super::super::{Answer, DeskError, Posted, Visit, month_of};
use super::confirming::{confirmed, is_typed};
use super::when::{self, Wanted};
use super::{choosing, page_of};
use crate::audit::Deed;
use crate::issue::Month;
use crate::sending::order::{self, Asked, New, Rules, State};
use crate::subscription::Language;

/// How long the page that follows the button waits for a short list to be settled.
const SETTLING: Duration = Duration::from_millis(400);

pub(super) async fn send(visit: Visit, Path(path): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&path)?;
    let (Ok(id), Some(when)) = (posted.get("key").parse::<Uuid>(), when::posted(&posted)) else {
        return Err(DeskError::NotOurs);
    };
    let known = confirmed(&visit, month, when, &posted).await?;
    // Whoever comes back with a key that was used is shown what became of it.
    let asked_before = order::by_id(&mut visit.read().await?, id).await?;
    if asked_before.is_some() {
        return Ok(visit.back_to(&page_of(month)));
    }
    let Some(known) = known else {
        return Ok(visit.back_to(&format!("{}?done=changed", page_of(month))));
    };
    let readers = known.plan.recipients;
    if !is_typed(&visit, &posted, readers) {
        let wrong = visit.say(
            "The number that you typed is not the number of readers, so nothing was sent. Look at it again.",
            "Le nombre saisi n’est pas celui des lecteurs ; rien n’a été envoyé. Vérifiez-le.",
        );
        return again(&visit, month, &posted, wrong).await;
    }
    if readers == 0 || !visit.desk.config.missing_identity().is_empty() {
        return Ok(visit.back_to(&page_of(month)));
    }
    let new = New {
        id,
        month,
        fingerprint: &known.plan.fingerprint,
        recipients: readers,
        when,
        by: visit.admin.id,
        name: &visit.admin.name,
    };
    let mut tx = visit.begin().await?;
    let rules = Rules::of(&visit.desk.config);
    match order::ask(&mut tx, &new, &rules, visit.now).await? {
        Asked::New(order) => {
            let subject = month.to_string();
            visit
                .audit(&mut tx, order.deed(), &subject, readers)
                .await?;
            tx.commit().await?;
            settled_soon(&visit, order.id).await?;
            Ok(visit.back_to(&page_of(month)))
        }
        Asked::Known(_) | Asked::Sent => Ok(visit.back_to(&page_of(month))),
        Asked::TooMany(already) => {
            drop(tx);
            let wrong = too_many(&visit, already, readers);
            again(&visit, month, &posted, &wrong).await
        }
    }
}

/// The page with the button once more, with what was wrong.
async fn again(visit: &Visit, month: Month, posted: &Posted, wrong: &str) -> Answer {
    let wanted = Wanted {
        when: posted.get("when").to_owned(),
        ..Wanted::default()
    };
    choosing::page(visit, month, &wanted, None, Some(wrong)).await
}

/// Takes an order back, or calls its campaign back before the first mail.
pub(super) async fn take_back(visit: Visit, Path(path): Path<String>) -> Answer {
    let month = month_of(&path)?;
    let mut tx = visit.begin().await?;
    let order = order::of_month(&mut tx, month)
        .await?
        .ok_or(DeskError::NotFound)?;
    let withdrawn = order::withdraw(&mut tx, order.id).await?;
    let recalled = !withdrawn && order::recall(&mut tx, order.id, visit.now).await?;
    if withdrawn || recalled {
        visit
            .audit(
                &mut tx,
                Deed::SendTakenBack,
                &month.to_string(),
                order.recipients,
            )
            .await?;
        tx.commit().await?;
        settled_soon(&visit, order.id).await?;
        return Ok(visit.back_to(&format!("{}?done=withdrawn", page_of(month))));
    }
    Ok(visit.back_to(&format!("/desk/campaigns/{month}?done=begun")))
}

pub(super) fn too_many(visit: &Visit, already: i64, readers: i64) -> String {
    let number = |count| visit.language().number(count);
    let most = visit.desk.config.desk.most_per_day;
    match visit.language() {
        Language::English => format!(
            "Nothing was sent: at most {} readers may be sent to within a day, {} were already, and these are {}. Wait, or ask the operator for more.",
            number(most),
            number(already),
            number(readers)
        ),
        Language::French => format!(
            "Rien n’a été envoyé : {} lecteurs au plus par jour, {} déjà servis, et ceux-ci sont {}. Attendez, ou demandez à l’exploitant de relever la limite.",
            number(most),
            number(already),
            number(readers)
        ),
    }
}

/// Has an order settled, which a short list is by the time the next page comes.
pub(super) async fn settled_soon(visit: &Visit, order: Uuid) -> sqlx::Result<()> {
    visit.desk.placed.notify_one();
    let until = tokio::time::Instant::now() + SETTLING;
    while tokio::time::Instant::now() < until {
        let order = order::by_id(&mut visit.read().await?, order).await?;
        let waits =
            order.is_some_and(|order| matches!(order.state, State::Placed | State::Recalled));
        if !waits {
            break;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    Ok(())
}
