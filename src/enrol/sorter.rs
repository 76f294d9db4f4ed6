//! Sorting more than memory holds: runs that were sorted in memory lie in a file without a name until they are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes of records that are held until they become a run.
const HELD_BYTES: usize = 4 << 20;

/// Bytes of each run that are read at a time.
const READ_BYTES: usize = 32 << 10;

/// The folder for temporary files failed us.
#[derive(Debug, thiserror::Error)]
#[error("the lines cannot be sorted in the folder for temporary files; TMPDIR can name another")]
pub struct SortError(#[from] io::Error);

/// Records on their way into order: that of their bytes.
#[derive(Default)]
pub(super) struct Sorter {
    held: Vec<u8>,
    places: Vec<Place>,
    count: u64,
    file: Option<File>,
    /// Where each run in the file ends; the next begins there.
    ends: Vec<u64>,
}

/// A record that is held.
struct Place {
    /// Its first bytes, which nearly always decide.
    head: u64,
    start: usize,
    length: usize,
}

impl Sorter {
    /// Takes a record: what `write` adds to the bytes it is given.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SortError> {
        let start = self.held.len();
        write(&mut self.held);
        let record = &self.held[start..];
        let mut head = [0; 8];
        let known = record.len().min(8);
        head[..known].copy_from_slice(&record[..known]);
        self.places.push(Place {
            head: u64::from_be_bytes(head),
            start,
            length: record.len(),
        });
        self.count += 1;
        if self.held.len() + size_of_val(&self.places[..]) < HELD_BYTES {
            return Ok(());
        }
        Ok(self.add_run()?)
    }

    /// The records in order.
    pub fn sorted(mut self) -> Result<Sorted, SortError> {
        let mut last = Vec::with_capacity(self.held.len() + 4 * self.places.len());
        self.write_held(&mut last)?;
        let mut runs: Vec<Box<dyn Read + Send>> = vec![Box::new(Cursor::new(last))];
        if let Some(file) = self.file {
            let file = Arc::new(file);
            let mut at = 0;
            for end in self.ends {
                let run = Run {
                    file: file.clone(),
                    at,
                    end,
                };
                runs.push(Box::new(BufReader::with_capacity(READ_BYTES, run)));
                at = end;
            }
        }
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (run, source) in runs.iter_mut().enumerate() {
            let mut record = Vec::new();
            if read_record(source, &mut record)? {
                heads.push(Reverse((record, run)));
            }
        }
        Ok(Sorted {
            runs,
            heads,
            count: self.count,
        })
    }

    fn add_run(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let mut writer = BufWriter::new(&file);
        let begins = self.ends.last().copied().unwrap_or(0);
        let written = self.write_held(&mut writer)?;
        writer.flush()?;
        drop(writer);
        self.ends.push(begins + written);
        self.file = Some(file);
        Ok(())
    }

    /// Writes what is held in order, each record behind its length, and forgets it. Gives the bytes written.
    fn write_held(&mut self, to: &mut impl Write) -> io::Result<u64> {
        let Sorter { held, places, .. } = self;
        let bytes = |place: &Place| &held[place.start..place.start + place.length];
        places.sort_unstable_by(|a, b| {
            let by_head = a.head.cmp(&b.head);
            by_head.then_with(|| bytes(a).cmp(bytes(b)))
        });
        for place in &*places {
            to.write_all(&(place.length as u32).to_le_bytes())?;
            to.write_all(bytes(place))?;
        }
        let written = held.len() + 4 * places.len();
        held.clear();
        places.clear();
        Ok(written as u64)
    }
}

/// Records in order, to be read once.
pub(super) struct Sorted {
    runs: Vec<Box<dyn Read + Send>>,
    /// The next record of each run that is not read out.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    /// How many records there were at first.
    pub count: u64,
}

impl Sorted {
    /// Adds the next record to `to`; `false` when there is none left.
    pub fn next(&mut self, to: &mut Vec<u8>) -> Result<bool, SortError> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(false);
        };
        let Reverse((record, run)) = &mut *head;
        to.extend_from_slice(record);
        if !read_record(&mut self.runs[*run], record)? {
            PeekMut::pop(head);
        }
        Ok(true)
    }
}

/// Reads a record in the place of another; `false` at the end of the run.
fn read_record(run: &mut impl Read, record: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 4];
    match run.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    record.resize(u32::from_le_bytes(length) as usize, 0);
    run.read_exact(record)?;
    Ok(true)
}

/// A part of the file.
struct Run {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Run {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_though_most_were_in_the_file() {
        let mut sorter = Sorter::default();
        let count: u64 = 60_000;
        for number in 0..count {
            // A multiplier without a common factor with the count goes through all of them.
            let mut record = (number * 7_919 % count).to_be_bytes().to_vec();
            record.resize(8 + (number % 300) as usize, 7);
            sorter.push(|to| to.extend_from_slice(&record)).unwrap();
        }
        assert!(sorter.ends.len() > 1, "it fits into memory");
        let mut sorted = sorter.sorted().unwrap();
        let mut record = Vec::new();
        for number in 0..count {
            record.clear();
            assert!(sorted.next(&mut record).unwrap());
            assert_eq!(record[..8], number.to_be_bytes());
        }
        assert!(!sorted.next(&mut record).unwrap());
    }
}
