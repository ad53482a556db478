#!/usr/bin/env bash
# Renews every fixture in this directory. Needs python3 and the reference generator and oracle:
#   KETENPOORT_ORACLE=/path/with/generate.py/and/oracle.py tests/data/renew.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${KETENPOORT_ORACLE:?folder that holds generate.py and oracle.py}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

region() { # name, arguments of the generator
    local name=$1
    shift
    python3 "$KETENPOORT_ORACLE/generate.py" --scale 0.03 --out "$work/$name" "$@" >/dev/null
    rm -rf "${here:?}/$name"
    mkdir -p "$here/$name"
    cp "$work/$name"/organisations.json "$work/$name"/events-*.csv "$here/$name/"
}

region dirty --seed 11
region corrected --seed 12
region clean --seed 13 --clean
python3 "$here/corrections.py" "$here/corrected"
for name in dirty corrected clean; do
    PYTHONDONTWRITEBYTECODE=1 python3 "$here/expect.py" "$KETENPOORT_ORACLE" "$here/$name"
done
PYTHONDONTWRITEBYTECODE=1 python3 "$here/csv_cases.py" "$KETENPOORT_ORACLE" "$here/csv-cases.json"
rm -rf "$here/rules"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/rule_cases.py" "$KETENPOORT_ORACLE" "$here/rules"
