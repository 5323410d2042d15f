//! Diagnostics: where they are, when they change, when they go.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, lines, uri, whole};
use crate::fake::{Fake, Project, SHOP, TEST, cluster, results};

const CAUSE: &str = "total adds 1 to the sum";

async fn started(project: &Project) -> Client {
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    assert_eq!(lines(&client.diagnostics(&project.path("test_shop.py")).await), [(5, CAUSE.to_owned())]);
    assert_eq!(lines(&client.diagnostics(&project.path("shop.py")).await), [(4, CAUSE.to_owned())]);
    client
}

#[tokio::test]
async fn they_are_on_the_failing_line_and_on_the_culprit() {
    let project = Project::new();
    let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let publication = client.publication(&test).await;
    assert_eq!(publication.get("version"), None, "the document is not open");
    let [on_test] = publication["diagnostics"].as_array().unwrap().as_slice() else {
        panic!("{publication}")
    };
    assert_eq!(
        on_test["range"],
        json!({ "start": { "line": 5, "character": 4 }, "end": { "line": 5, "character": 28 } })
    );
    assert_eq!(on_test["severity"], 1);
    assert_eq!(on_test["source"], "failscope");
    assert_eq!(on_test["code"], "assertion_failure");
    assert_eq!(on_test["data"]["fingerprint"], "f1");
    assert_eq!(on_test["data"]["failure"], "id:test_shop.py::test_total");
    assert_eq!(on_test["message"], "total adds 1 to the sum\nAssertionError: assert 4 == 3");
    let related = on_test["relatedInformation"].as_array().unwrap();
    assert_eq!(related[0]["location"]["uri"], uri(&source));
    assert_eq!(related[0]["location"]["range"]["start"], json!({ "line": 4, "character": 4 }));
    let on_source = client.diagnostics(&source).await;
    let [on_source] = on_source.as_slice() else { panic!("{on_source:?}") };
    assert_eq!(on_source["message"], "total adds 1 to the sum\nmakes test_shop.py::test_total fail");
    assert_eq!(on_source["relatedInformation"][0]["location"]["uri"], uri(&test));
    client.close().await;
}

#[tokio::test]
async fn a_client_without_related_information_gets_none() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/textDocument/publishDiagnostics/relatedInformation", json!(false));
    let mut client = Client::start(setup).await;
    for name in ["test_shop.py", "shop.py"] {
        let diagnostics = client.diagnostics(&project.path(name)).await;
        assert_eq!(diagnostics[0].get("relatedInformation"), None);
    }
    client.close().await;
}

#[tokio::test]
async fn cases_of_one_test_are_one_diagnostic() {
    let project = Project::new();
    let mut cases = cluster();
    let first = cases["tests"][0].clone();
    cases["tests"] = (0..20)
        .map(|n| {
            let mut case = first.clone();
            case["id"] = json!(format!("test_shop.py::test_total[{n}]"));
            case
        })
        .collect();
    project.write("run.results", &results(&[cases]));
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let on_test = client.diagnostics(&project.path("test_shop.py")).await;
    assert_eq!(on_test.len(), 1);
    assert!(on_test[0]["message"].as_str().unwrap().contains("20 cases"), "{}", on_test[0]["message"]);
    assert_eq!(on_test[0]["data"]["failures"].as_array().unwrap().len(), 20);
    let on_source = client.diagnostics(&project.path("shop.py")).await;
    assert!(on_source[0]["message"].as_str().unwrap().contains("and 19 more"), "{}", on_source[0]["message"]);
    client.close().await;
}

