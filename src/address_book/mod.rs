//! Every reader's address once more, in blocks of many: a part of an address is found by looking through them.
//!
//! A block is changed in the transaction that changes its readers, so nobody stands in it who is gone. An index of all
//! three-letter pieces was tried: it doubles the time of an import, on either database, and finds no sooner.

mod block;
mod search;

use uuid::Uuid;

use self::block::Block;
pub use self::search::{AddressBook, Found, Order, Part};
use crate::db::{Db, Tx, on};

/// Readers that are read at a time when the blocks are first made.
const AT_A_TIME: i64 = 10_000;

/// Enters readers, in the order of their ids.
pub async fn enter(tx: &mut Tx, mut readers: &[(Uuid, String)]) -> sqlx::Result<()> {
    hold(tx).await?;
    while let Some((first, _)) = readers.first() {
        let end = block_after(tx, *first).await?;
        let here = readers.partition_point(|(id, _)| end.is_none_or(|end| *id < end));
        let (now, later) = readers.split_at(here);
        match block_of(tx, *first).await? {
            Some(block) => {
                block::remove(tx, block.first_id).await?;
                write(tx, block.with(now)).await?;
            }
            None => write(tx, Block::split(*first, now.to_vec())).await?,
        }
        readers = later;
    }
    Ok(())
}

/// Strikes a reader out.
pub async fn strike(tx: &mut Tx, id: Uuid) -> sqlx::Result<()> {
    hold(tx).await?;
    let Some(block) = block_of(tx, id).await? else {
        return Ok(());
    };
    block::remove(tx, block.first_id).await?;
    write(tx, block.without(id)).await
}

/// How many readers there are: the one number that costs little however many they are.
pub async fn count(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT CAST(COALESCE(sum(readers), 0) AS bigint) FROM address_block"
    )
    .fetch_one(conn)
    .await)
}

/// Enters all readers of a database that has no blocks yet, for it comes from an older version.
pub async fn complete(db: &Db) -> sqlx::Result<()> {
    if !is_missing(&mut db.read().await?).await? {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    hold(&mut tx).await?;
    if !is_missing(&mut tx).await? {
        return Ok(());
    }
    let mut after = Uuid::nil();
    loop {
        let mut readers = page(&mut tx, after).await?;
        let Some((last, _)) = readers.last() else {
            return tx.commit().await;
        };
        after = *last;
        for (_, address) in &mut readers {
            *address = address.to_lowercase();
        }
        enter(&mut tx, &readers).await?;
    }
}

/// Blocks are written by one transaction at a time: they are split, and begin and end where others do. Whoever adds or
/// removes a reader takes this before the reader's own row, so that no two wait for each other. (SQLite has one writer at
/// a time anyway.)
pub async fn hold(tx: &mut Tx) -> sqlx::Result<()> {
    /// Any number, as long as nothing else in this database takes it: "book" in ASCII.
    const BOOK: i64 = 0x626f_6f6b;
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(tx) => sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(BOOK)
            .execute(&mut **tx)
            .await
            .map(drop),
    }
}

async fn write(tx: &mut Tx, blocks: Vec<Block>) -> sqlx::Result<()> {
    for block in &blocks {
        block::add(tx, block).await?;
    }
    Ok(())
}

/// The block that a reader of this id stands in, or would.
async fn block_of(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Block>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT first_id, ids, addresses FROM address_block WHERE first_id <= $1 ORDER BY first_id DESC LIMIT 1",
        )
        .bind(id)
        .fetch_optional(conn)
        .await
    })
}

/// Where the next block begins.
async fn block_after(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Uuid>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT first_id FROM address_block WHERE first_id > $1 ORDER BY first_id LIMIT 1"
    )
    .bind(id)
    .fetch_optional(conn)
    .await)
}

async fn is_missing(tx: &mut Tx) -> sqlx::Result<bool> {
    let missing: i64 = on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM subscriber) AND NOT EXISTS (SELECT 1 FROM address_block) \
         THEN 1 ELSE 0 END AS bigint)"
    )
    .fetch_one(conn)
    .await
    })?;
    Ok(missing == 1)
}

async fn page(tx: &mut Tx, after: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT id, address FROM subscriber WHERE id > $1 ORDER BY id LIMIT $2"
    )
    .bind(after)
    .bind(AT_A_TIME)
    .fetch_all(conn)
    .await)
}
