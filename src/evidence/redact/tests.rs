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
fn notations_of_other_languages() {
    check(&[
        ("char secret[25] = \"plumorchard\";", "char secret[25] = \"[REDACTED:secret]\";"),
        ("NSString *apiSecret = @\"plumorchard9\";", "NSString *apiSecret = @\"[REDACTED:secret]\";"),
        ("let password: String? = \"plum\"", "let password: String? = \"[REDACTED:password]\""),
        ("Dim strPassword As String = \"plum\"", "Dim strPassword As String = \"[REDACTED:password]\""),
        ("db.jdbc.password=orchard", "db.jdbc.password=[REDACTED:password]"),
        ("//npm.acme.io/:_authToken=orchard20", "//npm.acme.io/:_authToken=[REDACTED:token]"),
        ("ENV MYSQL_ROOT_PASSWORD PLUM-orchard_5", "ENV MYSQL_ROOT_PASSWORD [REDACTED:password]"),
        ("- name: DB_PASSWORD\n  value: plum_Orchard5", "- name: DB_PASSWORD\n  value: [REDACTED:password]"),
        (
            "variable \"db_password\" {\n  default = \"plum-orchard\"\n}",
            "variable \"db_password\" {\n  default = \"[REDACTED:password]\"\n}",
        ),
        (
            "<key>ApiPassword</key>\n<string>plum5x</string>",
            "<key>ApiPassword</key>\n<string>[REDACTED:password]</string>",
        ),
        (
            "<property name=\"password\"><value>plum5x</value></property>",
            "<property name=\"password\"><value>[REDACTED:password]</value></property>",
        ),
        ("vault_password: !vault plum5x!y", "vault_password: !vault [REDACTED:password]"),
        ("Your password is: plumorchard6", "Your password is: [REDACTED:password]"),
        ("psk=\"plumorchard\"", "psk=\"[REDACTED:password]\""),
        ("CREATE LOGIN b WITH PASSWORD = N'plum'", "CREATE LOGIN b WITH PASSWORD = N'[REDACTED:password]'"),
        (
            "Content-Disposition: form-data; name=\"password\"\r\n\r\nplum5!x\r\n--x",
            "Content-Disposition: form-data; name=\"password\"\r\n\r\n[REDACTED:password]\r\n--x",
        ),
        (
            "[\"password\"]=>\n  string(7) \"plum5!x\"",
            "[\"password\"]=>\n  string(7) \"[REDACTED:password]\"",
        ),
        (
            "\x1b[32mpassword\x1b[0m: \x1b[33mplum5!x\x1b[0m",
            "\x1b[32mpassword\x1b[0m: \x1b[33m[REDACTED:password]\x1b[0m",
        ),
        ("| password | plum5!xy |", "| password | [REDACTED:password] |"),
        (
            "<meta name=\"api-password\" content=\"plum5!x\">",
            "<meta name=\"api-password\" content=\"[REDACTED:password]\">",
        ),
        (
            "<setting name=\"Password\" type=\"s\"><value>plum5!x</value>",
            "<setting name=\"Password\" type=\"s\"><value>[REDACTED:password]</value>",
        ),
        (
            "<password encrypted=\"false\">plum5!x</password>",
            "<password encrypted=\"false\">[REDACTED:password]</password>",
        ),
    ]);
    same(&[
        "char secret[25] = \"\";",
        "| password | required |",
        "<label><input type=\"password\" name=\"x\">Password</label>",
        "<setting name=\"Password\" type=\"s\"><value></value>",
        "<password encrypted=\"false\"/>",
        "Content-Disposition: form-data; name=\"password\"\n\n",
        "let password: String? = nil",
        "Dim password As String = GetPassword()",
        "self.password=password",
        "args.token=token",
        "options.password=getpass",
        "ENV PASSWORD_FILE /run/secrets/pw",
        "- name: DB_PASSWORD\n  value: ${DB_PASSWORD}",
        "variable \"db_password\" {\n  default = \"\"\n}",
        "<key>PasswordPolicy</key>",
        "<property name=\"password\"><value>${db.password}</value>",
        "vault_password: !vault |",
        "Your password is: required",
        "https://user:password@host/path",
        "postgres://username:pass@host/db",
        "Authorization: Basic realm=\"x\"",
        "'Authorization': 'Bearer ' + token",
        "pkg @ git+https://github.com/o/r@8f3c1d2e4b5a69788796a5b4c3d2e1f001122334",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
    ]);
}

/// What pytest says an attribute or a call was.
#[test]
fn values_with_their_names_after_them() {
    check(&[
        (
            "E        +  where 'plumorchard' = Account().password",
            "E        +  where '[REDACTED:password]' = Account().password",
        ),
        (
            "E        +  where 'plumorchard' = get_password('bob')",
            "E        +  where '[REDACTED:password]' = get_password('bob')",
        ),
    ]);
    same(&[
        "E        +  where 'NAME' = Token('NAME').type",
        "E        +  where 3 = len(password)",
        "E        +  where None = <User>.password",
        "E        +  where 'bearer' = Auth().token_type",
    ]);
}

