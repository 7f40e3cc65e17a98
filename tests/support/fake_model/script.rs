//! What the observer says where the test has not written anything for it. It
//! depends on nothing but the request, and tells which events were in it.

use super::asked::Asked;

/// Most event ids that are told of one request.
const MAX_IDS: usize = 1_000;
/// Longest event id, in bytes.
const MAX_ID: usize = 80;

/// Our tags, but nothing that could be read.
pub(super) const MALFORMED: &str = "<observation <type>>discovery</typ>\n<<title>&&&</tilte\n\
    <facts><fact</facts>\n</observatoin>\n<summary <request></sumary";

pub(super) const SKIP: &str = "<skip reason=\"routine\"/>";

pub(super) fn answer(asked: &Asked) -> String {
    let user = asked.user_text();
    let (digest, ids) = (digest(&user), event_ids(&user));
    let facts: Vec<String> = ids
        .iter()
        .map(|id| format!("    <fact>event {id}</fact>\n"))
        .collect();
    let observation = format!(
        "<observation>\n  <type>discovery</type>\n  <title>Told {digest}</title>\n  \
         <subtitle>A scripted observation of the prompt {digest}.</subtitle>\n  <facts>\n    \
         <fact>digest {digest}</fact>\n{}  </facts>\n  \
         <narrative>The prompt {digest} was told. Events: {}.</narrative>\n  \
         <concepts>\n    <concept>what-changed</concept>\n  </concepts>\n  \
         <files_read></files_read>\n  <files_modified></files_modified>\n</observation>",
        facts.concat(),
        ids.join(" ")
    );
    // The format is the same for every call; that there is no summary yet is
    // said of one.
    if !asked.text().contains("<summary>") || user.to_lowercase().contains("no summary") {
        return observation;
    }
    format!(
        "{observation}\n<summary>\n  <request>Asked in {digest}</request>\n  \
         <investigated>Looked into {digest}</investigated>\n  \
         <learned>Learned from {digest}</learned>\n  \
         <completed>Completed {digest}</completed>\n  \
         <next_steps>Continue {digest}</next_steps>\n  <notes></notes>\n</summary>"
    )
}

/// Twelve hex digits that stand for a text (the 64-bit FNV-1a hash, folded).
pub(crate) fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:012x}", (hash >> 48) ^ (hash & 0xffff_ffff_ffff))
}

/// What in a text identifies events, in the order of the first occurrence and
/// each once: values of the attributes `id` and `event`, and words that begin
/// with `toolu_` or `event-`.
pub(crate) fn event_ids(text: &str) -> Vec<String> {
    let attributes = ["id=\"", "event=\""].into_iter().flat_map(|name| {
        text.match_indices(name)
            .filter(|(at, _)| text[..*at].ends_with(char::is_whitespace))
            .filter_map(|(at, _)| {
                let begin = at + name.len();
                let value = &text[begin..begin + text[begin..].find('"')?];
                Some((begin, value))
            })
    });
    let words = text
        .split(|c| !is_of_id(c))
        .map(|word| word.trim_end_matches(['-', '.', ':']))
        .filter(|word| word.starts_with("toolu_") || word.starts_with("event-"))
        .map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word));
    let mut found: Vec<(usize, &str)> = attributes.chain(words).collect();
    found.sort_unstable();
    let mut ids: Vec<String> = Vec::new();
    for (_, id) in found {
        let usable = !id.is_empty() && id.len() <= MAX_ID && id.chars().all(is_of_id);
        if usable && ids.len() < MAX_IDS && !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

fn is_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.:".contains(c)
}

/// The text up to the middle of its last block, and the rest.
pub(super) fn cut(text: &str) -> (&str, &str) {
    let middle = text.floor_char_boundary(usize::midpoint(last_block(text), text.len()));
    // Not where a client could take blanks away.
    let at = text[middle..]
        .char_indices()
        .map(|(offset, _)| middle + offset)
        .find(|at| {
            let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
            !blank(text[..*at].chars().next_back()) && !blank(text[*at..].chars().next())
        })
        .unwrap_or(middle);
    text.split_at(at)
}

/// Where the last block begins.
pub(super) fn last_block(text: &str) -> usize {
    ["<observation>", "<summary>"]
        .iter()
        .filter_map(|tag| text.rfind(tag))
        .max()
        .unwrap_or(0)
}
