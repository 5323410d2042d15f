//! The forms in which a value may be printed: `repr`, JSON, URL-encoded, base 64.

/// Other forms of `value` than itself.
pub fn of(value: &str) -> Vec<String> {
    // A value of letters, digits, `-`, `_` and `.` is written as it is by all but base 64.
    if value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return if value.len() >= 8 { base64_pieces(value.as_bytes()) } else { Vec::new() };
    }
    let mut forms = Vec::new();
    let repr: String = value.chars().flat_map(char::escape_default).collect();
    for form in [
        repr.replace("\\'", "'"),
        repr.replace("\\\"", "\""),
        serde_json::to_string(value).map(|q| q[1..q.len() - 1].to_owned()).unwrap_or_default(),
        percent(value, false),
        percent(value, true),
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

fn percent(value: &str, plus: bool) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        match byte {
            b' ' if plus => text.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(byte as char),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    })
}

/// The parts of base 64 text that are the same whatever stands before and after `value` in the encoded bytes:
/// one for each of the three alignments.
fn base64_pieces(value: &[u8]) -> Vec<String> {
    (0..3)
        .map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(value);
            let whole = padded.len() / 3 * 3;
            let text = base64(&padded[..whole]);
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

/// Base 64 (RFC 4648, section 4) of bytes whose number is a multiple of three.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|c| {
            let word = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
            [18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift & 63) as usize] as char)
        })
        .collect()
}
