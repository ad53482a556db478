#!/usr/bin/env bash
# Makes a Python environment with the official OTLP types, gRPC and a JSON Schema checker in the directory given, once.
# Exit code 3 when the packages cannot be had (no network).
set -euo pipefail
dir=$1
[ -e "$dir/complete-1" ] && exit 0
command -v python3 >/dev/null || exit 3
rm -rf "$dir"
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check opentelemetry-proto==1.45.2 grpcio==1.85.1 jsonschema==4.26.0 || exit 3
touch "$dir/complete-1"
