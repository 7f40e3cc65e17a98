//! A BERT encoder on the processor (Devlin et al. 2018, arXiv:1810.04805).
//!
//! Texts are read together: their tokens stand one after the other in one matrix,
//! so that nothing is filled up, and only attention knows where a text ends.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis};
use serde::Deserialize;

use super::weights::Weights;

/// `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    pub(super) max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f32,
    #[serde(default)]
    position_embedding_type: Positions,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Activation {
    Gelu,
    Relu,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Positions {
    #[default]
    Absolute,
}

/// Outputs × inputs, and what is added.
struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Linear {
    fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self, String> {
        Ok(Self {
            weight: weights.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: weights.vector(&format!("{name}.bias"), outputs)?,
        })
    }

    fn apply(&self, input: &Array2<f32>) -> Array2<f32> {
        let rows = input.nrows();
        let mut output = Array2::zeros((rows, self.bias.len()));
        output += &self.bias;
        general_mat_mul(1.0, input, &self.weight.t(), 1.0, &mut output);
        output
    }
}

/// Layer normalisation.
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    fn load(weights: &Weights, name: &str, config: &Config) -> Result<Self, String> {
        Ok(Self {
            weight: weights.vector(&format!("{name}.weight"), config.hidden_size)?,
            bias: weights.vector(&format!("{name}.bias"), config.hidden_size)?,
            epsilon: config.layer_norm_eps,
        })
    }

    fn apply(&self, rows: &mut Array2<f32>) {
        for mut row in rows.rows_mut() {
            let mean = row.mean().unwrap_or(0.0);
            row -= mean;
            let variance = row.fold(0.0, |sum, x| sum + x * x) / float(row.len());
            row /= (variance + self.epsilon).sqrt();
            row *= &self.weight;
            row += &self.bias;
        }
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: Norm,
    wide: Linear,
    narrow: Linear,
    norm: Norm,
}

impl Layer {
    fn load(weights: &Weights, number: usize, config: &Config) -> Result<Self, String> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let linear =
            |part: &str, inputs, outputs| Linear::load(weights, &name(part), inputs, outputs);
        let norm = |part: &str| Norm::load(weights, &name(part), config);
        Ok(Self {
            query: linear("attention.self.query", hidden, hidden)?,
            key: linear("attention.self.key", hidden, hidden)?,
            value: linear("attention.self.value", hidden, hidden)?,
            attended: linear("attention.output.dense", hidden, hidden)?,
            attended_norm: norm("attention.output.LayerNorm")?,
            wide: linear("intermediate.dense", hidden, wide)?,
            narrow: linear("output.dense", wide, hidden)?,
            norm: norm("output.LayerNorm")?,
        })
    }
}

pub(super) struct Bert {
    words: Array2<f32>,
    positions: Array2<f32>,
    /// Of the first of two texts: there is but one.
    kind: Array1<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    activation: Activation,
}

