//! Observations that look like ours and that nobody wrote: the same ones in
//! every run, each made from its number alone.

use std::collections::HashSet;

use claude_mem::store::{NewObservation, NewSummary};

/// Word stems. Their frequency falls with their rank (Zipf).
const WORDS: usize = 60_000;

/// Names from code that rows speak of.
const NAMES: usize = 30_000;

/// The later ones are smaller.
const PROJECTS: usize = 50;

/// Rows of a session, which are one turn.
pub(super) const SESSION: usize = 40;

/// One row of so many is Chinese.
const CHINESE: usize = 100;

const CHINESE_WORDS: usize = 4_000;

/// 2026-01-01, and a minute from row to row.
const BEGIN: i64 = 1_767_225_600_000;
const STEP: i64 = 60_000;

const KINDS: [&str; 6] = [
    "bugfix",
    "feature",
    "refactor",
    "change",
    "discovery",
    "decision",
];
const CONCEPTS: [&str; 7] = [
    "how-it-works",
    "why-it-exists",
    "what-changed",
    "problem-solution",
    "gotcha",
    "pattern",
    "trade-off",
];

/// Numbers that look random and are the same in every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: usize) -> Self {
        Self(seed as u64 ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("less than a usize")
    }

    fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from)
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Words by rank, drawn as often as language would.
struct Ranked {
    words: Vec<String>,
    cumulative: Vec<u64>,
}

impl Ranked {
    fn new(words: Vec<String>) -> Self {
        let mut sum = 0;
        let cumulative = (1..=words.len() as u64)
            .map(|rank| {
                sum += (1 << 40) / rank;
                sum
            })
            .collect();
        Self { words, cumulative }
    }

    fn draw(&self, random: &mut Random) -> &str {
        let total = *self.cumulative.last().expect("there are words");
        let at = random.next() % total;
        &self.words[self.cumulative.partition_point(|sum| *sum <= at)]
    }

    fn some(&self, random: &mut Random, count: usize, between: &str) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.draw(random)).collect();
        words.join(between)
    }
}

pub(super) struct Corpus {
    words: Ranked,
    names: Ranked,
    chinese: Ranked,
    projects: Ranked,
}

/// How a query is drawn.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    /// Two to six words of a row's title.
    Title,
    /// Four words of rank 50 to 500.
    Frequent,
    /// Four words of rank 5,000 up.
    Rare,
    /// A name from code.
    Name,
    /// Words that stand nowhere.
    Nonsense,
    Chinese,
    /// One of the ten most frequent words alone.
    Commonest,
}

pub(super) const DRAWS: [(&str, Draw); 7] = [
    ("title words", Draw::Title),
    ("rank 50 to 500", Draw::Frequent),
    ("rank 5,000 up", Draw::Rare),
    ("identifiers", Draw::Name),
    ("nonsense", Draw::Nonsense),
    ("Chinese", Draw::Chinese),
    ("one common word", Draw::Commonest),
];

impl Corpus {
    pub(super) fn new() -> Self {
        let mut random = Random::new(0);
        let words = unique(WORDS, || {
            let syllables = [1, 2, 2, 2, 3, 3][random.below(6)];
            (0..syllables).map(|_| syllable(&mut random)).collect()
        });
        let names = unique(NAMES, || name(&words, &mut random));
        let chinese = unique(CHINESE_WORDS, || {
            (0..2)
                .filter_map(|_| {
                    let sign = random.below(3_000).min(random.below(3_000));
                    char::from_u32(0x4e00 + u32::try_from(sign).ok()?)
                })
                .collect()
        });
        let projects = words[1_000..1_000 + PROJECTS].to_vec();
        Self {
            words: Ranked::new(words),
            names: Ranked::new(names),
            chinese: Ranked::new(chinese),
            projects: Ranked::new(projects),
        }
    }

    /// The project of a row: that of its session.
    pub(super) fn project(&self, row: usize) -> &str {
        self.projects
            .draw(&mut Random::new(row / SESSION + (1 << 40)))
    }

    pub(super) fn observation(&self, row: usize) -> NewObservation {
        let mut random = Random::new(row);
        let mut made = if is_chinese(row) {
            self.chinese_texts(&mut random)
        } else {
            self.texts(&mut random)
        };
        made.kind = String::from(*random.of(&KINDS));
        let concepts = random.between(1, 4);
        made.concepts = (0..concepts)
            .map(|_| (*random.of(&CONCEPTS)).to_owned())
            .collect();
        made.concepts.dedup();
        made.files_modified = (0..random.below(3)).map(|_| self.path(row)).collect();
        made.files_read = (0..random.below(3)).map(|_| self.path(row / 7)).collect();
        made.discovery_tokens = 900;
        made.at = BEGIN + STEP * i64::try_from(row).expect("few rows");
        made
    }

    /// What the session that begins with this row was asked for.
    pub(super) fn prompt(&self, first: usize) -> String {
        let mut random = Random::new(first + (1 << 41));
        let length = random.between(6, 30);
        self.words.some(&mut random, length, " ")
    }

    /// What became of that.
    pub(super) fn summary(&self, first: usize) -> NewSummary {
        let mut random = Random::new(first + (1 << 42));
        let mut some = |words: usize| self.words.some(&mut random, words, " ");
        NewSummary {
            request: some(9),
            investigated: some(20),
            learned: some(25),
            completed: some(25),
            next_steps: some(10),
            discovery_tokens: 900,
            at: BEGIN + STEP * i64::try_from(first).expect("few rows"),
            ..NewSummary::default()
        }
    }

