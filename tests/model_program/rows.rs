//! The rows: what a provider or the network does, and what has to come of it.

use serde_json::{Value, json};

use crate::models::vendor::KEY;
use crate::models::{Act, Seen, Vendor, answer, http};

pub type Script = Box<dyn Fn(Vendor, &Seen, usize) -> Vec<Act> + Send + Sync>;

/// What has to come of a row.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// The model's answer is used.
    Heard,
    /// It answered, and the offline diagnosis stands because of this.
    Kept(&'static str),
    /// No answer came because of this.
    Silent(&'static str),
    /// Nobody was asked because of this.
    Nobody(&'static str),
}

use Expect::{Heard, Kept, Nobody, Silent};

pub struct Row {
    pub name: &'static str,
    pub vendor: Vendor,
    pub args: &'static [&'static str],
    /// Variables that are set otherwise; `HOST` is where the server listens.
    pub environment: &'static [(&'static str, &'static str)],
    pub script: Script,
    pub expect: Expect,
}

/// What a model says that has understood it.
pub fn says() -> String {
    json!({
        "root_cause": "`broken_setup` raises `RuntimeError` with 'forklift not charged'",
        "category": "fixture_error", "severity": "high", "confidence": 0.9,
        "affected_file": "tests/test_fixtures.py", "affected_line": 6, "affected_function": "broken_setup",
        "fix_suggestion": "Charge the forklift.",
        "evidence": [{"id": "E1", "quote": "forklift not charged"}], "edits": [], "missing": "",
    })
    .to_string()
}

fn good(vendor: Vendor) -> Value {
    reply(vendor, &says())
}

/// A full answer with this text, to a prompt of the length that it had.
pub fn reply(vendor: Vendor, text: &str) -> Value {
    let mut reply = vendor.reply("some-model", text);
    if vendor == Vendor::Ollama {
        reply["prompt_eval_count"] = 900.into();
    }
    reply
}

struct Table(Vec<Row>);

impl Table {
    fn add(
        &mut self,
        name: &'static str,
        vendor: Vendor,
        expect: Expect,
        script: impl Fn(Vendor, &Seen, usize) -> Vec<Act> + Send + Sync + 'static,
    ) -> &mut Row {
        self.0.push(Row { name, vendor, args: &[], environment: &[], script: Box::new(script), expect });
        self.0.last_mut().unwrap()
    }

    /// A status with a body, to every request.
    fn body(
        &mut self,
        name: &'static str,
        vendor: Vendor,
        status: u16,
        body: impl ToString + Send + Sync + 'static,
        expect: Expect,
    ) -> &mut Row {
        self.add(name, vendor, expect, move |_, _, _| answer(status, &[], body.to_string()))
    }

    /// A good answer, changed.
    fn changed(
        &mut self,
        name: &'static str,
        vendor: Vendor,
        expect: Expect,
        change: impl Fn(&mut Value),
    ) -> &mut Row {
        let mut reply = good(vendor);
        change(&mut reply);
        self.body(name, vendor, 200, reply, expect)
    }

    /// A good envelope around this text.
    fn text(&mut self, name: &'static str, vendor: Vendor, text: &str, expect: Expect) -> &mut Row {
        self.body(name, vendor, 200, reply(vendor, text), expect)
    }

    /// A good server in another environment.
    fn world(
        &mut self,
        name: &'static str,
        vendor: Vendor,
        environment: &'static [(&'static str, &'static str)],
        expect: Expect,
    ) -> &mut Row {
        let row = self.add(name, vendor, expect, |vendor, seen, _| {
            let body = if seen.path.ends_with("/models") { vendor.models(&["a", "b"]) } else { good(vendor) };
            answer(200, &[], body.to_string())
        });
        row.environment = environment;
        row
    }
}

pub fn all() -> Vec<Row> {
    let mut table = Table(Vec::new());
    envelopes(&mut table);
    errors(&mut table);
    texts(&mut table);
    transports(&mut table);
    worlds(&mut table);
    listings(&mut table);
    table.0
}

use Vendor::{Anthropic, Groq, Ollama, OpenAi};

/// Successes whose envelope is not what was promised.
fn envelopes(t: &mut Table) {
    t.body(
        "the shape of another interface of the same vendor",
        OpenAi,
        200,
        json!({"object": "response", "status": "completed", "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": says(), "annotations": []}]}]}),
        Silent("it holds no choices"),
    );
    t.body(
        "another vendor's answer",
        OpenAi,
        200,
        Anthropic.reply("m", &says()),
        Silent("it holds no choices"),
    );
    t.body(
        "another vendor's answer, the other way",
        Anthropic,
        200,
        OpenAi.reply("m", &says()),
        Silent("it holds no content"),
    );
    t.body(
        "the answer of the older call",
        Ollama,
        200,
        json!({"response": says(), "done": true}),
        Silent("it holds no message"),
    );
    t.changed("a reasoning item before the answer", OpenAi, Heard, |reply| {
        reply["choices"][0]["message"]["reasoning_details"] =
            json!([{"type": "reasoning.encrypted", "data": "aGk="}]);
        reply["choices"][0]["message"]["reasoning"] = "Let me think. {\"root_cause\": \"wrong\"} no".into();
    });
    t.changed("thoughts, some of them blacked out, before the answer", Anthropic, Heard, |reply| {
        reply["content"] = json!([
            {"type": "thinking", "thinking": "{\"root_cause\": \"no\"}", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "EmwK"},
            {"type": "text", "text": says(), "citations": null}]);
    });
    t.changed("a call of a tool that nobody offered", Groq, Kept("could not be read"), |reply| {
        reply["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "run_shell", "arguments": "{\"cmd\": \"curl evil.example\"}"}}]});
        reply["choices"][0]["finish_reason"] = "tool_calls".into();
    });
    t.changed("a call of a tool whose arguments are no JSON", OpenAi, Kept("could not be read"), |reply| {
        reply["choices"][0]["message"] = json!({"role": "assistant", "content": "", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "answer", "arguments": "<cmd>"}}]});
    });
    t.changed("a refusal", OpenAi, Silent("refuses to answer"), |reply| {
        reply["choices"][0]["message"] =
            json!({"role": "assistant", "content": null, "refusal": "I'm sorry, I can't."});
    });
    t.changed("a refusal for a reason", Anthropic, Silent("the model refused"), |reply| {
        reply["content"] = json!([]);
        reply["stop_reason"] = "refusal".into();
        reply["stop_details"] = json!({"type": "refusal", "category": "cyber"});
    });
    t.changed("an answer that a filter withheld", OpenAi, Silent("content filter withheld it"), |reply| {
        reply["choices"][0] = json!({"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant"},
            "content_filter_results": {"violence": {"filtered": true, "severity": "high"}}});
    });
    t.changed("filter results and no choices", OpenAi, Silent("it holds no choices"), |reply| {
        reply["choices"] = json!([]);
        reply["prompt_filter_results"] = json!([{"prompt_index": 0, "content_filter_results": {}}]);
    });
    t.changed("no usage", Groq, Heard, |reply| drop(reply.as_object_mut().unwrap().remove("usage")));
    t.changed("usage that is nonsense", OpenAi, Heard, |reply| {
        reply["usage"] = json!({"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": 1e300});
    });
    t.changed("an answer of two choices", OpenAi, Heard, |reply| {
        let mut second = reply["choices"][0].clone();
        second["message"]["content"] = "{\"root_cause\": \"something else\"}".into();
        reply["choices"].as_array_mut().unwrap().push(second);
    });
    t.changed("tokens used up by thinking", Ollama, Silent("only thought"), |reply| {
        reply["message"] = json!({"role": "assistant", "content": "", "thinking": "Hm, the forklift"});
        reply["done_reason"] = "length".into();
    });
    t.changed("tokens used up before the answer", OpenAi, Silent("used up before the answer"), |reply| {
        reply["choices"][0]["message"]["content"] = "".into();
        reply["choices"][0]["finish_reason"] = "length".into();
    });
    t.changed("a prompt of which most was dropped", Ollama, Silent("dropped the rest"), |reply| {
        reply["prompt_eval_count"] = 12.into();
    });
    t.body(
        "a model that is loading, with status 200",
        Ollama,
        200,
        json!({"error": "model is loading", "status": 503}),
        Silent("model is loading"),
    );
}

