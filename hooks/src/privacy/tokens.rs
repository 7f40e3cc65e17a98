//! Credentials that are known by their own shape: a prefix that the issuer gives
//! to every key, and a tail with the length and the mix of a real one.

use super::bytes::{get, has, is_boundary, is_url64, run};
use super::literal::is_random;
use super::secrets::Hit;

/// A prefix, what follows it, and what the whole is called.
struct Shape {
    prefix: &'static str,
    tail: Tail,
    /// Fewest bytes of the tail: below the issuer's length, because a key that
    /// was cut is still worth hiding.
    min: usize,
    kind: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Letters and digits.
    Alnum,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `_` and `-`.
    Url64,
    /// [`Tail::Url64`] in parts that are joined by dots.
    Dotted,
    /// Base64 with `+`, `/`, `=`, and percent escapes.
    Base64,
    /// Like [`Tail::Url64`], but the prefix is so common in names that the tail
    /// must look random.
    Random,
    /// Like [`Tail::Dotted`], and the tail must look random.
    RandomDotted,
    /// Hexadecimal digits of exactly the smallest length.
    Hex,
    /// Capital letters and digits of exactly the smallest length.
    Capitals,
}

const fn shape(prefix: &'static str, tail: Tail, min: usize, kind: &'static str) -> Shape {
    Shape {
        prefix,
        tail,
        min,
        kind,
    }
}

/// Prefixes by two neighbouring bytes in them that are rare in text: the scanner
/// stops at such a pair, and the prefix begins `back` bytes before it.
struct Group {
    pair: [u8; 2],
    back: usize,
    shapes: &'static [Shape],
}

const fn group(pair: [u8; 2], back: usize, shapes: &'static [Shape]) -> Group {
    Group { pair, back, shapes }
}

use Tail::{Alnum, Base64, Capitals, Dotted, Hex, Random, RandomDotted, Url64, Word};

