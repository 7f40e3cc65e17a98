//! What stands for a sentence model in a program that cannot run one.

use std::path::Path;

use super::Error;

/// A sentence model. There is none: see [`Error::NotBuilt`].
#[derive(Debug)]
pub enum Model {}

impl Model {
    /// Always [`Error::NotBuilt`].
    pub fn open(_directory: &Path) -> Result<Self, Error> {
        Err(Error::NotBuilt)
    }

    /// One vector of length 1 for each text.
    pub fn embed(&self, _texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        match *self {}
    }
}