#[test]
fn left_alone() {
    same(&[
        "password = None",
        "password=self.password",
        "password = get_password()",
        "login(user, password=password)",
        "tests/test_it.py::TestPassOriginal::test_pass_original_many FAILED",
        "tests/test_auth.py::TestPassword::test_2_letters PASSED",
        "url = 'https://x/v1?client_secret=' + urllib.parse.quote(load(16), safe='') + '&page=2'",
        "signer(secret_key='secret-key')",
        "key        = 'tmpl_3c4ddf650c1a73df961a6d3d2ce2752f1b8fd490'",
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
        "('webkit3', '----WebKitFormBoundary7MA4YWxkTrZu0gWq', [])",
        "b'4929388133266295--\\r\\n'",
        "assert '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824' == digest",
    ]);
}

#[test]
fn structure() {
    check(&[
        ("postgresql+psycopg2://app:pw12345@db/x", "[REDACTED:connection_string]"),
        (
            "GET https://api/v1?db=postgresql%2Bpsycopg2%3A%2F%2Fapp%3ApW12345%40db%3A5432%2Fx&page=2",
            "GET https://api/v1?db=[REDACTED:connection_string]&page=2",
        ),
        ("next=https%3A%2F%2Fhost%2Fa%40b%3Ac", "next=https%3A%2F%2Fhost%2Fa%40b%3Ac"),
        ("https://user:pw12345@host/path", "https://user:[REDACTED:password]@host/path"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [REDACTED:bearer_token]"),
        ("mail jane.doe@acme.com now", "mail [REDACTED:email] now"),
        (
            "E  assert b'shpat_e9589...899249ce016af' == b''",
            "E  assert b'[REDACTED:api_key]...[REDACTED:api_key]' == b''",
        ),
        ("card 4111 1111 1111 1111.", "card [REDACTED:credit_card]."),
        ("iban DE89 3704 0044 0532 0130 00", "iban [REDACTED:iban]"),
    ]);
}

#[test]
fn by_place() {
    check(&[
        ("requests.get(u, auth=('bob', 'pLum7!x'))", "requests.get(u, auth=('bob', '[REDACTED:password]'))"),
        ("HTTPBasicAuth(\"bob\", \"pLum7!x\")", "HTTPBasicAuth(\"bob\", \"[REDACTED:password]\")"),
        (
            "log = \"x.login(\\\"bob\\\", \\\"pLum7\\\")\"",
            "log = \"x.login(\\\"bob\\\", \\\"[REDACTED:password]\\\")\"",
        ),
        ("curl -s -u bob:pLum7x https://a/b", "curl -s -u bob:[REDACTED:password] https://a/b"),
        (
            "['curl', '--user', 'bob:pLum7x', 'https://a']",
            "['curl', '--user', 'bob:[REDACTED:password]', 'https://a']",
        ),
        ("sshpass -p 'pLum 7x' ssh bob@h", "sshpass -p '[REDACTED:password]' ssh bob@h"),
        ("mysqldump -u root -ppLum7x shop", "mysqldump -u root -p[REDACTED:password] shop"),
        ("redis-cli -h cache -a pLum7x ping", "redis-cli -h cache -a [REDACTED:password] ping"),
        ("net user bob pLum7x /add", "net user bob [REDACTED:password] /add"),
        ("machine h login bob password pLum7!xq", "machine h login bob password [REDACTED:password]"),
        ("db.local:5432:shop:bob:pLum7x", "db.local:5432:shop:bob:[REDACTED:password]"),
        ("jdbc:oracle:thin:bob/pLum7x@//db:1521/s", "jdbc:oracle:thin:bob/[REDACTED:password]@//db:1521/s"),
        (
            "mnemonic = 'ripple cactus velvet tunnel orbit margin fossil napkin giant lunar pepper sketch'",
            "mnemonic = '[REDACTED:secret]'",
        ),
        (
            "Authorization: Digest username=\"bob\", response=\"0123456789abcdef\" end",
            "Authorization: Digest [REDACTED:authorization] end",
        ),
        ("Uid=bob;Pwd=pLum7#x!;Encrypt=yes", "Uid=bob;Pwd=[REDACTED:password];Encrypt=yes"),
        ("Server=db;UID=sa;PWD=plumorchard14", "Server=db;UID=sa;PWD=[REDACTED:password]"),
        (
            "machine git.acme.io\n  login bob\n  password plumorchard38",
            "machine git.acme.io\n  login bob\n  password [REDACTED:password]",
        ),
        (
            "echo pLum7x | docker login -u b --password-stdin",
            "echo [REDACTED:password] | docker login -u b --password-stdin",
        ),
        (
            "psexec.exe \\\\h -u \"D\\b\" -p \"pLum7x\"",
            "psexec.exe \\\\h -u \"D\\b\" -p \"[REDACTED:password]\"",
        ),
        ("sqlplus system/pLum7x@orcl", "sqlplus system/[REDACTED:password]@orcl"),
        ("lftp -u bob,pLum7x ftp.acme.io", "lftp -u bob,[REDACTED:password] ftp.acme.io"),
        ("snmp-server community pLum_7x RO", "snmp-server community [REDACTED:password] RO"),
        ("enable secret 0 plumorchard05", "enable secret 0 [REDACTED:password]"),
        ("wpa_passphrase HomeNet pLum7x", "wpa_passphrase HomeNet [REDACTED:password]"),
        ("requirepass pLum7x", "requirepass [REDACTED:password]"),
        ("keytool -list -storepass pLum-7x", "keytool -list -storepass [REDACTED:password]"),
        (
            "mysqli_connect(\"h\", \"root\", \"pLum7x\")",
            "mysqli_connect(\"h\", \"root\", \"[REDACTED:password]\")",
        ),
        ("getConnection(url, \"root\", \"pLum7x\")", "getConnection(url, \"root\", \"[REDACTED:password]\")"),
        (
            "new NetworkCredential(\"bob\", \"plumorchard\")",
            "new NetworkCredential(\"bob\", \"[REDACTED:password]\")",
        ),
    ]);
    same(&[
        "curl -u 'bob' https://a/b?x=y:z",
        "docker login -p 8080:80 registry",
        "ssh -p 2222 host; psexec -p 445",
        "mysql -u root -p shop",
        "assert client.login(user, password)",
        "mock.login('bob', None)",
        "auth=('bob', password)",
        "src/app.py:5432:12: E501 line too long (101 > 99)",
        "the seed phrase is not set; use twelve words for a wallet",
        "PWD=/home/dev/project",
        "a machine login page password reset",
        "echo done | docker login -u bob --password-stdin",
        "sqlplus /nolog",
        "lftp -u bob,",
        "snmp-server community of users",
        "enable secret management in 3 steps",
        "enable password policy",
        "requirepass is not set",
        "wpa_passphrase is a tool",
        "getConnection(url, \"sa\", \"\")",
        "mysqli_connect($host, $user, $pass)",
        "new PasswordAuthentication(user, password)",
        "keytool -list -storepass",
        "the password you typed is wrong",
        "password is too short: 8 characters",
        "pass 3 of 12: test_a1.py",
    ]);
}

/// A value that pytest cut in the middle is masked where only its pieces stand, by the number of the whole.
#[test]
fn pieces_of_a_cut_value_are_known() {
    let redacted = Redactor::default().text(
        ">       assert session_token == b''\nE       assert b'nptq9ll35m6...can8k04jask4e' == b''\n\n\
         FAILED test_it.py::test_18 - assert b'nptq9ll35m6...can8k04jask4e' == b''\n",
    );
    let pieces = "b'[REDACTED:token]...[REDACTED:token]'";
    assert_eq!(redacted.as_str().matches(pieces).count(), 2, "{redacted}");
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

/// The classes that examples are drawn from.
const CHARACTERS: u16 = bytes::ALNUM | bytes::BASE32_DIGIT | bytes::HEX_LOWER | bytes::HEX_UPPER;

/// Draws tokens of a format's shape: a linear congruential generator suffices.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn token(&mut self, format: &vendor::Format) -> String {
        let mut text = String::new();
        for part in &format.parts {
            match *part {
                vendor::Part::Literal(literal) => text.push_str(literal),
                vendor::Part::Class(mask, min, max) => {
                    let letters: Vec<char> =
                        (b'0'..=b'z').filter(|b| bytes::is(*b, mask & CHARACTERS)).map(char::from).collect();
                    let count = if max - min > 20 { min + 6 } else { min + self.below(max - min + 1) };
                    text.extend((0..count).map(|_| letters[self.below(letters.len())]));
                }
            }
        }
        text
    }
}

