use serde_json::json;

use super::*;

/// The changed settings as text, and the problems with their lines.
fn check_toml(text: &str, expected: impl FnOnce(&mut Config), problems: &[(u32, &str)]) {
    let (config, found) = Config::from_pyproject(text);
    let mut wanted = Config::default();
    expected(&mut wanted);
    assert_eq!(config, wanted, "{text}");
    check_problems(&found, &problems.iter().map(|&(line, part)| (Some(line), part)).collect::<Vec<_>>());
}

fn check_problems(found: &[ConfigProblem], expected: &[(Option<u32>, &str)]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (problem, (line, part)) in found.iter().zip(expected) {
        assert_eq!(problem.line, *line, "{problem:?}");
        assert!(problem.message.contains(part), "{part:?} in {problem:?}");
    }
}

#[test]
fn every_key_in_every_spelling() {
    check_toml(
        "\u{feff}[project]\r\nname = 'x'\r\n[tool.failscope]\r\nresultGlobs = ['reports/*.xml']\r\n\
         path-mappings = { '/app' = 'src', 'C:\\build' = '.' }\r\npython = '.venv/bin/python'\r\n\
         pytest_args = ['-m', 'not slow']\r\nai = 'auto'\r\nprovider = 'Ollama'\r\nmodel = 'llama3.2'\r\n\
         max-log-size = 5_000\r\noutput = 'out'\r\nseverity = 'info'\r\nverify = 'on-request'\r\n\
         history = 'postgres://db/x'\r\n[tool.failscope.surfaces]\r\nhover = false\r\ncode-lens = false\r\n",
        |config| {
            config.result_globs = vec!["reports/*.xml".to_owned()];
            config.path_mappings =
                vec![("/app".to_owned(), "src".to_owned()), ("C:\\build".to_owned(), ".".to_owned())];
            config.python = Some(".venv/bin/python".to_owned());
            config.pytest_args = vec!["-m".to_owned(), "not slow".to_owned()];
            config.ai = Ai::Auto;
            config.provider = Some("ollama".to_owned());
            config.model = Some("llama3.2".to_owned());
            config.max_log_size = 5000;
            config.output = "out".to_owned();
            config.severity = DiagnosticSeverity::Information;
            config.surfaces.hover = false;
            config.surfaces.code_lens = false;
            config.history = Some("postgres://db/x".to_owned());
        },
        &[],
    );
}

#[test]
fn what_cannot_be_used_is_reported_on_its_line_and_the_rest_is_used() {
    check_toml(
        "[tool.failscope]\nmax-log-siz = 1\nmaxLogSize = 'big'\nai = 'sometimes'\nresult_globs = [\n  'a/*.xml',\n  '[z',\n]\n\
         colour = true\nopenai_api_key = 'sk-12345678901234567890'\nmodel = 'm'\npytestArgs = '-x'\n\
         [tool.failscope.pathMappings]\n'/app' = 3\n'/b' = 'c'\n[tool.failscope.surfaces]\nhoover = false\nhover = 1\n",
        |config| {
            config.result_globs = vec!["a/*.xml".to_owned()];
            config.model = Some("m".to_owned());
            config.path_mappings = vec![("/b".to_owned(), "c".to_owned())];
        },
        &[
            (2, "did you mean `maxLogSize`?"),
            (3, "must be a number of characters above 0, not \"big\""),
            (4, "\"off\", \"onRequest\" or \"auto\", not \"sometimes\""),
            (7, "resultGlobs"),
            (9, "`colour` is not a setting of Failscope; it is left out"),
            (10, "environment (GROQ_API_KEY"),
            (12, "`pytestArgs` must be an array"),
            (14, "`pathMappings`: `/app` must be a string, not a number"),
            (17, "did you mean `hover`?"),
            (18, "`surfaces.hover` must be true or false, not a number"),
        ],
    );
    let (_, problems) = Config::from_pyproject("[tool.failscope]\napiKey = 'very secret value'\n");
    assert!(!problems.is_empty() && problems.iter().all(|p| !p.message.contains("very secret")));
}

