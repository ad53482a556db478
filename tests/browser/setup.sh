#!/usr/bin/env bash
# Makes ready what the walk through a real browser needs: chromium, node, and the two packages of package-lock.json. Ends with
# an error when it cannot within four minutes; then the test says loudly that it was skipped.
set -euo pipefail
cd "$(dirname "$0")"
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${#missing[@]}" -gt 0 ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq
  timeout 180 apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
[ -d node_modules/playwright-core ] && [ -d node_modules/axe-core ] && exit 0
timeout 60 npm ci --ignore-scripts --no-audit --no-fund || { rm -rf node_modules; exit 1; }
