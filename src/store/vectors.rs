//! Vectors of rows, for rows that mean the same in other words.
//!
//! Every vector is compared with a query's by its signature alone, a few dozen
//! bytes; only the nearest are compared whole. Both lie in blocks of
//! consecutive ids: signatures in large ones, so that a million are read in a
//! few thousand pieces, whole vectors in such that are one page of the file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{MAIN_DB, OptionalExtension as _, Transaction};

use crate::embedding::{CODE_WORDS, Code, DIMENSIONS, Vector, code, hamming, similarity};

use super::error::{SqlContext as _, StoreError};
use super::index::Table;
use super::reader::Reader;

/// Rows of a block of signatures.
const SIGNED: usize = 256;

/// Rows of a block of whole vectors: as many as a page of 4,096 bytes holds beside
/// SQLite's own bytes.
const PAGE: usize = (4_096 - 64) / DIMENSIONS;

/// Blocks of a kind are numbered from its multiple of this on.
const KIND: i64 = 1 << 40;

/// Bytes of a signature: the signs of the vector's numbers and a hash of the
/// row's project.
const SIGNATURE: usize = 8 * CODE_WORDS + PROJECT;
const PROJECT: usize = 4;

/// Nearest signatures whose vectors are compared whole, for each row wanted.
const WHOLE: usize = 8;

/// A row whose vector is near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    pub id: i64,
    /// Cosine, -1 to 1.
    pub similarity: f64,
}

/// Signatures that were read, kept for the next search of this process. Only
/// blocks that may have grown are read again.
#[derive(Debug, Clone, Default)]
pub struct Signatures(Arc<Mutex<BTreeMap<i64, Vec<u8>>>>);

/// Where a row's entry is among blocks of so many rows: the block, and the row
/// within it.
fn place(table: Table, id: i64, rows: usize) -> Option<(i64, usize)> {
    let id = usize::try_from(id).ok()?;
    let block = i64::try_from(id / rows).ok()?;
    Some((table.kind() * KIND + block, id % rows))
}

/// The numbers that blocks of a table may have.
fn blocks(table: Table) -> Range<i64> {
    table.kind() * KIND..(table.kind() + 1) * KIND
}

fn project_hash(project: &str) -> [u8; PROJECT] {
    let hash = sockets_protocol::fnv1a(project.as_bytes());
    let [a, b, c, d, ..] = hash.to_le_bytes();
    [a, b, c, d]
}

/// Writes the vector of a row; with `None` the row has no meaning that can be
/// compared.
pub(super) fn put(
    tx: &Transaction<'_>,
    table: Table,
    id: i64,
    project: &str,
    vector: Option<&Vector>,
) -> Result<(), StoreError> {
    let mut signature = [0; SIGNATURE];
    let mut whole = [0; DIMENSIONS];
    if let Some(vector) = vector {
        let (words, hash) = signature.split_at_mut(8 * CODE_WORDS);
        for (bytes, word) in words.chunks_exact_mut(8).zip(code(vector)) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        hash.copy_from_slice(&project_hash(project));
        whole = *vector.as_bytes();
    }
    if let Some(place) = place(table, id, SIGNED) {
        write_at(
            tx,
            ("vector_signatures", "signatures"),
            place,
            SIGNED,
            &signature,
        )?;
    }
    if let Some(place) = place(table, id, PAGE) {
        write_at(tx, ("vectors", "vectors"), place, PAGE, &whole)?;
    }
    Ok(())
}

/// Writes a row's bytes into its block of so many rows.
fn write_at(
    tx: &Transaction<'_>,
    (table, column): (&'static str, &'static str),
    (block, row): (i64, usize),
    rows: usize,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let write = || -> rusqlite::Result<()> {
        tx.prepare_cached(&format!(
            "INSERT OR IGNORE INTO {table} (block, {column}) VALUES (?1, zeroblob(?2))"
        ))?
        .execute([block, i64::try_from(rows * bytes.len()).unwrap_or(0)])?;
        let mut blob = tx.blob_open(MAIN_DB, table, column, block, false)?;
        blob.write_at(bytes, row * bytes.len())
    };
    write().doing("write a vector")
}

impl Reader {
    /// Lets this reader use the signatures that another one reads.
    #[must_use]
    pub fn with_signatures(mut self, signatures: &Signatures) -> Self {
        self.signatures = signatures.clone();
        self
    }