#[test]
fn shapes_of_the_whole_file() {
    for (text, expected) in [
        ("", &[][..]),
        ("[tool.pytest.ini_options]\naddopts = '-q'\n", &[]),
        ("tool.failscope.severity = 'hint'\n", &[]),
        ("[tool]\nfailscope = { severity = 'hint' }\n", &[]),
        ("[tool]\nfailscope = 3\n", &[(2, "must be a table")]),
        ("tool = 1\n", &[]),
        ("[a]\nb = 1\n[tool.failscope\nx", &[(3, "not valid TOML")]),
        ("a = 1\na = 2\n", &[(2, "not valid TOML")]),
        ("[tool.failscope]\nai = 1979-05-27\n", &[(2, "not a date or time")]),
        ("[tool.failscope]\nmaxLogSize = 0\n", &[(2, "above 0, not 0")]),
        ("[tool.failscope]\nmaxLogSize = 1.5\n", &[(2, "not whole")]),
        ("[[tool.failscope]]\n", &[(1, "must be a table")]),
    ] {
        let (_, found) = Config::from_pyproject(text);
        let expected: Vec<_> = expected.iter().map(|&(line, part)| (Some(line), part)).collect();
        check_problems(&found, &expected);
    }
    for text in ["tool.failscope.severity = 'hint'\n", "[tool]\nfailscope = { severity = 'hint' }\n"] {
        assert_eq!(Config::from_pyproject(text).0.severity, DiagnosticSeverity::Hint, "{text}");
    }
}

#[test]
fn settings_of_an_editor_lie_over_the_project() {
    let (project, _) = Config::from_pyproject("[tool.failscope]\nai = 'off'\nmodel = 'm'\n");
    for (settings, change, problems) in [
        (json!(null), None, &[][..]),
        (json!({}), None, &[]),
        (json!({"failscope": null}), None, &[]),
        (json!({"failscope": []}), None, &[]),
        (json!({"ai": "onRequest", "model": null, "trace": {"server": "off"}}), Some(Ai::OnRequest), &[]),
        (json!({"failscope": {"ai": "auto", "model": "m"}, "other": 1}), Some(Ai::Auto), &[]),
        (json!({"ai": false}), Some(Ai::Off), &[]),
        (json!({"ai": 1}), None, &[(None, "not 1; it is left as it was")]),
        (json!([1]), None, &[(None, "must be an object, not an array")]),
        (
            json!({"groqApiKey": "x", "token": 1}),
            None,
            &[(None, "taken from the environment"), (None, "taken from the environment")],
        ),
        (json!({"maxLogSize": -1}), None, &[(None, "above 0, not -1")]),
    ] {
        let (config, found) = project.clone().overlaid(&settings);
        let expected = Config { ai: change.unwrap_or(Ai::Off), ..project.clone() };
        assert_eq!(config, expected, "{settings}");
        check_problems(&found, problems);
    }
    let (config, found) =
        Config::default().overlaid(&json!({"surfaces": ["hover", "inlayHints"], "history": false}));
    check_problems(&found, &[]);
    assert!(config.surfaces.hover && config.surfaces.inlay_hints && !config.surfaces.test_diagnostics);
    assert_eq!(config.history.as_deref(), Some("off"));
}

#[test]
fn redaction() {
    let digest = "ab".repeat(32);
    check_toml(
        &format!(
            "[tool.failscope.redaction]\nallow = [\n  '{digest}',\n  'hunter2',\n]\nexample-emails = true\nalow = []\n\
             [tool.failscope.redaction.kinds]\nemail = false\nbadge = false\npasword = false\njwt = 'no'\n\
             [tool.failscope.redaction.patterns]\nbadge = 'B-[0-9]{{4}}'\nopen = '('\nempty = 'x*'\nnumber = 3\n"
        ),
        |config| {
            config.redaction.allow.insert(digest.clone());
            config.redaction.example_emails = true;
            config.redaction.off.extend(["email".to_owned(), "badge".to_owned()]);
            config.redaction.patterns.push(("badge".to_owned(), "B-[0-9]{4}".to_owned()));
        },
        &[
            (4, "digests of values, not the values"),
            (7, "did you mean `allow`"),
            (11, "did you mean `password`"),
            (12, "`redaction.kinds.jwt` must be true or false, not a string"),
            (15, "`redaction.patterns.open` is no regular expression: unclosed group"),
            (16, "matches the empty text"),
            (17, "must be a regular expression, not a number"),
        ],
    );
    check_toml("[tool.failscope]\nredaction = 1\n", |_| (), &[(2, "`redaction` must be a table")]);
    let (config, problems) =
        Config::default().overlaid(&json!({"redaction": {"kinds": {"email": false}, "allow": 3}}));
    assert!(config.redaction.off.contains("email"));
    check_problems(&problems, &[(None, "`redaction.allow` must be an array")]);
}
