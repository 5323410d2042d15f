//! Notations: what is secret in them stands between `«` and `»`, and nothing else is changed.

use super::Redactor;

fn check(rows: &[&str]) {
    for marked in rows {
        let text = marked.replace(['«', '»'], "");
        let redacted = Redactor::default().text(&text);
        let secrets: Vec<_> = marked.split('«').skip(1).filter_map(|part| part.split('»').next()).collect();
        for secret in &secrets {
            assert!(!redacted.as_str().contains(secret), "{secret} is left in {redacted}");
        }
        // What stands around the secrets is left.
        let outside = marked.split('«').enumerate().map(|(i, part)| match part.split_once('»') {
            Some((_, rest)) if i > 0 => rest,
            _ => part,
        });
        let mut from = 0;
        for part in outside {
            let at = redacted.as_str()[from..].find(part);
            assert!(at.is_some(), "{part:?} is gone from {redacted}");
            from += at.unwrap_or_default() + part.len();
        }
        assert_eq!(Redactor::default().text(redacted.as_str()), redacted, "not idempotent for {text:?}");
    }
}

fn same(rows: &[&str]) {
    for text in rows {
        assert_eq!(Redactor::default().text(text).as_str(), *text);
    }
}

#[test]
fn compared_from_either_side() {
    check(&[
        "if (\"«falcon77canyon»\" == password) {",
        "if ('«falcon77canyon»' !== dbPassword) {",
        "\"«falcon77canyon»\".equals(password)",
        "strcmp(\"«falcon77canyon»\", password)",
        "strcmp(password, \"«falcon77canyon»\")",
        "assert_eq!(auth_key, \"«falc0n_cany0n»\")",
        "if auth_token != \"«falcon-canyon-38»\":",
    ]);
    same(&[
        "if \"falcon77canyon\" == name:",
        "if ('' == password) {",
        "if \"%s\" == password:",
        "assertEqual(\"hello world\", password)",
        "assertEqual(\"password\", name)",
        "print(\"falcon77canyon\", password)",
    ]);
}

#[test]
fn defaults_of_what_is_looked_up() {
    check(&[
        "password = os.environ.get(\"X\", \"«falcon77canyon»\")",
        "db_password = os.getenv('X') or '«falconcanyon»'",
        "passwd = ENV[\"X\"] || \"«falcon77canyon»\"",
        "secret = ENV.fetch('X', '«falcon77canyon»')",
        "passphrase = process.env.X ?? \"«falcon77canyon»\"",
        "password = config('X', default='«falconcanyon»')",
        "let password = env::var(\"X\").unwrap_or(\"«falcon77canyon»\".into());",
        "pwd ?? \"«falcon77canyon»\"",
    ]);
    same(&[
        "password = os.environ.get(\"DB_PASSWORD\")",
        "password = os.environ.get(\"X\", None)",
        "password = os.environ[\"X\"]",
        "password = process.env.X || defaultPassword",
        "password = config('X', cast=str)",
    ]);
}

#[test]
fn wrapped_cast_and_set() {
    check(&[
        "password = new String(\"«falcon@~canyon7»\");",
        "db_pass = (String) \"«falcon6114»\";",
        "let wifi_password = String(\"«falconcanyon»\")",
        "data.append(\"refresh_token\", \"«falcon-canyon-96»\")",
        "data.append(\\\"refresh_token\\\", \\\"«falcon-canyon-96»\\\")",
        "withEnv([\"dbPassword=«dVZIRE4E5»\"])",
        "puts \"rootPass: «pR0CHmwFo»\"",
        "passwords[user] = \"«falcon7830»\"",
        "ConvertTo-SecureString -String '«fal$Canyon489»' -AsPlainText -Force",
        "ansible_ssh_pass=«falconcanyon03» ansible_user=bob",
        "--token «Z7GAdd7WMv0H»",
        "<auth_key>«Fa$$10!»</auth_key>",
        "password: «falconcanyon»\n",
        "passwd=«falconcanyon»\n",
        "password: «739105284»\n",
        "root_pass: \"«wren»\"",
        "Authorization: «hAqbvtNwIAJxwmNQVwTPLhOOCfgooZOk»",
        "login('bob', '«falconcanyon59»')",
        "exec sp_addlogin 'bob', '«falconcanyon82»'",
        "connect scott/«Falcon4758!»@orcl",
        "username admin password 7 «B6B170091CBAD402»",
        "$config['encryption_key'] = '«2jG8q)0Aa<tCje»';",
        ":token => \"«aB5HG(VFz)_3JHj»\"",
    ]);
    same(&[
        "token = get(\"name\")",
        "password = hash(\"plain\")",
        "password = getpass(\"Password: \")",
        "password: incorrect\n",
        "password: string\n",
        "    password=secret\n",
        "passwords[user] == other",
        "data.append(\"refresh_token\", token)",
        "parser.add_argument(\"--password\", \"-p\")",
        "auth_token = \"test_auth_token_1\"",
        "api_key='fake-api-key-123'",
        "api_key = \"YOUR_API_KEY_HERE\"",
        "--token TEXT  the token to use",
        "login('bob', 'home')",
        "connect to host/path@version",
        "Authorization: required",
        "    password: SecretStr\n",
        "user: bob, password required",
        "the password is sha256sum encoded",
    ]);
}

