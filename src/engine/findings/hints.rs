//! The values at the failing lines.

use std::collections::{BTreeMap, HashMap};

use super::view::{View, seen};
use super::{FileFindings, Hint, cut, one_line};
use crate::model::{RelPath, Site, ValueRecord};

/// Most characters of one value in a hint, and of the whole hint.
const MAX_VALUE: usize = 32;
const MAX_HINT: usize = 90;

impl View<'_> {
    pub(super) fn hints(&self, files: &mut BTreeMap<RelPath, FileFindings>) {
        let mut cases: HashMap<(RelPath, u32), usize> = HashMap::new();
        for (failure, stamp) in self.failures() {
            let mut by_site: Vec<(&Site, Vec<&ValueRecord>)> = Vec::new();
            for value in &failure.values {
                let Some(site) = value.site.as_ref().or(failure.failing.as_ref()) else { continue };
                match by_site.iter_mut().find(|(s, _)| s.place == site.place) {
                    Some((_, values)) => values.push(value),
                    None => by_site.push((site, vec![value])),
                }
            }
            for (site, values) in by_site {
                let count = cases.entry((site.place.path.clone(), site.place.line)).or_default();
                *count += 1;
                // The first case speaks for the line; a line with values of twenty cases helps nobody.
                if *count > 1 {
                    continue;
                }
                let Some(found) = self.texts.locate(stamp, &site.place, seen(failure, &site.place)) else {
                    continue;
                };
                let hints = &mut files.entry(site.place.path.clone()).or_default().hints;
                if found.stale || hints.iter().any(|h| h.span.line == found.span.line) {
                    continue;
                }
                let label = label(&values);
                if !label.is_empty() {
                    hints.push(Hint { label, values: pairs(&values), span: found.span });
                }
            }
        }
    }
}

fn pairs(values: &[&ValueRecord]) -> Vec<(String, String)> {
    values.iter().map(|v| (one_line(v.name.as_str()), one_line(v.repr.as_str()))).collect()
}

fn label(values: &[&ValueRecord]) -> String {
    let mut label = String::new();
    for (name, repr) in pairs(values).into_iter().filter(|(_, repr)| !is_bare_object(repr)) {
        let part = format!("{} = {}", cut(&name, MAX_VALUE), cut(&repr, MAX_VALUE));
        if !label.is_empty() && label.chars().count() + part.chars().count() > MAX_HINT {
            label.push_str(", …");
            break;
        }
        if !label.is_empty() {
            label.push_str(", ");
        }
        label.push_str(&part);
    }
    label
}

/// Whether a repr is what `object.__repr__` gives, `<module.Class object at 0x7f…>`: it says nothing
/// of the value.
fn is_bare_object(repr: &str) -> bool {
    let inner = repr.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let Some((what, address)) = inner.and_then(|inner| inner.rsplit_once(" at 0x")) else { return false };
    let is_address = !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit());
    // A class made in a function is called `function.<locals>.Class`.
    let name = what.strip_suffix(" object").unwrap_or_default().replace("<locals>", "locals");
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    is_address && is_name(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_say_nothing() {
        for (repr, bare) in [
            ("<app.models.User object at 0x7f3a2c1b9d30>", true),
            ("<tests.test_app.test_it.<locals>.Fake object at 0x1a>", true),
            ("<object object at 0x7F3A2C1B9D30>", true),
            ("<object object at 0x>", false),
            ("<User 'Ann' object at 0x7f3a2c1b9d30>", false),
            ("<User name=Ann object at 0x7f3a2c1b9d30>", false),
            ("<function total at 0x7f3a2c1b9d30>", false),
            ("<Status.OPEN: 1>", false),
            ("[<app.User object at 0x7f3a2c1b9d30>]", false),
            ("'<app.User object at 0x7f3a2c1b9d30>'", false),
            ("<app.User object at 0x7f3a2c1b9d30> and more>", false),
            ("", false),
        ] {
            assert_eq!(is_bare_object(repr), bare, "{repr}");
        }
    }
}
