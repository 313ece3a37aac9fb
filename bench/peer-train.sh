#!/usr/bin/env bash
# Trains the same model from the same weights on the same tokens in PyTorch and in Retort, in turn.
# Usage: bench/peer-train.sh STUDENT CONTEXT BATCH [TEACHER [STEPS [ROUNDS]]]      needs ../shared/peers and python3-torch
# Prints a line for each run, then the medians, their ratio, the share of the peer's memory and the largest difference of two losses.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source bench/peer.sh
dump=$(mktemp -d)
trap 'rm -rf "$dump"' EXIT
teacher=()
if [[ -n ${4:-} ]]; then teacher=(--teacher "$4"); fi
./retort --version > /dev/null
for ((round = 1; round <= ${6:-3}; round++)); do
  peer_python ../shared/peers/train_torch.py --student "$1" --context "$2" --batch "$3" "${teacher[@]}" --steps "${5:-8}" --dump "$dump" >> "$dump/peer.jsonl"
  ./retort bench train --from "$dump" --context "$2" --batch "$3" --threads 2 --json | tr -d '\n' >> "$dump/own.jsonl"
  echo >> "$dump/own.jsonl"
done
/usr/bin/python3 - "$dump" "$1" "$2" "$3" "${4:-none}" <<'PYTHON'
import json, statistics, sys
folder, shape, context, batch, teacher = sys.argv[1:]
peer, own = ([json.loads(line) for line in open(f"{folder}/{name}.jsonl")] for name in ("peer", "own"))
for p, o in zip(peer, own):
    print(f"  PyTorch {p['tokens_per_s']:9,.0f} tokens/s {p['peak_mib']:6,} MiB    Retort {o['tokens_per_s']:9,.0f} tokens/s {o['peak_mib']:6,} MiB {o['gflop_per_s']:5.0f} GFLOP/s")
middle = lambda runs, key: statistics.median(run[key] for run in runs)
difference = max(abs(a - b) for p, o in zip(peer, own) for a, b in zip(p["losses"], o["losses"]))
print(f"student {shape}, T{context} B{batch}, teacher {teacher}: {middle(own, 'tokens_per_s') / middle(peer, 'tokens_per_s'):.1f} times PyTorch, "
      f"{100 * middle(own, 'peak_mib') / middle(peer, 'peak_mib'):.0f} % of its memory, losses within {difference:.1e}, {middle(own, 'gflop_per_s'):.0f} GFLOP/s")
PYTHON
