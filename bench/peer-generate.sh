#!/usr/bin/env bash
# Reading a prompt and writing a text beside llama.cpp (node-llama-cpp of tests/oracles, driven by ../shared/peers/llama_cpp.mjs), in turn, on a
# model of random weights: the shape of SmolLM2-135M unless another is named. Rates in tokens/s; llama.cpp's are what its script prints.
#   bench/peer-generate.sh [SHAPE] [ROUNDS]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
shape=${1:-576,30,9,3,1536,49152} rounds=${2:-3} prompt=512 tokens=64
peer=$(realpath "${RETORT_SHARED:-../shared}/peers/llama_cpp.mjs")
[[ -d tests/oracles/node_modules ]] || { echo "peer-generate: run npm ci --ignore-scripts in tests/oracles first." >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./retort bench model "$shape" "$work/model" > /dev/null
echo "format  prompt: retort  llama.cpp  ratio   writing: retort  llama.cpp  ratio   eight texts  times one"
for type in q8_0 f16 q4_0; do
  ./retort convert "$work/model" "$work/$type.gguf" --type "$type" > /dev/null
  for ((round = 0; round < rounds; round++)); do
    read -r p d _ < <(./retort bench generate "$work/$type.gguf" --prompt-tokens "$prompt" --tokens "$tokens" --threads 2 --json | awk -F'[:,]' '/prompt_tokens_per_s/ { p = $2 } /decode_tokens_per_s/ { d = $2 } END { print p, d }')
    s=$(./retort bench generate "$work/$type.gguf" --prompt-tokens 64 --tokens "$tokens" --streams 8 --threads 2 --json | awk -F'[:,]' '/decode_tokens_per_s/ { print $2 + 0 }')
    read -r q e < <(cd tests/oracles && node "$peer" "$work/$type.gguf" --bench "$prompt" --tokens "$tokens" --threads 2 | tail -1 | sed 's/.*"prompt_tokens_per_s":\([0-9.]*\).*"decode_tokens_per_s":\([0-9.]*\).*/\1 \2/')
    awk -v t="$type" -v p="$p" -v q="$q" -v d="$d" -v e="$e" -v s="$s" 'BEGIN { printf "%-6s %14.0f %10.0f %6.2f %17.0f %10.0f %6.2f %13.0f %10.2f\n", t, p, q, p / q, d, e, d / e, s, s / d }'
  done
done
