// What huggingface/tokenizers (npm @anush008/tokenizers) makes of texts: node tokenize.mjs TOKENIZER_JSON TEXTS RESULTS
// TEXTS: for each text an int32 of bytes and its UTF-8. RESULTS: for each text an int32 of ids and the ids as int32, then an int32 of bytes and
// the UTF-8 of their decoding without special tokens. Little-endian, as the machines are that this runs on.
import fs from 'node:fs';
import { Tokenizer } from '@anush008/tokenizers';

const [tokenizerFile, textsFile, resultsFile] = process.argv.slice(2);
const tokenizer = Tokenizer.fromFile(tokenizerFile);
const input = fs.readFileSync(textsFile);
const texts = [];
for (let at = 0; at < input.length;) {
  const length = input.readInt32LE(at);
  texts.push(input.toString('utf8', at + 4, at + 4 + length));
  at += 4 + length;
}

const output = fs.openSync(resultsFile, 'w');
const batch = 500;
for (let from = 0; from < texts.length; from += batch) {
  const ids = (await tokenizer.encodeBatch(texts.slice(from, from + batch))).map(encoding => encoding.getIds());
  const decoded = await tokenizer.decodeBatch(ids, true);
  const parts = [];
  ids.forEach((row, at) => {
    const bytes = Buffer.from(decoded[at], 'utf8');
    const numbers = new Int32Array(row.length + 2);
    numbers[0] = row.length;
    numbers.set(row, 1);
    numbers[row.length + 1] = bytes.length;
    parts.push(Buffer.from(numbers.buffer), bytes);
  });
  fs.writeSync(output, Buffer.concat(parts));
}

fs.closeSync(output);
