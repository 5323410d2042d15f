//! The rows: what a server does, and what has to come of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use failscope::diagnose::providers::Limits;

use crate::models::vendor::KEY;
use crate::models::{Act, Seen, Vendor, answer, http};

type Script = Box<dyn Fn(Vendor, &Seen, SocketAddr) -> Vec<Act> + Send + Sync>;
type Expect = Box<dyn Fn(Vendor) -> &'static str + Send + Sync>;

pub struct Row {
    pub name: String,
    pub script: Script,
    pub expect: Expect,
    /// Completion requests, where their number matters.
    pub posts: Option<usize>,
    pub limits: fn(&mut Limits),
}

struct Table(Vec<Row>);

fn unlimited(_: &mut Limits) {}

/// Half a second in all: a model on this machine gets five times the limit.
fn half_a_second(limits: &mut Limits) {
    limits.total = Duration::from_millis(100);
}

/// A fifth of a second between two pieces.
fn impatient(limits: &mut Limits) {
    limits.read = Duration::from_millis(40);
}

const GOOD: &str = "{\"root_cause\": \"off by one\", \"confidence\": 0.9}";

fn good(vendor: Vendor) -> String {
    vendor.reply("some-model", GOOD).to_string()
}

impl Table {
    fn add(
        &mut self,
        name: impl Into<String>,
        expect: &'static str,
        posts: Option<usize>,
        script: impl Fn(Vendor, SocketAddr) -> Vec<Act> + Send + Sync + 'static,
    ) -> &mut Row {
        self.0.push(Row {
            name: name.into(),
            script: Box::new(move |vendor, _, target| script(vendor, target)),
            expect: Box::new(move |_| expect),
            posts,
            limits: unlimited,
        });
        self.0.last_mut().unwrap()
    }

