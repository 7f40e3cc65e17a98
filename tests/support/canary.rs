//! Secrets that must never be found again. They are put together at run time,
//! so that no file of this project holds anything that looks like a key.

use std::collections::HashMap;

use super::Sandbox;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// A small generator with a fixed beginning, so that every run is the same.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % limit as u64).unwrap()
    }

    /// A word with letters and digits in it.
    pub fn word(&mut self, length: usize, alphabet: &str) -> String {
        let alphabet = alphabet.as_bytes();
        loop {
            let word: String = (0..length)
                .map(|_| char::from(alphabet[self.below(alphabet.len())]))
                .collect();
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            if digits > 1 && digits < length && !word.contains(['-', '_']) {
                return word;
            }
            if digits > 1
                && digits < length
                && !word.ends_with(['-', '_'])
                && !word.starts_with(['-', '_'])
            {
                return word;
            }
        }
    }

    /// A word of letters and digits.
    pub fn plain(&mut self, length: usize) -> String {
        self.word(length, ALNUM)
    }
}

/// Beginning in two parts, length and alphabet of the rest.
const SHAPES: [(&str, &str, usize, &str); 38] = [
    ("AK", "IA", 16, CAPITALS),
    ("AS", "IA", 16, CAPITALS),
    ("gh", "p_", 36, ALNUM),
    ("gh", "o_", 36, ALNUM),
    ("gh", "s_", 36, ALNUM),
    ("github", "_pat_11", 80, ALNUM),
    ("gl", "pat-", 20, URL64),
    ("gl", "rt-", 20, URL64),
    ("sk-a", "nt-api03-", 95, URL64),
    ("sk-a", "nt-oat01-", 95, URL64),
    ("s", "k-", 48, ALNUM),
    ("sk-p", "roj-", 156, URL64),
    ("sk-o", "r-v1-", 64, HEX),
    ("AI", "za", 35, URL64),
    ("ya", "29.", 120, URL64),
    ("GOC", "SPX-", 28, URL64),
    ("xo", "xb-123456789012-1234567890123-", 24, ALNUM),
    ("xo", "xp-123456789012-123456789012-123456789012-", 32, HEX),
    ("xa", "pp-1-A0123456789-1234567890123-", 64, HEX),
    ("sk_l", "ive_", 24, ALNUM),
    ("sk_t", "est_", 99, ALNUM),
    ("rk_l", "ive_", 16, HEX),
    ("wh", "sec_", 32, ALNUM),
    ("np", "m_", 36, ALNUM),
    ("pypi-", "AgEIcHlwaS5vcmc", 120, URL64),
    ("h", "f_", 34, ALNUM),
    ("dop", "_v1_", 64, HEX),
    ("da", "pi", 32, HEX),
    ("shp", "at_", 32, HEX),
    ("lin", "_api_", 40, ALNUM),
    ("hv", "s.", 90, URL64),
    ("gs", "k_", 52, ALNUM),
    ("xa", "i-", 80, ALNUM),
    ("pp", "lx-", 48, ALNUM),
    ("dckr", "_pat_", 27, URL64),
    ("ATATT3", "xFfGF0", 180, URL64),
    ("nv", "api-", 64, URL64),
    ("gl", "sa_", 41, ALNUM),
];

/// Lines in which `%` is a secret that only its name or its place gives away.
const LINES: [&str; 30] = [
    "PASSWORD=%",
    "export DB_PASSWORD='%'",
    "AWS_SECRET_ACCESS_KEY=%",
    "OPENAI_API_KEY=\"%\"",
    "JWT_SECRET=%",
    "  - REDIS_PASSWORD=%",
    "password: \"%\"",
    "api_key: %",
    "client_secret: '%'",
    "spring.datasource.password=%",
    "{\"password\":\"%\",\"user\":\"joe\"}",
    "{\"clientSecret\": \"%\"}",
    "{\"accessToken\":\"%\"}",
    "{\"name\": \"DB_PASSWORD\", \"value\": \"%\"}",
    "const apiKey = \"%\";",
    "private static final String API_KEY = \"%\";",
    "os.environ[\"API_TOKEN\"] = \"%\"",
    "curl -H \"X-Api-Key: %\" https://example.com",
    "Authorization: Bearer %",
    "curl -H 'Authorization: token %' https://example.com",
    "Proxy-Authorization: Basic %",
    "{\"Authorization\":\"Bearer %\"}",
    "Cookie: session=%; theme=dark",
    "mysql --password=% -u root",
    "[\"mytool\", \"--password\", \"%\"]",
    "postgres://admin:%@db.example.com:5432/app",
    "redis://:%@cache:6379/0",
    "https://oauth2:%@gitlab.example.com/a/b.git",
    "//registry.npmjs.org/:_authToken=%",
    "Server=db;User Id=sa;Password=%;Encrypt=true",
];

