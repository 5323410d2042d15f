//! Odder things than the usual ones, as gateways, proxies, login pages and servers of one's own do them.

use serde_json::{Value, json};

use super::*;

/// A full answer, changed.
fn changed(vendor: Vendor, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut reply = vendor.reply("some-model", GOOD);
    change(&mut reply);
    reply.to_string().into_bytes()
}

/// The part of an answer that holds the text.
fn message(vendor: Vendor, reply: &mut Value) -> &mut Value {
    match vendor {
        Vendor::OpenAi | Vendor::Groq => &mut reply["choices"][0]["message"],
        Vendor::Anthropic => reply,
        Vendor::Ollama => &mut reply["message"],
    }
}

pub(super) fn connections(t: &mut Table) {
    t.add("HTTP/1.0 and a body until the end", "Ok", Some(1), |vendor, _| {
        sends(format!("HTTP/1.0 200 OK\r\n\r\n{}", good(vendor)), Act::Close)
    });
    t.add("HTTP/1.0 that breaks off", "BadAnswer", Some(1), |vendor, _| {
        let body = good(vendor);
        // Nothing says that there was to be more.
        sends(format!("HTTP/1.0 200 OK\r\n\r\n{}", &body[..body.len() / 2]), Act::Close)
    });
    t.add("lines that end in a line feed only", "Ok", Some(1), |vendor, _| {
        let body = good(vendor);
        sends(format!("HTTP/1.1 200 OK\ncontent-length: {}\n\n{body}", body.len()), Act::Close)
    });
    t.add("a status without a reason", "Ok", Some(1), |vendor, _| {
        let body = good(vendor);
        sends(format!("HTTP/1.1 200\r\ncontent-length: {}\r\n\r\n{body}", body.len()), Act::Close)
    });
    t.add("the same length twice", "Ok", Some(1), |vendor, _| {
        let (body, length) = (good(vendor), good(vendor).len());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ncontent-length: {length}");
        sends(format!("{head}\r\n\r\n{body}"), Act::Close)
    });
    t.add("chunks with names, trailers, and something behind them", "Ok", Some(1), |vendor, _| {
        let body = good(vendor);
        sends(
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:X};note=\"x\"\r\n{body}\r\n0\r\n\
                 x-checksum: 7\r\n\r\nand more that nobody asked for",
                body.len()
            ),
            Act::Close,
        )
    });
    t.add("a chunk larger than it says", "Interrupted", Some(3), |vendor, _| {
        let body = good(vendor);
        sends(
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{body}\r\n0\r\n\r\n"),
            Act::Close,
        )
    });
    t.add("a length and chunks", "Ok", Some(1), |vendor, _| {
        let body = good(vendor);
        sends(
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
            Act::Close,
        )
    });
    t.add("hints before the answer", "Ok", Some(1), |vendor, _| {
        let mut bytes =
            b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n".to_vec();
        bytes.extend(http(200, &[], good(vendor)));
        vec![Act::Send(bytes)]
    });
    t.add("the promise of an answer for ever", "TimedOut", None, |_, _| {
        vec![Act::Repeat(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100))]
    })
    .limits = half_a_second;
    t.add("101 to another protocol", "BadAnswer", Some(1), |_, _| {
        sends(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            Act::Close,
        )
    });
    t.add("205", "BadAnswer", Some(1), |_, _| sends("HTTP/1.1 205 Reset Content\r\n\r\n", Act::Close));
    t.add("206, the half of an answer", "BadAnswer", Some(1), |vendor, _| {
        let body = good(vendor);
        answer(206, &[("content-range", "bytes 0-49/90")], &body[..50])
    });
    t.add("202 and nothing yet", "BadAnswer", Some(1), |_, _| {
        answer(202, &[("location", "/v1/jobs/1")], "{\"id\": \"job-1\", \"status\": \"queued\"}")
    });
    t.add("307 to itself", "Redirected", Some(1), |vendor, _| {
        answer(307, &[("location", vendor.path())], "{}")
    });
    t.add("302 to no address", "Redirected", Some(1), |_, _| {
        answer(302, &[("location", "http://[::bad/")], "")
    });
    t.add("401 that wants another way in", "Refused", Some(1), |_, _| {
        answer(
            401,
            &[("www-authenticate", "Negotiate"), ("www-authenticate", "Basic realm=\"x\"")],
            "<html>Sign in</html>",
        )
    });
    t.add("503 with a page", "Overloaded", Some(3), |_, _| {
        answer(503, &[("content-type", "text/html")], "<!DOCTYPE html><title>Down for maintenance</title>")
    });
    t.add("429 with a date that has passed", "RateLimited", None, |vendor, _| {
        let headers = [("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")];
        answer(429, &headers, vendor.error("rate_limit_error", None, "slower").to_string())
    });
    t.add("429 with waits that say different things", "RateLimited", None, |vendor, _| {
        let headers = [("retry-after", "0"), ("retry-after", "900"), ("retry-after-ms", "1")];
        answer(429, &headers, vendor.error("rate_limit_error", None, "slower").to_string())
    });
    t.add("an error that is cut off", "Overloaded", Some(3), |_, _| {
        sends("HTTP/1.1 500 Oops\r\ncontent-length: 900\r\n\r\n{\"error\": {\"mess", Act::Close)
    });
    t.add("an error without end", "Overloaded", Some(3), |_, _| {
        sends("HTTP/1.1 502 Bad Gateway\r\n\r\n", Act::Repeat(vec![b'x'; 65536]))
    });
    t.add("an error that is reset", "Refused", Some(1), |_, _| {
        sends("HTTP/1.1 401 Unauthorized\r\ncontent-length: 900\r\n\r\n{", Act::Reset)
    });
    t.add("gzip that is named otherwise and not asked for", "BadAnswer", Some(1), |vendor, _| {
        answer(200, &[("content-encoding", "x-compress")], gzip(good(vendor).as_bytes()))
    });
    t.add("gzip with something behind it", "Ok", Some(1), |vendor, _| {
        let body = [gzip(good(vendor).as_bytes()), gzip(b"  ")].concat();
        answer(200, &[("content-encoding", "gzip")], body)
    });
    t.add("cookies, and headers in great number", "Ok", Some(1), |vendor, _| {
        let cookies: Vec<String> = (0..60).map(|n| format!("s{n}={}", "c".repeat(100))).collect();
        let headers: Vec<(&str, &str)> =
            cookies.iter().map(|cookie| ("set-cookie", cookie.as_str())).collect();
        answer(200, &headers, good(vendor))
    });
}

