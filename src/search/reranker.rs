//! The sentence model that the user points to, for those who search: found when
//! it is asked for, loaded when the first search needs it, then kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::embedding::full::{Error, Model, without};

/// The last one that was asked for: a process has one at a time.
static CURRENT: Mutex<Option<Arc<Reranker>>> = Mutex::new(None);

/// The last warning that this process told.
static TOLD: Mutex<Option<String>> = Mutex::new(None);

/// A sentence model in a directory, loaded or not.
#[derive(Debug)]
pub struct Reranker {
    directory: PathBuf,
    /// `None` where it could not be loaded.
    model: OnceLock<Result<Model, Error>>,
}

impl Reranker {
    /// The model in this directory. Nothing is read yet. Within a process it is
    /// the same as before, except where that one could not be loaded: what is
    /// mended is found without a new start.
    pub fn at(directory: PathBuf) -> Arc<Self> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*current
            && known.directory == directory
            && !matches!(known.model.get(), Some(Err(_)))
        {
            return Arc::clone(known);
        }
        let new = Arc::new(Self {
            directory,
            model: OnceLock::new(),
        });
        *current = Some(Arc::clone(&new));
        new
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it is called: the directory that the user chose.
    pub fn name(&self) -> String {
        self.directory.display().to_string()
    }

    /// Loads the model if nobody has yet; who comes meanwhile waits. A search does
    /// this by itself.
    ///
    /// # Errors
    /// What to tell the user, with the next step.
    pub fn load(&self) -> Result<(), String> {
        self.model().map(drop)
    }

    fn model(&self) -> Result<&Model, String> {
        let loaded = self.model.get_or_init(|| Model::open(&self.directory));
        loaded.as_ref().map_err(without)
    }

    /// How near each text is to the query: the cosine of their vectors.
    ///
    /// # Errors
    /// As [`Self::load`], or when the model fails.
    pub(super) fn nearness(&self, query: &str, texts: &[String]) -> Result<Vec<f64>, String> {
        let model = self.model()?;
        let mut all = vec![query];
        all.extend(texts.iter().map(String::as_str));
        let vectors = model.embed(&all).map_err(|error| without(&error))?;
        let Some((query, texts)) = vectors.split_first() else {
            return Ok(Vec::new());
        };
        let cosine = |text: &Vec<f32>| -> f64 {
            let products = query.iter().zip(text).map(|(a, b)| f64::from(a * b));
            products.sum()
        };
        Ok(texts.iter().map(cosine).collect())
    }
}

/// Whether this process has told something else last, or nothing: a warning that
/// holds for every search need not be told with each.
pub fn is_news(warning: &str) -> bool {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let news = told.as_deref() != Some(warning);
    if news {
        *told = Some(warning.to_owned());
    }
    news
}