#[tokio::test]
async fn they_go_when_the_test_passes() {
    let project = Project::new();
    let mut client = started(&project).await;
    let file = project.write("run.results", &results(&[]));
    client.touched(&[&file]).await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

#[tokio::test]
async fn they_go_when_the_results_go() {
    let project = Project::new();
    let mut client = started(&project).await;
    project.remove("run.results");
    client.touched(&[&project.path("run.results")]).await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

#[tokio::test]
async fn those_of_a_deleted_file_go() {
    let project = Project::new();
    let mut client = started(&project).await;
    project.remove("shop.py");
    client.touched(&[&project.path("shop.py")]).await;
    assert_eq!(client.diagnostics(&project.path("shop.py")).await, Vec::<Json>::new());
    let on_test = client.diagnostics(&project.path("test_shop.py")).await;
    assert_eq!(on_test[0].get("relatedInformation"), None, "the place it named is gone");
    client.close().await;
}

#[tokio::test]
async fn they_can_be_cleared_until_there_are_new_results() {
    let project = Project::new();
    let mut client = started(&project).await;
    client.execute("failscope.clear", json!({})).await.unwrap();
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.analyze().await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
    }
    client.close().await;
}

#[tokio::test]
async fn what_a_command_changes_comes_before_its_answer() {
    let project = Project::new();
    let mut client = started(&project).await;
    for (command, expected) in [("failscope.clear", 0), ("failscope.analyze", 1)].repeat(50) {
        client.execute(command, json!({})).await.unwrap();
        for name in ["test_shop.py", "shop.py"] {
            let shown = client.published_before_the_answer(&project.path(name));
            assert_eq!(shown.map(|shown| shown.len()), Some(expected), "{command}: {name}");
        }
    }
    client.close().await;
}

#[tokio::test]
async fn what_was_cleared_stays_so_over_settings_and_a_restart_until_there_are_new_results() {
    let project = Project::new();
    let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
    let mut client = started(&project).await;
    client.execute("failscope.clear", json!({})).await.unwrap();
    for path in [&test, &source] {
        assert_eq!(client.diagnostics(path).await, Vec::<Json>::new());
    }
    // An analysis for another reason than new results.
    let settings = json!({ "settings": { "failscope": { "severity": "warning" } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    client.touched(&[&project.path("run.results")]).await;
    assert_eq!(client.hover(&source, 4, 8).await, Json::Null);
    client.close().await;

    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    // The answer comes after the first analysis: it has been asked for before.
    let error = client.execute("failscope.runFailed", json!({})).await.unwrap_err();
    assert_eq!(error["message"], "no test has failed");
    assert_eq!(client.hover(&source, 4, 8).await, Json::Null);
    let findings = client.execute("failscope.findings", json!({})).await.unwrap();
    assert_eq!(findings[0]["report"]["total_failures"], 0);
    client.nothing_unread();
    // New results.
    let mut one = cluster();
    one["suggestion"] = json!("Another suggestion");
    let file = project.write("run.results", &results(&[one]));
    client.touched(&[&file]).await;
    assert_eq!(client.diagnostics(&source).await.len(), 1);
    assert_eq!(client.diagnostics(&test).await.len(), 1);
    client.close().await;
    // The next start shows them too.
    let mut client = started(&project).await;
    assert_ne!(client.hover(&source, 4, 8).await, Json::Null);
    client.close().await;
}

#[tokio::test]
async fn nothing_is_left_when_results_are_cleared_or_vanish() {
    for clear in [true, false] {
        let project = Project::new();
        let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
        let setup = Setup::new(project.root(), Fake::new())
            .with("/workspace/codeLens/refreshSupport", json!(true))
            .with("/workspace/inlayHint/refreshSupport", json!(true));
        let mut client = Client::start(setup).await;
        for text in ["textDocument/codeLens", "textDocument/inlayHint"] {
            let method = text.replace("textDocument", "workspace") + "/refresh";
            let (id, _) = client.server_request(&method).await;
            client.respond(id, Json::Null).await;
            assert_ne!(
                client.request(text, whole(&test)).await.unwrap().as_array().unwrap().len(),
                0,
                "{text}"
            );
        }
        for path in [&test, &source] {
            assert_eq!(client.diagnostics(path).await.len(), 1);
        }
        if clear {
            client.execute("failscope.clear", json!({})).await.unwrap();
        } else {
            project.remove("run.results");
            client.touched(&[&project.path("run.results")]).await;
        }
        for path in [&test, &source] {
            assert_eq!(client.diagnostics(path).await, Vec::<Json>::new(), "clear: {clear}");
            assert_eq!(client.hover(path, 4, 8).await, Json::Null);
        }
        for text in ["textDocument/codeLens", "textDocument/inlayHint", "textDocument/codeAction"] {
            let answer = client.request(text, whole(&test)).await.unwrap();
            assert!(answer.as_array().is_none_or(Vec::is_empty), "{text}, clear {clear}: {answer}");
        }
        for method in ["workspace/codeLens/refresh", "workspace/inlayHint/refresh"] {
            let (id, _) = client.server_request(method).await;
            client.respond(id, Json::Null).await;
        }
        client.close().await;
    }
}

#[tokio::test]
async fn they_move_while_the_user_types() {
    let project = Project::new();
    let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
    let mut client = started(&project).await;
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((0, 0), (0, 0)), "import os\n\n").await;
    let publication = client.publication(&source).await;
    assert_eq!(publication["version"], 2);
    let moved = publication["diagnostics"].as_array().unwrap();
    assert_eq!(lines(moved), [(6, CAUSE.to_owned())]);
    assert_eq!(moved[0]["data"]["stale"], false);
    assert_eq!(moved[0]["severity"], 1);
    let on_test = client.diagnostics(&test).await;
    assert_eq!(on_test[0]["relatedInformation"][0]["location"]["range"]["start"]["line"], 6);
    // Typing in a function that has nothing to do with it changes nothing.
    client.edit(&source, 3, ((10, 0), (10, 12)), "    return 2").await;
    client.analyze().await;
    client.close().await;
}

#[tokio::test]
async fn they_are_stale_once_their_function_changes_and_fresh_again_after_undo() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project).await;
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((1, 11), (1, 12)), "5").await;
    let stale = client.diagnostics(&source).await;
    assert_eq!(lines(&stale), [(4, CAUSE.to_owned())], "still there, the cause first");
    assert_eq!(stale[0]["data"]["stale"], true);
    assert_eq!(stale[0]["severity"], 3);
    assert!(stale[0]["message"].as_str().unwrap().contains("stale"), "{}", stale[0]["message"]);
    client.edit(&source, 3, ((1, 11), (1, 12)), "0").await;
    let fresh = client.diagnostics(&source).await;
    assert_eq!(fresh[0]["data"]["stale"], false);
    assert_eq!(fresh[0]["severity"], 1);
    client.close().await;
}