    /// A status with the provider's own error body.
    fn status(
        &mut self,
        status: u16,
        (kind, code, message): (&'static str, Option<&'static str>, &'static str),
        headers: &'static [(&'static str, &'static str)],
        expect: &'static str,
        posts: usize,
    ) {
        self.add(format!("{status} {message} {headers:?}"), expect, Some(posts), move |vendor, _| {
            answer(status, headers, vendor.error(kind, code, message).to_string())
        });
    }

    /// What fails first (`n` times) and then goes well.
    fn then_good(
        &mut self,
        name: &str,
        n: usize,
        script: impl Fn(Vendor) -> Vec<Act> + Send + Sync + 'static,
    ) {
        // One row is run with all vendors, each with a server of its own.
        let counts: [AtomicUsize; 4] = Default::default();
        self.add(format!("{name}, {n} times, then an answer"), "Ok", Some(n + 1), move |vendor, _| {
            let index = Vendor::ALL.iter().position(|v| *v == vendor).unwrap();
            if counts[index].fetch_add(1, Ordering::SeqCst) < n {
                script(vendor)
            } else {
                answer(200, &[], good(vendor))
            }
        });
    }

    /// A body with status 200.
    fn body(
        &mut self,
        name: &str,
        expect: &'static str,
        body: impl Fn(Vendor) -> Vec<u8> + Send + Sync + 'static,
    ) -> &mut Row {
        self.add(format!("200 with {name}"), expect, None, move |vendor, _| answer(200, &[], body(vendor)))
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two megabytes of spaces in an answer that would be good.
fn bomb(vendor: Vendor) -> Vec<u8> {
    let body = good(vendor).replacen('{', &format!("{{{}", " ".repeat(2 << 20)), 1);
    gzip(body.as_bytes())
}

fn sends(bytes: impl Into<Vec<u8>>, then: Act) -> Vec<Act> {
    vec![Act::Send(bytes.into()), then]
}

pub fn all() -> Vec<Row> {
    let mut table = Table(Vec::new());
    statuses(&mut table);
    limits(&mut table);
    connections(&mut table);
    bodies(&mut table);
    adaptations(&mut table);
    table.0
}

fn statuses(t: &mut Table) {
    let plain = |message| ("invalid_request_error", None, message);
    t.status(400, plain("something is wrong"), &[], "BadRequest", 1);
    t.status(400, ("invalid_request_error", Some("context_length_exceeded"), "This model's maximum context length is 8192 tokens. However, your messages resulted in 20031 tokens."), &[], "TooLong", 1);
    t.status(400, plain("prompt is too long: 208310 tokens > 200000 maximum"), &[], "TooLong", 1);
    t.status(
        400,
        plain("the request exceeds the available context size, try increasing it"),
        &[],
        "TooLong",
        1,
    );
    t.status(400, plain("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."), &[], "QuotaSpent", 1);
    t.status(
        400,
        (
            "invalid_request_error",
            Some("model_decommissioned"),
            "The model `llama-3.3-70b-versatile` has been decommissioned and is no longer supported.",
        ),
        &[],
        "NoSuchModel",
        1,
    );
    t.status(400, plain("API key not valid. Please pass a valid API key."), &[], "Refused", 1);
    t.status(
        401,
        ("authentication_error", Some("invalid_api_key"), "Incorrect API key provided."),
        &[],
        "Refused",
        1,
    );
    t.status(402, ("billing_error", None, "Payment required"), &[], "QuotaSpent", 1);
    t.status(
        403,
        ("permission_error", None, "Your API key does not have permission to use the specified resource."),
        &[],
        "Refused",
        1,
    );
    t.status(
        403,
        (
            "invalid_request_error",
            Some("model_not_found"),
            "Project `proj_x` does not have access to model `gpt-4o`",
        ),
        &[],
        "NoSuchModel",
        1,
    );
    t.status(403, plain("Country, region, or territory not supported"), &[], "Refused", 1);
    t.status(
        404,
        (
            "not_found_error",
            Some("model_not_found"),
            "The model `gone` does not exist or you do not have access to it.",
        ),
        &[],
        "NoSuchModel",
        1,
    );
    t.status(404, ("not_found_error", None, "model: claude-gone-1 not found"), &[], "NoSuchModel", 1);
    t.status(404, plain("Invalid URL (POST /v2/chat)"), &[], "BadRequest", 1);
    t.status(405, plain("Method Not Allowed"), &[], "BadRequest", 1);
    t.status(406, plain("no"), &[], "BadRequest", 1);
    t.status(407, plain("Proxy Authentication Required"), &[], "Setup", 1);
    t.status(408, plain("Request Timeout"), &[], "TimedOut", 3);
    t.status(409, plain("conflict"), &[], "Overloaded", 3);
    t.status(410, plain("the model has been retired"), &[], "NoSuchModel", 1);
    t.status(411, plain("length required"), &[], "BadRequest", 1);
    t.status(
        413,
        ("request_too_large", None, "Request exceeds the maximum allowed number of bytes."),
        &[],
        "TooLong",
        1,
    );
    t.status(
        413,
        (
            "tokens",
            Some("rate_limit_exceeded"),
            "Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 9012",
        ),
        &[],
        "TooLong",
        1,
    );
    t.status(415, plain("Unsupported Media Type"), &[], "BadRequest", 1);
    t.status(418, plain("I'm a teapot"), &[], "BadRequest", 1);
    t.status(422, plain("could not be processed"), &[], "BadRequest", 1);
    t.status(425, plain("too early"), &[], "Overloaded", 3);
    t.status(431, plain("headers too large"), &[], "BadRequest", 1);
    t.status(451, plain("unavailable for legal reasons"), &[], "BadRequest", 1);
    t.status(498, plain("flex tier capacity exceeded"), &[], "Overloaded", 3);
    for status in [500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529, 599] {
        t.status(status, ("overloaded_error", None, "Overloaded"), &[], "Overloaded", 3);
    }
    t.status(
        500,
        plain("model requires more system memory (9.6 GiB) than is available (4.1 GiB)"),
        &[],
        "BadRequest",
        1,
    );
    t.status(501, plain("not implemented"), &[], "BadRequest", 1);
    t.status(503, ("api_error", None, "down for a day"), &[("retry-after", "86400")], "Overloaded", 1);
    t.status(503, ("api_error", None, "do not come back"), &[("x-should-retry", "false")], "Overloaded", 1);
    t.status(600, plain("no such status"), &[], "BadAnswer", 1);
    t.status(999, plain("no such status"), &[], "BadAnswer", 1);
    for status in [300, 301, 302, 303, 307, 308] {
        t.add(format!("{status} to another host"), "Redirected", Some(1), move |_, target| {
            answer(status, &[("location", &format!("http://{target}/v1/chat/completions"))], "")
        });
    }
    t.add("302 in a circle", "Redirected", Some(1), |vendor, _| {
        answer(302, &[("location", vendor.path())], "")
    });
    t.add("307 without a location", "Redirected", Some(1), |_, _| answer(307, &[], ""));
    t.add("304", "Redirected", Some(1), |_, _| sends("HTTP/1.1 304 Not Modified\r\n\r\n", Act::Close));
    t.add("204", "BadAnswer", Some(1), |_, _| sends("HTTP/1.1 204 No Content\r\n\r\n", Act::Close));
    t.add("100 and then the answer", "Ok", Some(1), |vendor, _| {
        let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
        bytes.extend(http(200, &[], good(vendor)));
        vec![Act::Send(bytes)]
    });
    t.add("201 with an answer", "Ok", Some(1), |vendor, _| answer(201, &[], good(vendor)));
    // Bodies of errors that are no errors of the provider's.
    let texts: [(&str, Vec<u8>); 8] = [
        ("no body", Vec::new()),
        ("a page", b"<!DOCTYPE html><html><head><title>502</title></head><body>nginx</body></html>".to_vec()),
        ("text", b"upstream connect error or disconnect/reset before headers".to_vec()),
        ("not UTF-8", vec![0xff, 0xfe, 0x00, 0xd8, 0x41]),
        ("control characters", b"\x1b[2J\x07{\"error\": \"\x00\"}".to_vec()),
        ("an error of the wrong type", b"{\"error\": 17}".to_vec()),
        (
            "an error in a list",
            b"[{\"error\": {\"code\": 503, \"message\": \"busy\", \"status\": \"UNAVAILABLE\"}}]".to_vec(),
        ),
        ("the key", format!("{{\"error\": {{\"message\": \"no such key: {KEY}\"}}}}").into_bytes()),
    ];
    for (name, text) in texts {
        let body = text.clone();
        t.add(format!("500 with {name}"), "Overloaded", Some(3), move |_, _| answer(500, &[], &body));
        t.add(format!("401 with {name}"), "Refused", Some(1), move |_, _| answer(401, &[], &text));
    }
    t.add("400 with a megabyte of text", "BadRequest", Some(1), |_, _| {
        answer(400, &[], "why ".repeat(1 << 17))
    });
    t.add("503 that never ends", "Overloaded", Some(1), |_, _| {
        sends("HTTP/1.1 503 Busy\r\nretry-after: 90000\r\n\r\n", Act::Repeat(vec![b'x'; 65536]))
    });
}

fn limits(t: &mut Table) {
    let rate = (
        "rate_limit_error",
        Some("rate_limit_exceeded"),
        "Rate limit reached for gpt-4o on requests per min. Limit: 3 / min. You can increase your rate limit by adding a payment method at https://example.com/account/billing.",
    );
    t.status(429, rate, &[("retry-after", "86400")], "RateLimited", 1);
    t.status(429, rate, &[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")], "RateLimited", 1);
    // As often as is decent, and no oftener.
    t.status(429, rate, &[("retry-after", "0")], "RateLimited", 10);
    t.status(429, rate, &[("retry-after-ms", "1"), ("retry-after", "86400")], "RateLimited", 10);
    t.status(429, rate, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], "RateLimited", 10);
    t.status(429, rate, &[("x-should-retry", "false")], "RateLimited", 1);
    t.status(429, rate, &[], "RateLimited", 10);
    for nonsense in ["soon", "-5", "NaN", "", "0x10", "1 2"] {
        t.add(format!("429 with retry-after {nonsense:?}"), "RateLimited", Some(10), move |vendor, _| {
            answer(429, &[("retry-after", nonsense)], vendor.error(rate.0, rate.1, rate.2).to_string())
        });
    }
    t.status(
        429,
        (
            "insufficient_quota",
            Some("insufficient_quota"),
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        &[],
        "QuotaSpent",
        1,
    );
    t.status(
        429,
        ("rate_limit_error", None, "Your organization has reached its monthly spend limit."),
        &[],
        "QuotaSpent",
        1,
    );
    t.status(
        429,
        (
            "tokens",
            Some("rate_limit_exceeded"),
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45120.",
        ),
        &[],
        "TooLong",
        1,
    );
    t.then_good("429 with a wait", 2, |vendor| {
        answer(429, &[("retry-after-ms", "2")], vendor.error("rate_limit_error", None, "slower").to_string())
    });
    t.then_good("429 without a wait", 2, |vendor| {
        answer(429, &[], vendor.error("rate_limit_error", None, "slower").to_string())
    });
    t.then_good("529", 2, |vendor| {
        answer(529, &[], vendor.error("overloaded_error", None, "Overloaded").to_string())
    });
    t.then_good("500 with retry-after-ms", 1, |vendor| {
        answer(500, &[("retry-after-ms", "3")], vendor.error("api_error", None, "Internal").to_string())
    });
}

fn connections(t: &mut Table) {
    t.add("closed at once", "Interrupted", None, |_, _| vec![Act::Close]);
    t.add("reset at once", "Interrupted", None, |_, _| vec![Act::Reset]);
    t.then_good("closed at once", 1, |_| vec![Act::Close]);
    t.then_good("reset at once", 2, |_| vec![Act::Reset]);
    t.add("half a status line", "Interrupted", None, |_, _| sends("HTTP/1.1 20", Act::Close));
    t.add("half the headers", "Interrupted", None, |_, _| sends("HTTP/1.1 200 OK\r\ncontent-", Act::Close));
    t.add("not HTTP", "Interrupted", None, |_, _| sends("SSH-2.0-OpenSSH_9.2p1\r\n", Act::Close));
    t.add("HTTP/0.9", "Interrupted", None, |vendor, _| sends(good(vendor), Act::Close));
    t.add("TLS", "Interrupted", None, |_, _| sends(b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), Act::Close));
    t.add("another version of HTTP", "Interrupted", None, |_, _| {
        sends("HTTP/7.0 200 OK\r\n\r\n", Act::Close)
    });
    t.add("a status that is no number", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 abc OK\r\n\r\n", Act::Close)
    });
    t.add("a negative length", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}", Act::Close)
    });
    t.add("two lengths", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}", Act::Close)
    });
    t.add("a body shorter than said", "Interrupted", Some(3), |vendor, _| {
        let mut bytes = http(200, &[], good(vendor));
        bytes.truncate(bytes.len() - 10);
        sends(bytes, Act::Close)
    });
    t.then_good("a body shorter than said", 1, |vendor| {
        let mut bytes = http(200, &[], good(vendor));
        bytes.truncate(bytes.len() - 10);
        sends(bytes, Act::Reset)
    });
    t.add("a body longer than said", "BadAnswer", None, |vendor, _| {
        let body = good(vendor);
        sends(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() - 10), Act::Close)
    });
    t.add("a body until the end", "Ok", None, |vendor, _| {
        sends(format!("HTTP/1.1 200 OK\r\n\r\n{}", good(vendor)), Act::Close)
    });
    t.add("chunks", "Ok", None, |vendor, _| {
        let body = good(vendor);
        let (one, two) = body.split_at(20);
        vec![Act::Send(
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
                one.len(),
                two.len()
            )
            .into_bytes(),
        )]
    });
    t.add("chunks without their end", "Interrupted", Some(3), |vendor, _| {
        let body = good(vendor);
        sends(
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()),
            Act::Close,
        )
    });
    t.add("a chunk of no size", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n", Act::Close)
    });
    t.add("a chunk of every size", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}\r\n", Act::Close)
    });
    t.add("a length beyond all bounds", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\ncontent-length: 9000000000000000000\r\n\r\n{}", Act::Close)
    });
    t.add("a body without end", "BadAnswer", Some(1), |_, _| {
        sends("HTTP/1.1 200 OK\r\n\r\n", Act::Repeat(vec![b' '; 65536]))
    });
    t.add("headers without end", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\n", Act::Repeat(b"x-more: and more and more and more\r\n".repeat(1000)))
    });
    t.add("a header without end", "Interrupted", None, |_, _| {
        sends("HTTP/1.1 200 OK\r\nx-more: ", Act::Repeat(vec![b'a'; 65536]))
    });
    t.add("a header that is not text", "Interrupted", None, |_, _| {
        sends(b"HTTP/1.1 200 OK\r\nx-\x00\xff: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec(), Act::Close)
    });
    t.add("nothing at all", "TimedOut", None, |_, _| vec![Act::Hang]).limits = half_a_second;
    t.add("headers and nothing else", "TimedOut", Some(3), |_, _| {
        sends("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", Act::Hang)
    })
    .limits = impatient;
    t.add("half a body and nothing else", "TimedOut", Some(3), |vendor, _| {
        let mut bytes = http(200, &[], good(vendor));
        bytes.truncate(bytes.len() - 10);
        sends(bytes, Act::Hang)
    })
    .limits = impatient;
    t.add("a header a byte at a time", "TimedOut", None, |_, _| {
        vec![Act::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".repeat(400), Duration::from_millis(20))]
    })
    .limits = half_a_second;
    t.add("a body a byte at a time", "TimedOut", None, |vendor, _| {
        let body = " ".repeat(1000) + &good(vendor);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        vec![Act::Send(head.into_bytes()), Act::Drip(body.into_bytes(), Duration::from_millis(20))]
    })
    .limits = half_a_second;
    t.add("gzip", "Ok", None, |vendor, _| {
        answer(200, &[("content-encoding", "gzip")], gzip(good(vendor).as_bytes()))
    });
    t.add("a gzip bomb", "BadAnswer", Some(1), |vendor, _| {
        answer(200, &[("content-encoding", "gzip")], bomb(vendor))
    });
    t.add("a gzip bomb as an error", "BadRequest", Some(1), |vendor, _| {
        answer(400, &[("content-encoding", "gzip")], bomb(vendor))
    });
    t.add("gzip cut off", "Interrupted", None, |vendor, _| {
        let body = gzip(good(vendor).as_bytes());
        answer(200, &[("content-encoding", "gzip")], &body[..body.len() / 2])
    });
    t.add("gzip that is none", "Interrupted", None, |vendor, _| {
        answer(200, &[("content-encoding", "gzip")], good(vendor))
    });
    t.add("an encoding that was not asked for", "BadAnswer", None, |_, _| {
        answer(200, &[("content-encoding", "br")], [0x8b, 0x02, 0x80, 0x03])
    });
    t.add("another content type", "Ok", None, |vendor, _| {
        answer(200, &[("content-type", "text/html; charset=iso-8859-1")], good(vendor))
    });
}

fn bodies(t: &mut Table) {
    let fixed: &[(&str, &str)] = &[
        ("nothing", ""),
        ("null", "null"),
        ("a number", "0"),
        ("true", "true"),
        ("a text", "\"hello\""),
        ("an empty list", "[]"),
        ("an empty object", "{}"),
        ("half an object", "{\"choices\": ["),
        ("a page", "<html><body>Sign in</body></html>"),
        ("prose", "Sure! Here is your answer:"),
        ("one comma too many", "{\"choices\": [],}"),
        ("single quotes", "{'choices': []}"),
        ("NaN", "{\"choices\": NaN}"),
        ("an event stream", "data: {\"choices\": [{\"delta\": {\"content\": \"a\"}}]}\n\ndata: [DONE]\n\n"),
        ("lines of objects", "{\"message\": {\"content\": \"a\"}, \"done\": false}\n{\"done\": true}\n"),
    ];
    for (name, body) in fixed {
        t.body(name, "BadAnswer", |_| body.as_bytes().to_vec());
    }
    t.body("an object nested beyond all bounds", "BadAnswer", |_| {
        [b"{\"choices\": ".to_vec(), vec![b'['; 100_000]].concat()
    });
    t.body("two answers", "BadAnswer", |vendor| (good(vendor) + &good(vendor)).into_bytes());
    t.body("UTF-16", "BadAnswer", |vendor| good(vendor).encode_utf16().flat_map(u16::to_le_bytes).collect());
    t.body("an error of a gateway", "BadRequest", |_| {
        b"{\"error\": {\"message\": \"Provider returned error\", \"code\": 400}}".to_vec()
    });
    t.body("an overload of a gateway", "Overloaded", |_| {
        b"{\"error\": {\"message\": \"Provider returned error\", \"code\": 502}}".to_vec()
    });
    t.body("an empty text", "BadAnswer", |vendor| vendor.reply("m", "").to_string().into_bytes());
    t.body("white space for a text", "BadAnswer", |vendor| {
        vendor.reply("m", " \n\t ").to_string().into_bytes()
    });
    // What is odd and yet an answer.
    t.body("a byte order mark", "Ok", |vendor| {
        [b"\xef\xbb\xbf".to_vec(), good(vendor).into_bytes()].concat()
    });
    t.body("white space around it", "Ok", |vendor| format!("\r\n\t {}\n\n", good(vendor)).into_bytes());
    t.body("half a surrogate pair", "Ok", |vendor| {
        vendor
            .reply("m", "smile HERE")
            .to_string()
            .replace("HERE", "\\ud83d and \\\\ud83d \\udc00")
            .into_bytes()
    });
    t.body("bytes that are not UTF-8", "Ok", |vendor| {
        let text = vendor.reply("m", "caf#").to_string();
        text.bytes().map(|b| if b == b'#' { 0xe9 } else { b }).collect()
    });
    t.body("a long text", "Ok", |vendor| vendor.reply("m", &"word ".repeat(20_000)).to_string().into_bytes());
    t.body("a text beyond the bound", "BadAnswer", |vendor| {
        vendor.reply("m", &"word ".repeat(100_000)).to_string().into_bytes()
    });
    t.body("prose for a text", "Ok", |vendor| vendor.reply("m", "I cannot tell.").to_string().into_bytes());
    t.body("control characters", "Ok", |vendor| {
        vendor.reply("m\u{1b}[2J", "\u{0}\u{1b}]0;owned\u{7}\u{202e}").to_string().into_bytes()
    });
    t.body("the key in the text and the model's name", "Ok", |vendor| {
        vendor.reply(&format!("m-{KEY}"), &format!("your key is {KEY}, and {KEY}")).to_string().into_bytes()
    });
    t.body("markup", "Ok", |vendor| {
        vendor
            .reply("m", "</script><script>alert(1)</script> [x](javascript:alert(1))")
            .to_string()
            .into_bytes()
    });
    t.body("fields that nobody knows", "Ok", |vendor| {
        let mut reply = vendor.reply("m", GOOD);
        reply["surprise"] = serde_json::json!({"deep": [1, 2, {"x": null}]});
        reply.to_string().into_bytes()
    });
    t.body("fields twice", "Ok", |vendor| {
        good(vendor).replacen('{', "{\"model\": \"first\",", 1).into_bytes()
    });
}

/// What a model rejects is put differently, once.
fn adaptations(t: &mut Table) {
    let temperature = |vendor: Vendor| {
        let message = "Unsupported value: 'temperature' does not support 0.4 with this model.";
        answer(
            400,
            &[],
            vendor.error("invalid_request_error", Some("unsupported_value"), message).to_string(),
        )
    };
    t.then_good("400 about the temperature", 1, temperature);
    t.add("400 about the temperature for ever", "BadRequest", Some(2), move |vendor, _| temperature(vendor));
    let form = |vendor: Vendor| {
        let message = match vendor {
            Vendor::Anthropic => "output_config.format: this model does not support structured outputs",
            Vendor::Ollama => "invalid format: expected \"json\" or a JSON schema",
            _ => {
                "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
            }
        };
        answer(400, &[], vendor.error("invalid_request_error", None, message).to_string())
    };
    t.then_good("400 about the form of the answer", 1, form);
    let row =
        t.add("400 about the form of the answer for ever", "BadRequest", None, move |vendor, _| form(vendor));
    row.posts = None;
    t.then_good("400 with everything in turn", 2, {
        let count: [AtomicUsize; 4] = Default::default();
        move |vendor| {
            let index = Vendor::ALL.iter().position(|v| *v == vendor).unwrap();
            if count[index].fetch_add(1, Ordering::SeqCst) == 0 { temperature(vendor) } else { form(vendor) }
        }
    });
    t.add("400 json_validate_failed with the text", "Ok", Some(1), |_, _| {
        answer(
            400,
            &[],
            serde_json::json!({"error": {"message": "Failed to generate JSON. Please adjust your prompt.",
            "type": "invalid_request_error", "code": "json_validate_failed",
            "failed_generation": "```json\n{\"root_cause\": \"x\"}\n```"}})
            .to_string(),
        )
    });
    t.add("400 json_validate_failed without the text", "BadAnswer", Some(3), |_, _| {
        answer(
            400,
            &[],
            serde_json::json!({"error": {"message": "Failed to generate JSON. Please adjust your prompt.",
            "type": "invalid_request_error", "code": "json_validate_failed", "failed_generation": ""}})
            .to_string(),
        )
    });
}
