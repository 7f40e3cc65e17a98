//! Lists in a row's columns, read where they lie: most are only looked at.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// Gives `look` each text of a JSON list; one that is no such list, which other
/// tools may have written, is one text.
pub(super) fn each_text(list: &str, mut look: impl FnMut(&str)) {
    if list.is_empty() || texts(list, &mut look) {
        return;
    }
    look(list);
}

/// Whether this is a JSON list of texts.
pub(super) fn is_list(text: &str) -> bool {
    texts(text, &mut |_| {})
}

fn texts(list: &str, look: &mut dyn FnMut(&str)) -> bool {
    let mut json = serde_json::Deserializer::from_str(list);
    json.deserialize_seq(Texts(look)).is_ok() && json.end().is_ok()
}

struct Texts<'f>(&'f mut dyn FnMut(&str));

struct OneText<'f>(&'f mut dyn FnMut(&str));

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(OneText(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for OneText<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for OneText<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_its_texts_and_anything_else_is_one() {
        let of = |list: &str| {
            let mut found = Vec::new();
            each_text(list, |text| found.push(text.to_owned()));
            found
        };
        assert_eq!(of(r#"["src/a.rs", "\u00e9\n"]"#), ["src/a.rs", "é\n"]);
        assert_eq!(of("[]"), [""; 0]);
        assert_eq!(of(""), [""; 0]);
        assert_eq!(of("src/a.rs"), ["src/a.rs"]);
        assert_eq!(of("[1]"), ["[1]"]);
        assert_eq!(of("[] []"), ["[] []"]);
    }

    #[test]
    fn only_a_list_of_texts_is_one() {
        for list in ["[]", r#" [ "a" , "\"" ] "#] {
            assert!(is_list(list), "{list}");
        }
        for other in [
            "",
            "a",
            "{}",
            "[1]",
            r#"["a"] b"#,
            r#"["a", null]"#,
            "\"a\"",
        ] {
            assert!(!is_list(other), "{other}");
        }
    }
}
