#!/usr/bin/env bash
# Trains the same model from the same weights on the same tokens in PyTorch and in Retort, one after the other.
# Usage: bench/peer-train.sh STUDENT CONTEXT BATCH [TEACHER [STEPS]]      needs ../shared/peers and python3-torch
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
dump=$(mktemp -d)
trap 'rm -rf "$dump"' EXIT
teacher=()
if [[ -n ${4:-} ]]; then teacher=(--teacher "$4"); fi
env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 \
  /usr/bin/python3 ../shared/peers/train_torch.py --student "$1" --context "$2" --batch "$3" "${teacher[@]}" --steps "${5:-8}" --dump "$dump"
./retort bench train --from "$dump" --context "$2" --batch "$3" --threads 2 --json
