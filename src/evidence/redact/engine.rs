//! Finds secrets: one pass of a prefilter for keywords and token prefixes, then a look at each hit; passes for
//! long runs, `@` and digits; overlapping finds are merged.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind};

use super::bounds::{Attempts, Fuel};
use super::bytes::{self, BASE64, DIGIT, EQUALS, NAME, UPPER};
use super::kind::{self, Kind};
use super::settings::RedactionSettings;
use super::{asserted, assign, entropy, given, names, pem, personal, place, protocol, structural, vendor};

/// A secret found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// Which of overlapping finds names the kind: the highest.
    pub priority: u8,
    /// Identity of the secret, where it is not the text itself.
    pub secret: Option<u64>,
    /// Whether the placeholder needs quotes.
    pub quote: bool,
}

impl Span {
    /// A find.
    pub fn new(start: usize, end: usize, kind: Kind, priority: u8) -> Self {
        Self { start, end, kind, priority, secret: None, quote: false }
    }

    /// With an identity of its own.
    pub fn with_secret(self, secret: u64) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// The identity of the secret.
    pub fn secret(&self, text: &str) -> u64 {
        self.secret.unwrap_or_else(|| super::registry::hash(&text.as_bytes()[self.start..self.end]))
    }
}

/// What a pattern of the prefilter stands for.
#[derive(Debug, Clone, Copy)]
enum Trigger {
    Keyword(&'static names::Keyword),
    Format(usize),
    Pem,
    Putty,
    Url,
    EncodedUrl,
    Jwt,
    Header { cookie: bool },
    Pair { plain: bool },
    Triple,
    Netrc,
    Piped,
    Command(usize),
    PasswordFile,
    PasswordLine,
    Encoder,
    Insert,
    Dialogue,
    AccountHashes,
    Oracle,
    Phrase,
    User,
    Cipher,
    Signer,
    Flag,
}

struct Prefilter {
    searcher: AhoCorasick,
    triggers: Vec<Trigger>,
    /// Whether the case matters, by pattern.
    lengths: Vec<usize>,
}

static PREFILTER: LazyLock<Option<Prefilter>> = LazyLock::new(|| {
    let mut patterns: Vec<&str> = Vec::new();
    let mut triggers = Vec::new();
    let mut add = |pattern: &'static str, trigger: Trigger| {
        patterns.push(pattern);
        triggers.push(trigger);
    };
    for keyword in names::KEYWORDS {
        add(keyword.text, Trigger::Keyword(keyword));
    }
    for (index, format) in vendor::FORMATS.iter().enumerate() {
        if vendor::is_prefiltered(format.anchor_literal()) {
            add(format.anchor_literal(), Trigger::Format(index));
        }
    }
    add("-----begin ", Trigger::Pem);
    add("---- begin ", Trigger::Pem);
    add("putty-user-key-file-", Trigger::Putty);
    add("://", Trigger::Url);
    add("%3a%2f%2f", Trigger::EncodedUrl);
    add("eyj", Trigger::Jwt);
    add("authorization", Trigger::Header { cookie: false });
    add("cookie", Trigger::Header { cookie: true });
    for open in place::PAIRS {
        add(open, Trigger::Pair { plain: false });
    }
    for open in place::PLAIN_PAIRS {
        add(open, Trigger::Pair { plain: true });
    }
    for open in place::TRIPLES {
        add(open, Trigger::Triple);
    }
    for user in given::USERS {
        add(user, Trigger::User);
    }
    for call in given::CIPHERS {
        add(call, Trigger::Cipher);
    }
    for call in given::SIGNERS {
        add(call, Trigger::Signer);
    }
    add(" -p ", Trigger::Flag);
    add("machine ", Trigger::Netrc);
    add("--password-stdin", Trigger::Piped);
    add("sudo -s", Trigger::Piped);
    add("| chpasswd", Trigger::Piped);
    for (index, (name, _)) in place::COMMANDS.iter().enumerate() {
        add(name, Trigger::Command(index));
    }
    for name in place::PHRASES {
        add(name, Trigger::Phrase);
    }
    add(":5432:", Trigger::PasswordFile);
    for port in [":5433:", ":6432:", ":6543:", ":*:"] {
        add(port, Trigger::PasswordLine);
    }
    for call in protocol::ENCODERS {
        add(call, Trigger::Encoder);
    }
    add("insert into ", Trigger::Insert);
    add("login ", Trigger::Dialogue);
    add("auth ", Trigger::Dialogue);
    add(":::", Trigger::AccountHashes);
    add("jdbc:oracle:", Trigger::Oracle);
    let lengths = patterns.iter().map(|p| p.len()).collect();
    let searcher = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(patterns)
        .ok()?;
    Some(Prefilter { searcher, triggers, lengths })
});

