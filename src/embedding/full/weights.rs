//! Reading a file of tensors in the safetensors format: eight bytes that say how
//! long the header is, the header (JSON: name → type, shape, place), the numbers.

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use serde::Deserialize;

/// All tensors of a file, not yet decoded.
pub(super) struct Weights {
    entries: HashMap<String, Entry>,
    numbers: Vec<u8>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: Type,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

#[derive(Deserialize, Clone, Copy)]
enum Type {
    F32,
    F16,
    BF16,
}

impl Type {
    fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::F16, &[a, b]) => half(u16::from_le_bytes([a, b])),
            (Self::BF16, &[a, b]) => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
            _ => f32::NAN,
        }
    }
}

/// IEEE 754 half precision: one bit of sign, five of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2.0_f32.powi(-14),
        31 if fraction > 0.0 => f32::NAN,
        31 => f32::INFINITY,
        exponent => (1.0 + fraction) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

impl Weights {
    /// The error says what is wrong with the bytes.
    pub(super) fn parse(mut bytes: Vec<u8>) -> Result<Self, String> {
        let short = || "it ends within its header".to_owned();
        let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let header = rest.get(..length).ok_or_else(short)?;
        let mut header: HashMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
        header.remove("__metadata__");
        let entries = header
            .into_iter()
            // Integers that some writers add, such as positions, are not needed.
            .filter_map(|(name, entry)| Some((name, serde_json::from_value(entry).ok()?)))
            .collect();
        drop(bytes.drain(..8 + length));
        Ok(Self {
            entries,
            numbers: bytes,
        })
    }

    /// A tensor with one row and column for each input and output. Models that
    /// were part of a larger one have names that begin with its.
    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let entry = self.entries.get(name);
        let entry = entry.or_else(|| self.entries.get(&format!("bert.{name}")));
        let entry = entry.ok_or_else(|| format!("it has no tensor of numbers called {name}"))?;
        let (from, to) = entry.data_offsets;
        let bytes = self.numbers.get(from..to);
        let wanted = shape.iter().product::<usize>() * entry.dtype.bytes();
        let bytes = bytes.filter(|bytes| entry.shape == shape && bytes.len() == wanted);
        let bytes = bytes.ok_or_else(|| {
            format!(
                "{name} has the shape {:?}, and config.json says {shape:?}",
                entry.shape
            )
        })?;
        let numbers = bytes.chunks_exact(entry.dtype.bytes());
        Ok(numbers.map(|one| entry.dtype.decode(one)).collect())
    }

    pub(super) fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, String> {
        Ok(self.numbers(name, &[length])?.into())
    }

    pub(super) fn matrix(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Array2<f32>, String> {
        let numbers = self.numbers(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), numbers).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind_are_read() {
        let mut bytes = Vec::new();
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"bert.b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]},"c":{"dtype":"I64","shape":[1],"data_offsets":[12,20]}}"#;
        bytes.extend(u64::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend(header.as_bytes());
        for bits in [0x3c00_u16, 0xc000, 0x3555, 0x0001, 0x3f80, 0xc020] {
            bytes.extend(bits.to_le_bytes());
        }
        bytes.extend([0; 8]);
        let weights = Weights::parse(bytes).unwrap();
        let a = weights.vector("a", 4).unwrap();
        for (got, want) in a.iter().zip([1.0, -2.0, 0.333_251_95, 5.960_464_5e-8]) {
            assert!((got - want).abs() < 1e-12, "{a}");
        }
        let b = weights.matrix("b", 1, 2).unwrap();
        assert!((b[(0, 1)] + 2.5).abs() < 1e-12, "{b}");
        assert!(weights.vector("c", 1).unwrap_err().contains("called c"));
        assert!(weights.vector("a", 5).unwrap_err().contains("[5]"));
        assert!(Weights::parse(vec![1, 2]).is_err());
        assert!(Weights::parse(vec![255; 20]).is_err());
    }
}
