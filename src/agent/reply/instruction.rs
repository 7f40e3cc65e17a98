//! Text that speaks to a model rather than of the work. A memory is read by
//! models; what looks like an order to them is marked, so that whoever shows it
//! can leave it out.
//!
//! The signs are few and specific: a note *about* prompts and instructions is
//! ordinary in a project that works with models.

/// The concept of an observation in which such text is; every mode allows it.
pub const INSTRUCTION_LIKE: &str = "instruction-like";

/// Most of a text that is looked at, in bytes.
const MOST_TEXT: usize = 16 * 1024;

/// An order to put instructions aside: one of each list within a few words, the
/// verb first.
struct Order {
    verbs: &'static [&'static str],
    which: &'static [&'static str],
    objects: &'static [&'static str],
}

/// Words from the verb to the last of the others.
const REACH: usize = 6;

/// English, German, French, Spanish. Words are lower case.
const ORDERS: [Order; 4] = [
    Order {
        verbs: &["ignore", "disregard", "forget", "override", "bypass"],
        which: &[
            "previous",
            "prior",
            "above",
            "earlier",
            "preceding",
            "your",
            "all",
        ],
        objects: &[
            "instructions",
            "instruction",
            "prompts",
            "guidelines",
            "directives",
        ],
    },
    Order {
        verbs: &[
            "ignoriere",
            "ignorier",
            "ignorieren",
            "vergiss",
            "vergessen",
            "missachte",
            "missachten",
        ],
        which: &[
            "vorherigen",
            "vorherige",
            "bisherigen",
            "bisherige",
            "obigen",
            "obige",
            "vorangegangenen",
            "vorigen",
            "früheren",
            "deine",
            "ihre",
            "alle",
            "sämtliche",
        ],
        objects: &[
            "anweisungen",
            "anweisung",
            "instruktionen",
            "befehle",
            "vorgaben",
        ],
    },
    Order {
        verbs: &[
            "ignore", "ignorez", "ignorer", "oublie", "oubliez", "oublier",
        ],
        which: &[
            "précédentes",
            "précédente",
            "antérieures",
            "dessus",
            "tes",
            "vos",
            "toutes",
        ],
        objects: &["instructions", "instruction", "consignes", "directives"],
    },
    Order {
        verbs: &[
            "ignora", "ignore", "ignorar", "ignorad", "olvida", "olvide", "olvidar", "caso",
        ],
        which: &["anteriores", "previas", "todas", "tus", "sus", "arriba"],
        objects: &["instrucciones", "instrucción", "indicaciones", "órdenes"],
    },
];

/// The same in Chinese, which has no words to count.
const CHINESE_VERBS: [&str; 9] = [
    "忽略",
    "忽視",
    "忽视",
    "无视",
    "無視",
    "忘记",
    "忘記",
    "不要理会",
    "不要理會",
];
const CHINESE_WHICH: [&str; 14] = [
    "之前", "以前", "以上", "先前", "前面", "上面", "上述", "所有", "你的", "您的", "此前", "全部",
    "任何", "一切",
];
const CHINESE_OBJECTS: [&str; 8] = [
    "指令",
    "指示",
    "提示词",
    "提示詞",
    "命令",
    "规则",
    "規則",
    "系统提示",
];

/// Characters from the Chinese verb to the last of the others.
const CHINESE_REACH: usize = 16;

/// Words in a row that nobody writes in a note about work.
const PHRASES: [&str; 26] = [
    "you must now",
    "you are now a",
    "you are now an",
    "you are now in",
    "from now on you",
    "as an ai language model",
    "as an ai assistant",
    "as an ai model",
    "as an ai i",
    "you are an ai",
    "act as if you",
    "pretend to be",
    "pretend that you",
    "pretend you are",
    "do not tell the user",
    "don't tell the user",
    "do not inform the user",
    "do not mention this to the user",
    "don't mention this to the user",
    "without telling the user",
    "without informing the user",
    "your system prompt",
    "new system prompt",
    "reveal the system prompt",
    "print the system prompt",
    "repeat the system prompt",
];

/// Marks of a role in formats of models.
const MARKS: [&str; 12] = [
    "<system>",
    "</system>",
    "<system-reminder>",
    "<|im_start|>",
    "<|im_end|>",
    "<|system|>",
    "<|assistant|>",
    "<|user|>",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "<assistant>",
];

/// Roles that begin a line of a dialogue, and what follows if it is one.
const ROLES: [(&str, &str); 5] = [
    ("assistant:", ""),
    ("### instruction:", ""),
    ("### system:", ""),
    ("system prompt:", ""),
    ("system:", "you "),
];

/// Whether a text is addressed to a model.
pub fn is_instruction_like(text: &str) -> bool {
    let lower = text[..text.floor_char_boundary(MOST_TEXT)]
        .replace('’', "'")
        .to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    has_mark(&lower) || has_phrase(&words) || has_order(&words) || has_chinese_order(&lower)
}

fn has_mark(lower: &str) -> bool {
    let begins = |at: usize| !lower[..at].ends_with(char::is_alphanumeric);
    MARKS
        .iter()
        // `Vec<System>` is a type.
        .any(|mark| lower.match_indices(mark).any(|(at, _)| begins(at)))
        || lower.lines().any(|line| {
            let line = line.trim_start_matches([' ', '\t', '*', '>', '"']);
            ROLES.iter().any(|(role, next)| {
                let rest = line.strip_prefix(role).map(str::trim_start);
                rest.is_some_and(|rest| rest.starts_with(next))
            })
        })
}

fn has_phrase(words: &[&str]) -> bool {
    let joined = [" ", &words.join(" "), " "].concat();
    PHRASES.iter().any(|phrase| {
        joined
            .match_indices(phrase)
            .any(|(at, _)| is_whole(&joined, at, phrase))
    })
}

fn is_whole(joined: &str, at: usize, phrase: &str) -> bool {
    joined[..at].ends_with(' ') && joined[at + phrase.len()..].starts_with(' ')
}

fn has_order(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let near = &words[at + 1..words.len().min(at + 1 + REACH)];
        ORDERS.iter().any(|order| {
            order.verbs.contains(word)
                && near.iter().any(|word| order.which.contains(word))
                && near.iter().any(|word| order.objects.contains(word))
        })
    })
}

fn has_chinese_order(text: &str) -> bool {
    CHINESE_VERBS.iter().any(|verb| {
        text.match_indices(verb).any(|(at, _)| {
            let near: String = text[at + verb.len()..]
                .chars()
                .take(CHINESE_REACH)
                .collect();
            CHINESE_WHICH.iter().any(|which| near.contains(which))
                && CHINESE_OBJECTS.iter().any(|object| near.contains(object))
        })
    })
}