/// Errors in shapes of their own.
fn errors(t: &mut Table) {
    t.body(
        "a gateway's list of errors with status 200",
        OpenAi,
        200,
        json!({"result": null, "success": false, "errors": [{"code": 10000, "message": "Authentication error at the edge"}], "messages": []}),
        Silent("Authentication error at the edge"),
    );
    t.body(
        "a gateway's fault",
        Groq,
        401,
        json!({"fault": {"faultstring": "Invalid ApiKey for given resource", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}),
        Silent("Invalid ApiKey for given resource"),
    );
    t.body(
        "a token that has expired, in the way of OAuth",
        OpenAi,
        401,
        json!({"error": "invalid_token", "error_description": "The access token expired at noon"}),
        Silent("The access token expired at noon"),
    );
    t.body(
        "fields that a framework finds wrong",
        OpenAi,
        422,
        json!({"detail": [{"loc": ["body", "model"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]}),
        Silent("Extra inputs are not permitted"),
    );
    t.body(
        "a problem as RFC 9457 has it",
        Anthropic,
        403,
        json!({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "egress policy 7 says no"}),
        Silent("egress policy 7 says no"),
    );
    t.body(
        "a prompt that a filter rejects",
        OpenAi,
        400,
        json!({"error": {"message": "The response was filtered due to the prompt triggering the content management policy.",
            "type": null, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        Silent("content management policy"),
    );
    t.body(
        "a key that has expired, with the key",
        Groq,
        401,
        json!({"error": {"message": format!("Expired API Key: {KEY}"), "type": "invalid_request_error", "code": "expired_api_key"}}),
        Silent("the key was refused; check GROQ_API_KEY"),
    );
    t.body(
        "no such model, in one word",
        Ollama,
        404,
        json!({"error": "model 'llama3.2' not found"}),
        Silent("ollama pull llama3.2"),
    );
    t.body(
        "a page of a gateway that is down",
        Anthropic,
        503,
        "<html><h1>503 Service Temporarily Unavailable</h1>",
        Silent("an HTML page"),
    );
    t.body(
        "a challenge for browsers",
        OpenAi,
        403,
        "<!DOCTYPE html><title>Just a moment...</title>",
        Silent("an HTML page"),
    );
    t.add(
        "a limit until next week",
        Groq,
        Silent("its rate limit is reached; it takes requests again in 500000 s"),
        |vendor, _, _| {
            answer(
                429,
                &[("retry-after", "500000")],
                vendor.error("tokens", Some("rate_limit_exceeded"), "TPD").to_string(),
            )
        },
    );
    t.body(
        "an account without money",
        Anthropic,
        400,
        Anthropic.error("invalid_request_error", None, "Your credit balance is too low to access the API."),
        Silent("credit or allowance is used up"),
    );
    t.add("instructions that the model takes from nobody", OpenAi, Heard, |vendor, seen, _| {
        if seen.json()["messages"][0]["role"] == "system" {
            let message = "Developer instruction is not enabled for models/gemma-3-27b-it";
            return answer(
                400,
                &[],
                json!([{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}])
                    .to_string(),
            );
        }
        answer(200, &[], good(vendor).to_string())
    });
    t.add("a server that knows neither schemas nor the new name of the bound", OpenAi, Heard, |vendor, seen, _| {
        let asked = seen.json();
        let unknown = ["max_completion_tokens", "response_format"].into_iter().find(|name| asked.get(name).is_some());
        match unknown {
            Some(name) => {
                let detail = json!({"detail": [{"loc": ["body", name], "msg": format!("{name}: extra fields not permitted")}]});
                answer(422, &[], detail.to_string())
            }
            None => answer(200, &[], good(vendor).to_string()),
        }
    });
    t.add("an error of the first agent only", OpenAi, Heard, |vendor, _, number| {
        if number == 0 { answer(500, &[], "oops") } else { answer(200, &[], good(vendor).to_string()) }
    });
    t.add("an error of the critic only", Anthropic, Heard, |vendor, _, number| {
        if number == 0 {
            answer(200, &[], good(vendor).to_string())
        } else {
            answer(400, &[], vendor.error("invalid_request_error", None, "no second opinions").to_string())
        }
    });
}

/// An answer whose tokens were used up.
const CUT_OFF: &str = "{\"root_cause\": \"`broken_setup` raises `RuntimeError` with 'forklift not charged'\", \
    \"confidence\": 0.8, \"affected_file\": \"tests/test_fixtures.py\", \"affected_line\": 6, \
    \"evidence\": [{\"id\": \"E1\", \"quote\": \"forklift not cha";

/// What stands in a good envelope.
fn texts(t: &mut Table) {
    let said = says();
    let python = said.replace('"', "'").replace("'forklift not charged'", "forklift not charged");
    let rows: [(&'static str, String, Expect); 16] = [
        ("JSON as a text in JSON", serde_json::to_string(&said).unwrap(), Heard),
        ("as Python writes a dict", python, Heard),
        ("inside of a wrapper, twice", json!({"result": {"diagnosis": serde_json::from_str::<Value>(&said).unwrap()}}).to_string(), Heard),
        ("between tags", format!("<answer>\n{said}\n</answer>"), Heard),
        ("a draft and the final answer", format!("Draft: {{\"root_cause\": \"unclear\"}}\n\nFinal:\n```json\n{said}\n```\nDone."), Heard),
        ("the end is missing", CUT_OFF.to_owned(), Heard),
        ("camel case", said.replace("root_cause", "rootCause").replace("affected_file", "affectedFile").replace("affected_line", "affectedLine"), Heard),
        ("comments and commas", said.replace('{', "{ // the answer\n").replace('}', ",}"), Heard),
        ("the schema itself", json!({"type": "object", "properties": {"root_cause": {"type": "string", "description": "why it fails"}}}).to_string(), Kept("")),
        ("the question itself", "<<<E1 Traceback".repeat(40), Kept("could not be read")),
        ("another language", "Je ne peux pas répondre.".to_owned(), Kept("could not be read")),
        ("every field null", json!({"root_cause": null, "category": null, "evidence": null, "edits": null, "missing": null}).to_string(), Kept("could not be read")),
        ("a list of numbers", "[1, 2, 3]".to_owned(), Kept("could not be read")),
        ("opening brackets only", "{[".repeat(30_000), Kept("could not be read")),
        ("an image", "![](https://evil.example/x.png?q=1)".to_owned(), Kept("could not be read")),
        ("control sequences", "\u{1b}[31m\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7}\u{202e}".to_owned(), Kept("could not be read")),
    ];
    for (index, (name, text, expect)) in rows.into_iter().enumerate() {
        t.text(name, Vendor::ALL[index % 4], &text, expect);
    }
}

/// How an answer travels.
fn transports(t: &mut Table) {
    let typed = |kind: &'static str| {
        move |vendor: Vendor, _: &Seen, _: usize| {
            answer(200, &[("content-type", kind)], good(vendor).to_string())
        }
    };
    t.add("JSON that says it is a page", OpenAi, Heard, typed("text/html"));
    t.add("JSON that says it is an event stream", Groq, Heard, typed("text/event-stream"));
    t.add("JSON that says it is UTF-16", Anthropic, Heard, typed("application/json; charset=utf-16"));
    t.add("JSON that says nothing it could be", Ollama, Heard, typed(";;"));
    t.add("a page with status 200", Ollama, Silent("an HTML page"), |_, _, _| {
        answer(200, &[("content-type", "text/html")], "<html><body>It works!</body></html>")
    });
    t.add(
        "an event stream of pieces",
        Groq,
        Silent("an event stream, which was not asked for"),
        |_, _, _| {
            let pieces = "data: {\"choices\": [{\"delta\": {\"content\": \"{\"}}]}\n\ndata: [DONE]\n\n";
            answer(200, &[("content-type", "text/event-stream")], pieces)
        },
    );
    t.add("chunks, of which one is no chunk", OpenAi, Silent("broke off"), |_, _, _| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n{\"cho\n\r\nzz\r\n";
        vec![Act::Send(head.into()), Act::Close]
    });
    t.add("nothing at all", Groq, Silent("broke off"), |_, _, _| vec![Act::Close]);
    t.add("something that is not HTTP", Anthropic, Silent("broke off"), |_, _, _| {
        vec![Act::Send(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), Act::Close]
    });
    t.add("a redirect to a login", OpenAi, Silent("its address sends elsewhere"), |_, _, _| {
        answer(302, &[("location", "https://login.invalid/?next=/v1")], "")
    });
    t.add("an answer, and the connection is gone before the next", Groq, Heard, |vendor, _, _| {
        let headers = [("connection", "keep-alive")];
        vec![Act::Send(http(200, &headers, good(vendor).to_string())), Act::Close]
    });
}

/// Where a provider is, and who is asked.
fn worlds(t: &mut Table) {
    t.world(
        "a name that does not exist",
        OpenAi,
        &[("OPENAI_BASE_URL", "http://models.invalid/v1")],
        Nobody("http://models.invalid cannot be reached"),
    );
    t.world(
        "a port where nobody listens",
        Anthropic,
        &[("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")],
        Nobody("http://127.0.0.1:1 cannot be reached"),
    );
    t.world(
        "an IPv6 address where nobody listens",
        Groq,
        &[("GROQ_BASE_URL", "http://[::1]:1/openai/v1/")],
        Nobody("http://[::1]:1 cannot be reached"),
    );
    t.world(
        "an address without a scheme",
        OpenAi,
        &[("OPENAI_BASE_URL", "HOST/v1")],
        Nobody("OPENAI_BASE_URL: it must be an address"),
    );
    t.world(
        "an address with user, query, fragment and slashes",
        OpenAi,
        &[("OPENAI_BASE_URL", "http://me:pass-of-the-url@HOST/v1//?k=pass-of-the-url#x")],
        Heard,
    );
    t.world(
        "the address of the call itself",
        Anthropic,
        &[("ANTHROPIC_BASE_URL", "http://HOST/v1/messages/")],
        Heard,
    );
    t.world("the address of Groq with its path", Groq, &[("GROQ_BASE_URL", "http://HOST/openai/v1/")], Heard);
    t.world("a host of Ollama with scheme and slash", Ollama, &[("OLLAMA_HOST", "http://HOST/")], Heard);
    t.world("a host of Ollama with the path of its interface", Ollama, &[("OLLAMA_HOST", "HOST/api")], Heard);
    t.world(
        "a host of Ollama with the path of the other interface",
        Ollama,
        &[("OLLAMA_HOST", "http://HOST/v1")],
        Heard,
    );
    t.world(
        "a host of Ollama that is none",
        Ollama,
        &[("OLLAMA_HOST", "ht!tp:/x y")],
        Nobody("OLLAMA_HOST: it must be"),
    );
    t.world(
        "a key with a line break in it",
        Groq,
        &[("GROQ_API_KEY", "one\ntwo")],
        Nobody("GROQ_API_KEY is no key"),
    );
    t.world(
        "a file for the key that is not there",
        OpenAi,
        &[("OPENAI_API_KEY", ""), ("OPENAI_API_KEY_FILE", "/nowhere/key"), ("OPENAI_BASE_URL", "")],
        Nobody("/nowhere/key cannot be read"),
    );
    t.world(
        "no key at all",
        Anthropic,
        &[("ANTHROPIC_API_KEY", ""), ("ANTHROPIC_BASE_URL", "")],
        Nobody("there is no key; set GROQ_API_KEY"),
    );
    t.world("a model's name with slashes and a colon", OpenAi, &[], Heard).args =
        &["--model", "meta-llama/llama-4-scout-17b-16e:free"];
    t.world("a model's name that climbs", Ollama, &[], Heard).args = &["--model", "../../../etc/passwd"];
    t.world("a model's name with markup", Groq, &[], Heard).args = &["--model", "<b>m</b>&\"x\""];
    t.world("a model's name of several words", Groq, &[], Nobody("the name of the model holds spaces"))
        .args = &["--model", "the big one"];
    t.world("rules only", OpenAi, &[], Nobody("rules only")).args = &["--offline"];
    t.add(
        "a proxy that wants a password",
        OpenAi,
        Silent("the proxy asks for a user name and a password"),
        |_, _, _| answer(407, &[("proxy-authenticate", "Basic realm=\"corp\"")], "<html>407</html>"),
    )
    .environment =
        &[("OPENAI_BASE_URL", "http://models.invalid/v1"), ("HTTP_PROXY", "http://me:pass-of-the-url@HOST")];
    t.add(
        "a proxy that opens no tunnel",
        Anthropic,
        Silent("https://models.invalid cannot be reached"),
        |_, _, _| answer(403, &[], "blocked by policy"),
    )
    .environment = &[
        ("ANTHROPIC_BASE_URL", "https://models.invalid"),
        ("HTTPS_PROXY", "http://me:pass-of-the-url@HOST"),
    ];
    t.add(
        "a proxy that wants a password for its tunnel",
        Groq,
        Silent("the proxy asks for a user name and a password"),
        |_, _, _| answer(407, &[("proxy-authenticate", "Negotiate")], ""),
    )
    .environment = &[("GROQ_BASE_URL", "https://models.invalid"), ("HTTPS_PROXY", "http://HOST")];
}

/// Lists of models in other shapes: a server of one's own is asked for the only one it has.
fn listings(t: &mut Table) {
    let lists: [(&'static str, Value); 7] = [
        ("a bare list", json!([{"id": "only-one"}])),
        ("a bare list of names", json!(["only-one"])),
        ("as Ollama lists them", json!({"models": [{"name": "only-one", "model": "only-one"}]})),
        (
            "under both names",
            json!({"models": [{"name": "other"}], "data": [{"id": "only-one", "object": "model"}], "object": "list"}),
        ),
        ("with empty identities", json!({"data": [{"id": null, "name": "only-one"}, {"id": ""}, 7, null]})),
        (
            "among models for other things",
            json!({"data": [{"id": "only-one"}, {"id": "text-embedding-x"}, {"id": "whisper-1"}]}),
        ),
        ("the same one twice", json!({"data": [{"id": "only-one"}, {"id": "only-one"}]})),
    ];
    for (name, list) in lists {
        t.add(name, OpenAi, Heard, move |vendor, seen, _| {
            if seen.path.ends_with("/models") {
                return answer(200, &[], list.to_string());
            }
            if seen.json()["model"] != "only-one" {
                return answer(400, &[], "{\"error\": \"wrong model\"}");
            }
            answer(200, &[], good(vendor).to_string())
        });
    }
    for (name, status, list) in [
        ("no list but a page", 200, "<html>"),
        ("no list but an error", 500, "{}"),
        ("a list that holds nothing of use", 200, "{\"data\": {\"a\": 1}}"),
    ] {
        t.add(name, OpenAi, Heard, move |vendor, seen, _| {
            if seen.path.ends_with("/models") {
                answer(status, &[], list)
            } else {
                answer(200, &[], good(vendor).to_string())
            }
        });
    }
}
