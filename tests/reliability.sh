#!/usr/bin/env bash
# The long form of the reliability suite; `cargo test` runs a short form of each part but the power cuts and the load.
#   kills        1,000 kills of 64 writers of the transfer log, of the journals and of the index; nothing acknowledged lost
#   simulation   10,000 pairs of an organisation and a monitor with seeded faults: every delivered payload is in both logs, or open
#                (questions and receipts; linked runs, sums, witnesses and cases are not in it, nor is a third node)
#   power        50 simulated power cuts (root and a loop device), with the control that must fail
#   big          a log of 10 M entries: opening, verifying, bytes; building its index and searching
#   load         30 minutes of questions over mutual TLS: rate, p99, memory
#
# usage: tests/reliability.sh [PART..]      all parts without one; about two hours on two cores. Exit code 0: all held.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- kills simulation power big load

for part in "$@"; do
    echo "== $part: $(date -u +%H:%M:%S)"
    case "$part" in
        kills) KETENPOORT_KILLS=${KETENPOORT_KILLS:-1000} cargo test --release --test it -- --nocapture kill ;;
        simulation) KETENPOORT_SIMULATIONS=${KETENPOORT_SIMULATIONS:-10000} cargo test --release --test it -- --nocapture simulation ;;
        power) tests/power-loss.sh "${KETENPOORT_POWER_CUTS:-50}" ;;
        big)
            cargo bench --bench biglog -- "${KETENPOORT_ENTRIES:-10000000}"
            cargo bench --bench search -- "${KETENPOORT_ENTRIES:-10000000}"
            ;;
        load) cargo bench --bench load -- "${KETENPOORT_MINUTES:-30}" ;;
        *) echo "unknown part: $part"; exit 2 ;;
    esac
done
echo "== done: $(date -u +%H:%M:%S)"
