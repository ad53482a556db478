#!/usr/bin/env bash
# Breaks the program on purpose, once per patch of tests/mutations/, and says whether the test that the patch names
# notices (docs/mutations.md). Works on a copy of the committed tree; the sources here stay as they are.
#
#   tests/mutations.sh [PART-OF-A-NAME..]     all patches, or those whose name has one of these parts
#
# Exit code 1 when a patch survives, no longer applies or no longer compiles. CARGO_TARGET_DIR (default target/mutations)
# is kept, so that a next run is quicker.
set -uo pipefail
cd "$(dirname "$0")/.."
here=$PWD
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target/mutations} CARGO_TERM_COLOR=never
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
find "$copy/src" "$copy/tests" -type f -exec touch {} +
git -C "$copy" init -q

wanted() {
  local part
  [ $# -gt 1 ] || return 0
  for part in "${@:2}"; do case $1 in *"$part"*) return 0 ;; esac; done
  return 1
}

failed=0
say() { printf '%-9s %-10s %-30s %s\n' "$1" "promise $2" "$3" "$4"; [ "$1" = CAUGHT ] || failed=1; }
for patch in "$here"/tests/mutations/*.patch; do
  name=$(basename "$patch" .patch)
  wanted "$name" "$@" || continue
  promise=$(sed -n 's/^promise: //p' "$patch")
  breaks=$(sed -n 's/^breaks: //p' "$patch")
  read -ra test < <(sed -n 's/^test: //p' "$patch")
  if ! git -C "$copy" apply "$patch"; then
    say STALE "$promise" "$name" "does not apply"
    continue
  fi
  log=$copy/output
  # A documentation test is the compiler at work: there is nothing to build beforehand but the library.
  build=("${test[@]}")
  [ "${test[0]}" != --doc ] || build=(--lib)
  if ! (cd "$copy" && cargo test --quiet --no-run "${build[@]}") >"$log" 2>&1; then
    say BROKEN "$promise" "$name" "does not compile: $(grep -m1 '^error' "$log")"
  elif (cd "$copy" && timeout 600 cargo test "${test[@]}") >"$log" 2>&1; then
    ran=$(grep -c '^test .* ok$' "$log")
    say SURVIVED "$promise" "$name" "$breaks ($ran tests passed: ${test[*]})"
  elif grep -q '^test .* FAILED$' "$log"; then
    say CAUGHT "$promise" "$name" "$(grep -m1 '^test .* FAILED$' "$log" | cut -d' ' -f2): $breaks"
  else
    say BROKEN "$promise" "$name" "the test did not run: $(tail -n1 "$log")"
  fi
  git -C "$copy" apply --reverse "$patch"
done
exit "$failed"
