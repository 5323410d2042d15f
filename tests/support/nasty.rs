//! Texts made of what breaks formats, in every place of an analysis where text of a test stands.
#![allow(dead_code, reason = "each test program uses its part")]

use failscope::model::{Analysis, Redacted};
use proptest::prelude::*;

use crate::sample::{self, shown};

/// Places that [`analysis`] fills.
pub const PLACES: usize = 24;

/// Text made of what breaks formats.
pub fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<",
        ">",
        "&",
        "\"",
        "'",
        "`",
        "```",
        "</script>",
        "<!--",
        "-->",
        "]]>",
        "</pre>",
        "</details>",
        "\n",
        "\r\n",
        "\r",
        "\u{0}",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{feff}",
        "\u{85}",
        "::error::",
        "%0A",
        "|",
        "*",
        "[a](b)",
        "@me",
        "&amp;",
        "{{",
        "{%",
        "é",
        "漢",
        "\u{1f388}",
        " ",
        "\t",
        "E   assert",
        "> x",
        "a",
        "word",
        "\\",
        "\\u003c",
        "$",
        "\u{fffe}",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..12).prop_map(|v| v.concat()), any::<String>()]
}

/// An analysis with these texts in the places where text of a test stands. `many` gives a long report, whose
/// details are kept apart.
pub fn analysis(texts: &[String], many: bool) -> Analysis {
    let text = |at: usize| -> Redacted { shown(&texts[at % texts.len()]) };
    let mut analysis = sample::analysis(if many { 101 } else { 2 }, 0);
    let cluster = &mut analysis.clusters[0];
    cluster.diagnosis.root_cause = text(0);
    cluster.diagnosis.fix_suggestion = text(1);
    cluster.diagnosis.evidence[0].text = text(2);
    cluster.diagnosis.notes = vec![text(3)];
    cluster.fixes[0].title = text(4);
    cluster.fixes[0].edits[0].lines = Some((text(5), text(6)));
    cluster.fixes[0].edits[0].shown = text(6);
    cluster.fixes[0].rationale = text(18);
    cluster.fixes[1].command = Some(text(7));
    cluster.culprits[0].reasons = vec![text(19)];
    cluster.culprits[0].site.function = Some(text(20));
    cluster.culprits[0].site.source = Some(text(21));
    let failure = &mut cluster.failures[0];
    failure.test = text(8);
    failure.exception = text(9);
    failure.message = text(10);
    failure.values[0].name = text(11);
    failure.values[0].repr = text(12);
    failure.log = text(13);
    failure.frames[0].source = Some(text(14));
    failure.frames[0].function = Some(text(22));
    failure.subtest = Some(text(23));
    let compared = failure.comparison.as_mut().unwrap();
    compared.left = text(15);
    compared.right = text(16);
    analysis.problems[0].message = text(17);
    analysis
}
