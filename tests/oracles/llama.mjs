// llama.cpp's greedy choice after every token: node llama.mjs MODEL.gguf FEEDS.json, FEEDS a list of lists of token ids.
// Prints one line of JSON, a list of choices for each list of tokens.
import {readFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const [modelPath, feeds] = process.argv.slice(2);
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: "error"});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: 512, threads: 2, batchSize: 512});
const sequence = context.getSequence();
const choices = [];
for (const fed of JSON.parse(readFileSync(feeds, "utf8"))) {
  await sequence.clearHistory();
  const made = await sequence.controlledEvaluate(fed.map(t => [t, {generateNext: {token: true, options: {temperature: 0}}}]));
  choices.push(made.map(x => x?.next?.token ?? null));
}
console.log(JSON.stringify(choices));
process.exit(0);