#[test]
fn every_format_is_found_in_its_context() {
    let mut draw = Draw(7);
    let mut missed = Vec::new();
    for format in vendor::FORMATS.iter() {
        for _ in 0..3 {
            let token = draw.token(format);
            let context = format.context.first().copied().unwrap_or("value");
            let redacted = Redactor::default().text(&format!("{context} {token} end"));
            // Of `AccountKey=…` the name stays.
            let literal = format.anchor_literal();
            let named = format.parts.len() == 2 && literal.ends_with(['=', ':']) && !literal.contains('/');
            let secret = if named { &token[literal.len()..] } else { &token[..] };
            let survives = secret
                .as_bytes()
                .windows(12.min(secret.len()))
                .any(|p| memchr::memmem::find(redacted.as_str().as_bytes(), p).is_some());
            if survives {
                missed.push((token, redacted));
            }
        }
    }
    let rows = vendor::FORMATS.len() * 3;
    assert!(missed.len() * 50 <= rows, "{} of {rows} missed: {missed:#?}", missed.len());
}

/// Lines full of secrets that are longer than their placeholders, some of which only come to light when others are gone.
#[test]
fn repeated_tokens_stay_text() {
    let mut draw = Draw(3);
    for format in vendor::FORMATS.iter() {
        let token = draw.token(format);
        let context = format.context.first().copied().unwrap_or_default();
        for (text, times) in
            [(format!("{context} {token} "), 60), (token.clone(), 60), (format!("{token}\n"), 9)]
        {
            let text = text.repeat(times);
            let redacted = Redactor::default().text(&text);
            assert_eq!(redacted.as_str().matches('\n').count(), text.matches('\n').count(), "{token}");
        }
    }
    let text = "pk-lf-".repeat(33_333);
    assert!(Redactor::default().text(&text).as_str().len() <= text.len());
}