pub(super) fn bodies(t: &mut Table) {
    t.body("a login page", "BadAnswer", |_| {
        b"<!DOCTYPE html>\n<html><head><title>Sign in to Contoso</title></head><body><form action='/login'>"
            .to_vec()
    });
    t.body("an error in the way of a framework", "Refused", |_| {
        json!({"statusCode": 401, "error": "Unauthorized", "message": "no token"}).to_string().into_bytes()
    });
    t.body("an error in a list", "Overloaded", |_| {
        json!([{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}])
            .to_string()
            .into_bytes()
    });
    t.add("200 with a rate limit and no choices", "RateLimited", None, |_, _| {
        let body = json!({"error": {"code": "429", "message": "slower"}, "choices": [], "message": null, "content": []});
        answer(200, &[("retry-after-ms", "1")], body.to_string())
    });
    t.body("an error in place of the answer", "Overloaded", |_| {
        json!({"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "Upstream went away"},
            "message": {"role": "assistant", "content": ""}}]})
        .to_string()
        .into_bytes()
    });
    t.body("an answer and an error that is null", "Ok", |vendor| {
        changed(vendor, |reply| reply["error"] = Value::Null)
    });
    t.body("an answer in a list", "Ok", |vendor| format!("[{}]", good(vendor)).into_bytes());
    t.body("numbers that are none", "Ok", |vendor| {
        // As Python writes them.
        let odd =
            "{\"a\": NaN, \"b\": -Infinity, \"c\": [1e999, -1E+9999, Infinity], \"d\": \"NaN \\\" 1e999\", ";
        good(vendor).replacen('{', odd, 1).into_bytes()
    });
    t.body("a number of a hundred digits", "Ok", |vendor| {
        good(vendor).replacen('{', &format!("{{\"created_at_ns\": {}, ", "9".repeat(100)), 1).into_bytes()
    });
    t.body("every field of the envelope twice, first wrong", "Ok", |vendor| {
        let odd = "{\"choices\": [], \"content\": null, \"message\": null, \"usage\": 7, \"error\": null, ";
        good(vendor).replacen('{', odd, 1).into_bytes()
    });
    t.body("an answer nested beyond all bounds beside the text", "BadAnswer", |vendor| {
        let deep = format!("{{\"deep\": {}{}, ", "[".repeat(50_000), "]".repeat(50_000));
        good(vendor).replacen('{', &deep, 1).into_bytes()
    });
    t.body("the text as an object", "Ok", |vendor| {
        changed(vendor, |reply| message(vendor, reply)["content"] = json!({"root_cause": "off by one"}))
    });
    t.body("the text in parts", "Ok", |vendor| {
        let parts = json!([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "{\"root_"},
            {"type": "text", "text": "cause\": \"x\"}"}]);
        changed(vendor, |reply| message(vendor, reply)["content"] = parts.clone())
    });
    t.body("the text as the call of a function", "Ok", |vendor| {
        changed(vendor, |reply| {
            let message = message(vendor, reply);
            match vendor {
                Vendor::Anthropic => {
                    message["content"] = json!([{"type": "tool_use", "id": "t1", "name": "answer", "input": {"root_cause": "x"}}]);
                }
                Vendor::Ollama => {
                    message["content"] = "".into();
                    message["tool_calls"] = json!([{"function": {"name": "answer", "arguments": {"root_cause": "x"}}}]);
                }
                _ => {
                    message["content"] = Value::Null;
                    message["tool_calls"] = json!([{"id": "c1", "type": "function",
                        "function": {"name": "answer", "arguments": "{\"root_cause\": \"x\"}"}}]);
                }
            }
        })
    });
    t.body("the text as the call of a function in the old way", "Ok", |vendor| {
        changed(vendor, |reply| {
            if vendor != Vendor::Anthropic {
                let message = message(vendor, reply);
                message["content"] = Value::Null;
                message["function_call"] = json!({"name": "answer", "arguments": "{\"root_cause\": \"x\"}"});
            }
        })
    });
    t.body("a call of a function with nothing", "BadAnswer", |vendor| {
        changed(vendor, |reply| {
            let message = message(vendor, reply);
            message["content"] = if vendor == Vendor::Anthropic {
                json!([{"type": "tool_use", "id": "t1", "name": "answer", "input": {}}])
            } else {
                Value::Null
            };
            message["tool_calls"] = json!([{"function": {"name": "answer", "arguments": ""}}]);
        })
    });
    let row = t.body("a refusal and no text", "Ok", |vendor| {
        changed(vendor, |reply| {
            let message = message(vendor, reply);
            message["content"] = if vendor == Vendor::Anthropic { json!([]) } else { Value::Null };
            message["refusal"] = "I can't help with that.".into();
        })
    });
    row.expect = Box::new(|vendor| match vendor {
        // Only these have such a field.
        Vendor::OpenAi | Vendor::Groq => "Ok",
        Vendor::Anthropic | Vendor::Ollama => "BadAnswer",
    });
    let row = t.body("the text among the reasoning", "Ok", |vendor| {
        changed(vendor, |reply| {
            let message = message(vendor, reply);
            message["content"] = if vendor == Vendor::Anthropic {
                json!([{"type": "thinking", "thinking": GOOD}])
            } else {
                "".into()
            };
            message["reasoning_content"] = GOOD.into();
            message["thinking"] = GOOD.into();
        })
    });
    row.expect = Box::new(|vendor| match vendor {
        Vendor::OpenAi | Vendor::Groq => "Ok",
        Vendor::Anthropic | Vendor::Ollama => "BadAnswer",
    });
    t.body("a piece of a stream", "Ok", |vendor| {
        changed(vendor, |reply| {
            if let Vendor::OpenAi | Vendor::Groq = vendor {
                let message = reply["choices"][0]["message"].take();
                reply["choices"][0] = json!({"index": 0, "delta": message, "finish_reason": "stop"});
            }
        })
    });
    t.body("a stream of events", "BadAnswer", |_| {
        b"event: message_start\ndata: {\"type\": \"message_start\"}\n\nevent: ping\ndata: {}\n\n".to_vec()
    });
    t.body("more behind the answer", "BadAnswer", |vendor| {
        format!("{}\n<!-- served by node 7 -->", good(vendor)).into_bytes()
    });
    t.body("text that is a key of another's", "Ok", |vendor| {
        vendor.reply("m", "AKIAIOSFODNN7EXAMPLE sk-live-of-somebody").to_string().into_bytes()
    });
}