impl Bert {
    /// The error says what does not fit.
    pub(super) fn load(weights: &Weights, config: &Config) -> Result<Self, String> {
        let hidden = config.hidden_size;
        let heads = config.num_attention_heads;
        if heads == 0 || !hidden.is_multiple_of(heads) {
            return Err(format!("{hidden} numbers do not make {heads} heads"));
        }
        let Positions::Absolute = config.position_embedding_type;
        let matrix = |name: &str, rows| {
            weights.matrix(
                &format!("embeddings.{name}_embeddings.weight"),
                rows,
                hidden,
            )
        };
        let kinds = matrix("token_type", config.type_vocab_size)?;
        let kind = kinds.rows().into_iter().next().map(|row| row.to_owned());
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            words: matrix("word", config.vocab_size)?,
            positions: matrix("position", config.max_position_embeddings)?,
            kind: kind.unwrap_or_else(|| Array1::zeros(hidden)),
            norm: Norm::load(weights, "embeddings.LayerNorm", config)?,
            layers: layers
                .map(|number| Layer::load(weights, number, config))
                .collect::<Result<_, _>>()?,
            heads,
            activation: config.hidden_act,
        })
    }

    /// A row of numbers for each token of each text. No text may be longer than
    /// the model has positions, nor have a token that it has no word for.
    pub(super) fn read(&self, texts: &[&[u32]]) -> Result<Vec<Array2<f32>>, String> {
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(texts.len());
        for text in texts {
            let start = spans.last().map_or(0, |span| span.end);
            spans.push(start..start + text.len());
        }
        let mut states = self.embed(texts)?;
        for layer in &self.layers {
            let mut attended = layer.attended.apply(&self.attend(layer, &states, &spans));
            attended += &states;
            layer.attended_norm.apply(&mut attended);
            let mut wide = layer.wide.apply(&attended);
            match self.activation {
                Activation::Gelu => wide.mapv_inplace(gelu),
                Activation::Relu => wide.mapv_inplace(|x| x.max(0.0)),
            }
            states = layer.narrow.apply(&wide);
            states += &attended;
            layer.norm.apply(&mut states);
        }
        let rows = |span: Range<usize>| states.slice_axis(Axis(0), span.into()).to_owned();
        Ok(spans.into_iter().map(rows).collect())
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Array2<f32>, String> {
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let mut states = Array2::zeros((tokens, self.kind.len()));
        let places = texts.iter().flat_map(|text| text.iter().enumerate());
        for (mut state, (position, &token)) in states.rows_mut().into_iter().zip(places) {
            let word = usize::try_from(token)
                .ok()
                .filter(|id| *id < self.words.nrows());
            let word = word.ok_or_else(|| format!("it has no word number {token}"))?;
            if position >= self.positions.nrows() {
                return Err(format!("it has no position {position}"));
            }
            state += &self.words.row(word);
            state += &self.positions.row(position);
            state += &self.kind;
        }
        self.norm.apply(&mut states);
        Ok(states)
    }

    /// What each token takes over from those of its text.
    fn attend(&self, layer: &Layer, states: &Array2<f32>, spans: &[Range<usize>]) -> Array2<f32> {
        let (query, key, value) = (
            layer.query.apply(states),
            layer.key.apply(states),
            layer.value.apply(states),
        );
        let width = states.ncols() / self.heads;
        let scale = 1.0 / float(width).sqrt();
        let mut attended = Array2::zeros(states.raw_dim());
        for span in spans {
            for head in 0..self.heads {
                let columns = head * width..(head + 1) * width;
                let part = |of| part(of, span, &columns);
                let mut shares = part(&query).dot(&part(&key).t());
                for row in shares.axis_iter_mut(Axis(0)) {
                    softmax(row, scale);
                }
                let rows = span.clone().into();
                let mut into = attended.slice_axis_mut(Axis(0), rows);
                let mut into = into.slice_axis_mut(Axis(1), columns.clone().into());
                general_mat_mul(1.0, &shares, &part(&value), 0.0, &mut into);
            }
        }
        attended
    }
}

fn part<'a>(
    of: &'a Array2<f32>,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> ArrayView2<'a, f32> {
    let mut part = of.view();
    part.slice_axis_inplace(Axis(0), rows.clone().into());
    part.slice_axis_inplace(Axis(1), columns.clone().into());
    part
}

/// Shares that sum up to 1, of the numbers times `scale`.
fn softmax(mut row: ArrayViewMut1<'_, f32>, scale: f32) {
    let most = row.fold(f32::NEG_INFINITY, |most, x| most.max(*x));
    row.mapv_inplace(|x| exp(scale * (x - most)));
    let sum = row.sum();
    row /= sum;
}

/// Gaussian error linear unit: x times the share of a normal distribution below x.
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function to 1.5e-7: Abramowitz and Stegun, 7.1.26.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let sum = 1.061_405_4 * t - 1.453_152_1;
    let sum = (sum * t + 1.421_413_8) * t - 0.284_496_72;
    let sum = (sum * t + 0.254_829_6) * t;
    (1.0 - sum * exp(-x * x)).copysign(x)
}

