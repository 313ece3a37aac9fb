#!/usr/bin/env bash
# How training scales: tokens/s from 1 to 64 sequences a step at equal total, memory against layers and against vocabulary.
# Usage: bench/scaling.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
./retort --version > /dev/null
train() { ./retort bench train --student "$1" --context 256 --batch "$2" --steps "$3" --threads 2 2> /dev/null | head -1; }
echo "sequences of 256 a step, the same number of tokens in all:"
for batch in 1 2 4 8 16 32 64; do printf '%4d: %s\n' "$batch" "$(train 64,5,8,4,172,512 $batch $((256 / batch)))"; done
echo "layers, 16 sequences:"
for layers in 2 4 8 16; do printf '%4d: %s\n' "$layers" "$(train 64,$layers,8,4,172,512 16 4)"; done
echo "vocabulary, 16 sequences (weights, gradient and two moments take 1 KiB a token of vocabulary at 64 channels):"
for vocabulary in 512 8192 32000 131072; do printf '%7d: %s\n' "$vocabulary" "$(train 64,2,8,4,172,$vocabulary 16 3)"; done
