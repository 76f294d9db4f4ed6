//! Taking readers out, as a sheet that no spreadsheet runs anything of.

use std::io;

use axum::extract::Query;
use maud::html;
use uuid::Uuid;

use super::super::{Answer, Posted, Visit};
use super::asked::Asked;
use super::{crumb, import, words};
use crate::audit::Deed;
use crate::readers::{self, Count, Wanted, sheet};
use crate::record::What;
use crate::subscriber;

/// Readers that are read at a time.
const AT_A_TIME: usize = 1_000;

type Parts = tokio::sync::mpsc::Sender<io::Result<Vec<u8>>>;

pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let asked = asked.opened(&visit);
    let wanted = asked.wanted(&visit);
    let mut tx = visit.read().await?;
    let count = readers::count(&mut tx, &visit.desk.book, &wanted, visit.now).await?;
    let count = words::count(&visit, Count::Exactly(count));
    let title = visit.say("Take readers out", "Exporter des lecteurs");
    Ok(visit.page(title).under("/desk/readers").show(html! {
        (crumb(&visit))
        h1 { (title) }
        p.lead { strong { (count) } (visit.say(", with address, choices and consent’s date, as CSV.", ", avec adresse, choix et date du consentement, en CSV.")) }
        p { (visit.say(
            "The file holds personal data: keep it where nobody else can read it, and throw it away when it has served. That you took it is written into the record.",
            "Le fichier contient des données personnelles : gardez-le à l’abri des regards et jetez-le quand il a servi. L’export est inscrit au registre.",
        )) }
        form method="post" action="/desk/readers/export" {
            (visit.token())
            (asked.hidden())
            p.buttons { button { (visit.say("Take out: ", "Exporter : ")) (count) } }
        }
    }))
}

pub(super) async fn export(visit: Visit, posted: Posted) -> Answer {
    let wanted = Asked::posted(&visit, &posted).wanted(&visit);
    let mut tx = visit.begin().await?;
    let count = readers::count(&mut tx, &visit.desk.book, &wanted, visit.now).await? as i64;
    visit.note(&mut tx, What::Subscribers, None, count).await?;
    visit
        .audit(&mut tx, Deed::ReadersExported, "", count)
        .await?;
    tx.commit().await?;
    let (send, receive) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        if let Err(error) = write(&visit, &wanted, &send).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an export came to no end"
            );
            // The browser is to see that something is missing.
            let _ = send.send(Err(error)).await;
        }
    });
    Ok(import::sheet("readers.csv", receive))
}

/// Some at a time, each in a transaction of its own: somebody may take them slowly.
async fn write(visit: &Visit, wanted: &Wanted, to: &Parts) -> io::Result<()> {
    let mut csv = sheet::begin(Vec::new())?;
    let mut after = None;
    while let Some((readers, last)) = some(visit, wanted, after).await.map_err(io::Error::other)? {
        after = Some(last);
        for reader in &readers {
            sheet::add(&mut csv, reader)?;
        }
        csv.flush()?;
        let part = csv
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))?;
        if to.send(Ok(part)).await.is_err() {
            return Ok(());
        }
        csv = crate::cell::writer(Vec::new());
    }
    let rest = csv
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let _ = to.send(Ok(rest)).await;
    Ok(())
}

async fn some(
    visit: &Visit,
    wanted: &Wanted,
    after: Option<Uuid>,
) -> sqlx::Result<Option<(Vec<subscriber::Subscriber>, Uuid)>> {
    let mut tx = visit.read().await?;
    let place = (after, AT_A_TIME);
    let portion = readers::portion(&mut tx, &visit.desk.book, wanted, place, visit.now).await?;
    let Some((ids, last)) = portion else {
        return Ok(None);
    };
    let mut readers = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_A_TIME) {
        readers.extend(subscriber::of_ids(&mut tx, some).await?);
    }
    readers.sort_by_key(|reader| reader.id);
    Ok(Some((readers, last)))
}
