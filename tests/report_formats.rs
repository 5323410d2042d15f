//! Whatever a test prints: every format stays valid, and the page shows exactly that text and nothing else.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/nasty.rs"]
mod nasty;
#[path = "support/sample.rs"]
mod sample;

use std::sync::OnceLock;

use failscope::report::text::{one_line, visible};
use failscope::report::{Meta, ctrf, document, github, html, markdown, sarif};
use nasty::{PLACES, analysis, nasty};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use scraper::{Html, Selector};

fn meta() -> Meta {
    Meta::new(1_795_350_100, "/home/dev/trips".into())
}

/// The text of the first element that matches.
fn text_of(page: &Html, selector: &str) -> String {
    let selector = Selector::parse(selector).unwrap();
    let element = page.select(&selector).next().unwrap_or_else(|| panic!("nothing matches {selector:?}"));
    element.text().collect()
}

/// How many there are of the elements that matter.
fn elements(page: &Html) -> Vec<usize> {
    ["script", "style", "details", "summary", "a", "meta", "section > h2", "img", "form"]
        .iter()
        .map(|name| page.select(&Selector::parse(name).unwrap()).count())
        .collect()
}

/// The elements of a page whose texts are harmless.
fn harmless(many: bool) -> Vec<usize> {
    static FEW: OnceLock<Vec<usize>> = OnceLock::new();
    static MANY: OnceLock<Vec<usize>> = OnceLock::new();
    let count = || {
        let analysis = analysis(&["x".to_owned()], many);
        elements(&Html::parse_document(&html::render(&analysis, &meta()).unwrap()))
    };
    if many { MANY.get_or_init(count).clone() } else { FEW.get_or_init(count).clone() }
}

/// The published schema of the JSON report.
fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA
        .get_or_init(|| jsonschema::validator_for(&serde_json::from_str(document::SCHEMA).unwrap()).unwrap())
}

/// What Markdown makes of a text that could do harm or change the layout: headings, links, images, and markup other
/// than the empty comments that keep things from being links.
fn markup(text: &str) -> Vec<String> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
        .filter_map(|event| match event {
            Event::Start(Tag::Heading { level, .. }) => Some(format!("{level}")),
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Table(_)) => Some("link".to_owned()),
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.replace("<!-- -->", "");
                (!html.trim().is_empty()).then(|| html.trim().to_owned())
            }
            _ => None,
        })
        .collect()
}

/// The same of a comment whose texts are harmless.
fn harmless_markup() -> Vec<String> {
    static MARKUP: OnceLock<Vec<String>> = OnceLock::new();
    MARKUP.get_or_init(|| markup(&markdown::render(&analysis(&["x".to_owned()], false), &meta()))).clone()
}

/// What the page shows of a sentence: hidden characters made visible, the backticks around code replaced by its
/// look.
fn without_ticks(text: &str) -> String {
    visible(text).replace('`', "")
}

