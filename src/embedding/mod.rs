//! What a text is about, as a short vector: the semantic channel's embedding,
//! inside the process.
//!
//! A table holds a vector for each piece of a word. A text's vector is the sum
//! of its pieces' vectors, so there is no model to load, nothing to download
//! and no call to wait for. `scripts/embedding/README.md` says where the table
//! comes from and how it is made again.

pub mod full;
mod pieces;
mod rare;
mod table;
mod vector;
mod words;

#[cfg(test)]
mod tests;

pub use pieces::{Pieces, pieces};
pub use rare::read_rare_rows_from_file;
pub use table::{Piece, rank};
pub use vector::{
    CODE_WORDS, Code, Vector, WordEmbedder, code, embed, hamming, length, product, similarity,
};

/// Numbers in a vector.
pub const DIMENSIONS: usize = table::DIMENSIONS;

/// Names the table that a vector was made with. Vectors that were stored under
/// another name must be made anew: two tables' vectors cannot be compared.
pub const MODEL_ID: &str = table::MODEL_ID;
