//! A sentence model as small as one can be, made by the test: its words stand for
//! what the test wants them to, and its one layer leaves them as they are.

use std::path::Path;

use serde_json::{Map, Value, json};

/// Numbers of a vector.
const WIDTH: usize = 4;

/// Writes a model that knows these words. What they mean is a direction; all
/// other words mean the first one.
pub fn write_sentence_model(directory: &Path, words: &[(&str, [f32; WIDTH])]) {
    std::fs::create_dir_all(directory).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.join(name), bytes).unwrap();
    let config = json!({
        "model_type": "bert", "vocab_size": words.len(), "hidden_size": WIDTH,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": WIDTH,
        "hidden_act": "gelu", "max_position_embeddings": 64, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "pad_token_id": 0,
    });
    write("config.json", config.to_string().as_bytes());
    let vocabulary: Map<String, Value> = words
        .iter()
        .enumerate()
        .map(|(number, (word, _))| ((*word).to_owned(), number.into()))
        .collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "unk_token": words[0].0, "vocab": vocabulary},
    });
    write("tokenizer.json", tokenizer.to_string().as_bytes());
    let meanings = words.iter().flat_map(|(_, meaning)| *meaning).collect();
    write("model.safetensors", &tensors(words.len(), meanings));
}

/// Attention and what follows it add nothing; norms change nothing but the length.
fn tensors(words: usize, meanings: Vec<f32>) -> Vec<u8> {
    let square = [WIDTH, WIDTH];
    let zeros = |shape: &[usize]| vec![0.0; shape.iter().product()];
    let mut all = vec![(
        "embeddings.word_embeddings.weight".to_owned(),
        vec![words, WIDTH],
        meanings,
    )];
    for (name, rows) in [("position", 64), ("token_type", 2)] {
        let shape = [rows, WIDTH];
        all.push((
            format!("embeddings.{name}_embeddings.weight"),
            shape.to_vec(),
            zeros(&shape),
        ));
    }
    let layer = "encoder.layer.0";
    for part in [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ] {
        all.push((
            format!("{layer}.{part}.weight"),
            square.to_vec(),
            zeros(&square),
        ));
        all.push((format!("{layer}.{part}.bias"), vec![WIDTH], zeros(&[WIDTH])));
    }
    for norm in [
        "embeddings",
        &format!("{layer}.attention.output"),
        &format!("{layer}.output"),
    ] {
        all.push((
            format!("{norm}.LayerNorm.weight"),
            vec![WIDTH],
            vec![1.0; WIDTH],
        ));
        all.push((
            format!("{norm}.LayerNorm.bias"),
            vec![WIDTH],
            zeros(&[WIDTH]),
        ));
    }
    let (mut header, mut numbers) = (Map::new(), Vec::new());
    for (name, shape, values) in all {
        let start = numbers.len();
        numbers.extend(values.into_iter().flat_map(f32::to_le_bytes));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, numbers.len()]});
        header.insert(name, entry);
    }
    let header = Value::Object(header).to_string();
    let mut file = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(numbers);
    file
}