#[tokio::test]
async fn one_edit_does_not_erase_them() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project).await;
    client.open(&source, SHOP).await;
    // A formatter replaces the whole text.
    let formatted = SHOP.replace("\n\n\n", "\n\n\n# formatted\n");
    let document = json!({ "uri": uri(&source), "version": 2 });
    let params =
        json!({ "textDocument": document, "contentChanges": [{ "text": format!("# head\n{formatted}") }] });
    client.notify("textDocument/didChange", params).await;
    assert_eq!(lines(&client.diagnostics(&source).await), [(5, CAUSE.to_owned())]);
    client.diagnostics(&project.path("test_shop.py")).await;
    // The culprit's line is deleted: the finding stays, at the nearest line, as stale.
    client.edit(&source, 3, ((5, 0), (6, 0)), "").await;
    let stale = client.diagnostics(&source).await;
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0]["data"]["stale"], true);
    client.diagnostics(&project.path("test_shop.py")).await;
    client.close().await;
}

#[tokio::test]
async fn closing_without_saving_goes_back_to_the_file() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project).await;
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((0, 0), (0, 0)), "\n").await;
    assert_eq!(lines(&client.diagnostics(&source).await)[0].0, 5);
    client.diagnostics(&project.path("test_shop.py")).await;
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(&source) } })).await;
    let publication = client.publication(&source).await;
    assert_eq!(publication.get("version"), None);
    assert_eq!(lines(publication["diagnostics"].as_array().unwrap())[0].0, 4);
    client.diagnostics(&project.path("test_shop.py")).await;
    client.close().await;
}

#[tokio::test]
async fn a_file_changed_by_another_program_moves_them() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project).await;
    project.write("shop.py", &format!("# 1\n# 2\n{SHOP}"));
    client.touched(&[&source]).await;
    assert_eq!(lines(&client.diagnostics(&source).await), [(6, CAUSE.to_owned())]);
    client.diagnostics(&project.path("test_shop.py")).await;
    client.close().await;
}

#[tokio::test]
async fn what_changed_since_the_run_stays_known_when_other_results_come() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project).await;
    project.write("shop.py", &SHOP.replace("sum_ = 0", "sum_ = 5"));
    client.touched(&[&source]).await;
    assert_eq!(client.diagnostics(&source).await[0]["data"]["stale"], true);
    // Another file's results do not make these findings fresh.
    let mut other = cluster();
    other["fingerprint"] = json!("f2");
    other["culprit"] = Json::Null;
    other["tests"][0]["id"] = json!("test_shop.py::test_nothing");
    other["tests"][0]["at"] = json!(["test_shop.py", 10]);
    other["tests"][0]["frames"] = json!([]);
    let file = project.write("other.results", &results(&[other]));
    client.touched(&[&file]).await;
    assert_eq!(client.diagnostics(&project.path("test_shop.py")).await.len(), 2);
    client.analyze().await;
    // A new run of the same tests does.
    let file = project.write("run.results", &format!("{} ", results(&[cluster()])));
    client.touched(&[&file]).await;
    assert_eq!(client.diagnostics(&source).await[0]["data"]["stale"], false);
    client.close().await;
}

