//! The passwords within secrets: in connection strings, in encoded credentials. Whoever knows the one knows the
//! other, so that both are masked wherever they occur.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

use super::bytes::{self, NAME};
use super::kind::{self, Kind};
use super::{claims, engine, known};

/// Longest secret that is looked into.
const LONGEST: usize = 1024;

/// Other secrets that `value`, a secret of `kind`, gives away, with their kinds.
pub fn of(value: &str, kind: Kind) -> Vec<(String, Kind)> {
    let mut inner = Vec::new();
    if value.len() > LONGEST || matches!(kind, kind::EMAIL | kind::CARD | kind::IBAN | kind::PEM | kind::HEX)
    {
        return inner;
    }
    let add = |inner: &mut Vec<(String, Kind)>, text: &str, kind: Kind, is_told: bool| {
        if text.len() >= known::SHORTEST
            && (is_told && !claims::is_ordinary_value(text) || engine::is_worth_knowing(text, kind))
        {
            inner.push((text.to_owned(), kind));
        }
    };
    if kind == kind::CONNECTION {
        let plain = from_percent(value);
        if let Some(password) = plain.as_deref().and_then(of_url) {
            add(&mut inner, password, kind::PASSWORD, true);
        }
        if let Some(password) = of_url(value).filter(|p| inner.iter().all(|(known, _)| known != p)) {
            add(&mut inner, password, kind::PASSWORD, true);
        }
    } else if let Some(text) = from_base64(value) {
        match of_credentials(&text) {
            Some(password) => add(&mut inner, password, kind::PASSWORD, true),
            None if text.starts_with('{') => {}
            None => add(&mut inner, text.trim_end(), kind, false),
        }
    } else if let Some(text) = from_percent(value) {
        add(&mut inner, &text, kind, true);
    }
    inner
}

/// The password of `scheme://user:password@host`.
fn of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let first = rest.find('@')?;
    let host = rest[first..].find(['/', '?', '#']).map_or(rest.len(), |i| first + i);
    let (_, password) = rest[..rest[..host].rfind('@')?].split_once(':')?;
    Some(password)
}

/// The password of `user:password`, or of what SASL's PLAIN sends (RFC 4616: three parts apart by a zero byte).
fn of_credentials(text: &str) -> Option<&str> {
    if let Some((_, password)) = text.rsplit_once('\0') {
        return Some(password);
    }
    let (user, password) = text.split_once(':')?;
    let is_user =
        !user.is_empty() && user.bytes().all(|b| bytes::is(b, NAME) || matches!(b, b'@' | b'+' | b'\\'));
    (is_user && !password.starts_with("//")).then(|| password.trim_end())
}

/// Either alphabet of RFC 4648, sections 4 and 5, once `-` and `_` are written as `+` and `/`; the end may be filled up.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The ASCII text that `value` encodes in base 64; `None` if it encodes anything else.
fn from_base64(value: &str) -> Option<String> {
    if value.trim_end_matches('=').len() < 8 {
        return None;
    }
    let plain = BASE64.decode(value.replace('-', "+").replace('_', "/")).ok()?;
    let is_text = |byte: &u8| matches!(byte, 0 | b'\n' | b'\r' | b' '..=b'~');
    String::from_utf8(plain).ok().filter(|text| text.as_bytes().iter().all(is_text))
}

/// `value` without its percent encoding (RFC 3986, section 2.1), if it has any.
fn from_percent(value: &str) -> Option<String> {
    let plain = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    (plain != value).then(|| plain.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_secrets_give_away() {
        for (value, kind, inner) in [
            ("Ym9iOkh1bnRlcjIh", kind::AUTHORIZATION, "Hunter2!"),
            ("Ym9iOm9wZW4gc2VzYW1l", kind::AUTHORIZATION, "open sesame"),
            ("AGJvYgBPcmJpdDQzNDEh", kind::AUTHORIZATION, "Orbit4341!"),
            ("T3JiaXQ0MzQxIQ==", kind::PASSWORD, "Orbit4341!"),
            ("T3JiaXQ0MzQxIQ", kind::PASSWORD, "Orbit4341!"),
            ("postgres://svc:Hunter2x@db/shop", kind::CONNECTION, "Hunter2x"),
            ("amqp://svc:p@ss9wort@mq/%2F", kind::CONNECTION, "p@ss9wort"),
            ("redis%3A%2F%2F%3AHunter2x%40cache", kind::CONNECTION, "Hunter2x"),
            ("Hunter%212%23", kind::PASSWORD, "Hunter!2#"),
            // Nothing that would be found elsewhere by chance.
            ("dXNlcjpwYXNzd29yZA==", kind::AUTHORIZATION, ""),
            ("dGVzdDp0ZXN0aW5n", kind::AUTHORIZATION, ""),
            ("aGVsbG8gd29ybGQ=", kind::TOKEN, ""),
            ("eyJhIjogIng5In0=", kind::TOKEN, ""),
            ("Hunter2x", kind::PASSWORD, ""),
            ("100%sure", kind::PASSWORD, ""),
            ("postgres://db/shop", kind::CONNECTION, ""),
            ("Ym9iOkh1bnRlcjIh", kind::EMAIL, ""),
        ] {
            let found: Vec<_> = of(value, kind).into_iter().map(|(text, _)| text).collect();
            let expected: Vec<&str> = Some(inner).filter(|i| !i.is_empty()).into_iter().collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
