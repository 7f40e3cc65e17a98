//! Blocks and their fields, from the tags of an answer.

use super::tags::{self, COUNT, Form, Found, Tag};

/// Most values of a block that are kept. It bounds what an answer can make of
/// itself.
const MOST_VALUES: usize = 200;

/// Most of one value that is looked at, in bytes.
const MOST_VALUE: usize = 64 * 1024;

/// Most blocks that are looked at.
const MOST_BLOCKS: usize = 64;

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Block<'a> {
    Observation(Fields<'a>),
    Summary(Fields<'a>),
    /// With its reason.
    Skip(&'a str),
}

/// The parts of an answer.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a> {
    pub(super) all: Vec<Block<'a>>,
    /// The answer ends inside a block.
    pub(super) cut_off: bool,
    /// There is a tag of a block.
    pub(super) seen_tags: bool,
}

/// What a block says, as it stands in the text.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: Vec<(Tag, &'a str)>,
}

impl<'a> Fields<'a> {
    /// The first value of a field that says something.
    pub(super) fn first(&self, tag: Tag) -> &'a str {
        self.all(tag)
            .find(|value| !value.trim().is_empty())
            .unwrap_or_default()
    }

    pub(super) fn all(&self, tag: Tag) -> impl Iterator<Item = &'a str> {
        self.values
            .iter()
            .filter(move |(own, _)| *own == tag)
            .map(|(_, value)| *value)
    }

    fn add(&mut self, tag: Tag, value: &'a str) {
        if self.values.len() < MOST_VALUES {
            let end = value.floor_char_boundary(MOST_VALUE);
            self.values.push((tag, &value[..end]));
        }
    }
}

/// All complete blocks. A block whose end is missing counts as complete when
/// another follows, since the model went on.
pub(super) fn find(text: &str) -> Blocks<'_> {
    let found = tags::find(text);
    let mut reader = Reader {
        text,
        pairs: Pairs::of(&found),
        found,
        blocks: Blocks::default(),
        open: None,
    };
    let mut at = 0;
    while at < reader.found.len() {
        at = reader.step(at);
    }
    let mut blocks = reader.blocks;
    blocks.cut_off = reader.open.is_some() || tags::ends_in_tag(text);
    blocks
}

/// For each opening tag the tag of the same name that comes next, if it closes.
struct Pairs(Vec<Option<usize>>);

impl Pairs {
    /// In one pass from the end, so that no input makes it slow.
    fn of(found: &[Found<'_>]) -> Self {
        let mut next: [Option<usize>; COUNT] = [None; COUNT];
        let mut pairs = vec![None; found.len()];
        for (index, own) in found.iter().enumerate().rev() {
            let slot = &mut next[own.tag as usize];
            pairs[index] = slot.filter(|next| found[*next].form == Form::Close);
            if own.form != Form::Empty {
                *slot = Some(index);
            }
        }
        Self(pairs)
    }
}

struct Reader<'a> {
    text: &'a str,
    found: Vec<Found<'a>>,
    pairs: Pairs,
    blocks: Blocks<'a>,
    /// The block that is being read.
    open: Option<(Tag, Fields<'a>)>,
}

impl<'a> Reader<'a> {
    /// Takes the tag at an index; returns the index of the next one.
    fn step(&mut self, at: usize) -> usize {
        let own = self.found[at];
        self.blocks.seen_tags |= own.tag.is_block();
        match (own.tag, own.form) {
            (Tag::Think, Form::Open) if self.open.is_none() => {
                return self.pairs.0[at].map_or(at + 1, |close| close + 1);
            }
            // Whatever came before it was thought, not said.
            (Tag::Think, Form::Close) if self.open.is_none() => self.blocks.all.clear(),
            (Tag::Skip, Form::Empty | Form::Open) => return self.skip(at),
            (Tag::Observation | Tag::Summary, Form::Open) => {
                self.close();
                self.open = Some((own.tag, Fields::default()));
            }
            (Tag::Observation | Tag::Summary, Form::Close) => self.close(),
            (tag, Form::Open) if !tag.is_block() && tag != Tag::Think => return self.field(at),
            _ => {}
        }
        at + 1
    }

    /// Ends the open block.
    fn close(&mut self) {
        let Some((tag, fields)) = self.open.take() else {
            return;
        };
        self.add(match tag {
            Tag::Summary => Block::Summary(fields),
            _ => Block::Observation(fields),
        });
    }

    fn add(&mut self, block: Block<'a>) {
        if self.blocks.all.len() < MOST_BLOCKS {
            self.blocks.all.push(block);
        }
    }

    fn skip(&mut self, at: usize) -> usize {
        let own = self.found[at];
        self.close();
        let reason = attribute(own.attributes, "reason");
        let close = self.pairs.0[at].filter(|_| own.form == Form::Open);
        let inner = close.map_or("", |close| &self.text[own.end..self.found[close].start]);
        let reason = if reason.is_empty() { inner } else { reason };
        self.add(Block::Skip(reason));
        close.map_or(at + 1, |close| close + 1)
    }

    /// A field ends at its own closing tag, and what stands between is text,
    /// other tags too. Without one it ends at whatever comes next. A list is
    /// read item by item.
    fn field(&mut self, at: usize) -> usize {
        let own = self.found[at];
        let Some((_, fields)) = self.open.as_mut() else {
            return at + 1;
        };
        let list = own.tag.item().is_some();
        if list {
            return self.list(at);
        }
        if let Some(close) = self.pairs.0[at] {
            fields.add(own.tag, &self.text[own.end..self.found[close].start]);
            return close + 1;
        }
        if let Some(next) = self.found.get(at + 1) {
            fields.add(own.tag, &self.text[own.end..next.start]);
        }
        at + 1
    }

    /// The items of a list; where there are none its text is the one item.
    fn list(&mut self, at: usize) -> usize {
        let own = self.found[at];
        let Some((_, fields)) = self.open.as_mut() else {
            return at + 1;
        };
        let mut items = 0;
        let mut next = at + 1;
        while let Some(item) = self.found.get(next) {
            if Some(item.tag) != own.tag.item() {
                break;
            }
            next += 1;
            if item.form != Form::Open {
                continue;
            }
            let close = self.pairs.0[next - 1];
            let end = close.or(Some(next)).and_then(|end| self.found.get(end));
            let Some(end) = end else { break };
            fields.add(own.tag, &self.text[item.end..end.start]);
            items += 1;
            next = close.map_or(next, |close| close + 1);
        }
        if let (0, Some(end)) = (items, self.found.get(next)) {
            fields.add(own.tag, &self.text[own.end..end.start]);
        }
        next
    }
}

/// The value of an attribute, without its quotes.
fn attribute<'a>(attributes: &'a str, name: &str) -> &'a str {
    let Some(at) = attributes.find(name) else {
        return "";
    };
    let rest = attributes[at + name.len()..].trim_start();
    let Some(value) = rest.strip_prefix('=').map(str::trim) else {
        return "";
    };
    for quote in ['"', '\''] {
        if let Some(value) = value.strip_prefix(quote) {
            // An unescaped quote within the text is part of it.
            return value.rfind(quote).map_or(value, |end| &value[..end]);
        }
    }
    value
}
