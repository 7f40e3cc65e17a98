//! A sentence model: tokens, what the encoder makes of them, one vector of it.

use std::path::{Path, PathBuf};
use std::thread;

use ndarray::{Array1, Array2, Axis};
use tokenizers::{Tokenizer, TruncationParams};

use super::bert::{Bert, Config};
use super::weights::Weights;
use super::{Error, FILES};

/// Tokens of a text that are read. What sentence models of this kind were
/// trained with; time grows faster than the number.
const MAX_TOKENS: usize = 256;

/// Threads that read texts; more processors are left to others.
const MOST_THREADS: usize = 4;

/// Tokens that are read at once by a thread, so that its matrices stay in the
/// processor's cache.
const BATCH: usize = 512;

/// A sentence model, in memory.
pub struct Model {
    bert: Bert,
    tokenizer: Tokenizer,
    pooling: Pooling,
}

/// How a text's vector is made of its tokens'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    Mean,
    First,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("pooling", &self.pooling)
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` in the
    /// directory, and `1_Pooling/config.json` if there is one.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let [config, tokenizer, weights] = FILES.map(|name| directory.join(name));
        let config = read_config(&config)?;
        let tokenizer = read_tokenizer(&tokenizer, &config)?;
        let pooling = read_pooling(&directory.join("1_Pooling").join("config.json"))?;
        let weights = File::read(weights)?;
        let (path, bytes) = (weights.path, weights.bytes);
        let bert = Weights::parse(bytes)
            .and_then(|weights| Bert::load(&weights, &config))
            .map_err(|reason| unusable(path, &reason))?;
        Ok(Self {
            bert,
            tokenizer,
            pooling,
        })
    }

    /// One vector of length 1 for each text. Of a long text only the beginning
    /// counts.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let encodings = texts
            .iter()
            .map(|text| self.tokenizer.encode_fast(*text, true))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Failed(error.to_string()))?;
        let texts: Vec<&[u32]> = encodings
            .iter()
            .map(tokenizers::Encoding::get_ids)
            .collect();
        let threads =
            thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS));
        let shares = shares(&texts, threads);
        let read = thread::scope(|scope| {
            let readers: Vec<_> = shares
                .iter()
                .map(|share| scope.spawn(|| self.read(share)))
                .collect();
            let ended = readers.into_iter().map(thread::ScopedJoinHandle::join);
            ended
                .map(|read| read.unwrap_or_else(|_| Err("it panicked".to_owned())))
                .collect::<Result<Vec<_>, _>>()
        });
        Ok(read.map_err(Error::Failed)?.concat())
    }

    fn read(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, String> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut rest = texts;
        while !rest.is_empty() {
            let mut tokens = 0;
            let fit = rest.iter().take_while(|text| {
                tokens += text.len();
                tokens <= BATCH
            });
            let (batch, later) = rest.split_at(fit.count().max(1));
            for states in self.bert.read(batch)? {
                vectors.push(self.pool(&states)?);
            }
            rest = later;
        }
        Ok(vectors)
    }

    fn pool(&self, states: &Array2<f32>) -> Result<Vec<f32>, String> {
        let none = || "a text without tokens".to_owned();
        let pooled: Array1<f32> = match self.pooling {
            Pooling::Mean => states.mean_axis(Axis(0)).ok_or_else(none)?,
            Pooling::First => {
                let first = states.rows().into_iter().next().ok_or_else(none)?;
                first.to_owned()
            }
        };
        let length = pooled.dot(&pooled).sqrt();
        if !length.is_normal() {
            return Err("its numbers make no vector".to_owned());
        }
        Ok((pooled / length).to_vec())
    }
}

/// Texts for each thread, about as many tokens each, in their order.
fn shares<'a, 'b>(texts: &'a [&'b [u32]], threads: usize) -> Vec<&'a [&'b [u32]]> {
    let all: usize = texts.iter().map(|text| text.len()).sum();
    let each = all.div_ceil(threads).max(1);
    let mut before = 0;
    texts
        .chunk_by(|text, _| {
            let share = before / each;
            before += text.len();
            before / each == share
        })
        .collect()
}

struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn read(path: PathBuf) -> Result<Self, Error> {
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(source) => Err(Error::Unreadable { path, source }),
        }
    }

    fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes).map_err(|error| unusable(self.path, &error))
    }
}

fn unusable(path: PathBuf, reason: &impl ToString) -> Error {
    Error::Unusable {
        path,
        reason: reason.to_string(),
    }
}

fn read_config(path: &Path) -> Result<Config, Error> {
    #[derive(serde::Deserialize)]
    struct Kind {
        model_type: Option<String>,
    }
    let file = File::read(path.to_owned())?;
    // Another model's file may lack what ours must have.
    if let Ok(Kind {
        model_type: Some(other),
    }) = serde_json::from_slice(&file.bytes)
        && other != "bert"
    {
        let reason = format!("only models of the type bert can be run, and this is {other}");
        return Err(unusable(path.to_owned(), &reason));
    }
    file.json()
}

/// The tokenizer, cutting as we need it and filling nothing up, whatever its
/// file says.
fn read_tokenizer(path: &Path, config: &Config) -> Result<Tokenizer, Error> {
    let file = File::read(path.to_owned())?;
    let truncation = TruncationParams {
        max_length: config.max_position_embeddings.min(MAX_TOKENS),
        ..TruncationParams::default()
    };
    let mut tokenizer =
        Tokenizer::from_bytes(&file.bytes).map_err(|error| unusable(path.to_owned(), &error))?;
    tokenizer
        .with_padding(None)
        .with_truncation(Some(truncation))
        .map_err(|error| unusable(path.to_owned(), &error))?;
    Ok(tokenizer)
}

/// The mean of all tokens, if nothing else is said.
fn read_pooling(path: &Path) -> Result<Pooling, Error> {
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(default)]
        pooling_mode_cls_token: bool,
    }
    if !path.exists() {
        return Ok(Pooling::Mean);
    }
    let config: Config = File::read(path.to_owned())?.json()?;
    Ok(if config.pooling_mode_cls_token {
        Pooling::First
    } else {
        Pooling::Mean
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shared_out_in_their_order() {
        let texts = [&[0; 10][..], &[1; 1], &[2; 4], &[3; 5], &[4; 2]];
        for threads in 1..6 {
            let shares = shares(&texts, threads);
            assert!(shares.len() <= threads && !shares.is_empty());
            assert_eq!(shares.concat(), texts);
        }
        assert!(shares(&[], 2).is_empty());
    }
}
