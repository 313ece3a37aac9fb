# What the peer scripts share; sourced, not run.
# OpenBLAS 0.3.21 knows no processor newer than itself and falls back to code of 2004 on those: where the processor has AVX-512, its own
# kernel for that is asked for by name, so that the peer is at its best.
peer_python() {
  local -a kernel=(-u OPENBLAS_CORETYPE)
  if grep -qw avx512f /proc/cpuinfo; then kernel=(OPENBLAS_CORETYPE=SKYLAKEX); fi
  env -u OPENBLAS_L2_SIZE "${kernel[@]}" OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 /usr/bin/python3 "$@"
}
