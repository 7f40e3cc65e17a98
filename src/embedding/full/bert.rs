//! A BERT encoder on the processor.

use std::path::{Path, PathBuf};

use candle_core::{D, DType, Device, IndexOp as _, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

use super::Error;

/// Tokens of a text that are read. What sentence models of this kind were
/// trained with; time grows faster than the number.
const MAX_TOKENS: usize = 256;

/// Texts that are read at once: as long as the longest of them takes.
const BATCH: usize = 8;

/// A sentence model, in memory.
pub struct Model {
    bert: BertModel,
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
        let config = read_config(&directory.join("config.json"))?;
        let tokenizer = read_tokenizer(&directory.join("tokenizer.json"), &config)?;
        let pooling = read_pooling(&directory.join("1_Pooling").join("config.json"))?;
        let weights = File::read(directory.join("model.safetensors"))?;
        let (path, bytes) = (weights.path, weights.bytes);
        let bert = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
            .and_then(|tensors| BertModel::load(tensors, &config))
            .map_err(|error| unusable(path, &error))?;
        Ok(Self {
            bert,
            tokenizer,
            pooling,
        })
    }

    /// One vector of length 1 for each text. Of a long text only the beginning
    /// counts.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            let encodings = self.tokenizer.encode_batch(batch.to_vec(), true);
            let encodings = encodings.map_err(|error| Error::Failed(error.to_string()))?;
            let read = self.read(&encodings);
            vectors.extend(read.map_err(|error| Error::Failed(error.to_string()))?);
        }
        Ok(vectors)
    }

    fn read(&self, texts: &[tokenizers::Encoding]) -> candle_core::Result<Vec<Vec<f32>>> {
        let tensor = |numbers: fn(&tokenizers::Encoding) -> &[u32]| {
            let rows: Vec<&[u32]> = texts.iter().map(numbers).collect();
            Tensor::new(rows, &Device::Cpu)
        };
        let ids = tensor(tokenizers::Encoding::get_ids)?;
        let mask = tensor(tokenizers::Encoding::get_attention_mask)?;
        let states = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let pooled = match self.pooling {
            Pooling::First => states.i((.., 0))?,
            Pooling::Mean => {
                let mask = mask.to_dtype(DType::F32)?.unsqueeze(D::Minus1)?;
                let sum = states.broadcast_mul(&mask)?.sum(1)?;
                sum.broadcast_div(&mask.sum(1)?)?
            }
        };
        let lengths = pooled.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        pooled.broadcast_div(&lengths)?.to_vec2()
    }
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
    let config: Config = File::read(path.to_owned())?.json()?;
    match config.model_type.as_deref() {
        Some("bert") | None => Ok(config),
        Some(other) => {
            let reason = format!("only models of the type bert can be run, and this is {other}");
            Err(unusable(path.to_owned(), &reason))
        }
    }
}

/// The tokenizer, cutting and filling up as we need it, whatever its file says.
fn read_tokenizer(path: &Path, config: &Config) -> Result<Tokenizer, Error> {
    let file = File::read(path.to_owned())?;
    let truncation = TruncationParams {
        max_length: config.max_position_embeddings.min(MAX_TOKENS),
        ..TruncationParams::default()
    };
    let padding = PaddingParams {
        pad_id: config.pad_token_id.try_into().unwrap_or_default(),
        ..PaddingParams::default()
    };
    let mut tokenizer =
        Tokenizer::from_bytes(&file.bytes).map_err(|error| unusable(path.to_owned(), &error))?;
    tokenizer
        .with_padding(Some(padding))
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
