#!/usr/bin/env python3
"""Writes what the oracle says of a region: expected-rows.jsonl, expected.json, expected-peildatum.json and
expected/<org-key>.json.

  expect.py ORACLE_DIR REGION_DIR
expected/<org-key>.json is the oracle run on a folder with organisations.json and that organisation's files only.
Groups of measures in which every number is zero or null are left out (see README.md).
"""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
import oracle  # noqa: E402

YEARS = ["2021", "2022", "2023", "2024"]
QUARTERS = ["%s-Q%d" % (y, q) for y in YEARS for q in (1, 2, 3, 4)]
BY = ["gemeente", "leeftijd", "maatregel", "organisatie", "leeftijd,maatregel", "gemeente,maatregel"]


def pruned(x):
    """Without the groups of measures in which every number is zero or null."""
    if all(isinstance(v, dict) for v in x.values()):
        y = {k: pruned(v) for k, v in x.items()}
        return {k: v for k, v in y.items() if v}
    return x if anything(x) else {}


def anything(x):
    return any(map(anything, x.values())) if isinstance(x, dict) else x not in (0, None)


def figures(folder, by):
    doc, _ = oracle.run(folder, "files", YEARS + QUARTERS)
    split, _ = oracle.run(folder, "files", ["2024"], by)
    doc["periods"]["2024"] = split["periods"]["2024"]
    doc["periods"] = pruned(doc["periods"])
    return doc


def save(path, doc):
    with open(path, "w", encoding="utf-8", newline="\n") as fh:
        json.dump(doc, fh, ensure_ascii=False, separators=(",", ":"))
        fh.write("\n")


def main(path):
    doc, _, _, outcomes = oracle.load(path, "files")
    with open(os.path.join(path, "expected-rows.jsonl"), "w", encoding="utf-8", newline="\n") as fh:
        for key, rows in outcomes.items():
            for name, line, eid, outcome in rows:
                if outcome != "opgeslagen":
                    fh.write(json.dumps({"org": key, "file": name, "line": line, "event_id": eid, "outcome": outcome})
                             + "\n")
    save(os.path.join(path, "expected.json"), figures(path, BY))
    save(os.path.join(path, "expected-peildatum.json"), {
        day: oracle.run(path, "files", [], known_at=day)[0]["IND-24"] for day in ("2022-06-30", "2024-03-31")})
    os.makedirs(os.path.join(path, "expected"), exist_ok=True)
    for org in doc["organisations"]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(path, "organisations.json"), folder)
            for name in oracle.delivery_files(path, org["key"]):
                shutil.copy(os.path.join(path, name), folder)
            save(os.path.join(path, "expected", org["key"] + ".json"), {
                **figures(folder, BY), "IND-24": oracle.run(folder, "files", [])[0]["IND-24"][org["key"]]})


main(sys.argv[2])
