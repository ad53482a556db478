#!/usr/bin/env bash
# Simulated power losses: an ext4 file system in a loop file, the writer stopped with SIGSTOP, the raw image copied, the
# copy mounted (which replays the file system's own journal) and verified. What the program wrote but never synced is
# not in the image, as after a real power cut. The copy is the next round's disk, so losses add up. First a journal with
# its index is cut, then as often a transfer log with its checkpoints: none that was signed may be gone or of another log.
#
# Control: sled without our guards, flushed after each entry, must lose acknowledged entries; else the simulation is
# not one. Needs root, a free loop device and `cargo build --example journal_writer`; skipped with a notice otherwise.
#
# usage: tests/power-loss.sh [ROUNDS]        exit code 0: nothing lost, or skipped; 1: something lost, or control passed
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-10}
program=${CARGO_TARGET_DIR:-target}/debug/examples/journal_writer
work=$(mktemp -d)
writer=

finish() {
    [ -z "$writer" ] || kill -KILL "$writer" 2>/dev/null || true
    for mount in live copy; do umount "$work/$mount" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
skip() { echo "skipped: $1"; exit 0; }

[ "$(id -u)" = 0 ] || skip "mounting needs root"
command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed"
[ -x "$program" ] || cargo build --quiet --example journal_writer
mkdir "$work/live" "$work/copy"

fresh() { rm -f "$1"; truncate -s 1G "$1"; mkfs.ext4 -q -F "$1"; }
# No commit of the file system by timer: only what the program syncs is safe.
mount_loop() { mount -o loop,commit=300 "$1" "$2"; }

# cut MODE IMAGE ACKNOWLEDGED: writes for a moment, cuts the power, leaves the image as it was then in IMAGE.
cut() {
    mount_loop "$2" "$work/live"
    "$program" "$1" "$work/live" >>"$3" 2>"$work/stderr" &
    writer=$!
    # Mostly after the writer has begun to write; every fourth time perhaps while it still opens what the last cut left.
    if [ "$((RANDOM % 4))" -gt 0 ]; then
        begun=$(stat -c %s "$3")
        for _ in $(seq 200); do [ "$(stat -c %s "$3")" -gt "$begun" ] && break; sleep 0.05; done
    fi
    sleep "$((RANDOM % 2)).$((RANDOM % 8 + 1))$((RANDOM % 10))"
    kill -STOP "$writer" || { cat "$work/stderr"; echo "the writer stopped by itself"; exit 1; }
    sleep 0.02
    cp --sparse=always "$2" "$work/after"
    kill -KILL "$writer"
    wait "$writer" 2>/dev/null || true
    writer=
    umount "$work/live"
    mv "$work/after" "$2"
}

fresh "$work/image"
mount_loop "$work/image" "$work/live" 2>"$work/stderr" || skip "no loop mounts here: $(head -n1 "$work/stderr")"
umount "$work/live"

for kind in "" log-; do
    fresh "$work/image"
    : >"$work/acknowledged"
    for round in $(seq "$rounds"); do
        cut "${kind}write" "$work/image" "$work/acknowledged"
        mount_loop "$work/image" "$work/copy"
        echo -n "${kind}round $round: "
        "$program" "${kind}verify" "$work/copy" "$work/acknowledged" || { echo "LOST: what was acknowledged is gone"; exit 1; }
        umount "$work/copy"
    done
done

lost=0
for round in 1 2 3; do
    fresh "$work/control"
    : >"$work/control.acknowledged"
    cut sled-write "$work/control" "$work/control.acknowledged"
    mount_loop "$work/control" "$work/copy"
    echo -n "control $round: "
    RUST_BACKTRACE=0 "$program" sled-verify "$work/copy" "$work/control.acknowledged" 2>&1 || lost=$((lost + 1))
    umount "$work/copy"
done
[ "$lost" -gt 0 ] || { echo "the control lost nothing: this simulation proves nothing"; exit 1; }
echo "$rounds power losses of each kind: nothing acknowledged was lost; the control lost entries or did not open in $lost of 3"
