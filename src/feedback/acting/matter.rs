//! What came back is kept, and done what was ruled, in one transaction.

use chrono::{DateTime, Utc};

use super::case::{Case, Ruling};
use super::said::{Said, the_one};
use super::{Acted, Done, Terms};
use crate::alarm::{self, Raised};
use crate::bounce::{Class, Kind, Reading};
use crate::campaign::DeliveryState;
use crate::db::{Tx, on};
use crate::feedback::leave;
use crate::letter;
use crate::outbox::{self, Event};
use crate::plain::plain;
use crate::returned::{self, Did, New, Returned, Way, score, status_text};
use crate::subscriber::Subscriber;
use crate::suppression::{self, Reason};
use crate::tally;

/// Something that came back, with all that is known of it.
pub(super) struct Matter<'a> {
    pub(super) said: &'a Said<'a>,
    pub(super) reading: &'a Reading,
    pub(super) case: Option<&'a Case>,
    pub(super) mark: &'a str,
    pub(super) way: Way,
    pub(super) now: DateTime<Utc>,
}

impl Matter<'_> {
    /// Keeps it, as long as there is not too much of that delivery, and does what the ruling says.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        terms: &Terms,
        ruling: Ruling,
    ) -> sqlx::Result<Acted> {
        let new = New {
            mark: self.mark,
            subscriber_id: self.reader().map(|reader| reader.id),
            row: self.row(&ruling),
        };
        returned::add(tx, &new).await?;
        let mut done = Done {
            kind: self.reading.kind,
            class: new.row.class,
            reason: new.row.reason,
            delivery: new.row.delivery_id,
            domain: new.row.domain.clone(),
            did: ruling.did,
            note: ruling.note.to_owned(),
            has_left: false,
            raised: None,
        };
        self.change_the_reader(tx, terms, &mut done).await?;
        if let (true, Some(case)) = (ruling.bounces, self.case) {
            done.raised = self.bounce(tx, case, terms).await?;
        }
        Ok(Acted::Done(done))
    }

    fn reader(&self) -> Option<&Subscriber> {
        self.case.and_then(|case| case.reader.as_ref())
    }

    async fn change_the_reader(
        &self,
        tx: &mut Tx,
        terms: &Terms,
        done: &mut Done,
    ) -> sqlx::Result<()> {
        let Some(reader) = self.reader() else {
            return Ok(());
        };
        let (hash, now) = (&reader.address_hash, self.now);
        match (done.did, self.said) {
            (Did::Suppressed, Said::Failed(failed)) => {
                let code = failed.status.map(status_text).unwrap_or_default();
                suppression::suppress(tx, hash, Reason::HardBounce, &code, now).await?;
                outbox::tell(tx, Event::Bounced, hash, now).await
            }
            (Did::Counted, _) => {
                if let Some(note) = score::weigh(tx, reader.id, terms.soft, now).await? {
                    returned::set_did(tx, self.mark, Did::Suppressed, &note).await?;
                    (done.did, done.note) = (Did::Suppressed, note);
                }
                Ok(())
            }
            (Did::Unsubscribed, Said::Complains) => {
                done.has_left = leave(tx, reader, "complaint", false, now).await?;
                suppression::suppress(tx, hash, Reason::Complaint, "", now).await
            }
            (Did::Unsubscribed, _) => {
                let source = "a mail that asks to unsubscribe";
                done.has_left = leave(tx, reader, source, terms.goodbye, now).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The delivery did not arrive after all: both books are corrected. Gives the storm that this may make it.
    async fn bounce(
        &self,
        tx: &mut Tx,
        case: &Case,
        terms: &Terms,
    ) -> sqlx::Result<Option<Raised>> {
        let campaign = case.sent.campaign_id;
        let class = self.said.failed().map(|failed| failed.verdict.class);
        let is_refused = matches!(class, Some(Class::Hard | Class::Block));
        let at = case.offered_at();
        if case.sent.state == DeliveryState::Bounced {
            if is_refused && case.failures.1 == 0 {
                tally::refused(tx, campaign, at).await?;
            }
        } else {
            set_bounced(tx, case.sent.id, self.now).await?;
            let was_accepted = case.sent.state == DeliveryState::Accepted;
            tally::came_back(tx, campaign, was_accepted, is_refused, at).await?;
        }
        match terms.storm {
            Some(allowed) if is_refused && campaign != letter::CAMPAIGN => {
                alarm::pause_in_storm(tx, campaign, allowed).await
            }
            _ => Ok(None),
        }
    }

    fn row(&self, ruling: &Ruling) -> Returned {
        let failed = self.said.failed();
        let told = failed.or_else(|| the_one(&self.reading.recipients, None));
        let domain = self.reader().and_then(|reader| {
            let (_, domain) = reader.address.rsplit_once('@')?;
            Some(domain.to_owned())
        });
        // Of whom we do not know, we keep nothing that may name them. What is kept is shown on a terminal.
        let words = told.map(|one| plain(&one.words));
        let words = words.filter(|words| self.reader().is_some() && !words.is_empty());
        let verdict = told.filter(|_| self.reading.kind == Kind::Bounce);
        let verdict = verdict.map(|one| &one.verdict);
        Returned {
            at: self.now,
            way: self.way,
            kind: self.reading.kind,
            class: verdict.map(|verdict| verdict.class),
            reason: verdict.map_or("", |verdict| verdict.reason).to_owned(),
            because: verdict
                .map_or(self.reading.because, |verdict| verdict.because)
                .to_owned(),
            status: told.and_then(|one| one.status).map(status_text),
            delivery_id: self.case.map(|case| case.sent.id),
            domain,
            words,
            did: ruling.did,
            note: ruling.note.to_owned(),
        }
    }
}

async fn set_bounced(tx: &mut Tx, delivery: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET state = 'bounced', due_at = NULL, changed_at = $2 WHERE id = $1"
    )
    .bind(delivery)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}
