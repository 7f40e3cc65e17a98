//! How much of a collection a search looks at, so that its time grows slower than the
//! number of rows.

use crate::store::Table;

/// Bounds of one search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Terms that a last word is completed to; half as many where it stands in rows
    /// itself.
    pub(super) completions: usize,
    /// Rows of one term that are asked for. 512 take about an eighth of a
    /// millisecond, and a term with more tells little.
    pub(super) postings: usize,
    /// Rows of a term that are all asked for where there seem to be no more: they
    /// are put together with those of other terms in a millisecond, where SQLite
    /// would look for each in all pages of the other terms.
    pub(super) rare: usize,
    /// Rows of rare terms whose texts are looked at for the frequent ones.
    pub(super) glanced: usize,
    /// Rows of frequent terms that are gone through, about, to find those that
    /// hold several of them: some two milliseconds. Where there are more, only
    /// the newer part of the collection is looked at.
    pub(super) steps: f64,
    /// Rows that are read because they hold the words.
    rows: usize,
    /// Rows that are read beside those that are asked for, at least: some fall out
    /// once they are read, because they are superseded or do not meet a filter.
    pub(super) spare: usize,
    /// Rows that are read because their vectors are near, or because they are of a
    /// time that the query names.
    pub(super) others: usize,
    /// Rows, the best by exact words and vectors, in which words near in meaning
    /// are looked for.
    pub(super) compared: usize,
}

impl Effort {
    pub(super) const USUAL: Self = Self {
        completions: 12,
        postings: 512,
        rare: 4_096,
        glanced: 384,
        steps: 80_000.0,
        rows: 64,
        spare: 16,
        others: 32,
        compared: 32,
    };

    /// Of a table: observations are what is looked for, the others accompany them.
    pub(super) fn of(self, table: Table) -> Self {
        match table {
            Table::Observations => self,
            Table::Summaries | Table::Prompts => Self {
                completions: self.completions / 3,
                postings: self.postings / 2,
                rare: self.rare / 4,
                glanced: self.glanced / 4,
                steps: self.steps / 4.0,
                rows: self.rows / 4,
                spare: self.spare / 4,
                others: self.others / 4,
                compared: self.compared / 4,
            },
        }
    }