/// All groups; those whose pairs have the same first byte are neighbours.
#[rustfmt::skip]
const GROUPS: [Group; 41] = [
    group(*b"gh", 0, &[
        shape("ghp_", Alnum, 20, "github-token"), shape("gho_", Alnum, 20, "github-token"),
        shape("ghu_", Alnum, 20, "github-token"), shape("ghs_", Dotted, 20, "github-token"),
        shape("ghr_", Alnum, 20, "github-token"),
    ]),
    group(*b"gl", 0, &[
        shape("glpat-", Dotted, 16, "gitlab-token"), shape("gldt-", Url64, 16, "gitlab-token"),
        shape("glrt-", Dotted, 16, "gitlab-token"), shape("glcbt-", Url64, 16, "gitlab-token"),
        shape("glptt-", Url64, 16, "gitlab-token"), shape("glft-", Url64, 16, "gitlab-token"),
        shape("glsoat-", Url64, 16, "gitlab-token"), shape("glimt-", Url64, 16, "gitlab-token"),
        shape("glagent-", Url64, 16, "gitlab-token"), shape("gloas-", Url64, 16, "gitlab-token"),
        shape("glffct-", Url64, 16, "gitlab-token"), shape("glwt-", Dotted, 16, "gitlab-token"),
        shape("glrtr-", Dotted, 16, "gitlab-token"), shape("glsa_", Word, 32, "grafana-token"),
        shape("glc_", Base64, 32, "grafana-token"),
    ]),
    group(*b"gd", 2, &[shape("figd_", Url64, 30, "figma-token")]),
    group(*b"b_", 5, &[shape("github_pat_", Word, 22, "github-token")]),
    group(*b"bp", 1, &[shape("sbp_", Hex, 40, "supabase-key")]),
    group(*b"k-", 1, &[
        shape("sk-ant-", Url64, 12, "anthropic-key"), shape("sk-", Random, 20, "openai-key"),
    ]),
    group(*b"k_", 1, &[
        shape("sk_live_", Alnum, 10, "stripe-token"), shape("sk_test_", Alnum, 10, "stripe-token"),
        shape("rk_live_", Alnum, 10, "stripe-token"), shape("rk_test_", Alnum, 10, "stripe-token"),
    ]),
    group(*b"k_", 2, &[shape("gsk_", Alnum, 32, "groq-key")]),
    group(*b"kr", 2, &[
        shape("dckr_pat_", Url64, 20, "docker-token"), shape("dckr_oat_", Url64, 20, "docker-token"),
    ]),
    group(*b"c_", 4, &[shape("whsec_", Base64, 16, "stripe-token")]),
    group(*b"cr", 2, &[shape("secret_", Alnum, 40, "notion-token")]),
    group(*b"cr", 5, &[shape("sb_secret_", Url64, 20, "supabase-key")]),
    group(*b"KI", 1, &[shape("AKIA", Capitals, 16, "aws-key")]),
    group(*b"SI", 1, &[shape("ASIA", Capitals, 16, "aws-key")]),
    group(*b"SP", 3, &[shape("GOCSPX-", Url64, 20, "google-key")]),
    group(*b"BI", 1, &[shape("ABIA", Capitals, 16, "aws-key")]),
    group(*b"CC", 1, &[shape("ACCA", Capitals, 16, "aws-key")]),
    group(*b"CR", 6, &[shape("AGE-SECRET-KEY-1", Alnum, 40, "age-key")]),
    group(*b"Iz", 1, &[shape("AIza", Url64, 30, "google-key")]),
    group(*b"a2", 1, &[shape("ya29.", Dotted, 20, "google-key")]),
    group(*b"xo", 0, &[
        shape("xoxb-", Url64, 16, "slack-token"), shape("xoxp-", Url64, 16, "slack-token"),
        shape("xoxa-", Url64, 16, "slack-token"), shape("xoxr-", Url64, 16, "slack-token"),
        shape("xoxs-", Url64, 16, "slack-token"), shape("xoxo-", Url64, 16, "slack-token"),
        shape("xoxc-", Url64, 16, "slack-token"), shape("xoxd-", Base64, 16, "slack-token"),
        shape("xoxe-", Url64, 16, "slack-token"), shape("xoxe.", Url64, 16, "slack-token"),
    ]),
    group(*b"xa", 0, &[shape("xapp-", Url64, 16, "slack-token"), shape("xai-", Alnum, 40, "xai-key")]),
    group(*b"pm", 1, &[shape("npm_", Alnum, 30, "npm-token")]),
    group(*b"pi", 2, &[
        shape("pypi-AgE", Url64, 16, "pypi-token"), shape("dapi", Hex, 32, "databricks-token"),
    ]),
    group(*b"pi", 3, &[shape("nvapi-", Url64, 40, "nvidia-key")]),
    group(*b"pi", 5, &[shape("lin_api_", Alnum, 24, "linear-key")]),
    group(*b"pl", 1, &[shape("pplx-", Alnum, 32, "perplexity-key")]),
    group(*b"hf", 0, &[shape("hf_", Alnum, 24, "huggingface-token")]),
    group(*b"hp", 1, &[
        shape("shpat_", Alnum, 32, "shopify-token"), shape("shppa_", Alnum, 32, "shopify-token"),
        shape("shpss_", Alnum, 32, "shopify-token"), shape("shpca_", Alnum, 32, "shopify-token"),
    ]),
    group(*b"hv", 0, &[
        shape("hvs.", Random, 20, "vault-token"), shape("hvb.", Random, 20, "vault-token"),
        shape("hvr.", Random, 20, "vault-token"),
    ]),
    group(*b"v1", 4, &[
        shape("dop_v1_", Alnum, 32, "digitalocean-token"), shape("doo_v1_", Alnum, 32, "digitalocean-token"),
        shape("dor_v1_", Alnum, 32, "digitalocean-token"),
    ]),
    group(*b"G.", 1, &[shape("SG.", RandomDotted, 40, "sendgrid-key")]),
    group(*b"dp", 0, &[
        shape("dp.pt.", Alnum, 32, "doppler-token"), shape("dp.st.", RandomDotted, 32, "doppler-token"),
        shape("dp.ct.", Alnum, 32, "doppler-token"), shape("dp.sa.", Alnum, 32, "doppler-token"),
    ]),
    group(*b"ey", 3, &[shape("tskey-", Random, 16, "tailscale-key")]),
    group(*b"ey", 1, &[shape("key-", Hex, 32, "mailgun-key")]),
    group(*b"T3", 4, &[
        shape("ATATT3", Base64, 32, "atlassian-token"), shape("ATCTT3", Base64, 32, "atlassian-token"),
    ]),
    group(*b"MA", 1, &[shape("PMAK-", Url64, 30, "postman-key")]),
    group(*b"RK", 1, &[shape("HRKU-", Url64, 30, "heroku-key")]),
    group(*b"q0", 1, &[
        shape("sq0atp-", Url64, 20, "square-token"), shape("sq0csp-", Url64, 20, "square-token"),
    ]),
    group(*b"o_", 4, &[shape("shpto_", Alnum, 32, "shopify-token")]),
    group(*b"t_", 4, &[shape("sntryt_", Alnum, 32, "sentry-token")]),
];

