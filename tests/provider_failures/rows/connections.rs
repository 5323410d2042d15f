//! Connections that break off, stall, lie, or never end.

use super::*;

pub(super) fn connections(t: &mut Table) {
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
