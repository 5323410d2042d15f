//! Hovers: what they say, in which format, and what hostile text can do in them.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup};
use crate::fake::{Fake, Project, SHOP, cluster, results};

/// Starts with one cluster and gives the hover at the culprit.
async fn hovered(project: &Project, one: &Json, format: &[&str]) -> (Client, String) {
    project.write("run.results", &results(std::slice::from_ref(one)));
    let setup =
        Setup::new(project.root(), Fake::new()).with("/textDocument/hover/contentFormat", json!(format));
    let mut client = Client::start(setup).await;
    client.diagnostics(&project.path("test_shop.py")).await;
    client.diagnostics(&project.path("shop.py")).await;
    let hover = client.hover(&project.path("shop.py"), 4, 8).await;
    let kind = if format.first() == Some(&"markdown") { "markdown" } else { "plaintext" };
    assert_eq!(hover["contents"]["kind"], kind);
    let text = hover["contents"]["value"].as_str().unwrap().to_owned();
    (client, text)
}

#[tokio::test]
async fn it_says_what_is_known_in_markdown() {
    let project = Project::new();
    let (mut client, text) = hovered(&project, &cluster(), &["markdown", "plaintext"]).await;
    let root = url::Url::from_file_path(project.root()).unwrap();
    let expected = format!(
        "**total adds 1 to the sum**\n\n\
         `AssertionError: assert 4 == 3`\n\n\
         **Why**\n\n\
         - total returned 4 ([shop.py:5](<{root}/shop.py#L5>))\n\
         - 3 was expected\n\n\
         **Values at the failure**\n\n\
         - `total(items) = 4`\n\
         - `items = [1, 2]`\n\n\
         **Fix:** Return the sum as it is\n\n\
         **1 affected test**\n\n\
         - `test_shop.py::test_total` ([line 6](<{root}/test_shop.py#L6>))\n\n\
         likely (75 %) · assertion failure, high severity · run 10 minutes ago"
    );
    assert_eq!(text, expected);
    // The same at the failing line and on the test's definition; nothing elsewhere.
    for line in [5, 3] {
        let hover = client.hover(&project.path("test_shop.py"), line, 4).await;
        assert_eq!(hover["contents"]["value"], *expected, "line {line}");
    }
    assert_eq!(client.hover(&project.path("test_shop.py"), 8, 4).await, Json::Null);
    assert_eq!(client.hover(&project.path("test_shop.py"), 99, 4).await, Json::Null);
    client.close().await;
}

#[tokio::test]
async fn it_is_plain_text_for_clients_that_want_that() {
    for format in [&["plaintext"][..], &["plaintext", "markdown"], &[]] {
        let project = Project::new();
        let (client, text) = hovered(&project, &cluster(), format).await;
        assert!(text.starts_with("total adds 1 to the sum\n\nAssertionError: assert 4 == 3\n"), "{text}");
        assert!(text.contains("- total returned 4 (shop.py:5)\n"), "{text}");
        assert!(!text.contains("**") && !text.contains('`') && !text.contains("file:"), "{text}");
        client.close().await;
    }
}

#[tokio::test]
async fn links_lead_to_where_the_line_is_now() {
    let project = Project::new();
    let (mut client, _) = hovered(&project, &cluster(), &["markdown"]).await;
    let source = project.path("shop.py");
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((0, 0), (0, 0)), "\n\n").await;
    client.diagnostics(&source).await;
    client.diagnostics(&project.path("test_shop.py")).await;
    let hover = client.hover(&source, 6, 8).await;
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("[shop.py:7]") && text.contains("/shop.py#L7>"), "{text}");
    client.edit(&source, 3, ((3, 11), (3, 12)), "1").await;
    client.diagnostics(&source).await;
    let hover = client.hover(&source, 6, 8).await;
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Stale"), "{hover}");
    client.close().await;
}

#[tokio::test]
async fn many_tests_are_counted_not_listed() {
    let project = Project::new();
    let mut many = cluster();
    let first = many["tests"][0].clone();
    many["tests"] = (0..500)
        .map(|n| {
            let mut case = first.clone();
            case["id"] = json!(format!("test_shop.py::test_total[{n}]"));
            case
        })
        .collect();
    let (client, text) = hovered(&project, &many, &["markdown"]).await;
    assert!(text.contains("**500 affected tests**"), "{text}");
    assert!(text.contains("- and 495 more"), "{text}");
    assert!(text.len() < 4000, "{}", text.len());
    client.close().await;
}

/// Puts hostile text everywhere and looks at what a Markdown renderer would make of it.
#[tokio::test]
async fn hostile_text_stays_text() {
    let attacks = [
        "[click](command:workbench.action.terminal.new)",
        "<img src=x onerror=alert(1)> <script>alert(1)</script>",
        "```\n[click](https://evil.example)\n```",
        "`` ` [x](command:y) ` ``",
        "https://evil.example www.evil.example evil@evil.example",
        "![pixel](https://evil.example/x.png)",
        "</code></pre><a href='https://evil.example'>x</a>",
        "[ref]\n\n[ref]: https://evil.example",
        "<https://evil.example>",
        "a\n---\n# heading\n- item\n\n    code",
        "&#91;x](command:y) &lt;script&gt;",
        "\u{202e}txet desrever\u{202c} \u{7}bell \u{1b}]8;;https://evil.example\u{1b}\\x",
        "| a | b |\n|---|---|\n| [x](command:y) | z |",
        "\\[x](command:y) \\\\[x](command:y)",
    ];
    for attack in attacks {
        let project = Project::new();
        let mut one = cluster();
        for place in ["cause", "suggestion"] {
            one[place] = json!(attack);
        }
        one["evidence"][0]["text"] = json!(attack);
        one["tests"][0]["id"] = json!(format!("test_shop.py::test_total[{attack}]"));
        one["tests"][0]["message"] = json!(attack);
        one["tests"][0]["values"] = json!([[attack, attack]]);
        let (client, text) = hovered(&project, &one, &["markdown"]).await;
        let options = pulldown_cmark::Options::all();
        let mut links = Vec::new();
        for event in pulldown_cmark::Parser::new_ext(&text, options) {
            use pulldown_cmark::{Event, Tag};
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("HTML {html:?} in {text}"),
                Event::Start(Tag::Image { dest_url, .. }) => panic!("image {dest_url} in {text}"),
                Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
                Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_)) | Event::Rule => {
                    panic!("{attack:?} became structure in {text}")
                }
                _ => {}
            }
        }
        assert!(links.iter().all(|link| link.starts_with("file:///")), "{links:?}");
        // What renderers turn into links by themselves must not be in words.
        for raw in ["https://evil", "www.evil", "evil@evil"] {
            let outside_code = strip_code(&text);
            assert!(!outside_code.contains(raw), "{raw} in {outside_code}");
        }
        assert!(!text.contains(['\u{7}', '\u{1b}', '\u{202e}']), "{text:?}");
        client.close().await;
    }
}

/// The text without its code spans.
fn strip_code(text: &str) -> String {
    let mut rest = text.to_owned();
    for (event, range) in pulldown_cmark::Parser::new(text).into_offset_iter() {
        if matches!(event, pulldown_cmark::Event::Code(_)) {
            let blank = "\u{a0}".repeat(range.len() / 2) + if range.len() % 2 == 1 { "-" } else { "" };
            rest.replace_range(range, &blank);
        }
    }
    rest
}