#[test]
fn other_languages_and_prose() {
    check(&[
        "contraseña: «falcon_41Canyon»",
        "mot de passe : «FALCON-canyon_03»",
        "senha = '«fal$Canyon999»'",
        "пароль: «fal$Canyon843»",
        "密码：«FALCON-canyon_80»",
        "비밀번호: «f4lc0n#58can»",
        "パスワード: «f4lc0n#58can»",
        "The password is «falconcanyon90»",
        "user: bob, password «falconcanyon94»",
        "id/pw : bob / «f4lc0n#33can»",
        "2FA backup code: «4135-8103»",
    ]);
}

#[test]
fn declarations_and_columns() {
    check(&[
        "\"Parameters\": {\"MasterUserPassword\": {\"Type\": \"String\", \"Default\": \"«falconcanyon12»\"}}",
        "Parameters:\n  DbPassword:\n    Type: String\n    Default: «falconcanyon12»\n",
        "\"password\":{\"value\":\"«Falcon8175!»\"}",
        "<Parameter name=\"dbPassword\" default=\"«falconcanyon40»\"/>",
        "\"key\": \"api_token\", \"type\": \"text\", \"value\": \"«q8Zt5Lm2Xw9Kd4Rb»\"",
        "| host | user | password |\n|---|---|---|\n| db1 | root | «Falcon1278!» |\n| db2 | root | «Canyon8721!» |",
        "id,user,password,age\n1,bob,«falcon7Canyon»,33\n2,eve,«canyon7Falcon»,44\n",
    ]);
    same(&[
        "| name | password |\n|---|---|\n| required | yes |",
        "def login(user, password,\n          token9, value9):",
        "        payload, secret, x\n        first, algorithm=\"HS256\", y9\n",
        "\"password\": {\"type\": \"string\", \"minLength\": 8}",
        "password:\n    description: what to log in with\n",
    ]);
}

#[test]
fn services_and_files() {
    check(&[
        "snyk «f32e107b-4524-5e19-49ac-8d7e0c3dddf5»",
        "hubspot key «7602cc49-b0fa-8503-d613-c0ecee34f2cd»",
        "vault write auth/approle/login role_id=320abb69-dbeb-195a-6dd6-3160970caf5d secret_id=«1afefa67-7d30-896e-04a8-4a9d6ef10b84»",
        "BUNDLE_ENTERPRISE__CONTRIBSYS__COM=«0cf6fa79:c63563bc»",
        "[surveybot]\nkey = «8c967310-3a56-bb96-a212-307c714efd70»",
        "«PuTTY-User-Key-File-2: ssh-rsa»\n«Encryption: none»\n«Private-Lines: 1»\n«nAv9okSRs5x7LxxIOty/Cva7rv2YOf3T0hWlQMCxM+KhL5k2/NW5jeKWLfggFP6NH1a7QbIdi8PJ»\n«Private-MAC: e108f3504d147a17c873f9e341c5d95a4ad7c7db»\ndone",
    ]);
    same(&[
        "snyk reports 7 issues",
        "snyk id f32e107b-4524-5e19-49ac-8d7e0c3dddf5",
        "\"integrity\": \"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\"",
    ]);
}

