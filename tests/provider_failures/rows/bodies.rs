//! Bodies of successes that are none, and odd ones that are.

use super::*;

pub(super) fn bodies(t: &mut Table) {
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