#[tokio::test]
async fn a_source_that_was_edited_before_the_server_started_is_noticed() {
    let project = Project::new();
    // The traceback's line has moved.
    project.write("test_shop.py", &format!("# 1\n# 2\n{TEST}"));
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let moved = client.diagnostics(&project.path("test_shop.py")).await;
    assert_eq!((lines(&moved)[0].0, &moved[0]["data"]["stale"]), (7, &json!(false)));
    client.diagnostics(&project.path("shop.py")).await;
    client.close().await;
    // It is nowhere any more.
    project.write("test_shop.py", &TEST.replace("== 3", "== 4"));
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let stale = client.diagnostics(&project.path("test_shop.py")).await;
    assert_eq!((lines(&stale)[0].0, &stale[0]["data"]["stale"]), (5, &json!(true)));
    client.diagnostics(&project.path("shop.py")).await;
    client.close().await;
}

#[tokio::test]
async fn what_did_not_change_is_not_published_again() {
    let project = Project::new();
    let mut client = started(&project).await;
    // Read anew, same content; a file that did not change; an edit that moves nothing.
    client.analyze().await;
    client.touched(&[&project.path("run.results"), &project.path("shop.py")]).await;
    client.open(&project.path("test_shop.py"), TEST).await;
    client.edit(&project.path("test_shop.py"), 2, ((9, 24), (9, 24)), "  # nothing").await;
    client.analyze().await;
    let answer = client.analyze().await;
    assert_eq!(answer, json!({ "failures": 1, "rootCauses": 1, "cancelled": false }));
    client.close().await;
}

#[tokio::test]
async fn half_a_file_hides_nothing() {
    let project = Project::new();
    let mut client = started(&project).await;
    let mut two = cluster();
    two["cause"] = json!("another cause");
    let whole = results(&[two]);
    // While it is being written the old findings stay.
    for part in ["", &whole[..1], &whole[..whole.len() / 2]] {
        let file = project.write("run.results", part);
        client.touched(&[&file]).await;
        client.hover(&project.path("shop.py"), 4, 6).await;
        client.nothing_unread();
    }
    let file = project.write("run.results", &whole);
    client.touched(&[&file]).await;
    for name in ["test_shop.py", "shop.py"] {
        let diagnostics = client.diagnostics(&project.path(name)).await;
        assert_eq!(lines(&diagnostics)[0].1, "another cause");
    }
    client.close().await;
}

#[tokio::test]
async fn a_file_that_stays_half_is_taken_as_it_is() {
    let project = Project::new();
    let mut client = started(&project).await;
    let file = project.write("run.results", "{ \"clusters\": [");
    client.touched(&[&file]).await;
    // No more notices come: the settling itself makes the server look again.
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

#[tokio::test]
async fn results_are_found_without_the_clients_help() {
    let project = Project::new();
    project.remove("run.results");
    let mut client = Client::start(Setup::new(project.root(), Fake::new()).watching()).await;
    client.analyze().await;
    // A folder made now, and a file in it at once.
    project.write("reports/run.results", &results(&[cluster()]));
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
    }
    project.write("shop.py", &format!("\n{SHOP}"));
    assert_eq!(lines(&client.diagnostics(&project.path("shop.py")).await)[0].0, 5);
    client.diagnostics(&project.path("test_shop.py")).await;
    std::fs::remove_dir_all(project.path("reports")).unwrap();
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

/// A file moved over another of the same length, with the same time: only the file system's own marks differ.
#[tokio::test]
async fn results_that_replace_others_of_equal_length_and_time_are_noticed() {
    let project = Project::new();
    let results_of = |cause: &str| {
        let mut one = cluster();
        one["cause"] = json!(cause);
        results(&[one])
    };
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let replace = |cause: &str| {
        let whole = project.write("run.part", &results_of(cause));
        std::fs::File::options().write(true).open(&whole).unwrap().set_modified(time).unwrap();
        std::fs::rename(whole, project.path("run.results")).unwrap();
    };
    replace("cause number 0");
    let mut client = Client::start(Setup::new(project.root(), Fake::new()).watching()).await;
    for cause in ["cause number 0", "cause number 1", "cause number 2", "cause number 3"] {
        if !cause.ends_with('0') {
            replace(cause);
        }
        for name in ["test_shop.py", "shop.py"] {
            assert_eq!(lines(&client.diagnostics(&project.path(name)).await)[0].1, cause);
        }
    }
    client.close().await;
}

#[tokio::test]
async fn results_outside_of_the_folder_are_watched_too() {
    let (project, elsewhere) = (Project::new(), Project::empty());
    project.remove("run.results");
    let mut setup = Setup::new(project.root(), Fake::new()).watching();
    setup.initialization_options = json!({ "resultGlobs": [elsewhere.root()] });
    let mut client = Client::start(setup).await;
    client.analyze().await;
    elsewhere.write("run.results", &results(&[cluster()]));
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
    }
    client.close().await;
}

