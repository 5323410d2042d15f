//! Names that are nearly the same.

/// The best of the candidates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near<T> {
    /// The name.
    pub name: String,
    /// What came with it.
    pub with: T,
    /// 0 to 1.
    pub likeness: f64,
    /// Whether it is a slip of the keyboard and no other candidate is as near.
    pub is_certain: bool,
}

/// The candidate that `wanted` was probably meant to be; `None` if none is near.
pub(super) fn near<T>(wanted: &str, candidates: impl IntoIterator<Item = (String, T)>) -> Option<Near<T>> {
    let mut best: Option<(f64, String, T)> = None;
    let mut second = 0.0_f64;
    for (name, with) in candidates {
        if name == wanted {
            continue;
        }
        let score = likeness(wanted, &name);
        if score <= 0.0 {
            continue;
        }
        match &best {
            Some((_, known, _)) if *known == name => {}
            Some((top, ..)) if *top >= score => second = second.max(score),
            _ => {
                if let Some((top, ..)) = best.replace((score, name, with)) {
                    second = second.max(top);
                }
            }
        }
    }
    let (likeness, name, with) = best?;
    let is_certain = likeness >= 0.7 && likeness - second > 0.04;
    (likeness - second > 0.001 || likeness >= 0.7).then_some(Near { name, with, likeness, is_certain })
}

/// The only candidate that shares a word with `wanted`, or a word's beginning of four letters: `slugify` and
/// `make_slug`. For proposals that are tried, never for a verdict.
pub(super) fn loosely<T: Clone>(wanted: &str, candidates: &[(String, T)]) -> Option<Near<T>> {
    const LETTERS: usize = 4;
    let own = words(wanted);
    let alike = |a: &str, b: &str| {
        a == b && a.len() > 2
            || a.len().min(b.len()) >= LETTERS && (a.starts_with(b) || b.starts_with(a))
            || a != b && likeness(a, b) >= 0.8
    };
    let mut fits = candidates.iter().filter(|(other, _)| {
        other != wanted && words(other).iter().any(|theirs| own.iter().any(|mine| alike(mine, theirs)))
    });
    let (Some((name, with)), None) = (fits.next(), fits.next()) else { return None };
    Some(Near { name: name.clone(), with: with.clone(), likeness: 0.4, is_certain: false })
}

/// How alike two names are: 1 for the same but for case and underscores, above 0.7 for a slip of the keyboard or
/// a plural, lower where one has all the words of the other, 0 for anything else.
#[expect(clippy::many_single_char_names, reason = "two words and two foldings of them")]
pub(super) fn likeness(a: &str, b: &str) -> f64 {
    let fold = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
    };
    let (x, y) = (fold(a), fold(b));
    if x.is_empty() || y.is_empty() {
        return 0.0;
    }
    if x == y {
        return 1.0;
    }
    let longest = x.chars().count().max(y.chars().count());
    if longest < 3 {
        return 0.0;
    }
    let distance = strsim::damerau_levenshtein(&x, &y);
    let allowed = match longest {
        3..=5 => 1,
        6..=12 => 2,
        _ => 3,
    };
    // Two slips in a row rarely begin with the first letter.
    if distance <= allowed && (distance == 1 || x.chars().next() == y.chars().next()) {
        // 0.7 for the farthest, 0.97 for one slip in a long name.
        return 0.7 + 0.3 * (1.0 - distance as f64 / (allowed as f64 + 1.0)) * (1.0 - 1.0 / longest as f64);
    }
    let (p, q) = (words(a), words(b));
    let shared = p.iter().filter(|word| q.contains(word)).count();
    if shared > 0 && (shared == p.len() || shared == q.len()) {
        return 0.4 + 0.25 * shared as f64 / p.len().max(q.len()) as f64;
    }
    0.0
}

/// The words of a name in snake or camel case, lower case, plurals without their `s`.
fn words(name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut start = true;
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            start = true;
            continue;
        }
        if start || (was_lower && c.is_uppercase()) {
            all.push(String::new());
        }
        if let Some(word) = all.last_mut() {
            word.extend(c.to_lowercase());
        }
        start = false;
        was_lower = c.is_lowercase();
    }
    for word in &mut all {
        if word.len() > 4 && word.ends_with("ies") {
            word.truncate(word.len() - 3);
            word.push('y');
        } else if word.len() > 3 && word.ends_with('s') {
            word.pop();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        for (a, b, at_least, at_most) in [
            ("totl", "total", 0.7, 0.99),
            ("recieve_mail", "receive_mail", 0.85, 0.99),
            ("userName", "user_name", 1.0, 1.0),
            ("item", "items", 0.7, 0.99),
            ("get_total", "total", 0.4, 0.69),
            ("price", "price_cents", 0.4, 0.69),
            ("a", "b", 0.0, 0.0),
            ("id", "ix", 0.0, 0.0),
            ("cat", "dog", 0.0, 0.0),
            ("load", "save", 0.0, 0.0),
            ("width", "height", 0.0, 0.0),
            ("start", "end", 0.0, 0.0),
            ("größe", "grösse", 0.7, 0.99),
            ("entry", "entries", 0.6, 0.69),
        ] {
            let found = likeness(a, b);
            assert!((at_least..=at_most).contains(&found), "{a} {b}: {found}");
        }
    }

    #[test]
    fn one_shared_word_is_a_loose_likeness() {
        let pick = |wanted: &str, names: &[&str]| {
            let all: Vec<(String, ())> = names.iter().map(|n| ((*n).to_owned(), ())).collect();
            loosely(wanted, &all).map(|near| near.name)
        };
        assert_eq!(pick("slugify", &["make_slug", "excerpt"]).as_deref(), Some("make_slug"));
        assert_eq!(pick("fetch_rate", &["get_rate", "convert"]).as_deref(), Some("get_rate"));
        assert_eq!(pick("fetch_rate", &["get_rate", "rate_limit"]), None, "two share the word");
        assert_eq!(pick("load", &["save", "store"]), None);
        assert_eq!(pick("is_ok", &["is_on"]), None, "two letters are no word");
    }

    #[test]
    fn of_equally_near_names_none_is_certain() {
        let pick = |wanted: &str, names: &[&str]| {
            near(wanted, names.iter().map(|n| ((*n).to_owned(), ()))).map(|n| (n.name, n.is_certain))
        };
        assert_eq!(pick("totl", &["total", "other"]), Some(("total".to_owned(), true)));
        assert!(!pick("value_x", &["value_a", "value_b"]).is_some_and(|(_, certain)| certain));
        assert_eq!(pick("zebra", &["total"]), None);
        assert_eq!(pick("total", &["total"]), None);
    }
}
