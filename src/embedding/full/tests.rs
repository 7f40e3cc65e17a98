use std::path::Path;

use super::{Error, Model};

#[cfg(not(feature = "full-model"))]
#[test]
fn a_program_without_the_feature_says_what_to_do() {
    let error = Model::open(Path::new("/")).unwrap_err();
    assert!(matches!(error, Error::NotBuilt));
    let text = super::without(&error);
    assert!(text.contains("FEATURES=full-model") && text.contains("CLAUDE_MEM_EMBEDDING_MODEL"));
}

#[cfg(feature = "full-model")]
mod built {
    use super::{Error, Model, Path};

    const CONFIG: &str = r#"{
        "model_type": "bert", "vocab_size": 4, "hidden_size": 4, "num_hidden_layers": 1,
        "num_attention_heads": 1, "intermediate_size": 4, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "max_position_embeddings": 8, "type_vocab_size": 2,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0
    }"#;
    const TOKENIZER: &str = r#"{
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "\u0023#",
            "max_input_chars_per_word": 100, "vocab": { "a": 0 }
        }
    }"#;

    /// What is said about a directory with these files.
    fn complaint(files: &[(&str, &str)]) -> (Error, String) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let error = Model::open(directory.path()).unwrap_err();
        let text = error.to_string();
        (error, text)
    }

    #[test]
    fn what_is_wrong_with_a_directory_is_said() {
        let (error, text) = complaint(&[]);
        assert!(matches!(error, Error::Unreadable { .. }) && text.contains("config.json"));

        let (error, text) = complaint(&[("config.json", "{")]);
        assert!(matches!(error, Error::Unusable { .. }) && text.contains("config.json"));

        let other = CONFIG.replace("\"bert\"", "\"t5\"");
        let (_, text) = complaint(&[("config.json", &other)]);
        assert!(
            text.contains("config.json") && text.contains("t5"),
            "{text}"
        );

        let (error, text) = complaint(&[("config.json", CONFIG), ("tokenizer.json", "{}")]);
        assert!(matches!(error, Error::Unusable { .. }) && text.contains("tokenizer.json"));

        let both = [("config.json", CONFIG), ("tokenizer.json", TOKENIZER)];
        let (error, text) = complaint(&both);
        assert!(matches!(error, Error::Unreadable { .. }) && text.contains("model.safetensors"));

        let all = [
            both[0],
            both[1],
            ("model.safetensors", "nothing of the kind"),
        ];
        let (error, text) = complaint(&all);
        assert!(matches!(error, Error::Unusable { .. }) && text.contains("model.safetensors"));
    }

    /// With all-MiniLM-L6-v2 where `CLAUDE_MEM_TEST_EMBEDDING_MODEL` says; it
    /// is too large to come with the tests. The numbers are those that the
    /// model's makers print for their example.
    #[test]
    fn the_model_says_what_its_makers_say() {
        let Some(directory) = std::env::var_os("CLAUDE_MEM_TEST_EMBEDDING_MODEL") else {
            eprintln!("left out: CLAUDE_MEM_TEST_EMBEDDING_MODEL names no all-MiniLM-L6-v2");
            return;
        };
        let model = Model::open(Path::new(&directory)).unwrap();
        let long = "word ".repeat(1000);
        let texts = ["This is an example sentence", "", &long, "an example"];
        let vectors = model.embed(&texts.repeat(5)).unwrap();
        assert_eq!(vectors.len(), 20);
        for vector in &vectors {
            let length: f32 = vector.iter().map(|number| number * number).sum();
            assert!(vector.len() == 384 && (length - 1.0).abs() < 1e-4);
        }
        let example = [0.067_657, 0.063_496, 0.048_713, 0.079_305, 0.037_448];
        for (got, want) in vectors[0].iter().zip(example) {
            assert!((got - want).abs() < 1e-4, "{:?}", &vectors[0][..5]);
        }
        // The company that a text is read in changes nothing.
        let alone = &model.embed(&texts[..1]).unwrap()[0];
        let same = alone.iter().zip(&vectors[16]);
        assert!(same.into_iter().all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