/// See [`super::warm_up`].
pub fn warm_up() {
    LazyLock::force(&PREFILTER);
}

/// Finds what is secret in `text` by its form or by what stands around it. Spans are sorted and apart.
pub fn find(text: &str, settings: &RedactionSettings) -> Vec<Span> {
    let text = text.as_bytes();
    let mut spans = Vec::new();
    triggered(text, &mut spans);
    at_signs(text, settings, &mut spans);
    cards(text, &mut spans);
    spans.sort_by_key(|s| s.start);
    entropy::find(text, &mut spans);
    asserted::find(text, &mut spans);
    asserted::wheres(text, &mut spans);
    asserted::elided(text, &mut spans);
    asserted::beheaded(text, &mut spans);
    spans
}

/// Looks at what the prefilter finds. Gives how many bytes were read after keywords that led to nothing.
fn triggered(text: &[u8], spans: &mut Vec<Span>) -> usize {
    let Some(prefilter) = PREFILTER.as_ref() else { return 0 };
    // How far the last value of each kind of look went: what lies before is not looked at again, which keeps
    // hostile input linear.
    let mut pem_until = 0;
    let mut pem_ends = pem::Ends::default();
    let mut jwt_until = 0;
    let mut value_until = 0;
    let mut token_until = 0;
    let mut header_until = 0;
    let mut encoded_until = 0;
    let mut pair_until = 0;
    let mut triple_until = 0;
    let mut line_until = 0;
    let mut encoder_until = 0;
    let mut insert_until = 0;
    let (mut user_until, mut signer_until) = (0, 0);
    let mut command_until = [0; place::COMMANDS.len()];
    let mut fuel = Fuel::default();
    let mut tokens = Attempts::default();
    let input = Input::new(text).anchored(Anchored::No);
    for found in prefilter.searcher.find_overlapping_iter(input) {
        let index = found.pattern().as_usize();
        let at = found.end() - prefilter.lengths[index];
        match prefilter.triggers[index] {
            Trigger::Keyword(keyword) if at >= value_until && fuel.suffices(at) => {
                let look = assign::assignment(text, at, keyword, spans);
                if look.found {
                    value_until = look.end;
                } else {
                    fuel.spend(look.end - at + Fuel::LOOK);
                }
            }
            Trigger::Format(format)
                if at >= token_until && tokens.allow(text, at, NAME | BASE64 | EQUALS) =>
            {
                let format = &vendor::FORMATS[format];
                if let Some((start, end)) = format.match_at(text, at)
                    && (format.context.is_empty() || entropy::has_word_before(text, start, &format.context))
                {
                    spans.push(Span::new(start, end, format.kind, 8));
                    token_until = end;
                }
            }
            Trigger::Pem
                if at >= pem_until
                    && (text[at..].starts_with(b"-----BEGIN ") || text[at..].starts_with(b"---- BEGIN ")) =>
            {
                pem_until = pem::pem(text, at, &mut pem_ends, spans);
            }
            Trigger::Putty if at >= pem_until => pem_until = pem::putty(text, at, spans),
            Trigger::EncodedUrl if at >= encoded_until => {
                encoded_until = structural::encoded_url(text, at, spans).unwrap_or(0);
            }
            Trigger::Url => structural::url(text, at, spans),
            Trigger::Jwt if at >= jwt_until && text[at..].starts_with(b"eyJ") => {
                jwt_until = structural::jwt(text, at, spans);
            }
            Trigger::Header { cookie }
                if at >= header_until && !text[..at].ends_with(super::PLACEHOLDER.as_bytes()) =>
            {
                header_until =
                    structural::header(text, found.end(), cookie, spans).unwrap_or(0).max(header_until);
            }
            Trigger::Pair { plain } if at >= pair_until && (!plain || bytes::starts_word(text, at)) => {
                pair_until = place::pair(text, found.end(), plain, spans);
            }
            Trigger::Triple if at >= triple_until => {
                triple_until = place::triple(text, found.end(), spans);
            }
            Trigger::Netrc if bytes::starts_word(text, at) => place::netrc(text, found.end(), spans),
            Trigger::Piped => place::piped(text, at, spans),
            Trigger::Command(index) if at >= command_until[index] => {
                let (name, flags) = place::COMMANDS[index];
                command_until[index] = place::command(text, at, name.len(), flags, spans);
            }
            Trigger::PasswordFile => place::password_file(text, found.end(), spans),
            Trigger::PasswordLine if at >= line_until => {
                line_until = protocol::password_line(text, at + 1, spans);
            }
            Trigger::Encoder if at >= encoder_until => {
                encoder_until = protocol::encoded(text, found.end(), spans);
            }
            Trigger::Insert if at >= insert_until => {
                insert_until = protocol::insert(text, found.end(), spans);
            }
            Trigger::Dialogue => protocol::dialogue(text, found.end(), spans),
            Trigger::AccountHashes => protocol::account_hashes(text, at, spans),
            Trigger::Oracle => place::oracle(text, found.end(), spans),
            Trigger::User if at >= user_until => {
                given::to_user(text, found.end(), spans);
                user_until = found.end();
            }
            Trigger::Cipher => given::to_cipher(text, found.end(), spans),
            Trigger::Signer if at >= signer_until => {
                signer_until = given::to_signer(text, found.end(), spans);
            }
            Trigger::Flag => given::to_flag(text, found.end(), spans),
            Trigger::Phrase => place::phrase(text, found.end(), spans),
            _ => {}
        }
    }
    fuel.spent
}