#[test]
fn a_prefix_alone_is_no_token() {
    for format in vendor::FORMATS.iter().filter(|f| f.anchor == 0 && f.anchor_literal().len() < 16) {
        let text = format!("the prefix {} alone", format.anchor_literal());
        assert_eq!(Redactor::default().text(&text).as_str(), text);
    }
}

#[test]
fn distinct_secrets_are_told_apart() {
    let redacted = Redactor::default().text("password = 'hunter2x'\npassword = 'hunter3y'\nagain hunter2x");
    assert_eq!(
        redacted.as_str(),
        "password = '[REDACTED:password]'\npassword = '[REDACTED:password#2]'\nagain [REDACTED:password]"
    );
}

#[test]
fn nothing_is_off_for_a_provider() {
    let settings = RedactionSettings { off: ["email".to_owned()].into(), ..Default::default() };
    let redactor = Redactor::with_settings(&BTreeMap::new(), settings).unwrap();
    let here = redactor.text("jane.doe@acme.com, password = 'hunter2x'");
    assert_eq!(here.as_str(), "jane.doe@acme.com, password = '[REDACTED:password]'");
    let sent = redactor.for_provider().text(here.as_str());
    assert_eq!(sent.as_str(), "[REDACTED:email], password = '[REDACTED:password]'");
}

#[test]
fn a_run_does_not_know_of_another() {
    let redactor = Redactor::default();
    let first = redactor.for_run().text("password = 'hunter2x'");
    let second = redactor.for_run().text("password = 'hunter3y'");
    assert_eq!(first, second);
    assert_eq!(redactor.counts().get("password"), Some(&2));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(192))]

    #[test]
    fn any_text_stays_text(parts in proptest::collection::vec(part(), 0..24)) {
        let text = parts.concat();
        let redacted = Redactor::default().text(&text);
        proptest::prop_assert_eq!(redacted.as_str().matches('\n').count(), text.matches('\n').count());
        let again = Redactor::default().text(redacted.as_str());
        proptest::prop_assert_eq!(again, redacted);
    }

    #[test]
    fn json_stays_json(parts in proptest::collection::vec(part(), 0..12), key in "[a-z_]{1,12}|password|api_key") {
        let text = serde_json::json!({key: parts.concat(), "token": 1234, "password": 12_345_678}).to_string();
        let redacted = Redactor::default().text(&text);
        proptest::prop_assert!(serde_json::from_str::<serde_json::Value>(redacted.as_str()).is_ok(), "{}", redacted);
    }
}

/// Pieces of which hostile and ordinary text is made.
fn part() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::strategy::Strategy as _;
    proptest::prop_oneof![
        "\\PC{0,12}",
        "[A-Za-z0-9+/_=-]{0,48}",
        proptest::sample::select(vec![
            "password",
            "token",
            " = ",
            ": ",
            "'",
            "\"",
            "\\",
            "\\\"",
            "\n",
            "E   ",
            "> assert token == ",
            "E  assert '",
            "://",
            "@",
            "ghp_",
            "eyJhbGciOi",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----END RSA PRIVATE KEY-----",
            "[REDACTED:",
            "[REDACTED:api_key]",
            "]",
            "...",
            "\u{e9}",
            "Authorization: Bearer ",
            "Cookie: a=",
            "4111 1111 ",
            "AKIA",
            "datadog ",
            "key",
            "None",
            "&",
            "%3D",
            "\\n",
            "\\u00e9",
            "https://a:",
        ])
        .prop_map(str::to_owned),
    ]
}
