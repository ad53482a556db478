//! The rules of one cell: when a count may be printed, how it is rounded, and what its printed value gives away.

use crate::indicator::raw::Count;
use crate::indicator::sums::SumCount;
use crate::policy::rules::DisclosureRules;

/// Whether a count must be hidden for its own sake: too few units, too few families or one family too large.
#[must_use]
pub fn sensitive(count: Count, rules: &DisclosureRules) -> bool {
    count.n < rules.threshold
        || count.families < rules.min_families
        || u64::from(count.largest) * 100 > u64::from(rules.dominance_percent) * u64::from(count.n)
}

/// At how many organisations a child can count in one cell, at most, as far as the definitions say: the default of design 6.
const MOST_OWNERS: u32 = 2;

/// Whether a regional count may be printed: with `o` the number of organisations that count in it, at most two, it has
/// `o` times the threshold and `o` times the families; no family is too large; and nobody who takes away its own part is left
/// with less than the threshold: one organisation alone counts, or two are at the threshold, or none is and the whole is
/// twice as large.
#[must_use]
pub fn publishable_sum(cell: SumCount, rules: &DisclosureRules) -> bool {
    let SumCount { count, owners, large } = cell;
    let o = owners.min(MOST_OWNERS);
    let spread = owners == 1 || large >= 2 || (large == 0 && count.n >= rules.threshold.saturating_mul(2));
    count.n >= rules.threshold.saturating_mul(o)
        && count.families >= rules.min_families.saturating_mul(o)
        && !sensitive(count, rules)
        && spread
}

/// The printed value of a count: the nearest multiple of the rounding base, a tie upwards.
#[must_use]
pub fn rounded(n: u32, rules: &DisclosureRules) -> u32 {
    let base = rules.rounding.max(1);
    n.saturating_add(base / 2) / base * base
}

/// Least and most true value behind a printed value (with base 5: `v-2..=v+2`), never under the threshold.
#[must_use]
pub fn interval(printed: u32, rules: &DisclosureRules) -> (i64, i64) {
    let base = i64::from(rules.rounding.max(1));
    let low = i64::from(printed) - base / 2;
    (low.max(i64::from(rules.threshold)), i64::from(printed) + base - 1 - base / 2)
}

/// A whole percentage of two printed counts; none when a part is not printed or the denominator is too small.
///
/// Derived from released cells only, so it tells nothing that they do not. May round to more than 100, which prints
/// as 100: numerator and denominator are rounded apart.
#[must_use]
pub fn share(teller: Option<u32>, noemer: Option<u32>, rules: &DisclosureRules) -> Option<u32> {
    let (teller, noemer) = (u64::from(teller?), u64::from(noemer?));
    if noemer < u64::from(rules.share_noemer.max(1)) {
        return None;
    }
    u32::try_from(((teller * 200 + noemer) / (2 * noemer)).min(100)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_values_cover_exactly_the_counts_that_round_to_them() {
        for base in 1..=12_u32 {
            let rules = DisclosureRules { rounding: base, ..DisclosureRules::default() };
            for n in 10..200_u32 {
                let v = rounded(n, &rules);
                assert_eq!(v % base, 0);
                for m in 0..220_u32 {
                    let (low, high) = interval(v, &rules);
                    let inside = (low..=high).contains(&i64::from(m));
                    assert_eq!(inside, m >= 10 && rounded(m, &rules) == v, "base {base}, {n} printed as {v}, {m}");
                }
            }
        }
    }

    #[test]
    fn thresholds_of_count_families_and_dominance() {
        let rules = DisclosureRules::default();
        let count = |n, families, largest| Count { n, families, largest };
        assert!(sensitive(count(0, 0, 0), &rules), "a zero is a small count");
        assert!(sensitive(count(9, 9, 1), &rules));
        assert!(!sensitive(count(10, 3, 8), &rules));
        assert!(sensitive(count(10, 2, 5), &rules));
        assert!(sensitive(count(10, 3, 9), &rules), "one family over 80 percent");
        assert!(!sensitive(count(100, 20, 80), &rules));
    }

    #[test]
    fn who_takes_away_its_own_part_of_a_sum_is_left_with_enough() {
        let rules = DisclosureRules::default();
        let sum = |n, families, largest, owners, large| {
            publishable_sum(SumCount { count: Count { n, families, largest }, owners, large }, &rules)
        };
        assert!(!sum(0, 0, 0, 0, 0), "nobody counts anything");
        assert!(sum(10, 3, 8, 1, 1), "one organisation alone: the rule of a node");
        assert!(!sum(9, 9, 1, 1, 0) && !sum(10, 2, 1, 1, 1) && !sum(10, 3, 9, 1, 1));
        assert!(sum(20, 6, 4, 2, 2), "ten and ten");
        assert!(sum(20, 6, 6, 3, 0), "nobody has ten: who takes away nine is left with eleven");
        assert!(!sum(19, 9, 6, 3, 0), "who takes away nine is left with ten, but two may count one child");
        assert!(!sum(29, 9, 6, 3, 1), "twenty of one and nine of others: the one is left with nine");
        assert!(!sum(20, 5, 4, 2, 2), "too few families");
        assert!(!sum(20, 9, 17, 2, 2), "the largest families are over 80 percent");
    }

    #[test]
    fn shares_only_of_printed_and_large_enough() {
        let rules = DisclosureRules::default();
        assert_eq!(share(Some(15), Some(30), &rules), Some(50));
        assert_eq!(share(Some(10), Some(30), &rules), Some(33));
        assert_eq!(share(Some(35), Some(30), &rules), Some(100));
        assert_eq!(share(Some(15), Some(25), &rules), None);
        assert_eq!(share(None, Some(40), &rules), None);
        assert_eq!(share(Some(40), None, &rules), None);
    }
}
