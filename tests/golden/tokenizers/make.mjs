// Writes cases.json: what huggingface/tokenizers (through the npm package @anush008/tokenizers) makes of the tokenizers beside this file.
// npm install @anush008/tokenizers@0.6.0 && node make.mjs
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Tokenizer } from '@anush008/tokenizers';

const here = import.meta.dirname;
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizers-'));
const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const qwen2 = llama3.replace('{1,3}', '');
const possessive = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";
const deepseek = ['[\r\n]', '\\s?[A-Za-zµÀ-ÖØ-öø-ƺ\\u0400-\\x{52F}]+', '\\s?[!-/:-~！-／：-～‘-‟　-。]+', '[一-龥ࠀ-一가-퟿]+'];
const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
const words = { ...level, use_regex: true };
const split = (regex, behavior = 'Isolated', invert = false) => ({ type: 'Split', pattern: { Regex: regex }, behavior, invert });
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const metaspace = (prepend_scheme, split) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme, split });
const added = (id, content, options) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...options });
const user = { SpecialToken: { id: '<|user|>', type_id: 0 } };
const special_tokens = { '<|user|>': { id: '<|user|>', ids: [1], tokens: ['<|user|>'] } };

const cases = [
  ['bytes', 'gpt-2', {}],
  ['bytes', 'llama 3', {
    pre_tokenizer: sequence(split(llama3), level), model: { ignore_merges: true },
    post_processor: { type: 'Sequence', processors: [
      { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
      { type: 'TemplateProcessing', single: [user, { Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens }] } }],
  ['bytes', 'qwen 2', { normalizer: { type: 'NFC' }, pre_tokenizer: sequence(split(qwen2), level) }],
  ['bytes', 'possessive quantifiers', { pre_tokenizer: sequence(split(possessive), level) }],
  ['bytes', 'several splits', { pre_tokenizer: sequence(...deepseek.map(regex => split(regex)), { type: 'Digits', individual_digits: true }, level) }],
  ['bytes', 'digits, prefix space', { pre_tokenizer: sequence({ type: 'Digits', individual_digits: false }, { ...words, add_prefix_space: true }) }],
  ['bytes', 'removed', { pre_tokenizer: sequence(split('\\s', 'Removed'), level) }],
  ['bytes', 'merged with previous', { pre_tokenizer: sequence(split('\\s', 'MergedWithPrevious'), level) }],
  ['bytes', 'merged with next, inverted', { pre_tokenizer: sequence(split('\\p{L}+', 'MergedWithNext', true), level) }],
  ['bytes', 'contiguous', { pre_tokenizer: sequence(split('\\s', 'Contiguous'), level) }],
  ['bytes', 'replacing', { normalizer: { type: 'Sequence', normalizers: [
    { type: 'NFD' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '<gap>' }, { type: 'Replace', pattern: { String: 'a' }, content: 'bb' }] } }],
  ['bytes', 'added tokens', { added_tokens: [
    added(0, '<|end|>', { special: true }), added(1, '<|user|>', { special: true }), added(400, 'girl', { single_word: true }), added(401, 'named', { lstrip: true }),
    added(402, 'Lily', { rstrip: true }), added(403, 'world', { normalized: true, lstrip: true, rstrip: true }), added(404, 'lit', {}), added(405, 'little', {})] }],
  ['pieces', 'llama 2', {}],
  ['pieces', 'metaspace first', { normalizer: null, pre_tokenizer: metaspace('first', false) }],
  ['pieces', 'metaspace always', { normalizer: null, pre_tokenizer: metaspace('always', true), decoder: metaspace('always', true) }],
  ['pieces', 'metaspace never', { normalizer: null, pre_tokenizer: metaspace('never', true), decoder: metaspace('never', true) }],
  ['pieces', 'unknown tokens fused', { model: { byte_fallback: false } }],
  ['pieces', 'unknown tokens apart', { model: { byte_fallback: false, fuse_unk: false } }],
  ['pieces', 'unknown left out', { model: { byte_fallback: false, unk_token: null } }],
];

const texts = JSON.parse(fs.readFileSync(path.join(here, 'texts.json'), 'utf8'));
const output = [];
for (const [base, name, changes] of cases) {
  const json = JSON.parse(fs.readFileSync(path.join(here, `${base}.json`), 'utf8'));
  const whole = { ...json, ...changes, model: { ...json.model, ...changes.model } };
  const file = path.join(scratch, 'tokenizer.json');
  fs.writeFileSync(file, JSON.stringify(whole));
  const tokenizer = Tokenizer.fromFile(file);
  const results = [];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text)).getIds();
    results.push({ ids, decoded: await tokenizer.decode(ids, true), spelled: await tokenizer.decode(ids, false) });
  }
  output.push({ base, name, changes, results });
}
fs.writeFileSync(path.join(here, 'cases.json'), `[\n${output.map(one => JSON.stringify(one)).join(',\n')}\n]\n`);