/// What `repr` leaves of a value whose name, or the service that issued it, stands before the ellipsis.
#[test]
fn beheaded_values() {
    check(&[
        "E   AssertionError: assert b'mailgun key...«1118761b67c92»' == b''",
        "E   AssertionError: assert b'dopplerToke...«68a65794f5c9»`' == b''",
        "E   AssertionError: assert b'credential:...«zlManeBsHysIZ»' == b''",
    ]);
    same(&[
        "E   AssertionError: assert b'the quick b...lazy dogs 123' == b''",
        "E   AssertionError: assert 'commit 3f2a...f4a5b6c7d8e9f' == ''",
        "E   AssertionError: assert 'a list of it...test_something_2' == ''",
    ]);
}

#[test]
fn given_to_calls_users_and_flags() {
    check(&[
        "paramiko.connect('h', 22, 'root', '«VSHa8WHenp»')",
        "Credentials for staging: admin / «CanyonFalcon55»",
        "jwt.sign({ id: 7 }, \"«Falcon04$can»\")",
        "jwt.decode(t, \"«falcon_canyon593»\", algorithms=[\"HS256\"])",
        "AES.new(b\"«bWULqOctZvtIFNHU»\", AES.MODE_CBC, iv)",
        "new Sequelize('db', 'bob', '«FalconCanyon58»', {dialect: 'mysql'})",
        "cx_Oracle.connect('bob', '«M3jQbF-%a7Kijr»', 'h/x')",
        "twine upload -u bob -p «FalconCanyon33» dist/*",
        "MAIL_PASSWORD=«hgvg wplf uyar xgcf»\n",
        "temp pw=«ecrRg8YFKi» (change it)",
        "I set the password to «falcon_canyon537»",
    ]);
    same(&[
        "roles = ['admin', 'user1', 'guest2']",
        "tree('root', 'child_1')",
        "jwt.encode(payload, key, algorithm=\"HS256\")",
        "jwt.decode(token, options={\"verify\": False})",
        "AES.new(key, AES.MODE_GCM)",
        "docker run -u 1000 -p 8080:80 image",
        "pytest -u x1 -p no:cacheprovider",
        "mkdir -p build9/login9",
        "root / path1 of the tree",
        "set the password to something_new",
        "f(password=Other9Name)",
    ]);
}

/// Names of fields are no values, whatever stands before them, and what ends a literal is not masked.
#[test]
fn json_keeps_its_fields() {
    for inner in [
        "_auth = Ym9iOnp2dVlycFZZbFZUWQ==",
        "auth = 'i3AVx9awjcHGNlFpn25ebKNz'",
        "X-Auth-Key: 152cd9d8864291d50ce6d89bf042b64d34979",
        "echo \"k0qsEcvRbpxCSObo\" | docker login -u bob --password-stdin",
        "if (\"of0xbuMhW7\" == auth_token) {",
        "\"falcon-canyon-29\".equals(password)",
        "machine api.acme.com\n  login bob\n  password FALCON-canyon_81",
        "SECRET_KEY_BASE=ec1f4daaba57b51796e59be388fa5bf96fcfc936",
    ] {
        let json = serde_json::json!({"id": 7, "text": inner, "list": [inner, {"inner": inner}], "n": 8})
            .to_string();
        let redacted = Redactor::default().text(&json);
        let value: Option<serde_json::Value> = serde_json::from_str(redacted.as_str()).ok();
        let fields =
            value.as_ref().and_then(|v| v.as_object()).map(|o| o.keys().cloned().collect::<Vec<_>>());
        assert_eq!(fields.unwrap_or_default(), ["id", "list", "n", "text"], "{redacted}");
    }
}

/// What an ellipsis cut off is told to be the value that it is a piece of.
#[test]
fn a_cut_value_keeps_its_number() {
    let text = "token = 'q8Zt5Lm2Xw9Kd4Rb7Jh3Vn6Tg1Ys0Pc'\n\n\nvalue = 'q8Zt5Lm2Xw9Kd4Rb7Jh3...'\n";
    let redacted = Redactor::default().text(text);
    assert_eq!(redacted.as_str(), "token = '[REDACTED:token]'\n\n\nvalue = '[REDACTED:token]...'\n");
}