fn at_signs(text: &[u8], settings: &RedactionSettings, spans: &mut Vec<Span>) {
    for at in memchr::memchr_iter(b'@', text) {
        personal::email(text, at, settings.example_emails, spans);
        structural::login(text, at, spans);
    }
}

/// Looks at groups of four and more digits, of which every fourth byte of the text meets one.
fn cards(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while at + 3 < text.len() {
        if !bytes::is(text[at + 3], DIGIT) {
            at += 4;
            continue;
        }
        let start = bytes::run_start(text, at + 3, DIGIT, 24);
        let end = bytes::run_end(text, at + 3, DIGIT, 24);
        if end - start >= 4 {
            let first = first_group(text, start, DIGIT);
            personal::card(text, first, spans);
            let word = bytes::run_start(text, start, UPPER | DIGIT, 34);
            personal::iban(text, first_group(text, word, UPPER | DIGIT), spans);
        }
        at = end;
    }
}

/// The start of the first of up to eight groups of four to six bytes of `mask`, apart by blanks or dashes,
/// the last of which begins at `start`.
fn first_group(text: &[u8], start: usize, mask: u16) -> usize {
    let mut first = start;
    for _ in 0..8 {
        if first == 0 || !matches!(text[first - 1], b' ' | b'-') {
            break;
        }
        let group = bytes::run_start(text, first - 1, mask, 7);
        if !(4..=6).contains(&(first - 1 - group)) {
            break;
        }
        first = group;
    }
    first
}

