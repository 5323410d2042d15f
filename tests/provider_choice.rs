//! Which provider is asked: by what the user names, and by what the environment holds.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use failscope::diagnose::providers::{Settings, choose::choose_with};
use failscope::system::System;

const KEY: &str = "gsk-secret-of-the-tests-0451";

/// Provider and model that are named, the environment, the key ring, and what comes of it.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a str);

/// The environment, whether the provider runs here, and whether one prompt has to do.
type Whereabouts<'a> = (&'a [(&'a str, &'a str)], bool, bool);

fn system(environment: &[(&str, &str)], folder: &Path) -> System {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    System::fixed(std::time::UNIX_EPOCH, environment, folder.to_owned())
}

/// `provider model address (why)`, or the reason that there is none.
fn chosen(settings: &Settings, system: &System, ring: &[(&str, &str)]) -> String {
    let ring = |name: &str| ring.iter().find(|(n, _)| *n == name).map(|(_, key)| (*key).to_owned());
    let result = choose_with(settings, system, &ring);
    assert!(!format!("{result:?}").contains(KEY));
    match result {
        Ok(choice) => {
            let provider = &choice.provider;
            let mut text =
                format!("{} {} {} ({})", provider.name(), provider.model(), choice.address, choice.why);
            for note in &choice.notes {
                assert!(!note.contains(KEY));
                text = format!("{text} [{note}]");
            }
            assert!(!text.contains(KEY));
            text
        }
        Err(none) => none.reason,
    }
}

#[test]
fn the_environment_decides_in_the_documented_order() {
    let all = [
        ("OLLAMA_HOST", ":11435"),
        ("GROQ_API_KEY", KEY),
        ("OPENAI_API_KEY", KEY),
        ("ANTHROPIC_API_KEY", KEY),
    ];
    let expected = [
        "ollama llama3.2 http://127.0.0.1:11435 (OLLAMA_HOST is set)",
        "groq llama-3.3-70b-versatile https://api.groq.com (GROQ_API_KEY is set)",
        "openai gpt-4o https://api.openai.com (OPENAI_API_KEY is set)",
        "anthropic claude-haiku-4-5-20251001 https://api.anthropic.com (ANTHROPIC_API_KEY is set)",
    ];
    let folder = tempfile::tempdir().unwrap();
    for (from, expected) in expected.iter().enumerate() {
        assert_eq!(chosen(&Settings::default(), &system(&all[from..], folder.path()), &[]), *expected);
    }
    let none = chosen(&Settings::default(), &system(&[], folder.path()), &[]);
    assert!(none.starts_with("there is no key; set GROQ_API_KEY"), "{none}");
}

