//! The forms in which a value may be printed: `repr`, JSON, URL-encoded, base 64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what needs no percent encoding (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Other forms of `value` than itself.
pub fn of(value: &str) -> Vec<String> {
    // A value of letters, digits, `-`, `_` and `.` is written as it is by all but base 64.
    if value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return if value.len() >= 8 { base64_pieces(value.as_bytes()) } else { Vec::new() };
    }
    let mut forms = Vec::new();
    let percent = utf8_percent_encode(value, RESERVED).to_string();
    let repr: String = value.chars().flat_map(char::escape_default).collect();
    for form in [
        repr.replace("\\'", "'"),
        repr.replace("\\\"", "\""),
        serde_json::to_string(value).map(|q| q[1..q.len() - 1].to_owned()).unwrap_or_default(),
        percent.replace("%20", "+"),
        percent,
    ] {
        if form != value && !forms.contains(&form) {
            forms.push(form);
        }
    }
    if value.len() >= 8 {
        forms.extend(base64_pieces(value.as_bytes()));
    }
    forms
}

/// The parts of base 64 text that are the same whatever stands before and after `value` in the encoded bytes:
/// one for each of the three alignments.
fn base64_pieces(value: &[u8]) -> Vec<String> {
    (0..3)
        .map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(value);
            let whole = padded.len() / 3 * 3;
            let text = STANDARD.encode(&padded[..whole]);
            let skip = match shift {
                0 => 0,
                1 => 2,
                _ => 3,
            };
            text[skip.min(text.len())..].to_owned()
        })
        .filter(|piece| piece.len() >= 10)
        .collect()
}
