//! Divides money to the penny: largest remainder, ties in written order, and what capped parts leave goes on.

/// A part of what is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Its weight among the others.
    pub(crate) weight: u32,
    /// Most that it takes, in minor units.
    pub(crate) cap: i64,
}

/// What a portion gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// Minor units.
    pub(crate) amount: i64,
    /// Its cap kept it from more.
    pub(crate) capped: bool,
}

/// How much each portion gets of `amount`. All of it is given, except what caps leave: that goes to the portions that
/// still take some, where `redistribute` says so.
pub(crate) fn divide(amount: i64, portions: &[Portion], redistribute: bool) -> Vec<Share> {
    let mut full = vec![false; portions.len()];
    loop {
        let kept: i64 = capped(portions, &full).sum();
        let open: Vec<u32> = portions
            .iter()
            .zip(&full)
            .map(|(portion, full)| if *full { 0 } else { portion.weight })
            .collect();
        let mut shares = largest_remainder(amount.saturating_sub(kept).max(0), &open);
        let mut overflowed = false;
        for ((share, portion), full) in shares.iter_mut().zip(portions).zip(&mut full) {
            if *full {
                *share = portion.cap;
            } else if *share > portion.cap {
                *share = portion.cap;
                *full = true;
                overflowed = true;
            }
        }
        if !overflowed || !redistribute {
            let share = |(amount, capped): (i64, bool)| Share { amount, capped };
            return shares.into_iter().zip(full).map(share).collect();
        }
    }
}

fn capped<'a>(portions: &'a [Portion], full: &'a [bool]) -> impl Iterator<Item = i64> + 'a {
    portions.iter().zip(full).filter(|(_, full)| **full).map(|(portion, _)| portion.cap)
}

/// Divides `amount` by weights so that the parts sum to it exactly; nothing, where no weight is more than zero.
pub(crate) fn largest_remainder(amount: i64, weights: &[u32]) -> Vec<i64> {
    let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if total == 0 || amount <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u32| i128::from(amount) * i128::from(weight);
    let mut shares: Vec<i64> = weights.iter().map(|weight| narrow(exact(*weight) / total)).collect();
    let given = shares.iter().fold(0_i64, |sum, share| sum.saturating_add(*share));
    let mut order: Vec<usize> = (0..weights.len()).filter(|index| weights[*index] > 0).collect();
    order.sort_by_key(|index| std::cmp::Reverse(exact(weights[*index]) % total));
    let pennies = usize::try_from(amount.saturating_sub(given)).unwrap_or(0);
    for index in order.into_iter().take(pennies) {
        shares[index] = shares[index].saturating_add(1);
    }
    shares
}

/// `amount × part ÷ whole`, rounded down.
pub(crate) fn of(amount: i64, part: u64, whole: u64) -> i64 {
    narrow(i128::from(amount) * i128::from(part) / i128::from(whole.max(1)))
}

/// `amount × part ÷ whole`, rounded up, of an amount that is not negative.
pub(crate) fn of_up(amount: i64, part: u64, whole: u64) -> i64 {
    let whole = i128::from(whole.max(1));
    narrow((i128::from(amount) * i128::from(part) + whole - 1) / whole)
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(amount: i64, portions: &[(u32, i64)], redistribute: bool, shares: &[i64]) {
        let portions: Vec<Portion> =
            portions.iter().map(|(weight, cap)| Portion { weight: *weight, cap: *cap }).collect();
        assert_eq!(amounts(&divide(amount, &portions, redistribute)), shares);
    }

    fn amounts(shares: &[Share]) -> Vec<i64> {
        shares.iter().map(|share| share.amount).collect()
    }

    const ANY: i64 = i64::MAX;

    #[test]
    fn pennies_go_by_largest_remainder_and_ties_in_written_order() {
        check(100, &[(3333, ANY), (3333, ANY), (3334, ANY)], true, &[33, 33, 34]);
        check(100, &[(1, ANY), (1, ANY), (1, ANY)], true, &[34, 33, 33]);
        check(101, &[(1, ANY), (1, ANY), (1, ANY)], true, &[34, 34, 33]);
        check(1, &[(6000, ANY), (4000, ANY)], true, &[1, 0]);
        check(10, &[(5, ANY), (20, ANY), (75, ANY)], true, &[1, 2, 7]);
        check(0, &[(1, ANY)], true, &[0]);
    }

    #[test]
    fn what_a_capped_part_leaves_goes_to_the_others_or_stays() {
        check(1000, &[(6000, ANY), (4000, 100)], true, &[900, 100]);
        check(1000, &[(6000, ANY), (4000, 100)], false, &[600, 100]);
        check(1000, &[(5000, 300), (3000, 250), (2000, ANY)], true, &[300, 250, 450]);
        check(1000, &[(5000, 300), (5000, 300)], true, &[300, 300]);
        check(1000, &[(5000, 0), (5000, ANY)], true, &[0, 1000]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn parts_sum_to_the_whole_and_each_is_within_a_penny_of_its_share(
            amount in 0_i64..1_000_000_000, weights in prop::collection::vec(1_u32..10_000, 1..7),
        ) {
            let shares = largest_remainder(amount, &weights);
            prop_assert_eq!(shares.iter().sum::<i64>(), amount);
            let total: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
            let rest = |index: usize| i128::from(amount) * i128::from(weights[index]) % i128::from(total);
            let down = |index: usize| of(amount, u64::from(weights[index]), u64::try_from(total).unwrap());
            for one in 0..weights.len() {
                prop_assert!((0..=1).contains(&(shares[one] - down(one))));
                for other in 0..weights.len() {
                    // Whoever has a penny more has the larger remainder, or the same and came first.
                    if shares[one] > down(one) && shares[other] == down(other) {
                        prop_assert!(rest(one) > rest(other) || (rest(one) == rest(other) && one < other));
                    }
                }
            }
        }

        #[test]
        fn caps_hold_and_only_caps_leave_anything(
            amount in 0_i64..1_000_000,
            portions in prop::collection::vec((1_u32..10_000, 0_i64..500_000), 1..6),
        ) {
            let portions: Vec<Portion> =
                portions.into_iter().map(|(weight, cap)| Portion { weight, cap }).collect();
            let divided = divide(amount, &portions, true);
            let shares = amounts(&divided);
            let honest = |(share, portion): (&Share, &Portion)| !share.capped || share.amount == portion.cap;
            prop_assert!(divided.iter().zip(&portions).all(honest));
            let sum: i64 = shares.iter().sum();
            prop_assert!(shares.iter().zip(&portions).all(|(share, portion)| (0..=portion.cap).contains(share)));
            let room: i64 = portions.iter().map(|portion| portion.cap).sum();
            prop_assert_eq!(sum, amount.min(room));
            let left = amounts(&divide(amount, &portions, false));
            prop_assert!(left.iter().zip(&shares).all(|(left, share)| *left <= share + 1));
            prop_assert!(left.iter().sum::<i64>() <= amount);
        }
    }
}
