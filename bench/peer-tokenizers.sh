#!/usr/bin/env bash
# Tokenizers on one core, in the same minute: Retort, huggingface/tokenizers through its native binding, and its port to JavaScript.
# Usage: bench/peer-tokenizers.sh [NAME...]      NAME of @lenml/tokenizer-NAME, by default llama3, llama2 and qwen3
# Needs node, npm ci --ignore-scripts done in tests/oracles, and ../shared/corpora or $RETORT_SHARED/corpora.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
shared=${RETORT_SHARED:-../shared}
(($# > 0)) || set -- llama3 llama2 qwen3
core() { taskset -c "${RETORT_CORE:-1}" env RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false "$@"; }

./retort bench --help > /dev/null
echo "MB/s of UTF-8, medians: the file as one text / line by line / as one text by a tokenizer just opened; how many tokens"
printf '%-12s %-20s %-29s %-29s %-29s %s\n' tokenizer corpus retort native javascript 'retort : native, : javascript (one text)'
for name in "$@"; do
  json=tests/oracles/node_modules/@lenml/tokenizer-$name/models/tokenizer.json
  for corpus in "$shared"/corpora/*.txt; do
    ours=$(core ./retort bench tokenize "$json" "$corpus" --json)
    read -r a b c n <<< "$(node -e 'const r = JSON.parse(process.argv[1]); console.log(r.text_mb_per_s.toFixed(2), r.lines_mb_per_s.toFixed(2), r.new_mb_per_s.toFixed(2), r.tokens)' "$ours")"
    read -r d e f m <<< "$(core node tests/oracles/tokenize-speed.mjs native "$json" "$corpus")"
    read -r g h i o <<< "$(core node tests/oracles/tokenize-speed.mjs javascript "$json" "$corpus")"
    printf '%-12s %-20s %-29s %-29s %-29s %s\n' "$name" "$(basename "$corpus" .txt)" "$a / $b / $c  $n" "$d / $e / $f  $m" "$g / $h / $i  $o" \
      "$(awk -v a="$a" -v d="$d" -v g="$g" 'BEGIN { printf "%.1f %.1f", a / d, a / g }')"
  done
done
