// MB/s of the peers on one text, as `retort bench tokenize` measures: node tokenize-speed.mjs native|javascript TOKENIZER_JSON TEXT
// Prints the medians of the file as one text, line by line, and by a tokenizer that has met no text yet, and how many ids there were.
import fs from 'node:fs';
import path from 'node:path';

const [peer, tokenizerFile, textFile] = process.argv.slice(2);
const text = fs.readFileSync(textFile, 'utf8');
const lines = text.match(/[^\n]*\n|[^\n]+$/g);
const megabytes = Buffer.byteLength(text) / 1e6;
const { Tokenizer } = await import(peer === 'native' ? '@anush008/tokenizers' : '@huggingface/tokenizers');

function open() {
  if (peer === 'native') return Tokenizer.fromFile(tokenizerFile);
  const read = file => JSON.parse(fs.readFileSync(file, 'utf8'));
  return new Tokenizer(read(tokenizerFile), read(path.join(path.dirname(tokenizerFile), 'tokenizer_config.json')));
}

async function encodeAll(tokenizer, texts) {
  if (peer === 'native') return (await tokenizer.encodeBatch(texts)).reduce((sum, encoding) => sum + encoding.getIds().length, 0);
  return texts.reduce((sum, one) => sum + tokenizer.encode(one).ids.length, 0);
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1];

async function seconds(run) {
  const start = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

// At least a second of warming up, then five runs, or as many as two seconds hold.
async function measured(run) {
  for (let spent = 0; spent < 1;) spent += await seconds(run);
  const times = [];
  for (let spent = 0; times.length < 5 && (spent < 2 || times.length === 0); spent += times.at(-1)) times.push(await seconds(run));
  return megabytes / median(times);
}

const known = open();
const ids = await encodeAll(known, [text]);
const whole = await measured(() => encodeAll(known, [text]));
const apart = await measured(() => encodeAll(known, lines));
const fresh = [];
for (let i = 0; i < 3; i++) {
  const opened = open();
  fresh.push(await seconds(() => encodeAll(opened, [text])));
}

console.log([whole, apart, megabytes / median(fresh)].map(rate => rate.toFixed(2)).join(' '), ids);
