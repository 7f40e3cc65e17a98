//! One observation, held to its mode's lists and to bounds.

use super::blocks::Fields;
use super::instruction::{INSTRUCTION_LIKE, is_instruction_like};
use super::paths;
use super::tags::Tag;
use super::text::{decoded, is_nothing, key, line, lines, said};
use crate::agent::Observation;
use crate::agent::mode::Mode;

/// Most characters of a title, and of a subtitle.
const MOST_TITLE: usize = 120;
const MOST_SUBTITLE: usize = 300;
const MOST_NARRATIVE: usize = 2_000;

/// Most facts, and characters of each.
const MOST_FACTS: usize = 12;
const MOST_FACT: usize = 400;

/// Most files of each list.
const MOST_FILES: usize = 30;

/// An observation, if the fields say anything.
pub(super) fn read(fields: &Fields<'_>, mode: &Mode) -> Option<Observation<String, String>> {
    let narrative = lines(&said(fields.first(Tag::Narrative)), MOST_NARRATIVE);
    let facts = facts(fields);
    let mut subtitle = line(&said(fields.first(Tag::Subtitle)), MOST_SUBTITLE);
    let mut title = title(fields);
    if title.is_empty() {
        let first = if subtitle.is_empty() {
            facts
                .first()
                .map_or(first_sentence(&narrative), String::as_str)
        } else {
            &subtitle
        };
        title = line(first, MOST_TITLE);
        if title == subtitle {
            subtitle.clear();
        }
    }
    if title.is_empty() {
        return None;
    }
    let files_modified = files(fields, Tag::FilesModified);
    let mut files_read = files(fields, Tag::FilesRead);
    files_read.retain(|file| !files_modified.contains(file));
    let mut own = Observation {
        kind: kind(fields, mode),
        title,
        subtitle,
        narrative,
        facts,
        concepts: concepts(fields, mode),
        files_read,
        files_modified,
        agent_id: None,
        agent_type: None,
        events: Vec::new(),
    };
    mark(&mut own);
    Some(own)
}

/// The title that the fields give.
pub(super) fn title(fields: &Fields<'_>) -> String {
    let title = line(&said(fields.first(Tag::Title)), MOST_TITLE);
    let bare = title.trim_matches(['*', '"', '`', '#', ' ']);
    // Quotes within a title belong to it; a pair around it does not.
    if bare.contains(['"', '`', '*']) {
        title
    } else {
        bare.to_owned()
    }
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").or_else(|| text.find('\n'));
    end.map_or(text, |end| &text[..end])
}

/// Notes that some field speaks to a model rather than of the work.
fn mark(own: &mut Observation<String, String>) {
    let texts = [&own.title, &own.subtitle, &own.narrative];
    let lists = [&own.facts, &own.files_read, &own.files_modified];
    let suspicious = texts
        .into_iter()
        .chain(lists.into_iter().flatten())
        .any(|text| is_instruction_like(text));
    if suspicious && !own.concepts.iter().any(|own| own == INSTRUCTION_LIKE) {
        own.concepts.push(INSTRUCTION_LIKE.to_owned());
    }
}

fn kind(fields: &Fields<'_>, mode: &Mode) -> String {
    let given = decoded(fields.first(Tag::Type));
    let mut candidates = given.split(['|', ',', '/', '\n']).map(key);
    candidates
        .find_map(|own| mode.types.iter().find(|term| key(&term.id) == own))
        .map_or_else(|| mode.fallback_type.clone(), |term| term.id.clone())
}

fn concepts(fields: &Fields<'_>, mode: &Mode) -> Vec<String> {
    let mut concepts = Vec::new();
    for own in values(
        fields,
        Tag::Concepts,
        Some(Tag::Concept),
        &[',', ';', '|', '\n'],
    ) {
        // Some write `gotcha: why`.
        let own = key(own.split_once(':').map_or(own.as_str(), |(name, _)| name));
        let known = mode.concepts.iter().map(|term| term.id.as_str());
        let known = known.chain([INSTRUCTION_LIKE]).find(|id| key(id) == own);
        if let Some(id) = known.filter(|id| !concepts.iter().any(|own| own == id)) {
            concepts.push(id.to_owned());
        }
    }
    concepts
}

fn facts(fields: &Fields<'_>) -> Vec<String> {
    let mut facts: Vec<String> = Vec::new();
    for own in values(fields, Tag::Facts, Some(Tag::Fact), &['\n']) {
        let fact = line(&own, MOST_FACT);
        if !fact.is_empty() && !facts.contains(&fact) {
            facts.push(fact);
        }
        if facts.len() == MOST_FACTS {
            break;
        }
    }
    facts
}

fn files(fields: &Fields<'_>, list: Tag) -> Vec<String> {
    // A path outside of a list was read at least.
    let lone = (list == Tag::FilesRead).then_some(Tag::File);
    let mut files = Vec::new();
    for own in values(fields, list, lone, &['\n', ',']) {
        if let Some(path) = paths::cleaned(&own)
            && !files.contains(&path)
        {
            files.push(path);
        }
        if files.len() == MOST_FILES {
            break;
        }
    }
    files
}

/// The items of a list, decoded, without bullets. An item can be a list of lines
/// itself.
fn values(fields: &Fields<'_>, list: Tag, lone: Option<Tag>, separators: &[char]) -> Vec<String> {
    let lone = lone.into_iter().flat_map(|tag| fields.all(tag));
    fields
        .all(list)
        .chain(lone)
        .flat_map(|value| value.split(separators))
        .map(|value| decoded(value).into_owned())
        .map(|value| unbulleted(value.trim()).to_owned())
        .filter(|value| !is_nothing(value))
        .collect()
}

fn unbulleted(item: &str) -> &str {
    for bullet in ["- ", "* ", "• ", "– "] {
        if let Some(rest) = item.strip_prefix(bullet) {
            return rest.trim_start();
        }
    }
    let digits = item.bytes().take_while(u8::is_ascii_digit).count();
    match item[digits..]
        .strip_prefix(". ")
        .or_else(|| item[digits..].strip_prefix(") "))
    {
        Some(rest) if (1..=2).contains(&digits) => rest.trim_start(),
        _ => item,
    }
}
