//! Which clusters have one cause: those whose failing values come from the same place.

use super::Ranking;
use crate::cluster::fingerprint::is_test_path;
use crate::model::Place;

/// Among how many of the first places of each the place must be that the failures of both point to together.
const NEAR: usize = 3;
/// The same of one of them, if it is the very first of the other.
const FAR: usize = 5;
/// How likely a place is at least, as a share of the first one's, for tests that have it in common to be at one.
const LIKELY: f64 = 0.25;
/// Pairs that are looked at: each takes a ranking.
const MOST_PAIRS: usize = 60;

/// Groups of rankings, each as indices in their order; those that stand alone too. `together` gives the first place
/// of the ranking of the failures of two.
///
/// Two are joined if what their failures point to together is among the first places of each: neither is drawn to
/// the other by a place that only one of them suspects. What joins two must stand outside of tests.
pub fn groups(
    rankings: &[&Ranking],
    mut together: impl FnMut(usize, usize) -> Option<Place>,
) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..rankings.len()).collect();
    let mut pairs = 0;
    for a in 0..rankings.len() {
        for b in a + 1..rankings.len() {
            if group[a] == group[b] || pairs == MOST_PAIRS || !near(rankings[a], rankings[b]) {
                continue;
            }
            pairs += 1;
            let joined = together(a, b).is_some_and(|place| {
                let ranks = (rank(rankings[a], &place), rank(rankings[b], &place));
                !is_test_path(place.path.as_str())
                    && matches!(ranks, (Some(a), Some(b))
                        if a.max(b) < NEAR || (a.min(b) == 0 && a.max(b) < FAR))
            });
            if joined {
                let (from, to) = (group[b], group[a]);
                group.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in 0..rankings.len() {
        match groups.iter_mut().find(|members| group[members[0]] == group[index]) {
            Some(members) => members.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// Groups of rankings of single tests, each as indices in their order: those that suspect a place in common nearly as
/// much as their first one, directly or through others. One group if the tests are at one, or if there is nothing to tell by.
pub fn parts(rankings: &[&Ranking]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in 0..rankings.len() {
        let own = |group: &Vec<usize>| {
            rankings[at].places.is_empty() || group.iter().any(|&other| agree(rankings[at], rankings[other]))
        };
        let (mine, mut rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(own);
        let mut joined = mine.concat();
        joined.push(at);
        joined.sort_unstable();
        rest.push(joined);
        groups = rest;
    }
    groups.sort();
    groups
}

fn rank(ranking: &Ranking, place: &Place) -> Option<usize> {
    ranking.places.iter().position(|ranked| ranked.place == *place)
}

/// Whether any of the first places of one is among those of the other.
fn near(one: &Ranking, other: &Ranking) -> bool {
    one.places.iter().take(FAR).any(|ranked| rank(other, &ranked.place).is_some_and(|rank| rank < FAR))
}

/// Whether there is a place that both suspect nearly as much as their first ones.
fn agree(one: &Ranking, other: &Ranking) -> bool {
    let likely = |ranking: &Ranking| -> Vec<Place> {
        let first = ranking.places.first().map_or(0.0, |first| first.score);
        let likely = ranking.places.iter().filter(|ranked| ranked.score >= first * LIKELY);
        likely.map(|ranked| ranked.place.clone()).collect()
    };
    let of_other = likely(other);
    likely(one).iter().any(|place| of_other.contains(place))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::diagnose::localise::Ranked;
    use crate::model::RelPath;

    fn ranking(lines: &[(&str, u32)]) -> Ranking {
        let places = lines
            .iter()
            .map(|(path, line)| Ranked {
                place: Place::line(RelPath::new(path).unwrap(), *line),
                score: 0.5,
                reasons: Vec::new(),
            })
            .collect();
        Ranking { places, ..Ranking::default() }
    }

    #[test]
    fn tests_part_ways_that_suspect_nothing_in_common() {
        // (line, score) of each test's places, and the groups.
        type Row<'a> = (&'a [&'a [(u32, f64)]], &'a [&'a [usize]]);
        let rows: [Row<'_>; 5] = [
            (&[&[(1, 0.8), (9, 0.1)], &[(2, 0.8), (9, 0.1)]], &[&[0], &[1]]),
            (&[&[(1, 0.5), (9, 0.3)], &[(2, 0.5), (9, 0.3)]], &[&[0, 1]]),
            // The third one agrees with both.
            (&[&[(1, 0.9)], &[(2, 0.9)], &[(1, 0.5), (2, 0.4)]], &[&[0, 1, 2]]),
            // Of one nothing is known.
            (&[&[(1, 0.9)], &[]], &[&[0, 1]]),
            (&[&[(1, 0.9)], &[(2, 0.9)], &[(1, 0.9)]], &[&[0, 2], &[1]]),
        ];
        for (places, expected) in rows {
            let rankings: Vec<Ranking> = places
                .iter()
                .map(|places| {
                    let mut ranking =
                        ranking(&places.iter().map(|(line, _)| ("a.py", *line)).collect::<Vec<_>>());
                    for (ranked, (_, score)) in ranking.places.iter_mut().zip(*places) {
                        ranked.score = *score;
                    }
                    ranking
                })
                .collect();
            assert_eq!(parts(&rankings.iter().collect::<Vec<_>>()), expected, "{places:?}");
        }
    }

    #[test]
    fn clusters_are_joined_where_each_suspects_what_both_point_to() {
        type Lines<'a> = &'a [(&'a str, u32)];
        // Places of each, what two of them point to together, and the groups.
        type Row<'a> = (&'a [Lines<'a>], (&'a str, u32), &'a [&'a [usize]]);
        let rows: [Row<'_>; 7] = [
            (&[&[("a.py", 1)], &[("a.py", 2), ("a.py", 1)]], ("a.py", 1), &[&[0, 1]]),
            (&[&[("a.py", 1), ("a.py", 2)], &[("a.py", 3), ("a.py", 2)]], ("a.py", 2), &[&[0, 1]]),
            // Neither suspects it first, and one only from afar.
            (
                &[&[("a.py", 1), ("a.py", 9)], &[("a.py", 2), ("a.py", 3), ("a.py", 4), ("a.py", 9)]],
                ("a.py", 9),
                &[&[0], &[1]],
            ),
            // Together they point to what one of them does not suspect.
            (&[&[("a.py", 1), ("a.py", 2)], &[("a.py", 2)]], ("a.py", 1), &[&[0], &[1]]),
            (&[&[("tests/test_a.py", 1)], &[("tests/test_a.py", 1)]], ("tests/test_a.py", 1), &[&[0], &[1]]),
            (&[&[], &[]], ("a.py", 1), &[&[0], &[1]]),
            (&[&[("a.py", 1)], &[("b.py", 1)], &[("a.py", 1)]], ("a.py", 1), &[&[0, 2], &[1]]),
        ];
        for (places, (path, line), expected) in rows {
            let rankings: Vec<Ranking> = places.iter().map(|lines| ranking(lines)).collect();
            let both = Place::line(RelPath::new(path).unwrap(), line);
            let found = groups(&rankings.iter().collect::<Vec<_>>(), |_, _| Some(both.clone()));
            assert_eq!(found, expected, "{places:?}");
        }
    }
}