/// Sorts `spans`, joins those that overlap, cuts them at line ends and around placeholders, and leaves out
/// those that the settings allow.
pub fn settle(text: &str, mut spans: Vec<Span>, settings: &RedactionSettings) -> Vec<Span> {
    spans.retain(|s| s.start < s.end && !settings.off.contains(s.kind));
    spans.sort_by_key(|s| (s.start, std::cmp::Reverse(s.end)));
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => {
                let grows = span.end > last.end;
                if span.priority > last.priority {
                    last.kind = span.kind;
                    last.priority = span.priority;
                    last.secret = span.secret.filter(|_| span.start == last.start || span.secret.is_some());
                } else if grows {
                    last.secret = None;
                }
                last.quote |= span.quote;
                last.end = last.end.max(span.end);
            }
            _ => joined.push(span),
        }
    }
    let mut settled = Vec::with_capacity(joined.len());
    let placeholders = placeholders(text);
    let mut next = 0;
    for mut span in joined {
        while span.start > 0 && !text.is_char_boundary(span.start) {
            span.start -= 1;
        }
        while span.end < text.len() && !text.is_char_boundary(span.end) {
            span.end += 1;
        }
        while next < placeholders.len() && placeholders[next].1 <= span.start {
            next += 1;
        }
        let mut from = span.start;
        let mut index = next;
        while from < span.end {
            let (gap, to) = match placeholders.get(index) {
                Some((start, end)) if *start < span.end => (*start, *end),
                _ => (span.end, span.end),
            };
            if gap > from {
                lines(
                    text,
                    Span { start: from, end: gap, secret: span.secret, ..span },
                    gap - from < span.end - span.start,
                    &mut settled,
                );
            }
            from = to.max(from + 1);
            index += 1;
        }
    }
    settled.retain(|s| !settings.allows(&text[s.start..s.end]));
    settled
}

/// Adds `span` without line ends; of a span cut by a placeholder only parts that are worth it.
fn lines(text: &str, span: Span, cut: bool, settled: &mut Vec<Span>) {
    let mut from = span.start;
    for part in text[span.start..span.end].split('\n') {
        let part_trimmed = part.strip_suffix('\r').unwrap_or(part);
        let (start, end) = (from, from + part_trimmed.len());
        from += part.len() + 1;
        if start < end && (!cut || end - start >= 8) {
            settled.push(Span { start, end, ..span });
        }
    }
}

/// The ranges of placeholders that stand in `text` already.
pub fn placeholders(text: &str) -> Vec<(usize, usize)> {
    let bytes_of = text.as_bytes();
    memchr::memmem::find_iter(bytes_of, super::PLACEHOLDER)
        .filter_map(|start| {
            let from = start + super::PLACEHOLDER.len();
            let end = bytes::run_end(bytes_of, from, bytes::LOWER | bytes::UNDERSCORE | DIGIT, 64);
            let end = if bytes_of.get(end) == Some(&b'#') {
                bytes::run_end(bytes_of, end + 1, DIGIT, 9)
            } else {
                end
            };
            (end > from && bytes_of.get(end) == Some(&b']')).then_some((start, end + 1))
        })
        .collect()
}

/// Whether a find is worth masking wherever else its text occurs.
pub fn is_worth_knowing(value: &str, kind: Kind) -> bool {
    if matches!(kind, kind::EMAIL | kind::CARD | kind::IBAN | kind::PEM) {
        return false;
    }
    let token = value.as_bytes();
    // A long literal with gaps is a text in which something was set, not a value that stands elsewhere too.
    if token.len() > 128 && token.contains(&b' ') {
        return false;
    }
    let mixed = super::random::is_mixed(token);
    let shape = super::random::Shape::of(token);
    !shape.is_monotonous()
        && (token.len() >= 8 && (mixed || shape.score > 6.0)
            || token.len() >= super::known::SHORTEST
                && mixed
                && shape.digits >= 1
                && shape.digits < token.len()
                && !structural::is_template(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Overlapping and nested values, each of which would be read to the end of the text or to the longest value.
    #[test]
    fn what_is_read_in_vain_grows_with_the_text() {
        let units = names::KEYWORDS.iter().step_by(6).flat_map(|k| {
            ["=", ": ", "='", "=\"\\", "=>", "(", ",", " is "].map(|sign| format!("{}{sign}", k.text))
        });
        for unit in units.chain(["a=".repeat(9), "key=key:".to_owned(), "pw".to_owned()]) {
            let text = unit.repeat(60_000 / unit.len());
            let spent = triggered(text.as_bytes(), &mut Vec::new());
            let most = text.len() * Fuel::RATE as usize + Fuel::RESERVE as usize + (16 << 10);
            assert!(spent <= most, "{spent} bytes read of {} of {unit:?}", text.len());
        }
    }
}