/// The pairs at which [`at`] must be asked.
pub(super) const PAIRS: [[u8; 2]; GROUPS.len()] = {
    let mut pairs = [[0; 2]; GROUPS.len()];
    let mut index = 0;
    while index < GROUPS.len() {
        pairs[index] = GROUPS[index].pair;
        index += 1;
    }
    pairs
};

/// First group for a pair's first byte, by that byte; `GROUPS.len()` for none.
const FIRST_GROUP: [usize; 256] = {
    let mut table = [GROUPS.len(); 256];
    let mut index = GROUPS.len();
    while index > 0 {
        index -= 1;
        let byte = GROUPS[index].pair[0] as usize;
        assert!(
            table[byte] == GROUPS.len() || table[byte] == index + 1,
            "groups with one first byte are neighbours"
        );
        table[byte] = index;
    }
    table
};

/// The credential with a known prefix around the pair that begins at `pair_at`.
pub(super) fn at(bytes: &[u8], pair_at: usize) -> Option<Hit> {
    let (one, two) = (get(bytes, pair_at), get(bytes, pair_at + 1));
    let groups = GROUPS[FIRST_GROUP[usize::from(one)]..]
        .iter()
        .take_while(|group| group.pair[0] == one);
    for group in groups.filter(|group| group.pair[1] == two) {
        let Some(start) = pair_at.checked_sub(group.back) else {
            continue;
        };
        let shape = group
            .shapes
            .iter()
            .find(|shape| has(bytes, start, shape.prefix.as_bytes()));
        if let Some(shape) = shape
            && is_boundary(bytes, start)
            && let Some(end) = tail_end(bytes, start + shape.prefix.len(), shape)
        {
            return Some(Hit {
                start,
                end,
                kind: shape.kind,
            });
        }
    }
    None
}

/// Position behind the tail, if it is one.
fn tail_end(bytes: &[u8], from: usize, shape: &Shape) -> Option<usize> {
    let end = match shape.tail {
        Tail::Alnum => run(bytes, from, |byte| byte.is_ascii_alphanumeric()),
        Tail::Word => run(bytes, from, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'_'
        }),
        Tail::Url64 | Tail::Random => run(bytes, from, is_url64),
        Tail::Dotted | Tail::RandomDotted => dotted_end(bytes, from),
        Tail::Base64 => run(bytes, from, |byte| {
            is_url64(byte) || matches!(byte, b'+' | b'/' | b'=' | b'%')
        }),
        Tail::Hex => run(bytes, from, |byte| byte.is_ascii_hexdigit()),
        Tail::Capitals => run(bytes, from, |byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit()
        }),
    };
    let tail = &bytes[from..end];
    let whole = !get(bytes, end).is_ascii_alphanumeric() && get(bytes, end) != b'_';
    let fits = match shape.tail {
        Tail::Hex | Tail::Capitals => tail.len() == shape.min && whole,
        Tail::Random | Tail::RandomDotted => tail.len() >= shape.min && has_random_run(tail),
        _ => tail.len() >= shape.min && is_no_word(tail),
    };
    fits.then_some(end)
}

fn dotted_end(bytes: &[u8], from: usize) -> usize {
    let mut end = run(bytes, from, is_url64);
    while get(bytes, end) == b'.' && is_url64(get(bytes, end + 1)) {
        end = run(bytes, end + 1, is_url64);
    }
    end
}

/// `glpat-your-token-here` is a hint, no token. What random key of this length
/// has neither a digit nor a capital letter?
fn is_no_word(tail: &[u8]) -> bool {
    tail.iter()
        .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Whether a part without separators is long and random: a class name such as
/// `sk-button-primary-large2` has words of a few letters only.
fn has_random_run(tail: &[u8]) -> bool {
    tail.split(|byte| !byte.is_ascii_alphanumeric())
        .any(|part| part.len() > 11 && is_random(part, 12))
}