    /// The rows of these projects (`None` for all) whose vectors are nearest,
    /// the nearest first. The time it takes grows with the number of rows, by
    /// a few milliseconds a million.
    pub fn nearest(
        &self,
        table: Table,
        vector: &Vector,
        projects: Option<&[String]>,
        at_most: usize,
    ) -> Result<Vec<Near>, StoreError> {
        let hashes: Option<Vec<[u8; PROJECT]>> =
            projects.map(|names| names.iter().map(|name| project_hash(name)).collect());
        let mut signatures = self
            .signatures
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.refresh(table, &mut signatures)?;
        let code = code(vector);
        let mut nearest = Nearest::new(at_most.saturating_mul(WHOLE));
        for (block, bytes) in signatures.range(blocks(table)) {
            nearest.scan(block % KIND, bytes, &code, hashes.as_deref());
        }
        drop(signatures);
        self.compare(table, vector, &nearest.found, at_most)
    }

    /// Reads the blocks that are not known, and again the last that is: it may
    /// have grown.
    fn refresh(&self, table: Table, known: &mut BTreeMap<i64, Vec<u8>>) -> Result<(), StoreError> {
        let all = blocks(table);
        let last = known.range(all.clone()).next_back();
        let from = last.map_or(all.start, |(block, _)| *block);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT block, signatures FROM vector_signatures WHERE block >= ?1 AND block < ?2",
            )
            .doing("read signatures")?;
        let rows = statement
            .query_map([from, all.end], |row| Ok((row.get(0)?, row.get(1)?)))
            .doing("read signatures")?;
        for row in rows {
            let (block, bytes) = row.doing("read signatures")?;
            known.insert(block, bytes);
        }
        Ok(())
    }

    fn compare(
        &self,
        table: Table,
        vector: &Vector,
        found: &[(u32, i64)],
        at_most: usize,
    ) -> Result<Vec<Near>, StoreError> {
        let mut near = Vec::with_capacity(found.len());
        for &(_, id) in found {
            if let Some(other) = self.vector(table, id)? {
                near.push(Near {
                    id,
                    similarity: f64::from(similarity(vector, &other)),
                });
            }
        }
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(b.id.cmp(&a.id)));
        near.truncate(at_most);
        Ok(near)
    }

    /// The vector of a row; `None` if it has none.
    pub fn vector(&self, table: Table, id: i64) -> Result<Option<Vector>, StoreError> {
        let Some((block, row)) = place(table, id, PAGE) else {
            return Ok(None);
        };
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT substr(vectors, ?2, ?3) FROM vectors WHERE block = ?1")
            .and_then(|mut statement| {
                let start = i64::try_from(row * DIMENSIONS + 1).unwrap_or(i64::MAX);
                let length = i64::try_from(DIMENSIONS).unwrap_or(0);
                statement
                    .query_row([block, start, length], |row| row.get(0))
                    .optional()
            })
            .doing("read a vector")?;
        let vector = bytes.and_then(|bytes| Vector::from_bytes(&bytes));
        Ok(vector.filter(|vector| vector.as_bytes().iter().any(|byte| *byte != 0)))
    }
}

/// The nearest signatures so far.
struct Nearest {
    most: usize,
    /// Distance and id; in order only after it is full and cut.
    found: Vec<(u32, i64)>,
    /// Farther ones need not be kept.
    worst: u32,
}

impl Nearest {
    fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            found: Vec::new(),
            worst: u32::MAX,
        }
    }

    fn scan(&mut self, place: i64, bytes: &[u8], code: &Code, projects: Option<&[[u8; PROJECT]]>) {
        let first = place * i64::try_from(SIGNED).unwrap_or(0);
        for (signature, id) in bytes.as_chunks::<SIGNATURE>().0.iter().zip(first..) {
            let (words, hash) = signature.split_at(8 * CODE_WORDS);
            if projects.is_some_and(|projects| !projects.iter().any(|project| project == hash)) {
                continue;
            }
            let mut other = Code::default();
            for (word, bytes) in other.iter_mut().zip(words.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            let distance = hamming(code, &other);
            if distance < self.worst && hash != [0; PROJECT] {
                self.found.push((distance, id));
                if self.found.len() >= 4 * self.most {
                    self.cut();
                }
            }
        }
        if self.found.len() > self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.found.select_nth_unstable(self.most - 1);
        self.found.truncate(self.most);
        self.worst = self
            .found
            .iter()
            .map(|(distance, _)| *distance)
            .max()
            .unwrap_or(0);
    }
}