/// The first finding's details as the page's script puts them together.
fn opened(page: &Html) -> String {
    let pieces: Vec<String> = serde_json::from_str(&text_of(page, "#pieces")).unwrap();
    let reference = regex::Regex::new("<([0-9]+)>").unwrap();
    let number = |found: &regex::Captures<'_>| pieces[found[1].parse::<usize>().unwrap()].clone();
    reference.replace_all(&text_of(page, "details > script"), number).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_page_shows_the_text(texts in prop::collection::vec(nasty(), PLACES), many in prop::bool::weighted(0.1)) {
        let analysis = analysis(&texts, many);
        let page = html::render(&analysis, &meta()).unwrap();
        let document = Html::parse_document(&page);

        // As many elements as in a report with harmless text: nothing became markup.
        prop_assert_eq!(elements(&document), harmless(many));

        let cluster = &analysis.clusters[0];
        let failure = &cluster.failures[0];
        prop_assert_eq!(
            without_ticks(&text_of(&document, ".cause")),
            without_ticks(cluster.diagnosis.root_cause.as_str())
        );
        let details = if many {
            Html::parse_fragment(&opened(&document))
        } else {
            document
        };
        let message = match (failure.exception.as_str(), failure.message.as_str()) {
            ("", message) => message.to_owned(),
            (exception, "") => exception.to_owned(),
            (exception, message) => format!("{exception}: {message}"),
        };
        if !message.is_empty() {
            prop_assert_eq!(text_of(&details, ".error code"), visible(failure.exception.as_str()) .into_owned()
                + if failure.exception.is_empty() || failure.message.is_empty() { "" } else { ": " }
                + &visible(failure.message.as_str()));
        }
        prop_assert_eq!(text_of(&details, ".tests .id"), visible(failure.test.as_str()));
        prop_assert_eq!(text_of(&details, "tbody th code"), visible(failure.values[0].name.as_str()));
        prop_assert_eq!(text_of(&details, "tbody td code"), visible(failure.values[0].repr.as_str()));
        let compared = failure.comparison.as_ref().unwrap();
        prop_assert_eq!(text_of(&details, ".compare div:nth-child(1) pre"), visible(compared.left.as_str()));
        prop_assert_eq!(text_of(&details, ".compare div:nth-child(2) pre"), visible(compared.right.as_str()));
        prop_assert_eq!(text_of(&details, ".proposal:last-child pre code"), visible(cluster.fixes[1].command.as_ref().unwrap().as_str()));
        let fix = &cluster.fixes[0];
        for (selector, text) in [
            (".fix > p", &cluster.diagnosis.fix_suggestion),
            (".evidence .text", &cluster.diagnosis.evidence[0].text),
            (".note", &cluster.diagnosis.notes[0]),
            (".proposal strong", &fix.title),
            (".proposal p.dim", &fix.rationale),
            (".culprit p.dim", &cluster.culprits[0].reasons[0]),
        ] {
            // What is empty has no element: the first that matches would be another's.
            if !text.is_empty() {
                prop_assert_eq!(without_ticks(&text_of(&details, selector)), without_ticks(text.as_str()), "{}", selector);
            }
        }
        let site = &cluster.culprits[0].site;
        for (selector, text) in [
            (".culprit p > code:nth-of-type(2)", &site.function),
            (".culprit pre.line code", &site.source),
            (".frames li code:nth-of-type(2)", &failure.frames[0].function),
            (".frames pre.line code", &failure.frames[0].source),
        ] {
            let text = text.as_ref().unwrap();
            if !text.is_empty() {
                prop_assert_eq!(text_of(&details, selector), visible(text.as_str()), "{}", selector);
            }
        }
        let subtest = format!("subtest {}", one_line(failure.subtest.as_ref().unwrap().as_str()));
        let tag = text_of(&details, ".tests .tag");
        prop_assert_eq!(tag.trim(), subtest.trim());
        let (before, after) = fix.edits[0].lines.as_ref().unwrap();
        let side = |sign: char| -> Vec<String> {
            let lines = text_of(&details, ".diff code");
            let side = lines.lines().filter_map(|line| line.strip_prefix([' ', sign]));
            side.map(str::to_owned).collect()
        };
        prop_assert_eq!(side('-').join("\n"), visible(before.as_str()).lines().collect::<Vec<_>>().join("\n"));
        prop_assert_eq!(side('+').join("\n"), visible(after.as_str()).lines().collect::<Vec<_>>().join("\n"));
        let log: Vec<String> = failure.log.as_str().split('\n').map(|l| visible(l.strip_suffix('\r').unwrap_or(l)).into_owned()).collect();
        prop_assert_eq!(text_of(&details, ".log pre code"), log.join("\n") + "\n");
    }

    #[test]
    fn every_format_stays_valid(texts in prop::collection::vec(nasty(), PLACES)) {
        let analysis = analysis(&texts, false);
        let meta = meta();
        let cluster = &analysis.clusters[0];

        let json: serde_json::Value =
            serde_json::from_slice(&document::Document::new(&analysis, &meta).to_json().unwrap()).unwrap();
        let errors: Vec<String> = schema().iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
        prop_assert_eq!(errors, Vec::<String>::new());
        prop_assert_eq!(json["analyses"][0]["root_cause"].as_str().unwrap(), cluster.diagnosis.root_cause.as_str());
        prop_assert_eq!(json["analyses"][0]["failures"][0]["message"].as_str().unwrap(), cluster.failures[0].message.as_str());

        let log = sarif::log(&analysis, &meta);
        prop_assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 2);
        let report = ctrf::report(&analysis, &meta);
        prop_assert_eq!(report["results"]["tests"].as_array().unwrap().len(), analysis.total_failures());

        let mut out = Vec::new();
        github::write(&mut out, &analysis, &meta).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        let stop = lines.iter().position(|line| line.starts_with("::stop-commands::")).unwrap();
        let token = lines[stop].trim_start_matches("::stop-commands::");
        let end = format!("::{token}::");
        // Before commands are stopped, each line is one of ours; in between, none starts them again.
        prop_assert_eq!(stop, 3);
        prop_assert!(lines[..2].iter().all(|l| l.starts_with("::error ") || l.starts_with("::warning ")), "{:?}", lines);
        prop_assert!(lines[2].starts_with("::group::"));
        prop_assert_eq!(lines.iter().filter(|l| l.contains(&end)).count(), 1);
        prop_assert_eq!(&lines[lines.len() - 2..], [end.as_str(), "::endgroup::"]);
        let text = markdown::render(&analysis, &meta);
        prop_assert!(!text.contains(['\u{0}', '\u{202e}']), "nothing hidden");
        prop_assert_eq!(text.lines().filter(|l| l.starts_with("### ")).count(), 2);
        prop_assert_eq!(markup(&text), harmless_markup());
    }
}

#[test]
fn annotations_stay_under_the_cap_of_ten() {
    for (findings, expected) in [(0, 0), (1, 1), (10, 10), (11, 10), (300, 10)] {
        let mut out = Vec::new();
        github::write(&mut out, &sample::analysis(findings, 0), &meta()).unwrap();
        let out = String::from_utf8(out).unwrap();
        let count = out.lines().filter(|l| l.starts_with("::error ") || l.starts_with("::warning ")).count();
        assert_eq!(count, expected, "{findings}");
        if findings > 10 {
            let title = format!("::error title={} more root causes::", findings - 9);
            assert!(out.contains(&title), "{out:.600}");
        }
    }
}

#[test]
fn markdown_fits_a_comment() {
    let text = markdown::render(&sample::analysis(400, 100), &meta());
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("more root causes, all in `rca_report.html`"));
    let few = markdown::render(&sample::analysis(3, 100), &meta());
    assert_eq!(few.matches("\n### ").count(), 3);
    assert!(few.contains("```diff\n-        return sum"), "{few}");
    assert!(few.contains("**Fix:** Sum over all of `self.legs` instead"));
}

#[test]
fn markdown_links_places_to_the_code_host() {
    let mut meta = meta();
    meta.code_host = Some("https://code.example/o/r/blob/abc/".to_owned());
    let text = markdown::render(&sample::analysis(1, 0), &meta);
    assert!(
        text.contains(
            "[`src/trips/route_0.py:20`](https://code.example/o/r/blob/abc/src/trips/route_0.py#L20)"
        ),
        "{text}"
    );
}
