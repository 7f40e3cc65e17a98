//! One session that dwelt on a subject must not fill the answer: what others found
//! out about it is told as well.

use std::collections::HashMap;

use super::fold::Folded;
use super::reading::Searched;

/// Rows of one session that count in full.
const AT_EASE: usize = 3;

/// What each further one counts, of the one before it.
const FURTHER: f64 = 0.9;

/// The best `wanted` rows, where each row of a session beyond the third counts a
/// little less than the one before. Rows without a title are left where they
/// are: they are parts of a talk, and belong together. So are rows that take another
/// back, which must stay before it. Scores stay as they are.
pub(super) fn spread<T: Searched>(ranked: Vec<Folded<T>>, wanted: usize) -> Vec<Folded<T>> {
    let mut taken: HashMap<i64, usize> = HashMap::new();
    let mut rest: Vec<Option<Folded<T>>> = ranked.into_iter().map(Some).collect();
    let mut spread = Vec::with_capacity(wanted.min(rest.len()));
    while spread.len() < wanted {
        let worth = |folded: &Folded<T>| {
            let row = &folded.ranked.row;
            let session = row.title().and(row.session());
            let session = session.filter(|_| folded.corrects.is_empty());
            let before = session.and_then(|session| taken.get(&session));
            let further = before.map_or(0, |before| (before + 1).saturating_sub(AT_EASE));
            folded.ranked.score * FURTHER.powi(i32::try_from(further).unwrap_or(i32::MAX))
        };
        let mut best: Option<(usize, f64)> = None;
        for (index, folded) in rest.iter().enumerate() {
            let Some(folded) = folded else {
                continue;
            };
            // The rows are in order: nothing after this one is worth more.
            if best.is_some_and(|(_, best)| folded.ranked.score <= best) {
                break;
            }
            let worth = worth(folded);
            if best.is_none_or(|(_, best)| worth > best) {
                best = Some((index, worth));
            }
        }
        let Some(folded) = best.and_then(|(index, _)| rest[index].take()) else {
            break;
        };
        if let Some(session) = folded.ranked.row.session() {
            *taken.entry(session).or_default() += 1;
        }
        spread.push(folded);
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::fusion::Channels;
    use crate::search::pool::Ranked;
    use crate::search::reading::Field;

    struct Row {
        id: i64,
        session: i64,
        titled: bool,
    }

    impl Searched for Row {
        fn id(&self) -> i64 {
            self.id
        }
        fn at(&self) -> i64 {
            self.id
        }
        fn session(&self) -> Option<i64> {
            Some(self.session)
        }
        fn project(&self) -> &'static str {
            "billing"
        }
        fn title(&self) -> Option<&str> {
            self.titled.then_some("title")
        }
        fn fields(&self) -> Vec<Field<'_>> {
            Vec::new()
        }
    }

    fn ids(rows: &[(i64, i64, f64)], titled: bool, wanted: usize) -> Vec<i64> {
        spread_with(rows, titled, wanted, &[])
    }

    fn spread_with(
        rows: &[(i64, i64, f64)],
        titled: bool,
        wanted: usize,
        corrections: &[i64],
    ) -> Vec<i64> {
        let ranked = rows.iter().map(|&(id, session, score)| Folded {
            ranked: Ranked {
                row: Row {
                    id,
                    session,
                    titled,
                },
                vector: None,
                score,
                coverage: 0.0,
                channels: Channels::default(),
            },
            also: Vec::new(),
            corrects: corrections
                .iter()
                .filter(|one| **one == id)
                .copied()
                .collect(),
        });
        let spread = spread(ranked.collect(), wanted);
        spread.iter().map(|folded| folded.ranked.row.id).collect()
    }

    #[test]
    fn the_fourth_row_of_a_session_lets_others_pass() {
        let rows = [
            (1, 7, 1.0),
            (2, 7, 0.99),
            (3, 7, 0.98),
            (4, 7, 0.97),
            (5, 7, 0.96),
            (6, 8, 0.9),
            (7, 9, 0.8),
        ];
        assert_eq!(ids(&rows, true, 5), [1, 2, 3, 6, 4]);
        assert_eq!(ids(&rows, true, 9), [1, 2, 3, 6, 4, 7, 5]);
        assert_eq!(ids(&rows, false, 9), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(spread_with(&rows, true, 5, &[4]), [1, 2, 3, 4, 6]);
    }

    #[test]
    fn what_fits_far_better_is_not_held_back() {
        let rows = [
            (1, 7, 1.0),
            (2, 7, 1.0),
            (3, 7, 1.0),
            (4, 7, 1.0),
            (5, 8, 0.5),
        ];
        assert_eq!(ids(&rows, true, 5), [1, 2, 3, 4, 5]);
        assert!(ids(&[], true, 5).is_empty());
    }
}
