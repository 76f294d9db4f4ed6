//! Readers: looked for, shown, added, changed, and let go. No address stands in the address of a call, for those are
//! written down on the way.

mod adding;
mod given;
mod schemas;
mod shown;

use axum::http::Method;
use uuid::Uuid;

use self::adding::add;
use self::given::{Asked, Chosen};
use self::schemas::{AFTER, ASKED, CHANGED, NEW, READER, READER_WHOLE, WANTED};
use self::shown::{Shown, shown, whole};
use super::call::Call;
use super::operation::{Answer, Body, Content, Operation, Reply};
use super::paging::{LIMIT, MOST};
use super::problem::Problem;
use super::schema::Schema;
use crate::audit::Deed;
use crate::db::Tx;
use crate::feedback;
use crate::readers::{self, Order, Place, Wanted};
use crate::record::What;
use crate::subscriber::{self, Address, Subscriber};
use crate::subscription::{self, Act};
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{ReadersRead as Read, ReadersWrite as Write};
    const READER_PATH: &str = "/readers/{id}";
    vec![
        Operation::new(Method::GET, "/readers", Read, ["reader_list", "Every reader, the newest first"], list)
            .query(&[AFTER, LIMIT])
            .gives(&Schema::List(&READER, MOST)),
        Operation::new(
            Method::POST,
            "/readers/search",
            Read,
            ["reader_search", "Readers by a part of the address, by what they asked for, or both"],
            search,
        )
        .about("Changes nothing; what is looked for stands in the body, so that no address stands in a log.")
        .query(&[AFTER, LIMIT])
        .takes(Body::Json(&WANTED))
        .gives(&Schema::List(&READER, MOST)),
        Operation::new(Method::GET, READER_PATH, Read, ["reader_get", "Everything that matters of one reader"], show)
            .gives(&READER_WHOLE),
        Operation::new(Method::POST, "/readers", Write, ["reader_add", "Add a reader, or ask somebody whether they want to be one"], add)
            .about(
                "With `consent`, which was given elsewhere, the reader is added at once. Without it a mail asks the \
                 address to confirm, and the answer is the same whoever has it.",
            )
            .takes(Body::Json(&NEW))
            .gives_as(201, Content::Json(&READER), "The reader was added.")
            .gives_as(202, Content::Json(&ASKED), "The address is asked, unless it was lately."),
        Operation::new(Method::PATCH, READER_PATH, Write, ["reader_change", "Change what a reader is called and gets"], change)
            .about("What is not named stays as it is.")
            .takes(Body::Json(&CHANGED))
            .gives(&READER),
        Operation::new(
            Method::POST,
            "/readers/{id}/unsubscribe",
            Write,
            ["reader_unsubscribe", "End a subscription, for what is queued too"],
            unsubscribe,
        )
        .gives(&READER),
        Operation::new(Method::DELETE, READER_PATH, Write, ["reader_erase", "Forget a reader"], erase)
            .about("Only a keyed hash of the address stays, so that no import brings them back.")
            .gives_as(204, Content::Nothing, "Nothing is left of the reader."),
    ]
}

/// The address that a program wrote, whose form has been looked at.
pub(super) fn address_of(written: &str) -> Result<Address, Problem> {
    Address::parse(written)
        .map_err(|error| Problem::does_not_fit("body /address", error.to_string()))
}

async fn list(call: Call) -> Answer {
    listed(&call, Wanted::default()).await
}

async fn search(call: Call) -> Answer {
    let asked: Asked = call.body()?;
    let wanted = Wanted {
        part: asked.part.clone(),
        filter: asked.filter(),
    };
    if !wanted.is_fit() {
        return Err(Problem::does_not_fit(
            "body /part",
            "no address has so long a part",
        ));
    }
    listed(&call, wanted).await
}

async fn listed(call: &Call, wanted: Wanted) -> Answer {
    let place = Place {
        order: Order::Newest,
        after: call.text("after").and_then(|id| id.parse().ok()),
        most: usize::try_from(call.limit()).unwrap_or(MOST),
    };
    let mut tx = call.reading().await?;
    let found = readers::list(&mut tx, &call.desk.book, &wanted, place, call.now).await?;
    drop(tx);
    call.note(What::Subscribers, None, found.readers.len())
        .await?;
    let shown: Vec<Shown> = found.readers.into_iter().map(shown).collect();
    Ok(call.part(shown, found.next.map(|id| id.to_string())))
}

async fn show(call: Call) -> Answer {
    let id = call.id()?;
    let known = subscriber::by_id(&mut call.reading().await?, id).await?;
    let known = known.map(|reader| reader.id);
    call.note(What::Subscriber, known, usize::from(known.is_some()))
        .await?;
    let mut tx = call.reading().await?;
    let reader = of_id(&mut tx, id).await?;
    Ok(Reply::json(whole(&mut tx, reader).await?))
}

async fn change(call: Call) -> Answer {
    let (id, chosen) = (call.id()?, call.body::<Chosen>()?);
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, id).await?;
    subscription::prefer(&mut tx, id, &chosen.over(reader.preferences())).await?;
    let name = chosen.name.as_ref().unwrap_or(&reader.name);
    let zone = chosen.time_zone.as_ref().unwrap_or(&reader.time_zone);
    subscriber::describe(&mut tx, id, name, zone).await?;
    let source = format!("changed over the API by {}", call.token.who());
    let hash = &reader.address_hash;
    subscription::record(&mut tx, hash, Act::Changed, &source, call.now).await?;
    call.audit(&mut tx, Deed::ReaderChanged, "", 1).await?;
    let reader = of_id(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Reply::json(shown(reader)))
}

async fn unsubscribe(call: Call) -> Answer {
    let id = call.id()?;
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, id).await?;
    let source = format!("over the API by {}", call.token.who());
    let was_active = feedback::leave(&mut tx, &reader, &source, false, call.now).await?;
    if was_active {
        call.audit(&mut tx, Deed::ReaderUnsubscribed, "", 1).await?;
    }
    let reader = of_id(&mut tx, id).await?;
    tx.commit().await?;
    if was_active {
        call.desk.site.metrics.unsubscribed();
    }
    Ok(Reply::json(shown(reader)))
}

async fn erase(call: Call) -> Answer {
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, call.id()?).await?;
    feedback::erase(&mut tx, &reader, call.now).await?;
    call.audit(&mut tx, Deed::ReaderErased, "", 1).await?;
    tx.commit().await?;
    Ok(Reply::nothing())
}

async fn of_id(tx: &mut Tx, id: Uuid) -> Result<Subscriber, Problem> {
    let reader = subscriber::by_id(tx, id).await?;
    reader.ok_or_else(|| Problem::not_found("there is no such reader; they may have been erased"))
}
