#!/usr/bin/env bash
# Makes the golden files beside it with openssl alone: a log's key and signed checkpoint of three lines, and a time stamp authority's answer
# for the checkpoint's text. Run once: keys and time are new each time.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/log.key"
openssl pkey -in "$work/log.key" -pubout -out log.pem
printf 'example.com/golden\n0\n%s\n' "$(printf '' | openssl dgst -sha256 -binary | base64)" > "$work/text"
openssl dgst -sha256 -sign "$work/log.key" -out "$work/signature" "$work/text"
openssl pkey -pubin -in log.pem -outform DER | openssl dgst -sha256 -binary | head -c 4 > "$work/hash"
{ cat "$work/text"; printf '\n— example.com/golden %s\n' "$(cat "$work/hash" "$work/signature" | base64 -w 0)"; } > checkpoint

cat > "$work/ts.conf" << EOF
[tsa]
default_tsa = it
[it]
serial = $work/serial
crypto_device = builtin
signer_cert = signer.pem
signer_key = $work/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
[signer]
extendedKeyUsage = critical,timeStamping
EOF
echo 01 > "$work/serial"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=Golden root" -keyout "$work/root.key" -out root.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Golden authority" -keyout "$work/signer.key" -out "$work/signer.csr"
openssl x509 -req -in "$work/signer.csr" -CA root.pem -CAkey "$work/root.key" -set_serial 2 -days 36500 -extfile "$work/ts.conf" -extensions signer -out signer.pem
openssl ts -query -data "$work/text" -sha256 -cert -out "$work/request.tsq"
openssl ts -reply -config "$work/ts.conf" -queryfile "$work/request.tsq" -out response.tsr
