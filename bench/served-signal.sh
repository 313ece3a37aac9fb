#!/usr/bin/env bash
# A student that learns from the top-20 probabilities of `retort serve` over HTTP, beside one that learns from the same teacher on disk, on the same
# text: prints the forward KL of both to the teacher on held-out prompts, and whether the served numbers are the teacher's own.
# Arguments: [prompts, 1500] [training tokens a seed, 300000] [port, 8931]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
prompts=${1:-1500} tokens=${2:-300000} port=${3:-8931} model=$PWD/models/tales-teacher out=$(mktemp -d)
export RETORT_HOME=$out/home
trap 'kill "${server:-}" 2> /dev/null || true; rm -rf "$out"' EXIT

# The prompts are those a short run of the tales holds out.
./retort distill recipes/tales.yaml --out "$out/prompts" --no-twin --set "data.held_out=$prompts" --set data.documents=100 --set train.tokens=1000 --set train.rate=0.001 \
  --set 'train.seeds=[1]' --set evaluate.gold_items=0 > "$out/prompts.log" 2>&1
sed 's/,"answer".*/}/' "$out/prompts/held-out.jsonl" > "$out/prompts.jsonl"
./retort serve models/tales-teacher --urls "http://127.0.0.1:$port" --name tales > "$out/serve.log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/v1/models" > /dev/null && break; sleep 0.2; done

recipe() {
  cat <<YAML
teacher: $1
terms: {teacher: own-model}
student:
  shape: {hidden: 64, layers: 4, heads: 4, feed_forward: 172}
data: {prompts: prompts.jsonl, held_out: 150, validation: 50}
loss: {forward_kl: 1}
signal: {kind: top_k, k: 20}
train: {tokens: $tokens, rows: 8, context: 512, rate: 0.005, seeds: [1, 2, 3]}
twin: false
evaluate: {gold_items: 0, samples: 0}
YAML
}
{ recipe "http://127.0.0.1:$port/v1#tales"; printf 'teacher_tokenizer: %s\nask: {max_tokens: 250, temperature: 1, seed: 5, top_logprobs: 20}\npace: {in_flight: 16}\nadmit: {near_duplicate: off}\n' "$model/tokenizer.json"; } > "$out/served.yaml"
recipe "$model" > "$out/local.yaml"
./retort distill "$out/served.yaml" --out "$out/served" > "$out/served.log" 2>&1 || { tail -5 "$out/served.log"; exit 1; }
./retort distill "$out/local.yaml" --out "$out/local" --dataset "$out/served/dataset.jsonl" > "$out/local.log" 2>&1 || { tail -5 "$out/local.log"; exit 1; }
./retort verify signals "$out/served" --teacher "$model"
grep -o 'text: .*' "$out/served.log" || true
for run in served local; do
  printf '%-7s forward KL %s\n' "$run" "$(./retort evaluate "$out/$run/student" --teacher "$model" --prompts "$out/served/held-out.jsonl" --json 2> /dev/null | sed -n 's/.*"forward_kl": \([0-9.]*\).*/\1/p')"
done
