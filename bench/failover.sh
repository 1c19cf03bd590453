#!/usr/bin/env bash
# Builds what is needed and measures failovers of Tandem and keepalived side by side; writes bench/FAILOVER.md.
# Options are passed on: bench/failover.sh --help. Needs root or unprivileged user namespaces, and keepalived, haproxy,
# nftables, iproute2.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ " $* " != *" --help "* && " $* " != *" -h "* ]]; then
  cmake --preset release >/dev/null
  cmake --build --preset release >/dev/null
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target integration_asker >/dev/null
fi
exec python3 -B bench/failover.py "$@"
