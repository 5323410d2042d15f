//! Tests as people name them on a command line.

/// Whether the test `id` is meant by a name.
pub(super) type Means = fn(&str, &str) -> bool;

/// What a name may be, the strictest first: the whole id, the id without parameters, its end (or its file), any part.
const WAYS: [Means; 4] = [
    |id, name| id == name,
    |id, name| id.split_once('[').is_some_and(|(bare, _)| bare == name),
    |id, name| {
        let bare = id.split_once('[').map_or(id, |(bare, _)| bare);
        [id, bare].iter().any(|id| id.strip_suffix(name).is_some_and(|head| head.ends_with("::")))
            || id.split_once("::").is_some_and(|(file, _)| file == name)
    },
    holds,
];

/// The items for which `is_meant` holds in the first way that any of them is meant.
pub(super) fn matching<I: IntoIterator + Copy>(
    items: I,
    is_meant: impl Fn(&I::Item, Means) -> bool,
) -> Vec<I::Item> {
    let ways = WAYS.into_iter().map(|means| items.into_iter().filter(|item| is_meant(item, means)).collect());
    ways.into_iter().find(|found: &Vec<_>| !found.is_empty()).unwrap_or_default()
}

/// Whether `name` is any part of the id.
pub(super) fn holds(id: &str, name: &str) -> bool {
    !name.is_empty() && id.contains(name)
}
