//! What words say and what meaning says, put together.
//!
//! Words decide as long as they cover the query. Where no row holds more than a
//! part of it, weak matches would drown the right answer in other words, so the
//! less the best row covers, the more the vectors count.

/// How well exact words must cover the query for the vectors to stay in the
/// background, and over what span they come forward.
const COVERED: f64 = 0.5;
const SPAN: f64 = 0.25;

/// What the cosine counts beside words, and how much more without them.
const BESIDE: f64 = 0.2;
const INSTEAD: f64 = 2.0;

/// What a sentence model's cosine counts more than the static table's. Three times as
/// much, and remarks in talks are found less often than without it.
const RERANKED: f64 = 0.2;

/// Share of the words' score that is lost without coverage.
const LOST: f64 = 0.9;

/// Score and cosine of the best row, together, below which nothing is relevant.
const FLOOR: f64 = 0.45;

/// The more terms a query has, the more of them some row holds by chance: from
/// so many on, each raises the floor, up to the highest. Questions that a
/// conversation does not answer were refused twice as often so, and one of a
/// thousand that it does.
const FEW: f64 = 4.0;
const STEP: f64 = 0.05;
const HIGHEST_FLOOR: f64 = 0.65;

/// Terms of a query of which half is enough, wherever it stands.
const SHORT: usize = 3;
const HALF: f64 = 0.5;

/// Terms that a text can be asked to hold; of more it holds a part at best.
const LONG: f64 = 8.0;

/// Share of the best row's score that a row without any of the words must
/// reach.
const WITHOUT_WORDS: f64 = 0.5;

/// The two channels' verdicts on one row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Channels {
    /// By words and words near in meaning.
    pub(super) words: f64,
    /// By exact words alone.
    pub(super) exact: f64,
    /// Cosine of the vectors, 0 to 1.
    pub(super) meaning: f64,
    /// A sentence model said so, and not the static table.
    pub(super) reranked: bool,
}

/// How the channels of one answer are weighed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fusion {
    words: f64,
    meaning: f64,
    covered: bool,
    relevant: bool,
}

impl Fusion {
    /// `terms` is how many the query has; `held` the share of its words that
    /// the row with most of them holds.
    pub(super) fn new(rows: impl Iterator<Item = Channels>, terms: usize, held: f64) -> Self {
        // One of two words may be mistyped.
        let typed = terms <= SHORT && held >= HALF;
        let terms = f64::from(u32::try_from(terms).unwrap_or(u32::MAX));
        let long = (terms / LONG).max(1.0);
        let (mut exact, mut best) = (0.0_f64, 0.0_f64);
        for row in rows {
            exact = exact.max(row.exact);
            best = best.max(long * row.words + row.meaning);
        }
        let gate = ((COVERED - long * exact) / SPAN).clamp(0.0, 1.0);
        Self {
            words: 1.0 - LOST * gate,
            meaning: BESIDE + INSTEAD * gate,
            covered: gate <= 0.0,
            relevant: typed || best >= floor(terms),
        }
    }

    /// The same where a sentence model has compared the best rows: what it says
    /// may count more beside words.
    pub(super) fn reranked(self) -> Self {
        Self {
            meaning: self.meaning + RERANKED,
            ..self
        }
    }

    /// Whether exact words cover the query so well that the vectors stay in the
    /// background.
    pub(super) fn is_covered(self) -> bool {
        self.covered
    }

    /// Whether any row is worth showing.
    pub(super) fn is_relevant(self) -> bool {
        self.relevant
    }

    /// Whether a row is worth showing beside the best one.
    pub(super) fn is_worth_showing(self, row: Channels, best: f64) -> bool {
        let score = self.score(row);
        score > 0.0 && (row.exact > 0.0 || score >= WITHOUT_WORDS * best)
    }

    pub(super) fn score(self, row: Channels) -> f64 {
        self.words * row.words + self.meaning * row.meaning
    }
}

fn floor(terms: f64) -> f64 {
    (FLOOR + STEP * (terms - FEW).max(0.0)).min(HIGHEST_FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(words: f64, meaning: f64) -> Channels {
        Channels {
            words,
            exact: words,
            meaning,
            reranked: false,
        }
    }

    #[test]
    fn words_decide_while_they_cover_the_query() {
        let (said, meant) = (row(0.9, 0.1), row(0.2, 0.9));
        let fusion = Fusion::new([said, meant].into_iter(), 3, 0.0);
        assert!(fusion.is_relevant());
        assert!(fusion.score(said) > fusion.score(meant));
        let best = fusion.score(said);
        assert!(fusion.is_worth_showing(row(0.05, 0.0), best));
        let weak = Channels {
            words: 0.3,
            ..Channels::default()
        };
        assert!(!fusion.is_worth_showing(weak, best));
    }

    #[test]
    fn meaning_decides_where_words_cover_little() {
        let (said, meant) = (row(0.25, 0.1), row(0.0, 0.6));
        let fusion = Fusion::new([said, meant].into_iter(), 3, 0.0);
        assert!(fusion.score(meant) > fusion.score(said));
    }

    #[test]
    fn nothing_near_is_nothing_relevant() {
        assert!(!Fusion::new([row(0.1, 0.2)].into_iter(), 3, 0.4).is_relevant());
        assert!(!Fusion::new(std::iter::empty(), 3, 0.0).is_relevant());
        assert!(Fusion::new([row(0.1, 0.2)].into_iter(), 2, 0.5).is_relevant());
        let weak = || [row(0.3, 0.25)].into_iter();
        assert!(Fusion::new(weak(), 4, 0.25).is_relevant());
        assert!(!Fusion::new(weak(), 7, 0.25).is_relevant());
        assert!(Fusion::new([row(0.15, 0.2)].into_iter(), 32, 0.0).is_relevant());
    }
}
