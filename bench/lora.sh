#!/usr/bin/env bash
# Training an adapter beside training all weights, in turn so that what else the machine does meets them alike.
#   bench/lora.sh [SHAPE] [CONTEXT] [BATCH] [RANK] [ROUNDS]
# Each line: median tokens/s over the rounds, times that of full training, and largest memory, share of full training's.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
shape=${1:-576,30,9,3,1536,49152} context=${2:-256} batch=${3:-2} rank=${4:-16} rounds=${5:-3}
names=("full" "lora bf16" "lora q8_0" "lora bf16, checkpointing" "full, checkpointing")
options=("" "--lora $rank" "--lora $rank --base q8_0" "--lora $rank --checkpointing" "--checkpointing")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ((round = 0; round < rounds; round++)); do
  for i in "${!names[@]}"; do
    # shellcheck disable=SC2086
    ./retort bench train --student "$shape" --context "$context" --batch "$batch" --steps 4 ${options[i]} 2> /dev/null | head -1 | tr -d , | awk '{ print $1, $5 }' >> "$work/$i"
  done
done
median() { cut -d' ' -f"$1" "$2" | sort -g | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'; }
full=$(median 1 "$work/0") memory=$(median 2 "$work/0")
for i in "${!names[@]}"; do
  awk -v name="${names[i]}" -v t="$(median 1 "$work/$i")" -v m="$(median 2 "$work/$i")" -v full="$full" -v memory="$memory" \
    'BEGIN { printf "%-26s %8.0f tokens/s  %5.2f times  %6d MiB  %3.0f %%\n", name, t, t / full, m, 100 * m / memory }'
done
