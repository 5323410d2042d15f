// A server of one small model with OpenAI's two addresses, /v1/models and /v1/chat/completions.
//
// usage: node server.mjs MODEL.gguf [--answer TOKENS] [--no-grammar] [--record FILE]
// Prints its address as one line of JSON and serves until its standard input ends.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { getLlama, LlamaChatSession, LlamaLogLevel } from "node-llama-cpp";

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    answer: { type: "string", default: "300" },
    // Like servers that do not know `response_format`: it is not obeyed, and nothing is said about it.
    "no-grammar": { type: "boolean", default: false },
    record: { type: "string" },
  },
});
const CONTEXT = 8192;
const name = basename(positionals[0], ".gguf");
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 1 });
const model = await llama.loadModel({ modelPath: positionals[0] });
const context = await model.createContext({ contextSize: CONTEXT, sequences: 1 });
const sequence = context.getSequence();

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

async function complete(body, signal) {
  const said = (role) => body.messages.filter((message) => message.role === role).map((m) => m.content).join("\n");
  const [system, user] = [said("system"), said("user")];
  const bound = Math.min(body.max_completion_tokens ?? body.max_tokens ?? Infinity, Number(options.answer));
  const asked = model.tokenize(system + user).length;
  if (asked + bound + 64 > CONTEXT) {
    const most = `This model's maximum context length is ${CONTEXT} tokens.`;
    throw new Refused(400, "context_length_exceeded", `${most} However, your messages resulted in ${asked} tokens.`);
  }
  const format = options["no-grammar"] ? "text" : (body.response_format?.type ?? "text");
  const grammar =
    format === "json_schema" ? await llama.createGrammarForJsonSchema(body.response_format.json_schema.schema)
    : format === "json_object" ? await llama.getGrammarFor("json")
    : undefined;
  await sequence.clearHistory();
  const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: system });
  const meter = sequence.tokenMeter.getState();
  try {
    const temperature = body.temperature ?? 0;
    const how = { maxTokens: bound, temperature, seed: 1, grammar, signal };
    const { responseText: content, stopReason } = await session.promptWithMeta(user, how);
    const used = sequence.tokenMeter.diff(meter);
    const finish_reason = stopReason === "maxTokens" ? "length" : "stop";
    if (options.record) {
      appendFileSync(options.record, `${JSON.stringify({ format, temperature, finish: finish_reason, content })}\n`);
    }
    return {
      id: "chatcmpl-1",
      object: "chat.completion",
      model: name,
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason }],
      usage: { prompt_tokens: used.usedInputTokens, completion_tokens: used.usedOutputTokens },
    };
  } finally {
    session.dispose({ disposeSequence: false });
  }
}

// There is one context, so one request after the other.
let last = Promise.resolve();
const server = createServer(async (request, response) => {
  const send = (status, json) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
  if (request.method === "GET" && request.url === "/v1/models") {
    return send(200, { object: "list", data: [{ id: name, object: "model" }] });
  }
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
    return send(404, { error: { message: `there is no ${request.url}`, code: "not_found" } });
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  last = last.then(async () => {
    if (gone.signal.aborted) return;
    try {
      send(200, await complete(JSON.parse(text), gone.signal));
    } catch (error) {
      if (gone.signal.aborted) return;
      console.error(error.message);
      send(error.status ?? 500, { error: { message: error.message, code: error.code ?? "server_error" } });
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ address: `http://127.0.0.1:${server.address().port}/v1`, model: name }));
});
process.stdin.on("end", () => process.exit(0)).resume();