#[tokio::test]
async fn columns_are_in_the_clients_units() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let project = Project::new();
        // 'é' and '😀' come before the culprit's expression on its line.
        let line = "    é = '😀'; x = 1";
        project.write("shop.py", &SHOP.replace("    return sum_ + 1", line));
        let mut one = cluster();
        one["fixes"] = json!([]);
        project.write("run.results", &results(&[one]));
        let setup =
            Setup::new(project.root(), Fake::new()).with("/general/positionEncodings", json!([encoding]));
        let mut client = Client::start(setup).await;
        assert_eq!(client.answer["capabilities"]["positionEncoding"], encoding);
        let on_source = client.diagnostics(&project.path("shop.py")).await;
        let length = match encoding {
            "utf-8" => line.len(),
            "utf-16" => line.encode_utf16().count(),
            _ => line.chars().count(),
        };
        assert_eq!(on_source[0]["range"]["end"], json!({ "line": 4, "character": length }), "{encoding}");
        client.diagnostics(&project.path("test_shop.py")).await;
        client.close().await;
    }
}

#[tokio::test]
async fn every_folder_has_its_own() {
    let (one, two) = (Project::new(), Project::new());
    let mut setup = Setup::new(one.root(), Fake::new());
    setup.roots.push(two.root().to_path_buf());
    let mut client = Client::start(setup).await;
    for project in [&one, &two] {
        for name in ["test_shop.py", "shop.py"] {
            assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
        }
    }
    // Removing a folder clears its diagnostics; adding one shows them.
    let folder = |p: &Project| json!({ "uri": uri(p.root()), "name": "f" });
    let event = json!({ "event": { "added": [], "removed": [folder(&one)] } });
    client.notify("workspace/didChangeWorkspaceFolders", event).await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&one.path(name)).await, Vec::<Json>::new());
    }
    assert_eq!(client.hover(&one.path("shop.py"), 4, 5).await, Json::Null);
    assert_ne!(client.hover(&two.path("shop.py"), 4, 5).await, Json::Null);
    let event = json!({ "event": { "added": [folder(&one)], "removed": [] } });
    client.notify("workspace/didChangeWorkspaceFolders", event).await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&one.path(name)).await.len(), 1);
    }
    client.close().await;
}

#[tokio::test]
async fn the_code_links_to_the_finding_where_the_client_says_how() {
    let link = json!("command:ours.show?%5B%22{fingerprint}%22%5D");
    let rows = [
        (true, link.clone(), true),
        (false, link, false),
        (true, Json::Null, false),
        (true, json!("no URI"), false),
    ];
    for (can, link, expected) in rows {
        let project = Project::new();
        let mut setup = Setup::new(project.root(), Fake::new())
            .with("/textDocument/publishDiagnostics/codeDescriptionSupport", json!(can));
        setup.initialization_options = json!({ "findingLink": link });
        let mut client = Client::start(setup).await;
        client.diagnostics(&project.path("test_shop.py")).await;
        let found = client.diagnostics(&project.path("shop.py")).await;
        let href = json!({ "href": "command:ours.show?%5B%22f1%22%5D" });
        assert_eq!(found[0].get("codeDescription"), expected.then_some(&href), "{can} {link}");
        client.close().await;
    }
}
