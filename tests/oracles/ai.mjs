// The npm packages ai and @ai-sdk/openai-compatible against a server: node ai.mjs BASE_URL MODEL. Ends with a line of JSON, or throws.
import assert from "node:assert/strict";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {APICallError, generateObject, generateText, jsonSchema, streamText} from "ai";

const [base, model] = process.argv.slice(2);
globalThis.AI_SDK_LOG_WARNINGS = false;
const retort = createOpenAICompatible({name: "retort", baseURL: base + "/v1", supportsStructuredOutputs: true, includeUsage: true});
const asked = {model: retort(model), system: "Be brief.", prompt: "Once upon a time", temperature: 0, maxOutputTokens: 30, maxRetries: 0};

const whole = await generateText(asked);
assert.ok(whole.text.length > 5);
assert.equal(whole.finishReason, "length");
assert.equal(whole.usage.outputTokens, 30);

const stream = streamText(asked);
let streamed = "";
for await (const part of stream.textStream) streamed += part;
assert.equal(streamed, whole.text);
assert.equal((await stream.usage).outputTokens, 30);

const mark = whole.text.slice(6, 10);
const stopped = await generateText({...asked, stopSequences: [mark]});
assert.equal(stopped.text, whole.text.slice(0, whole.text.indexOf(mark)));
assert.equal(stopped.finishReason, "stop");

const schema = jsonSchema({type: "object", properties: {city: {type: "string", maxLength: 10}, big: {type: "boolean"}}, required: ["city", "big"], additionalProperties: false});
const {object} = await generateObject({...asked, maxOutputTokens: 400, schema});
assert.ok(typeof object.city === "string" && typeof object.big === "boolean");

const abort = new AbortController();
let parts = 0, aborted = false;
const long = streamText({...asked, maxOutputTokens: 100000, abortSignal: abort.signal, onAbort: () => { aborted = true; }, onError: () => {}});
try {
  for await (const part of long.fullStream) {
    if (part.type === "text-delta" && ++parts === 3) abort.abort();
  }
} catch {
  aborted = true;
}
assert.ok(aborted);
let health;
for (let i = 0; i < 4000; i++) {
  health = await (await fetch(base + "/health")).json();
  if (health.running + health.waiting === 0) break;
  await new Promise(resolve => setTimeout(resolve, 5));
}
assert.equal(health.running + health.waiting, 0);

await assert.rejects(generateText({...asked, model: retort("another")}), e => APICallError.isInstance(e) && e.statusCode === 404);
console.log(JSON.stringify({ok: true}));