    fn texts(&self, random: &mut Random) -> NewObservation {
        let mut title = self.title(random);
        if random.below(4) == 0 {
            title = format!("{title} in {}", self.names.draw(random));
        }
        let (first, second) = (random.between(20, 40), random.between(20, 40));
        let narrative = format!(
            "{} {}. {} {}.",
            self.words.some(random, first, " "),
            self.names.draw(random),
            self.words.some(random, second, " "),
            self.names.draw(random)
        );
        NewObservation {
            title,
            subtitle: self.words.some(random, 11, " "),
            narrative,
            facts: (0..3).map(|_| self.words.some(random, 9, " ")).collect(),
            ..NewObservation::default()
        }
    }

    fn title(&self, random: &mut Random) -> String {
        let length = random.between(5, 10);
        self.words.some(random, length, " ")
    }

    fn chinese_texts(&self, random: &mut Random) -> NewObservation {
        NewObservation {
            title: self.chinese.some(random, 6, ""),
            subtitle: self.chinese.some(random, 10, ""),
            narrative: self.chinese.some(random, 60, ""),
            facts: (0..3).map(|_| self.chinese.some(random, 8, "")).collect(),
            ..NewObservation::default()
        }
    }

    /// One of the project's files.
    pub(super) fn path(&self, row: usize) -> String {
        let project = self.project(row);
        let mut random = Random::new((row % 211) + (project.len() << 20));
        let ending = *random.of(&["rs", "ts", "py", "go", "tsx", "md", "sql"]);
        let folders = random.between(1, 4);
        let folders = self.words.some(&mut random, folders, "/");
        format!(
            "{project}/src/{folders}/{}.{ending}",
            self.words.draw(&mut random)
        )
    }

    /// The words of a row's title in any order, and its project.
    pub(super) fn title_words(&self, row: usize, random: &mut Random) -> (String, &str) {
        let title = self.observation(row).title;
        let mut words: Vec<&str> = title.split(' ').collect();
        for left in (1..words.len()).rev() {
            words.swap(left, random.below(left + 1));
        }
        (words.join(" "), self.project(row))
    }

    /// A query, and the project to ask it in: that of a random row.
    pub(super) fn query(&self, draw: Draw, random: &mut Random, rows: usize) -> (String, &str) {
        let row = random.below(rows);
        let text = match draw {
            Draw::Title => {
                let title = self.title_words(row, random).0;
                let words: Vec<&str> = title.split(' ').collect();
                words[..words.len().min(random.between(2, 7))].join(" ")
            }
            Draw::Frequent => self.of_rank(random, 4, 50, 500),
            Draw::Rare => self.of_rank(random, 4, 5_000, WORDS),
            Draw::Name => self.names.draw(random).to_owned(),
            Draw::Nonsense => {
                let words = random.between(2, 5);
                let words: Vec<String> = (0..words).map(|_| nonsense(random)).collect();
                words.join(" ")
            }
            Draw::Chinese => self.chinese.some(random, 2, " "),
            Draw::Commonest => self.of_rank(random, 1, 0, 10),
        };
        (text, self.project(row))
    }

    fn of_rank(&self, random: &mut Random, count: usize, from: usize, to: usize) -> String {
        let words: Vec<&str> = (0..count)
            .map(|_| self.words.words[random.between(from, to)].as_str())
            .collect();
        words.join(" ")
    }
}

fn is_chinese(row: usize) -> bool {
    row % CHINESE == CHINESE / 2
}

/// So many different texts.
fn unique(count: usize, mut make: impl FnMut() -> String) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut texts = Vec::with_capacity(count);
    while texts.len() < count {
        let text = make();
        if seen.insert(text.clone()) {
            texts.push(text);
        }
    }
    texts
}

fn syllable(random: &mut Random) -> String {
    const BEGINNINGS: [&str; 24] = [
        "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pl",
        "ch", "sh", "gr", "br", "cl", "sp", "",
    ];
    const MIDDLES: [&str; 9] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "io"];
    const ENDS: [&str; 12] = ["", "", "", "n", "r", "s", "t", "l", "m", "ck", "nd", "st"];
    let (beginning, middle, end) = (
        random.of(&BEGINNINGS),
        random.of(&MIDDLES),
        random.of(&ENDS),
    );
    format!("{beginning}{middle}{end}")
}

/// `parseInvoiceTotal`, `parse_invoice`, `parse-invoice.rs`, `E0308`.
fn name(words: &[String], random: &mut Random) -> String {
    let parts: Vec<&str> = (0..random.between(2, 4))
        .map(|_| words[random.between(100, 10_000)].as_str())
        .collect();
    match random.below(8) {
        0..=2 => parts
            .iter()
            .enumerate()
            .map(|(index, part)| {
                if index == 0 {
                    (*part).to_owned()
                } else {
                    capital(part)
                }
            })
            .collect(),
        3 | 4 => parts.join("_"),
        5 => format!("{}.rs", parts.join("-")),
        6 => format!("ERR_{}", parts.join("_").to_uppercase()),
        _ => format!("E{:05}", random.below(100_000)),
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn nonsense(random: &mut Random) -> String {
    (0..random.between(6, 10))
        .map(|_| *random.of(&['q', 'x', 'z', 'k', 'v', 'j', 'w']))
        .collect()
}
