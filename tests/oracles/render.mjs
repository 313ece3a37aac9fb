// What @huggingface/jinja makes of chat templates: node render.mjs CASES RESULTS
// CASES: a list of {template, variables}. RESULTS: a list of {text} or {error}, in the same order.
import fs from 'node:fs';
import { Template } from '@huggingface/jinja';

const [casesFile, resultsFile] = process.argv.slice(2);
const parsed = new Map();
const results = JSON.parse(fs.readFileSync(casesFile, 'utf8')).map(({ template, variables }) => {
  try {
    if (!parsed.has(template)) parsed.set(template, new Template(template));
    return { text: parsed.get(template).render(variables) };
  } catch (error) {
    return { error: error.message };
  }
});
fs.writeFileSync(resultsFile, JSON.stringify(results));
