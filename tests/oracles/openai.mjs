// The npm package openai against a server: node openai.mjs BASE_URL MODEL. Ends with a line of JSON, or throws.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [base, model] = process.argv.slice(2);
const client = new OpenAI({baseURL: base + "/v1", apiKey: "none", maxRetries: 0});
const messages = [{role: "system", content: "Be brief."}, {role: "user", content: "Once upon a time"}];
const greedy = {model, messages, temperature: 0, max_tokens: 40};

const models = await client.models.list();
assert.deepEqual(models.data.map(m => m.id), [model]);
assert.equal((await client.models.retrieve(model)).object, "model");

const whole = await client.chat.completions.create(greedy);
const text = whole.choices[0].message.content;
assert.ok(text.length > 10);
assert.equal(whole.usage.completion_tokens, 40);
assert.equal(whole.choices[0].finish_reason, "length");

let streamed = "", finish = null, usage = null;
for await (const part of await client.chat.completions.create({...greedy, stream: true, stream_options: {include_usage: true}})) {
  streamed += part.choices[0]?.delta?.content ?? "";
  finish = part.choices[0]?.finish_reason ?? finish;
  usage = part.usage ?? usage;
}
assert.equal(streamed, text);
assert.equal(finish, "length");
assert.equal(usage.completion_tokens, 40);

const mark = text.slice(8, 12);
const stopped = await client.chat.completions.create({...greedy, stop: [mark]});
assert.equal(stopped.choices[0].message.content, text.slice(0, text.indexOf(mark)));
assert.equal(stopped.choices[0].finish_reason, "stop");

const rated = await client.chat.completions.create({...greedy, logprobs: true, top_logprobs: 3});
const tokens = rated.choices[0].logprobs.content;
assert.equal(tokens.length, 40);
assert.equal(Buffer.from(tokens.flatMap(t => t.bytes)).toString("utf8").trim(), text.trim());
for (const token of tokens) {
  assert.equal(token.top_logprobs.length, 3);
  assert.ok(token.logprob <= 0 && Math.abs(token.top_logprobs[0].logprob - token.logprob) < 1e-6);
}

const several = await client.chat.completions.create({model, messages, max_tokens: 12, n: 3, seed: 7});
const again = await client.chat.completions.create({model, messages, max_tokens: 12, n: 3, seed: 7});
assert.deepEqual(several.choices.map(c => c.message.content), again.choices.map(c => c.message.content));
assert.equal(new Set(several.choices.map(c => c.message.content)).size, 3);

const schema = {type: "object", properties: {name: {type: "string", maxLength: 12}, age: {type: "integer"}, mood: {enum: ["glad", "sad"]}}, required: ["name", "age", "mood"], additionalProperties: false};
const structured = await client.chat.completions.create({model, messages, seed: 1, response_format: {type: "json_schema", json_schema: {name: "someone", schema, strict: true}}});
const someone = JSON.parse(structured.choices[0].message.content);
assert.equal(structured.choices[0].finish_reason, "stop");
assert.deepEqual(Object.keys(someone), ["name", "age", "mood"]);
assert.ok(typeof someone.name === "string" && Number.isInteger(someone.age) && ["glad", "sad"].includes(someone.mood));

const completion = await client.completions.create({model, prompt: ["Once", "There was"], max_tokens: 6, temperature: 0, logprobs: 2});
assert.equal(completion.choices.length, 2);
assert.equal(completion.choices[1].logprobs.tokens.length, 6);

const abort = new AbortController();
let parts = 0;
try {
  for await (const part of await client.chat.completions.create({model, messages, max_tokens: 100000, stream: true}, {signal: abort.signal})) {
    if (++parts === 3) abort.abort();
  }
} catch (e) {
  assert.ok(e instanceof OpenAI.APIUserAbortError || e.name === "AbortError");
}
let health;
for (let i = 0; i < 4000; i++) {
  health = await (await fetch(base + "/health")).json();
  if (health.running + health.waiting === 0) break;
  await new Promise(resolve => setTimeout(resolve, 5));
}
assert.equal(health.running + health.waiting, 0);

await assert.rejects(client.chat.completions.create({...greedy, model: "another"}), e => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
await assert.rejects(client.chat.completions.create({...greedy, temperature: -1}), e => e instanceof OpenAI.BadRequestError && e.param === "temperature");
await assert.rejects(client.chat.completions.create({...greedy, response_format: {type: "json_schema", json_schema: {name: "x", schema: {type: "string", pattern: "a"}}}}), e => e instanceof OpenAI.BadRequestError && /pattern/.test(e.message));
console.log(JSON.stringify({ok: true}));
