//! Maps whose keys come by the thousand: names of tests, paths, texts. Their hash is several times faster than the
//! standard library's and seeded like it, so that no result file can be made to hit one bucket.

use std::collections::{HashMap, HashSet};

/// How keys are hashed.
pub type Hashing = foldhash::fast::RandomState;
/// A map.
pub type Map<K, V> = HashMap<K, V, Hashing>;
/// A set.
pub type Set<K> = HashSet<K, Hashing>;
