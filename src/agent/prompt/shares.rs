//! Dividing room: small wishes are granted whole, the large ones share the rest.

/// One that wants room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// How much it could use, in bytes.
    pub(super) size: usize,
    /// How much of what is short it gets, beside the others.
    pub(super) weight: usize,
}

/// What each gets of the room: never more than its wish, never more than the
/// room together.
pub(super) fn divide(wishes: &[Wish], mut room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    let weight = |index: usize| wishes[index].weight.max(1);
    // By size over weight, as products so that nothing is rounded.
    order.sort_by(|&a, &b| {
        let (left, right) = (
            wishes[a].size.saturating_mul(weight(b)),
            wishes[b].size.saturating_mul(weight(a)),
        );
        left.cmp(&right)
    });
    let mut weights: usize = (0..wishes.len()).map(weight).sum();
    let mut given = vec![0; wishes.len()];
    for index in order {
        let fair = room / weights * weight(index) + room % weights * weight(index) / weights;
        given[index] = wishes[index].size.min(fair);
        room -= given[index];
        weights -= weight(index);
    }
    given
}

/// Like [`divide`], but nobody gets less than its guaranteed part, as far as it
/// wishes for it. The guarantees together must fit the room.
pub(super) fn divide_with_guarantees(
    wishes: &[Wish],
    guarantees: &[usize],
    room: usize,
) -> Vec<usize> {
    let sure: Vec<usize> = wishes
        .iter()
        .zip(guarantees)
        .map(|(wish, guarantee)| wish.size.min(*guarantee))
        .collect();
    let open: Vec<Wish> = wishes
        .iter()
        .zip(&sure)
        .map(|(wish, sure)| Wish {
            size: wish.size - sure,
            weight: wish.weight,
        })
        .collect();
    let rest = room.saturating_sub(sure.iter().sum());
    divide(&open, rest)
        .iter()
        .zip(&sure)
        .map(|(more, sure)| more + sure)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(sizes: &[(usize, usize)]) -> Vec<Wish> {
        let wish = |&(size, weight): &(usize, usize)| Wish { size, weight };
        sizes.iter().map(wish).collect()
    }

    #[test]
    fn small_wishes_are_granted_and_large_ones_share() {
        let even = wishes(&[(10, 1), (1_000, 1), (20, 1), (900, 1)]);
        assert_eq!(divide(&even, 430), [10, 200, 20, 200]);
        assert_eq!(divide(&even, 5_000), [10, 1_000, 20, 900]);
        assert_eq!(divide(&[], 10), [0; 0]);
        let weighted = wishes(&[(1_000, 1), (1_000, 3)]);
        assert_eq!(divide(&weighted, 400), [100, 300]);
    }

    #[test]
    fn the_room_is_never_exceeded() {
        for room in 0..300 {
            let all = wishes(&[(7, 1), (90, 2), (0, 3), (61, 3), (400, 1), (5, 0)]);
            let given = divide(&all, room);
            assert!(given.iter().sum::<usize>() <= room);
            assert!(
                given
                    .iter()
                    .zip(&all)
                    .all(|(given, wish)| *given <= wish.size)
            );
            let whole: usize = all.iter().map(|wish| wish.size).sum();
            assert!(room < whole || given.iter().sum::<usize>() == whole);
        }
    }

    #[test]
    fn guarantees_hold_and_what_is_over_goes_to_the_others() {
        let all = wishes(&[(500, 1), (50, 1), (2_000, 1)]);
        let given = divide_with_guarantees(&all, &[300, 200, 100], 1_000);
        assert_eq!(given[1], 50);
        assert!(given[0] >= 300 && given[2] >= 100);
        assert_eq!(given.iter().sum::<usize>(), 1_000);
    }
}
