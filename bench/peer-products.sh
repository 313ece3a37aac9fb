#!/usr/bin/env bash
# Square matrix products by OpenBLAS (through PyTorch) and by Retort's kernels, on two threads, in the same minute.
# Usage: bench/peer-products.sh      needs python3-torch and libopenblas0-pthread
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source bench/peer.sh
peer_python - <<'PYTHON'
import statistics, time, torch
torch.set_num_threads(2)
for n in (512, 1024, 1536, 2048):
    a, b, rates = torch.randn(n, n), torch.randn(n, n), []
    for i in range(24):
        start = time.perf_counter()
        a @ b
        rates.append(2 * n**3 / (time.perf_counter() - start) / 1e9)
    print(f"OpenBLAS {n:5}: {statistics.median(rates[4:]):5.0f} GFLOP/s median, {max(rates):5.0f} best")
PYTHON
./retort bench kernels
