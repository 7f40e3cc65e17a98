//! Whatever is typed is a query: ten thousand strings that nobody would type.

use claude_mem::search::SearchError;
use claude_mem::store::{Reader, Writer};

use super::memory::{ask, reader};
use super::scripts::{TITLES, fill};
use crate::support::Sandbox;

const STRINGS: usize = 10_000;

/// They are asked side by side.
const ASKERS: usize = 2;

/// One string of so many is a hundred thousand characters long.
const LONG: u64 = 1_000;

/// Operators of FTS5, quotes, filters that are none, signs that turn the text
/// around or join what stands before them, letters that fold oddly.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "`",
    "*",
    "^",
    "(",
    ")",
    ":",
    "-",
    "+",
    "--",
    "NEAR(",
    "NEAR(a b, 2)",
    "NOT",
    "AND",
    "OR",
    " OR ",
    "title:",
    "title : x",
    "{title narrative}:",
    "- {a b} :",
    "rowid:1",
    "terms:",
    "\\",
    "/",
    ";",
    ",",
    ".",
    "%",
    "_",
    "?",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "|",
    "&",
    "#",
    "@",
    "!",
    "~",
    "$",
    "=",
    "\0",
    "\u{1}",
    "\u{1b}[31m",
    "\r",
    "\n",
    "\t",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{301}",
    "\u{e31}",
    "\u{94d}",
    "\u{fe0f}",
    "\u{20e3}",
    "İ",
    "ı",
    "ß",
    "ﬃ",
    "Ǆ",
    "ΐ",
    "Σς",
    "²",
    "½",
    "①",
    "Ⅷ",
    "日本語",
    "日",
    "한국어",
    "ᄀ",
    "ไทย",
    "हिन्दी",
    "العربية",
    "עברית",
    "русский",
    "😀",
    "👩‍💻",
    "🇩🇪",
    "“",
    "”",
    "„",
    "«",
    "»",
    "「",
    "type:",
    "type:bugfix",
    "type:nothing",
    "type:\"",
    "file:",
    "file:*",
    "file:\"a b",
    "file:../",
    "project:",
    "project:billing",
    "project:-",
    "since:",
    "since:7d",
    "since:-7d",
    "since:999999999999d",
    "since:yesterday",
    "before:",
    "before:2026-99-99",
    "before:0000-00-00",
    "before:9999999999999999999",
    "before:-1",
    "since:2026-01-01",
    "after:",
    "concept:",
    "concept:gotcha",
    "-type:bugfix",
    "--since:1d",
    "SINCE:7D",
    "type:type:type:",
    "invoice",
    "discount",
    "the",
    "a",
    "x",
    "0",
    "-1",
    "1e999",
    "NaN",
    "SELECT * FROM observations; DROP TABLE observations",
    "' OR 1=1 --",
    "camelCase",
    "a_b-c.d/e",
    "https://example.com/?q=\"a\"&b=(c)",
    "C:\\dir\\*.rs",
    "fn f<T>() -> Vec<T>",
];

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn piece(&mut self) -> &'static str {
        PIECES[usize::try_from(self.below(PIECES.len() as u64)).unwrap()]
    }

    /// A character from anywhere in Unicode, from ASCII as often as not.
    fn character(&mut self) -> char {
        let limit = if self.below(2) == 0 { 0x80 } else { 0x11_0000 };
        let code = u32::try_from(self.below(limit)).unwrap();
        char::from_u32(code).unwrap_or('\u{fffd}')
    }

    fn string(&mut self) -> String {
        if self.below(LONG) == 0 {
            let piece = self.piece();
            return piece.repeat(100_000 / piece.chars().count());
        }
        let mut text = String::new();
        for _ in 0..=self.below(8) {
            match self.below(4) {
                0 => text.push(self.character()),
                1 => text.push(' '),
                _ => text.push_str(self.piece()),
            }
        }
        text
    }
}

fn filled(sandbox: &Sandbox) -> Reader {
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    fill(&mut writer);
    drop(writer);
    reader(&sandbox.locations())
}

#[test]
fn no_string_is_an_error() {
    let sandbox = Sandbox::new();
    drop(filled(&sandbox));
    let asked = std::thread::scope(|scope| {
        let askers: Vec<_> = (1..=ASKERS)
            .map(|asker| {
                let locations = sandbox.locations();
                scope.spawn(move || ask_many(&reader(&locations), asker, STRINGS / ASKERS))
            })
            .collect();
        askers
            .into_iter()
            .map(|asker| asker.join().unwrap())
            .fold((0, 0), |(empty, hits), asked| {
                (empty + asked.0, hits + asked.1)
            })
    });
    let (empty, hits) = asked;
    assert!(empty > STRINGS / 100, "only {empty} with nothing in them");
    assert!(hits > STRINGS / 10, "only {hits} found something");
}

/// How many strings had nothing to look for, and how many found something.
fn ask_many(reader: &Reader, asker: usize, strings: usize) -> (usize, usize) {
    let mut random = Seeded(0x0545_f491_4f6c_dd1d * asker as u64);
    let (mut empty, mut hits) = (0, 0);
    for number in 0..strings {
        let text = random.string();
        let shown: String = text.chars().take(200).collect();
        let project = (number % 3 == 0).then_some("scripts");
        match ask(reader, &text, project) {
            Ok(results) => hits += usize::from(!results.is_empty()),
            Err(SearchError::Empty) => empty += 1,
            Err(error) => panic!("string {number} of {asker}, {shown:?}: {error}"),
        }
    }
    (empty, hits)
}

#[test]
fn pieces_of_titles_between_hostile_signs_are_no_error() {
    let sandbox = Sandbox::new();
    let reader = filled(&sandbox);
    let mut random = Seeded(0x9e37_79b9_7f4a_7c15);
    for (_, title) in TITLES {
        for cut in title.char_indices().map(|(at, _)| at).step_by(3) {
            let text = format!("{}{}{}", &title[cut..], random.piece(), &title[..cut]);
            if let Err(error) = ask(&reader, &text, None) {
                assert!(matches!(error, SearchError::Empty), "{text:?}: {error}");
            }
        }
    }
}

#[test]
fn the_command_answers_whatever_it_is_asked() {
    let sandbox = Sandbox::new();
    drop(filled(&sandbox));
    for piece in PIECES
        .iter()
        .filter(|piece| !piece.contains('\0'))
        .step_by(4)
    {
        let ran = sandbox.claude_mem(["search", "--all", "--", piece, "invoice"]);
        assert_eq!(ran.code, Some(0), "{piece:?}: {ran:?}");
        let ran = sandbox.claude_mem(["search", "--all", "--json", "--", piece]);
        let nothing = ran.code == Some(1) && ran.stderr.contains("nothing to search for");
        assert!(ran.code == Some(0) || nothing, "{piece:?}: {ran:?}");
    }
}