/// e to the power of a number below 88, to five millionths of it. Unlike that of the
/// standard library it is no call, so that the compiler does eight at a time.
fn exp(x: f32) -> f32 {
    let x = (x * std::f32::consts::LOG2_E).clamp(-126.0, 127.0);
    // Adding this leaves the nearest whole number in the last bits of the fraction.
    let rounded = x + 12_582_912.0;
    let whole = rounded - 12_582_912.0;
    let y = (x - whole) * std::f32::consts::LN_2;
    // The first terms of the series, for at most half of ln 2.
    let sum = 1.0 / 720.0 * y + 1.0 / 120.0;
    let sum = (sum * y + 1.0 / 24.0) * y + 1.0 / 6.0;
    let sum = (sum * y + 0.5) * y + 1.0;
    let sum = sum * y + 1.0;
    f32::from_bits((rounded.to_bits() << 23).wrapping_add(sum.to_bits()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a model's width, some thousands"
)]
fn float(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_functions_are_what_they_are_called() {
        for step in -800_i16..800 {
            let x = f32::from(step) / 10.0;
            let (got, want) = (exp(x), x.exp());
            assert!((got - want).abs() <= 5e-6 * want, "{x}: {got} {want}");
        }
        for (x, want) in [
            (0.0, 0.0),
            (0.5, 0.520_499_9),
            (-1.0, -0.842_700_8),
            (4.0, 1.0),
        ] {
            assert!((erf(x) - want).abs() < 1e-6, "{x}: {}", erf(x));
        }
        assert!((gelu(1.0) - 0.841_344_7).abs() < 1e-6 && gelu(-20.0).abs() < 1e-6);
    }

    /// A file of tensors with these shapes, whose numbers come in a fixed order.
    fn weights(shapes: &[(String, Vec<usize>)]) -> Weights {
        let (mut header, mut bytes) = (serde_json::Map::new(), Vec::new());
        let mut count = 0_u16;
        for (name, shape) in shapes {
            let start = bytes.len();
            for _ in 0..shape.iter().product() {
                let number = (f32::from(count * 37 % 101) - 50.0) / 50.0;
                bytes.extend(number.to_le_bytes());
                count += 1;
            }
            let entry =
                json!({"dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()]});
            header.insert(name.clone(), entry);
        }
        let header = serde_json::Value::Object(header).to_string();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(bytes);
        Weights::parse(file).unwrap()
    }

    /// The numbers were computed from the paper's formulas, one by one and in double
    /// precision, by another program.
    #[test]
    fn a_small_encoder_says_what_its_formulas_say() {
        const HIDDEN: usize = 4;
        const WIDE: usize = 6;
        let mut shapes = Vec::new();
        for (part, rows) in [("word", 5), ("position", 8), ("token_type", 2)] {
            shapes.push((
                format!("embeddings.{part}_embeddings.weight"),
                vec![rows, HIDDEN],
            ));
        }
        let norm =
            |name: &str| ["weight", "bias"].map(|end| (format!("{name}.{end}"), vec![HIDDEN]));
        shapes.extend(norm("embeddings.LayerNorm"));
        for (part, inputs, outputs) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", HIDDEN, WIDE),
            ("output.dense", WIDE, HIDDEN),
        ] {
            let name = format!("encoder.layer.0.{part}");
            shapes.push((format!("{name}.weight"), vec![outputs, inputs]));
            shapes.push((format!("{name}.bias"), vec![outputs]));
        }
        shapes.extend(norm("encoder.layer.0.attention.output.LayerNorm"));
        shapes.extend(norm("encoder.layer.0.output.LayerNorm"));
        let config = json!({
            "vocab_size": 5, "hidden_size": HIDDEN, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": WIDE, "hidden_act": "gelu",
            "max_position_embeddings": 8, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        });
        let config: Config = serde_json::from_value(config).unwrap();
        let bert = Bert::load(&weights(&shapes), &config).unwrap();
        let states = bert.read(&[&[1, 3, 2], &[4, 0]]).unwrap();
        let wanted = [
            vec![
                [0.549_693, -0.880_509, -0.532_318, 0.94],
                [0.580_639, -0.735_509, -0.566_289, 0.94],
                [0.552_012, -0.887_674, -0.543_554, 0.94],
            ],
            vec![
                [0.576_748, -0.739_5, -0.555_584, 0.94],
                [0.563_25, -0.811_89, -0.549_337, 0.94],
            ],
        ];
        assert_eq!(states.len(), wanted.len());
        for (got, want) in states.iter().zip(wanted) {
            assert_eq!(got.nrows(), want.len());
            let near = got.iter().zip(want.iter().flatten());
            for (got, want) in near {
                assert!((got - want).abs() < 1e-5, "{states:?}");
            }
        }
        assert!(bert.read(&[&[5]]).is_err(), "there is no such word");
        assert!(bert.read(&[&[0; 9]]).is_err(), "there is no such position");
    }
}
