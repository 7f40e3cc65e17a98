use super::*;

fn all(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    tokens(text, |token| {
        found.push(stem(token.text, token.kind).into_owned());
    });
    found
}

#[test]
fn words_are_folded_and_stemmed() {
    assert_eq!(
        all("Counted the Discounts, naïvely; Größe ΑΘΉΝΑ Ёлка"),
        ["count", "the", "discount", "naiv", "große", "αθηνα", "елка"]
    );
    assert_eq!(
        all("Jon's dog isn't the users’"),
        ["jon", "dog", "isnt", "the", "user"]
    );
    assert_eq!(all("ＡＢＣ ﬁle ②"), ["abc", "file"]);
    assert_eq!(
        all("l'énoncé L’arrondi o'clock"),
        ["enonc", "arrondi", "oclock"]
    );
    assert_eq!(all("ｶﾀｶﾅ"), all("カタカナ"));
}

#[test]
fn identifiers_are_whole_and_in_parts() {
    let spellings = [
        "applyDiscount",
        "apply_discount",
        "apply-discount",
        "ApplyDiscount",
    ];
    for spelling in spellings {
        assert_eq!(
            all(spelling),
            ["applydiscount", "appli", "discount"],
            "{spelling}"
        );
    }
    assert_eq!(all("HTTPServer"), ["httpserver", "http", "server"]);
    assert_eq!(
        all("src/billing/invoice_total.py:12"),
        [
            "src",
            "bill",
            "invoicetotalpy",
            "invoic",
            "total",
            "py",
            "12"
        ]
    );
    assert_eq!(
        all("E0308 TS2345"),
        ["e0308", "0308", "ts2345", "ts", "2345"]
    );
    assert_eq!(
        all("ERR_CONN_REFUSED."),
        ["errconnrefused", "err", "conn", "refus"]
    );
    assert_eq!(
        all("d3b07384d113edec49eaa6238ad5ff00").len(),
        1,
        "a hash is one term"
    );
    assert_eq!(all("wait... what -- no_ _x"), ["wait", "what", "no", "x"]);
}

#[test]
fn scripts_without_spaces_are_found_by_characters_and_pairs() {
    assert_eq!(all("税率表"), ["税", "税率", "率", "率表", "表"]);
    assert_eq!(all("修复bug了"), ["修", "修复", "复", "bug", "了"]);
    assert_eq!(all("ガス")[0], "ガ", "a voiced sign is no accent");
    assert_eq!(
        all("환율은 캐시"),
        ["환율은", "환율", "율은", "캐시", "캐시"]
    );
    assert_eq!(all("🚀 fix ✅"), ["🚀", "fix", "✅"]);
    assert_eq!(all("नमस्ते दुनिया"), ["नमस्ते", "दुनिया"]);
    assert_eq!(all("สวัสดี").len(), 11);
}

#[test]
fn nothing_to_find_gives_nothing() {
    for text in [
        "",
        "   ",
        "()[]{}",
        "--",
        "\0",
        "'",
        "...",
        "\u{200d}\u{fe0f}",
    ] {
        assert!(all(text).len() <= 1, "{text:?} gave {:?}", all(text));
    }
}

#[test]
fn tokens_know_their_places() {
    let text = "Set maxRetries to «drei» 税率";
    let mut found = Vec::new();
    tokens(text, |token| {
        found.push((text[token.start..token.end].to_owned(), token.position));
    });
    let expected = [
        ("Set", 0),
        ("maxRetries", 1),
        ("max", 1),
        ("Retries", 2),
        ("to", 3),
        ("drei", 4),
        ("税", 5),
        ("税率", 5),
        ("率", 6),
    ];
    let expected: Vec<_> = expected.map(|(text, at)| (text.to_owned(), at)).into();
    assert_eq!(found, expected);
}

#[test]
fn a_term_is_bounded_and_so_is_a_row() {
    assert_eq!(all(&"x".repeat(1 << 20))[0].len(), 64);
    assert_eq!(all(&"ä".repeat(1 << 16))[0].len(), 64);
    let mut terms = Terms::default();
    let many: Vec<String> = (0..50_000).map(|index| format!("w{index}w")).collect();
    terms.add_text(&many.join(" "));
    assert_eq!(terms.joined().split(' ').count(), MOST_TERMS);
    terms.add_text("zebra 4711");
    assert!(terms.joined().ends_with(" zebra"), "words are still taken");
    let letters = |index: u32| char::from_u32(0x4E00 + index).unwrap();
    let words: String = (0..20_000)
        .flat_map(|index| [letters(index), ' '])
        .collect();
    terms.add_text(&words);
    let more: String = (0..20_000)
        .flat_map(|index| [letters(index), letters(index + 1), ' '])
        .collect();
    terms.add_text(&more);
    assert_eq!(terms.joined().split(' ').count(), MOST_WORDS);
}

#[test]
fn a_term_of_a_scope_is_exact_and_no_word() {
    assert_eq!(scope(Scope::Project, "billing-2"), "p_billing_2d2");
    assert_ne!(
        scope(Scope::Project, "Billing"),
        scope(Scope::Project, "billing")
    );
    assert_eq!(scope(Scope::Type, "bugfix"), "t_bugfix");
    assert!(scope(Scope::Concept, "日本 \"x").is_ascii());
}

/// Capitals at the beginnings of words change no token, but take the longer way.
#[test]
fn plain_words_are_tokens_as_if_they_were_taken_apart() {
    const ALPHABET: [char; 14] = [
        'a', 'b', 's', 'z', '7', ' ', ' ', '.', '-', '_', '\'', ',', 'é', '中',
    ];
    let mut state = 1_u32;
    for _ in 0..20_000 {
        let text: String = (0..12)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ALPHABET[(state >> 16) as usize % ALPHABET.len()]
            })
            .collect();
        let mut before = ' ';
        let capitals: String = text
            .chars()
            .map(|c| {
                let begins = before == '中' || !(before.is_alphanumeric() || before == '\'');
                before = c;
                if begins { c.to_ascii_uppercase() } else { c }
            })
            .collect();
        let tokens_of = |text: &str| {
            let mut found = Vec::new();
            tokens(text, |token| {
                let Token {
                    kind,
                    start,
                    end,
                    position,
                    ..
                } = token;
                found.push((token.text.to_owned(), kind, start, end, position));
            });
            found
        };
        assert_eq!(tokens_of(&text), tokens_of(&capitals), "{text:?}");
    }
}

#[test]
fn a_heading_is_its_words_in_any_order() {
    let key = heading("Queue reader drops the last batch");
    assert!(key.as_deref().is_some_and(|key| key.starts_with("h_")));
    assert_eq!(key, heading("batch last: reader-queue, DROPPED"));
    assert_ne!(key, heading("Queue reader drops a batch"));
    assert_eq!(heading("applyDiscount()"), heading("discount apply"));
    assert_ne!(heading("修复折扣"), heading("折扣"));
    assert!(heading("the of").is_some());
    assert_eq!(heading("— … —"), None);
    assert!(heading(&"word ".repeat(60)).is_some());
    assert_eq!(heading(&"word ".repeat(70)), None);
}