#[test]
fn what_is_named_comes_before_what_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), format!("\n  {KEY}\r\nsecond line\n")).unwrap();
    std::fs::write(folder.path().join("empty"), "\n\n").unwrap();
    let (groq, openai, anthropic) =
        (("GROQ_API_KEY", KEY), ("OPENAI_API_KEY", KEY), ("ANTHROPIC_API_KEY", KEY));
    let spaced = format!(" {KEY}\n");
    let rows: &[Row<'_>] = &[
        (
            "anthropic",
            "",
            &[groq, openai, anthropic],
            &[],
            "anthropic claude-haiku-4-5-20251001 https://api.anthropic.com (it was chosen)",
        ),
        (
            "OpenAI ",
            "gpt-4o-mini",
            &[groq, openai],
            &[],
            "openai gpt-4o-mini https://api.openai.com (it was chosen)",
        ),
        (
            "",
            "llama-3.1-8b-instant",
            &[groq],
            &[],
            "groq llama-3.1-8b-instant https://api.groq.com (GROQ_API_KEY is set)",
        ),
        ("ollama", "", &[groq], &[], "ollama llama3.2 http://localhost:11434 (it was chosen)"),
        (
            "ollama",
            "",
            &[("OLLAMA_MODEL", "mistral:7b"), ("OLLAMA_HOST", "http://box")],
            &[],
            "ollama mistral:7b http://box (it was chosen)",
        ),
        (
            "ollama",
            "qwen3:4b",
            &[("OLLAMA_MODEL", "mistral:7b")],
            &[],
            "ollama qwen3:4b http://localhost:11434 (it was chosen)",
        ),
        (
            "",
            "",
            &[("GROQ_API_KEY", &spaced)],
            &[],
            "groq llama-3.3-70b-versatile https://api.groq.com (GROQ_API_KEY is set)",
        ),
        (
            "",
            "",
            &[("GROQ_API_KEY", "  "), openai],
            &[],
            "openai gpt-4o https://api.openai.com (OPENAI_API_KEY is set)",
        ),
        (
            "",
            "",
            &[("GROQ_API_KEY", "two words"), openai],
            &[],
            "GROQ_API_KEY is no key: it is empty, or holds spaces, line breaks or other characters that no key has",
        ),
        (
            "",
            "",
            &[("OPENAI_BASE_URL", "http://127.0.0.1:8080")],
            &[],
            "openai gpt-4o http://127.0.0.1:8080 (OPENAI_BASE_URL is set; no model is chosen: the only one that the server offers is asked, else gpt-4o)",
        ),
        (
            "",
            "",
            &[openai, ("OPENAI_BASE_URL", "http://u:p@box:8080/v1")],
            &[],
            "openai gpt-4o http://box:8080 (OPENAI_API_KEY is set; no model is chosen: the only one that the server offers is asked, else gpt-4o) [the key goes to http://box:8080 without encryption; give OPENAI_BASE_URL an https address]",
        ),
        (
            "",
            "qwen3",
            &[openai, ("OPENAI_BASE_URL", "https://box:8080/v1")],
            &[],
            "openai qwen3 https://box:8080 (OPENAI_API_KEY is set)",
        ),
        (
            "",
            "",
            &[openai, ("OPENAI_BASE_URL", "https://eu.api.openai.com/v1")],
            &[],
            "openai gpt-4o https://eu.api.openai.com (OPENAI_API_KEY is set)",
        ),
        (
            "",
            "",
            &[openai, ("OPENAI_BASE_URL", "box:8080")],
            &[],
            "OPENAI_BASE_URL: it must be an address such as https://host/v1, and begin with http:// or https://",
        ),
        (
            "",
            "",
            &[("OPENAI_API_KEY_FILE", "key")],
            &[],
            "openai gpt-4o https://api.openai.com (OPENAI_API_KEY_FILE is set)",
        ),
        (
            "groq",
            "",
            &[("GROQ_API_KEY_FILE", "key")],
            &[],
            "groq llama-3.3-70b-versatile https://api.groq.com (it was chosen)",
        ),
        (
            "",
            "",
            &[("GROQ_API_KEY_FILE", "empty")],
            &[],
            "GROQ_API_KEY_FILE: the first line of empty is no key: it is empty, or holds spaces, line breaks or other characters that no key has",
        ),
        (
            "",
            "",
            &[("GROQ_API_KEY_FILE", ".")],
            &[],
            "GROQ_API_KEY_FILE: . cannot be read: it is no regular file",
        ),
        (
            "groq",
            "",
            &[openai],
            &[],
            "groq was chosen and has no key; set GROQ_API_KEY, or GROQ_API_KEY_FILE to the path of a file that holds it",
        ),
        (
            "groq",
            "",
            &[openai],
            &[("groq", KEY)],
            "groq llama-3.3-70b-versatile https://api.groq.com (it was chosen)",
        ),
        (
            "",
            "",
            &[],
            &[("anthropic", KEY)],
            "anthropic claude-haiku-4-5-20251001 https://api.anthropic.com (its key is in the key ring (failscope/anthropic))",
        ),
        ("", "", &[openai], &[("groq", KEY)], "openai gpt-4o https://api.openai.com (OPENAI_API_KEY is set)"),
        (
            "",
            "",
            &[],
            &[("groq", "no\nkey")],
            "the key ring's entry failscope/groq is no key: it is empty, or holds spaces, line breaks or other characters that no key has",
        ),
        ("gemini", "", &[groq], &[], "the provider must be groq, openai, anthropic or ollama"),
        ("groq", "a model", &[groq], &[], "the name of the model holds spaces or is too long"),
    ];
    for (provider, model, environment, ring, expected) in rows {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let settings = Settings { provider: named(provider), model: named(model), ..Settings::default() };
        let system = system(environment, folder.path());
        let text = chosen(&settings, &system, ring);
        let text = text.replace(" [key can be read by other users; `chmod 600` it]", "");
        assert_eq!(text, *expected, "{provider} {model} {environment:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_remarked_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let environment = [("GROQ_API_KEY_FILE", "key")];
    for (mode, remark) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let text = chosen(&Settings::default(), &system(&environment, folder.path()), &[]);
        assert_eq!(text.contains("can be read by other users"), remark, "{mode:o}: {text}");
    }
}

#[test]
fn what_runs_here_is_told_from_what_runs_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let rows: &[Whereabouts<'_>] = &[
        (&[("OLLAMA_HOST", "0.0.0.0")], true, true),
        (&[("OLLAMA_HOST", "https://models.example.com")], false, true),
        (&[("OPENAI_BASE_URL", "http://localhost:1234/v1")], true, false),
        (&[("OPENAI_API_KEY", KEY)], false, false),
    ];
    for (environment, local, single) in rows {
        let choice =
            choose_with(&Settings::default(), &system(environment, folder.path()), &|_| None).unwrap();
        assert_eq!(
            (choice.provider.is_local(), choice.provider.single_pass()),
            (*local, *single),
            "{environment:?}"
        );
        // A model on this machine works on one thing at a time.
        assert_eq!(choice.provider.slots() == 1, *local || *single, "{environment:?}");
    }
}

#[test]
fn an_absent_key_ring_holds_nothing_and_is_not_waited_for() {
    // Without a session bus nothing is looked for; with one that is not there, nothing is found.
    let folder = tempfile::tempdir().unwrap();
    for environment in [&[][..], &[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all")][..]] {
        let none =
            failscope::diagnose::providers::choose(&Settings::default(), &system(environment, folder.path()));
        assert!(none.unwrap_err().reason.starts_with("there is no key"));
    }
}
