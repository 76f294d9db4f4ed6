//! Taking a draft into the archive.

use super::steps::Step;
use super::write::{self, Shown};
use super::{Answer, DeskError, Visit, current};
use crate::audit::Deed;
use crate::campaign;
use crate::draft::{self, Keeping};
use crate::issue::Month;

/// Keeps the version that was just saved; where something is missing, the form says what.
pub(super) async fn keep(visit: &Visit, month: Month, version: i64) -> Answer {
    let mut tx = visit.begin().await?;
    let suggester = &visit.desk.suggester;
    match draft::keep(&mut tx, month, version, suggester, visit.now).await? {
        // The archive has what is shown already.
        Keeping::NoDraft => Ok(visit.back_to(&format!("{}?done=same", Step::Write.path(month)))),
        Keeping::Kept(changes) => {
            let count = changes.len() as i64;
            visit
                .audit(&mut tx, Deed::IssueKept, &month.to_string(), count)
                .await?;
            tx.commit().await?;
            Ok(visit.back_to(&format!("{}?done=kept", Step::Look.path(month))))
        }
        Keeping::Unfinished(missing) => {
            let current = current(&mut tx, month).await?;
            let is_settled = campaign::of_month(&mut tx, month).await?.is_some();
            let shown = Shown {
                month,
                text: &current.text,
                from: current.version,
                current: &current,
                is_settled,
                missing: &missing,
                done: None,
            };
            Ok(write::page(visit, &shown))
        }
        Keeping::Another(_) => {
            let changed = visit.say(
                "Somebody saved this month again just now. Look at it once more, then keep it.",
                "Quelqu’un vient d’enregistrer ce mois de nouveau. Revoyez-le, puis versez-le.",
            );
            Err(DeskError::Conflict(changed.to_owned()))
        }
    }
}