/// Passages that go with all they hold; `%` is in them.
const PASSAGES: [&str; 11] = [
    "<private>%</private>",
    "<PRIVATE>%</Private>",
    "<private reason=\"none\">\n%\n</private>",
    "<private>a<private>b</private>%</private>",
    "<claude-mem-context>%</claude-mem-context>",
    "<system-reminder>%</system-reminder>",
    "<system_instruction>%</system_instruction>",
    "<persisted-output>%</persisted-output>",
    r"\u003cprivate\u003e%\u003c/private\u003e",
    r"{\u0022a\u0022: \u0022\u003cPrivate\u003E%\u003C\/private\u003e\u0022}",
    "<pri<private>x</private>vate>%</private>",
];

/// Secrets of one place, and the text that holds all of them.
pub struct Canaries {
    pub text: String,
    /// What must not be found, a random word for each secret.
    pub cores: Vec<String>,
}

impl Canaries {
    /// A token of some known shape.
    pub fn token(random: &mut Random, number: usize) -> (String, String) {
        let (head, tail, length, alphabet) = SHAPES[number % SHAPES.len()];
        let core = random.word(length, alphabet);
        (format!("{head}{tail}{core}"), core)
    }

    /// More than eighty secrets; a different seed gives different ones.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (mut lines, mut cores) = (Vec::new(), Vec::new());
        for number in 0..SHAPES.len() {
            let (token, core) = Self::token(&mut random, number);
            lines.push(format!("the key is {token} as you see"));
            cores.push(core);
        }
        for (line, length) in LINES.iter().zip([20, 32, 40].into_iter().cycle()) {
            let core = random.plain(length);
            lines.push(line.replace('%', &core));
            cores.push(core);
        }
        let head = format!("ey{}{}", "J", random.plain(33));
        let jwt = [random.plain(60), random.plain(43)];
        lines.push(format!("{head}.{}{}.{}", "eyJ", jwt[0], jwt[1]));
        cores.extend(jwt);
        let block = [random.plain(64), random.plain(64), random.plain(40)];
        lines.push(format!(
            "-----BEGIN RSA {0} KEY-----\n{1}\n-----END RSA {0} KEY-----",
            "PRIVATE",
            block.join("\n")
        ));
        cores.extend(block);
        for passage in PASSAGES {
            let core = random.plain(24);
            lines.push(format!("x {} y", passage.replace('%', &core)));
            cores.push(core);
        }
        // To the end of the field, so it comes last.
        let core = random.plain(24);
        lines.push(format!("<private>{core}"));
        cores.push(core);
        Self {
            text: lines.join("\n"),
            cores,
        }
    }
}

/// Asserts that no file of the data directory holds a piece of a secret.
#[track_caller]
pub fn assert_nowhere(sandbox: &Sandbox, cores: &[String]) {
    let files = sandbox.files();
    assert!(!files.is_empty(), "nothing was written at all");
    for path in files {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = pieces_in(&bytes, cores);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

/// The secrets of which bytes hold the first or the last ten characters.
pub fn pieces_in<'a>(bytes: &[u8], cores: &'a [String]) -> Vec<&'a str> {
    const PIECE: usize = 10;
    let mut pieces: HashMap<&[u8], &str> = HashMap::new();
    for core in cores {
        let whole = core.as_bytes();
        assert!(whole.len() >= PIECE, "{core} is too short to be told apart");
        for piece in [&whole[..PIECE], &whole[whole.len() - PIECE..]] {
            pieces.insert(piece, core);
        }
    }
    let mut found: Vec<&str> = bytes
        .windows(PIECE)
        .filter_map(|window| pieces.get(window).copied())
        .collect();
    found.dedup();
    found
}
