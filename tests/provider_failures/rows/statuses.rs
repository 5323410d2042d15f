//! Statuses, limits, and what a model rejects.

use super::*;

pub(super) fn statuses(t: &mut Table) {
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

pub(super) fn limits(t: &mut Table) {
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

/// What a model rejects is put differently, once.
pub(super) fn adaptations(t: &mut Table) {
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