    /// Rows that are read because they hold the words of a query with so many
    /// terms. Rows with one word differ by little else than their age.
    pub(super) fn rows(&self, terms: usize) -> usize {
        self.rows.min(24 + 8 * terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::{MORNING, Memory, new_observation};
    use crate::search::answer::run_with;
    use crate::search::{Request, Tables};
    use crate::store::{NewObservation, Reader};

    /// Rows of the test's collection, and how often its vocabulary doubles: to some
    /// four thousand words.
    const ROWS: usize = 600;
    const OCTAVES: usize = 12;

    /// As many times smaller are the bounds here as the collection is than one of
    /// some forty thousand rows.
    const SCALE: usize = 64;

    const SCALED: Effort = Effort {
        postings: Effort::USUAL.postings / SCALE,
        rare: Effort::USUAL.rare / SCALE,
        glanced: Effort::USUAL.glanced / SCALE,
        steps: Effort::USUAL.steps / 64.0,
        rows: Effort::USUAL.rows / 4,
        ..Effort::USUAL
    };

    const ALL: Effort = Effort {
        completions: Effort::USUAL.completions,
        postings: 1 << 20,
        rare: 1 << 20,
        glanced: 1 << 20,
        steps: f64::MAX,
        rows: 1 << 20,
        spare: Effort::USUAL.spare,
        others: 1 << 20,
        compared: 1 << 20,
    };

    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        /// A word about as frequent as language has it: that of rank n is 1 / n as
        /// frequent as the first.
        fn word(&mut self) -> String {
            let octave = 1 << self.below(OCTAVES);
            word(octave + self.below(octave))
        }

        fn words(&mut self, count: usize) -> Vec<String> {
            (0..count).map(|_| self.word()).collect()
        }
    }

    fn word(rank: usize) -> String {
        const PARTS: [&str; 20] = [
            "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so",
            "tu", "va", "we", "xi", "yo", "zu",
        ];
        format!(
            "{}{}{}n",
            PARTS[rank % 20],
            PARTS[rank / 20 % 20],
            PARTS[rank * 7 % 20]
        )
    }

    fn titles(reader: &Reader, text: &str, effort: Effort) -> Vec<String> {
        titles_in(reader, text, effort, None)
    }

    fn titles_in(
        reader: &Reader,
        text: &str,
        effort: Effort,
        projects: Option<Vec<String>>,
    ) -> Vec<String> {
        let request = Request {
            text: text.to_owned(),
            projects,
            tables: Tables {
                summaries: false,
                prompts: false,
                ..Tables::default()
            },
            ..Request::default()
        };
        let found = run_with(reader, &request, effort).unwrap().observations;
        found.into_iter().map(|found| found.row.title).collect()
    }

    /// What is left out to be fast was not the answer.
    #[test]
    fn a_bounded_search_finds_what_a_boundless_one_finds() {
        let mut memory = Memory::new();
        let mut random = Random(1);
        let notes = (0..ROWS).map(|row| {
            let at = MORNING + i64::try_from(row).unwrap() * 60_000;
            let mut note = new_observation(&random.words(6).join(" "), at);
            note.narrative = random.words(40).join(" ");
            note
        });
        let notes: Vec<_> = notes.collect();
        memory.remember(("a", "billing"), MORNING, notes.clone(), None);
        let reader = memory.reader();
        let (mut asked, mut found, mut first, mut shared, mut all) = (0, 0, 0, 0, 0);
        for note in notes.iter().step_by(8) {
            let mut words: Vec<&str> = note.title.split(' ').collect();
            words.truncate(2 + random.below(5));
            let text = words.join(" ");
            let bounded = titles(&reader, &text, SCALED);
            let boundless = titles(&reader, &text, ALL);
            let best = boundless.iter().take(5);
            let holds = |note: &NewObservation| {
                let text = format!("{} {}", note.title, note.narrative);
                words.iter().all(|word| text.contains(word))
            };
            // Of more rows that hold all words, only the newest are read.
            let few = notes.iter().filter(|note| holds(note)).count() < SCALED.postings;
            if few && best.clone().any(|title| *title == note.title) {
                found += 1;
                assert!(
                    bounded.iter().take(5).any(|title| *title == note.title),
                    "{text}"
                );
            }
            asked += 1;
            first += usize::from(bounded.first() == boundless.first());
            all += best.len();
            shared += best.filter(|title| bounded.contains(title)).count();
        }
        assert!(found * 2 > asked, "{found} of {asked} by their titles");
        // The collection is far more bounded than its size would make it, and
        // where all words are in many rows, one is as good as another.
        assert!(first * 100 >= asked * 80, "{first} of {asked} first rows");
        assert!(
            shared * 100 >= all * 65,
            "{shared} of {all} of the best five"
        );
    }

    /// Where many newer rows hold all words of an old row's title.
    #[test]
    fn a_row_is_found_by_its_title_however_frequent_the_words() {
        let mut memory = Memory::new();
        let title = "Queue reader drops the last batch";
        let mut notes = vec![new_observation(title, MORNING)];
        for row in 1..=40 * SCALED.postings {
            let at = MORNING + i64::try_from(row).unwrap() * 60_000;
            let mut note = new_observation(&format!("Entry {row}"), at);
            note.narrative =
                format!("A batch, the last, which a reader of queue {row} drops at times.");
            notes.push(note);
        }
        memory.remember(("a", "billing"), MORNING, notes, None);
        let reader = memory.reader();
        for text in [title, "batch last reader queue drop"] {
            for projects in [None, Some(vec!["billing".to_owned()])] {
                let found = titles_in(&reader, text, SCALED, projects);
                assert_eq!(found.first().map(String::as_str), Some(title), "{text}");
            }
        }
    }
}
