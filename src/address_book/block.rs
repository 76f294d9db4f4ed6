//! A block: some readers whose ids follow each other, with their addresses.

use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::db::{Tx, on, row};

/// Readers in a block. A change of one writes the whole block, some forty kilobytes; a search asks for each block by name.
const MOST: usize = 1_000;

row! {
    /// A block as the database has it.
    pub struct Block {
        pub first_id: Uuid,
        pub ids: Vec<u8>,
        pub addresses: Vec<u8>,
    }
}

impl Block {
    /// Blocks of these readers, which are in order, the first beginning at `first_id`.
    pub fn split(first_id: Uuid, readers: Vec<(Uuid, String)>) -> Vec<Block> {
        let blocks = readers.chunks(MOST).enumerate();
        let begins = |number, readers: &[(Uuid, String)]| match number {
            0 => first_id,
            _ => readers[0].0,
        };
        blocks
            .map(|(number, readers)| Block::of(begins(number, readers), readers))
            .collect()
    }

    /// With some more readers. Where they come last, as new ones do, full blocks stay full.
    pub fn with(&self, more: &[(Uuid, String)]) -> Vec<Block> {
        let mut readers = self.readers();
        let appended = readers.last().map(|(id, _)| *id) < more.first().map(|(id, _)| *id);
        readers.extend_from_slice(more);
        if appended || readers.len() <= MOST {
            readers.sort_unstable_by_key(|(id, _)| *id);
            return Block::split(self.first_id, readers);
        }
        readers.sort_unstable_by_key(|(id, _)| *id);
        let second = readers.split_off(readers.len() / 2);
        let mut blocks = Block::split(self.first_id, readers);
        blocks.extend(Block::split(second[0].0, second));
        blocks
    }

    /// Without one of its readers; nothing when it was the last.
    pub fn without(&self, id: Uuid) -> Vec<Block> {
        let mut readers = self.readers();
        readers.retain(|(known, _)| *known != id);
        Block::split(self.first_id, readers)
    }

    pub fn len(&self) -> usize {
        self.ids.len() / 16
    }

    /// The id of the reader at this place.
    pub fn id(&self, place: usize) -> Uuid {
        let bytes = self.ids.get(place * 16..place * 16 + 16);
        bytes
            .and_then(|bytes| Uuid::from_slice(bytes).ok())
            .unwrap_or_default()
    }

    /// By its content, so that the same version is the same block wherever it was read.
    fn version(&self) -> i64 {
        let mut bytes = Vec::with_capacity(self.ids.len() + self.addresses.len());
        bytes.extend_from_slice(&self.ids);
        bytes.extend_from_slice(&self.addresses);
        let digest = digest(&SHA256, &bytes);
        let first = digest.as_ref().first_chunk().copied();
        i64::from_be_bytes(first.expect("a digest is longer"))
    }

    fn of(first_id: Uuid, readers: &[(Uuid, String)]) -> Block {
        let mut block = Block {
            first_id,
            ids: Vec::with_capacity(readers.len() * 16),
            addresses: Vec::with_capacity(readers.len() * 28),
        };
        for (id, address) in readers {
            block.ids.extend_from_slice(id.as_bytes());
            block.addresses.extend_from_slice(address.as_bytes());
            block.addresses.push(b'\n');
        }
        block
    }

    fn readers(&self) -> Vec<(Uuid, String)> {
        let lines = self.addresses.split(|byte| *byte == b'\n');
        let readers = lines.take(self.len()).enumerate();
        readers
            .map(|(place, line)| (self.id(place), String::from_utf8_lossy(line).into_owned()))
            .collect()
    }
}

pub async fn add(tx: &mut Tx, block: &Block) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO address_block (first_id, version, readers, ids, addresses) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(block.first_id)
        .bind(block.version())
        .bind(block.len() as i64)
        .bind(&block.ids)
        .bind(&block.addresses)
        .execute(conn)
        .await
        .map(drop)
    })
}

pub async fn remove(tx: &mut Tx, first_id: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM address_block WHERE first_id = $1"
    )
    .bind(first_id)
    .execute(conn)
    .await
    .map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(number: u128) -> (Uuid, String) {
        (Uuid::from_u128(number), format!("r{number}@peer.test"))
    }

    fn readers(blocks: &[Block]) -> Vec<(Uuid, String)> {
        blocks.iter().flat_map(Block::readers).collect()
    }

    #[test]
    fn what_comes_last_leaves_full_blocks_full() {
        let all: Vec<_> = (1..=2_500).map(reader).collect();
        let blocks = Block::split(Uuid::nil(), all[..900].to_vec());
        let blocks = blocks[0].with(&all[900..]);
        let lengths: Vec<_> = blocks.iter().map(Block::len).collect();
        assert_eq!(lengths, [MOST, MOST, 500]);
        assert_eq!(blocks[0].first_id, Uuid::nil());
        assert_eq!(blocks[1].first_id, all[MOST].0);
        assert!(readers(&blocks) == all);
    }

    #[test]
    fn who_comes_between_halves_a_full_block() {
        let mut all: Vec<_> = (1..=1_001).map(reader).collect();
        let between = all.remove(500);
        let block = &Block::split(Uuid::nil(), all.clone())[0];
        let blocks = block.with(std::slice::from_ref(&between));
        assert_eq!(blocks.len(), 2);
        all.insert(500, between.clone());
        assert!(readers(&blocks) == all);
        assert!(blocks[1].without(between.0).len() == 1);
    }
}
