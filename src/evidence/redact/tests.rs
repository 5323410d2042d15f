#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// `(text, what it becomes)`; a row with equal sides must be left alone.
fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let redacted = Redactor::default().text(text);
        assert_eq!(redacted.as_str(), *expected, "for {text:?}");
        let again = Redactor::default().text(redacted.as_str());
        assert_eq!(again, redacted, "not idempotent for {text:?}");
    }
}

fn same(rows: &[&str]) {
    for text in rows {
        assert_eq!(Redactor::default().text(text).as_str(), *text);
    }
}

#[test]
fn assignments() {
    check(&[
        ("password = 'hunter2'", "password = '[REDACTED:password]'"),
        ("DB_PASSWORD=s3cr3t-Value", "DB_PASSWORD=[REDACTED:password]"),
        ("{\"password\": \"p4ssw0rd!\"}", "{\"password\": \"[REDACTED:password]\"}"),
        ("{\"password\": 12345678}", "{\"password\": \"[REDACTED:password]\"}"),
        ("password: hunter22", "password: [REDACTED:password]"),
        (
            "x = \"{\\\"password\\\": \\\"p4ssw0rd!\\\"}\"",
            "x = \"{\\\"password\\\": \\\"[REDACTED:password]\\\"}\"",
        ),
        ("MY_APP_TOKEN := 'k3jh5k2j3h5k2j3h'", "MY_APP_TOKEN := '[REDACTED:token]'"),
        ("--password=hunter2x", "--password=[REDACTED:password]"),
        ("CREATE USER a IDENTIFIED BY 'hunter2'", "CREATE USER a IDENTIFIED BY '[REDACTED:password]'"),
        ("<password>hunter2x</password>", "<password>[REDACTED:password]</password>"),
    ]);
}

#[test]
fn left_alone() {
    same(&[
        "password = None",
        "password=self.password",
        "password = get_password()",
        "login(user, password=password)",
        "ParseError: unexpected token 'NAME' at line 3",
        "token: str",
        "max_tokens = 4096",
        "commit 8f3c1d2e4b5a69788796a5b4c3d2e1f001122334",
        "version 1.2.3+g8f3c1d2",
        "id = 123e4567-e89b-12d3-a456-426614174000",
        "http://127.0.0.1:8080/x",
        "git@github.com:owner/repository.git",
        "someone@example.com",
        "===== 3 failed, 2 passed in 0.12s =====",
        "assert '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824' == digest",
    ]);
}

#[test]
fn structure() {
    check(&[
        ("postgresql+psycopg2://app:pw12345@db/x", "[REDACTED:connection_string]"),
        ("https://user:pw12345@host/path", "https://user:[REDACTED:password]@host/path"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [REDACTED:bearer_token]"),
        ("mail jane.doe@acme.com now", "mail [REDACTED:email] now"),
        ("card 4111 1111 1111 1111.", "card [REDACTED:credit_card]."),
        ("iban DE89 3704 0044 0532 0130 00", "iban [REDACTED:iban]"),
    ]);
}

#[test]
fn slice_never_cuts_a_placeholder() {
    let redacted = Redactor::default().text("a password = 'hunter2' b");
    let cut = redacted.slice(|t| &t[..20]);
    assert_eq!(cut.as_str(), "a password = '");
    let cut = redacted.slice(|t| &t[20..]);
    assert_eq!(cut.as_str(), "' b");
    assert!(serde_json::to_string(&cut).unwrap().contains("' b"));
}

#[test]
fn known_values_are_masked_everywhere() {
    let environment = BTreeMap::from([("MY_SECRET".to_owned(), "correct-horse-battery".to_owned())]);
    let redactor = Redactor::new(&environment);
    assert_eq!(redactor.text("got correct-horse-battery").as_str(), "got [REDACTED:secret]");
    assert_eq!(redactor.text("got 'correct-horse...").as_str(), "got '[REDACTED:secret]...");
    assert_eq!(redactor.counts().get("secret"), Some(&2));
}

#[test]
fn the_table_is_well_formed() {
    let rows = include_str!("vendors.tsv").lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
    let bad: Vec<_> = include_str!("vendors.tsv")
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#') && vendor::parse(l).is_none())
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(vendor::FORMATS.len(), rows);
}
