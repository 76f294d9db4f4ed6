//! Looking for a part of an address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use uuid::Uuid;

use super::block::Block;
use crate::db::{Tx, on, word};

/// Blocks that are asked for in one statement.
const AT_A_TIME: usize = 100;

/// How long the addresses stay in memory after a search.
const KEEP: Duration = Duration::from_secs(600);

word! {
    /// In which order readers are listed. Ids rise with time.
    pub enum Order {
        Newest = "newest",
        Oldest = "oldest",
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// It is looked for as it stands, in lower case.
    pub text: &'a str,
    pub order: Order,
    /// Behind whom ids are wanted, and how many.
    pub after: Option<Uuid>,
    pub most: usize,
    /// Who has found so many, and the ids, looks no further.
    pub counted: usize,
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Of some readers, in the order that was asked for.
    pub ids: Vec<Uuid>,
    /// How many there are in all, or at least `counted`.
    pub hits: usize,
}

/// The blocks that this process has read. They are asked for again when they have changed, and let go some minutes after
/// a search: of a million readers they take some fifty megabytes.
#[derive(Default)]
pub struct AddressBook {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Each beside its version, in order.
    blocks: Vec<(i64, Arc<Block>)>,
    searches: u64,
}

type Blocks = Vec<(i64, Arc<Block>)>;

impl AddressBook {
    /// The readers with a part in their address.
    pub async fn search(self: &Arc<Self>, tx: &mut Tx, part: Part<'_>) -> sqlx::Result<Found> {
        let blocks = self.read(tx).await?;
        let text = part.text.to_lowercase();
        let looking = tokio::task::spawn_blocking({
            let Part {
                order,
                after,
                most,
                counted,
                ..
            } = part;
            move || {
                look(
                    &blocks,
                    Part {
                        text: &text,
                        order,
                        after,
                        most,
                        counted,
                    },
                )
            }
        });
        // It does not panic, and is not cancelled before the process ends.
        Ok(looking.await.unwrap_or_default())
    }

    /// The blocks as they are now.
    async fn read(self: &Arc<Self>, tx: &mut Tx) -> sqlx::Result<Blocks> {
        let versions = versions(tx).await?;
        let known = self.held().blocks.clone();
        let mut known: HashMap<(Uuid, i64), Arc<Block>> = known
            .into_iter()
            .map(|(version, block)| ((block.first_id, version), block))
            .collect();
        let missing: Vec<Uuid> = versions
            .iter()
            .filter(|key| !known.contains_key(*key))
            .map(|(first_id, _)| *first_id)
            .collect();
        let mut read = HashMap::new();
        for some in missing.chunks(AT_A_TIME) {
            for block in of_ids(tx, some).await? {
                read.insert(block.first_id, Arc::new(block));
            }
        }
        // Who changed a block meanwhile changed it for the next search: then it is read again.
        let blocks: Blocks = versions
            .into_iter()
            .filter_map(|(first_id, version)| {
                let block = known.remove(&(first_id, version));
                Some((version, block.or_else(|| read.remove(&first_id))?))
            })
            .collect();
        self.keep(blocks.clone());
        Ok(blocks)
    }

    /// Holds the blocks until there was no search for a while.
    fn keep(self: &Arc<Self>, blocks: Blocks) {
        let mut held = self.held();
        held.blocks = blocks;
        held.searches += 1;
        let (book, searches) = (Arc::downgrade(self), held.searches);
        drop(held);
        tokio::spawn(async move {
            tokio::time::sleep(KEEP).await;
            let Some(book) = book.upgrade() else { return };
            let mut held = book.held();
            if held.searches == searches {
                held.blocks = Vec::new();
            }
        });
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(blocks: &Blocks, part: Part<'_>) -> Found {
    let mut found = Found::default();
    // A line break stands between addresses, and never in one.
    if part.text.is_empty() || part.text.contains('\n') {
        return found;
    }
    let finder = Finder::new(part.text);
    let is_behind = |id: Uuid| match (part.order, part.after) {
        (_, None) => true,
        (Order::Newest, Some(after)) => id < after,
        (Order::Oldest, Some(after)) => id > after,
    };
    let blocks = blocks.iter().map(|(_, block)| &**block);
    let blocks: &mut dyn Iterator<Item = &Block> = match part.order {
        Order::Newest => &mut blocks.rev(),
        Order::Oldest => &mut { blocks },
    };
    for block in blocks {
        let mut places = places(&block.addresses, &finder);
        if part.order == Order::Newest {
            places.reverse();
        }
        found.hits += places.len();
        let ids = places.into_iter().map(|place| block.id(place));
        let wanted = part.most - found.ids.len();
        found
            .ids
            .extend(ids.filter(|id| is_behind(*id)).take(wanted));
        if found.ids.len() == part.most && found.hits >= part.counted {
            break;
        }
    }
    found
}

/// Which of these lines have it.
fn places(lines: &[u8], finder: &Finder<'_>) -> Vec<usize> {
    let (mut places, mut at, mut line) = (Vec::new(), 0, 0);
    while let Some(hit) = finder.find(&lines[at..]) {
        line += memchr_iter(b'\n', &lines[at..at + hit]).count();
        places.push(line);
        let Some(end) = memchr(b'\n', &lines[at + hit..]) else {
            break;
        };
        at += hit + end + 1;
        line += 1;
    }
    places
}

/// Each block and its version, in order.
async fn versions(tx: &mut Tx) -> sqlx::Result<Vec<(Uuid, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT first_id, version FROM address_block ORDER BY first_id"
    )
    .fetch_all(conn)
    .await)
}

/// These blocks, in no order.
async fn of_ids(tx: &mut Tx, ids: &[Uuid]) -> sqlx::Result<Vec<Block>> {
    on!(tx, |conn| {
        let mut query = sqlx::QueryBuilder::<Driver>::new(
            "SELECT first_id, ids, addresses FROM address_block WHERE first_id IN (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build_query_as().fetch_all(conn).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_found_enough_looks_no_further() {
        let reader = |number: u128| (Uuid::from_u128(number), format!("r{number}@peer.test"));
        let all: Vec<_> = (1..=2_500).map(reader).collect();
        let blocks = Block::split(Uuid::nil(), all).into_iter();
        let blocks: Blocks = blocks.map(|block| (0, Arc::new(block))).collect();
        let found = |most: usize, counted: usize| {
            let part = Part {
                text: "@peer",
                order: Order::Newest,
                after: Some(Uuid::from_u128(2_400)),
                most,
                counted,
            };
            let found = look(&blocks, part);
            (found.ids.len(), found.hits)
        };
        assert_eq!(found(5, 0), (5, 500), "a block");
        assert_eq!(found(5, 501), (5, 1_500), "another, for the count");
        assert_eq!(found(400, 0), (400, 1_500), "another, for the ids");
        assert_eq!(found(5, usize::MAX), (5, 2_500));
        assert_eq!(found(usize::MAX, 0), (2_399, 2_500));
    }

    #[test]
    fn each_line_is_found_once() {
        let lines = b"aa.aa@x\nb@aa\nc@x\nd@aa.x\n";
        let of = |part: &str| places(lines, &Finder::new(part));
        assert_eq!(of("aa"), [0, 1, 3]);
        assert_eq!(of("c@x"), [2]);
        assert_eq!(of("@"), [0, 1, 2, 3]);
        assert!(of("zz").is_empty());
    }
}
